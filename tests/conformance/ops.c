/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/conformance/ops.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MIB (1u << 20)

static const char *images[2];
const char *const *const two_images = images;

void two_caches(struct drv ret[2])
{
	struct guest_spec g = { .nr_disks = 2 };

	sim_start("guests = ( { name = \"guest1\"; disks = ("
		  "{ vdev = \"xvda\"; cache = \"direct\"; },"
		  "{ vdev = \"xvdb\"; cache = \"buffered\"; }); } );\n");
	for (unsigned i = 0; i < 2; i++) {
		images[i] = sim_image(i ? "buffered" : "direct", 4 * MIB, true);
		g.disk[i] = toolstack_disk(i, images[i]);
		g.disk[i].discard = true;
	}
	the_guest = guest_create(&g);
	for (unsigned i = 0; i < 2; i++)
		guest_driver(the_guest, i, 4 * MIB, &ret[i]);
}

/* Ranges */

void ranges_put(const struct blk_range *r, unsigned n, void *ret)
{
	uint8_t *to = ret;

	for (unsigned i = 0; i < n; i++, to += RANGE_BYTES) {
		struct drv_range wire = drv_range(r[i].sector, r[i].sectors, r[i].flags);

		memcpy(to, &wire, RANGE_BYTES);
	}
}

uint8_t ranges_io(struct drv *d, uint32_t type, const struct blk_range *r, unsigned n)
{
	uint8_t payload[64 * RANGE_BYTES];

	sim_check(n <= 64, "%u segments", n);
	ranges_put(r, n, payload);
	return drv_io(d, type, 0, payload, n * RANGE_BYTES, NULL, 0);
}

/* Images */

bool image_is(const char *path, uint64_t sector, const void *data, uint32_t len)
{
	uint8_t *got = malloc(len);
	bool same;

	sim_image_read(path, sector * DRV_SECTOR, got, len);
	same = !memcmp(got, data, len);
	free(got);
	return same;
}

bool image_is_zero(const char *path, uint64_t sector, unsigned n)
{
	static const uint8_t zeroes[DRV_SECTOR];

	for (unsigned i = 0; i < n; i++)
		if (!image_is(path, sector + i, zeroes, DRV_SECTOR))
			return false;
	return true;
}

bool image_is_pattern(const char *path, uint64_t sector, unsigned n)
{
	uint8_t pattern[DRV_SECTOR];

	for (unsigned i = 0; i < n; i++) {
		sim_pattern(sector + i, pattern);
		if (!image_is(path, sector + i, pattern, DRV_SECTOR))
			return false;
	}
	return true;
}

void record_ops(const char *path)
{
	faults_forget_records(&sim.faults);
	faults_record_start(&sim.faults, faults_file(path));
}

struct image_ops recorded_ops(const char *path)
{
	struct image_ops ops = { 0 };
	struct fault_record *r;
	size_t n;

	faults_record_stop(&sim.faults, faults_file(path));
	r = faults_records(&sim.faults, &n);
	for (size_t i = 0; i < n; i++) {
		if (r[i].event != FAULT_COMPLETE || r[i].result < 0)
			continue;
		ops.writes += r[i].op == FAULT_WRITE;
		ops.stable += r[i].op == FAULT_WRITE && r[i].dsync;
		ops.flushes += r[i].op == FAULT_FSYNC;
		ops.ranges += r[i].op == FAULT_FALLOCATE || r[i].op == FAULT_URING_CMD;
	}
	free(r);
	return ops;
}

void check_nothing_recorded(const char *path)
{
	struct image_ops ops = recorded_ops(path);

	sim_check(!ops.writes && !ops.flushes && !ops.ranges, "%u writes, %u flushes, %u ranges",
		  ops.writes, ops.flushes, ops.ranges);
}

bool is_serial(const void *data, const char *serial)
{
	char wanted[20] = { 0 };

	memcpy(wanted, serial, strlen(serial));
	return !memcmp(data, wanted, sizeof(wanted));
}

void settle(struct drv_queue *q, uint16_t idx)
{
	unsigned n = 0;

	for (;;) {
		bool there = drv_used_idx(q) == idx;

		drv_read(q->d, R_MAGIC);
		if (there)
			return;
		if (++n > 100)
			sim_step(&n, "used.idx to move");
	}
}

void settle_kicks(struct drv_queue *q)
{
	for (unsigned n = 0; !drv_kick_will_be_wanted(q);)
		sim_step(&n, "the device to want kicks");
}

static cpu_set_t racing_cpu;

void race_prepare(void)
{
	int last = CPU_SETSIZE - 1;
	cpu_set_t cpus;

	/* Children and threads inherit both. */
	setpriority(PRIO_PROCESS, 0, -20);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0 || CPU_COUNT(&cpus) < 2)
		return;
	while (!CPU_ISSET(last, &cpus))
		last--;
	CPU_SET(last, &racing_cpu);
	CPU_CLR(last, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

void race_take_cpu(void)
{
	/* Fails, and changes nothing, if the set is empty. */
	sched_setaffinity(0, sizeof(racing_cpu), &racing_cpu);
}

void spin(unsigned *n)
{
	if (++*n % 0x10000 == 0)
		sched_yield();
}

/* The pool */

void pool_init(struct pool *p, struct drv_queue *q, unsigned n)
{
	p->q = q;
	for (unsigned i = 0; i < n; i++) {
		p->r[i] = drv_blk_usual(T_GET_ID, 0, NULL, 0, 20);
		drv_blk_build(q->d, &p->r[i]);
		p->r[i].head = drv_chain(q, p->r[i].seg, p->r[i].nr, 0);
	}
}

void pool_add(struct pool *p, unsigned n)
{
	struct drv_queue *q = p->q;

	for (unsigned i = 0; i < n; i++) {
		*(uint8_t *)drv_ram(q->d, p->r[i].seg[2].gpa, 1) = BLK_PENDING;
		drv_set_avail_ring(q, q->avail_idx + i, p->r[i].head);
	}
	drv_set_avail_idx(q, q->avail_idx + n);
}

void pool_take(struct pool *p, unsigned n)
{
	struct drv_queue *q = p->q;

	for (unsigned i = 0; i < n; i++) {
		uint32_t id, len;

		sim_check(drv_used(q, &id, &len), "%u of %u came back", i, n);
		sim_check(id == p->r[i].head, "head %u came back, not %u", id, p->r[i].head);
		sim_check(len == 21, "%u bytes", len);
		sim_check(drv_blk_status(q->d, &p->r[i]) == BLK_OK, "a GET_ID failed");
	}
}

unsigned pool_serve(struct pool *p, unsigned n)
{
	unsigned before = interrupts(p->q->d);

	pool_add(p, n);
	drv_kick(p->q);
	settle(p->q, p->q->avail_idx);
	pool_take(p, n);
	return interrupts(p->q->d) - before;
}
