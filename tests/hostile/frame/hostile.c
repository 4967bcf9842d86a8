/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/hostile/frame/hostile.h"

#include <dirent.h>
#include <endian.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/hostile/frame/load.h"

#define MIB 1048576ull

/* The worker's bounce buffers and slots of requests become resident when they are first used. */
#define GROWTH_KIB (16u << 10)

/*
 * Requests of neighbour and bystander each, during a storm; and to see that they are served at all.
 */
#define STORM_SERVED 100
#define CHECK_SERVED 8

#define FENCE_BYTES  (4 * 4096)
#define FENCE	     0xc5

/* Nothing here takes long; a test that does hangs. */
#define LIMIT_SECONDS 300

static uint64_t now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static unsigned count_descriptors(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	sim_check(dir, "%s", path);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* What a process has now. */
static struct hostile_process process_now(pid_t pid)
{
	return (struct hostile_process){ pid, sim_rss_kib(pid), count_descriptors(pid) };
}

static void check_process(const struct hostile_process *before, const char *name)
{
	struct hostile_process now;
	unsigned n = 0;

	sim_wait_asleep(before->pid);
	/* The watcher hears of the end of workers when they have ended. */
	while (count_descriptors(before->pid) > before->descriptors)
		sim_step(&n, "descriptors to be closed");
	now = process_now(before->pid);
	sim_check(now.memory_kib < before->memory_kib + GROWTH_KIB,
		  "the %s has grown from %llu to %llu KiB", name,
		  (unsigned long long)before->memory_kib, (unsigned long long)now.memory_kib);
	sim_check(now.descriptors == before->descriptors, "the %s has %u descriptors, not %u", name,
		  now.descriptors, before->descriptors);
}

static uint64_t make_fence(struct guest *g)
{
	uint64_t gpa = g->machine.ops->alloc(&g->machine, FENCE_BYTES);

	memset(g->machine.ops->ram(&g->machine, gpa, FENCE_BYTES), FENCE, FENCE_BYTES);
	return gpa;
}

static void check_fence(struct hostile *h, uint64_t gpa)
{
	const uint8_t *p = h->g->machine.ops->ram(&h->g->machine, gpa, FENCE_BYTES);

	for (unsigned i = 0; i < FENCE_BYTES; i++)
		sim_check(p[i] == FENCE, "byte %#llx of the guest was written: %#x",
			  (unsigned long long)gpa + i, p[i]);
}

static struct guest *create_attacker(struct hostile *h, const char *neighbour)
{
	const struct hostile_spec *spec = h->spec;
	struct guest_spec g = {
		.name = "attacker",
		.vcpus = (spec->vcpus ? spec->vcpus : 1) + 1,
		.ram0 = spec->ram0,
		.ram1 = spec->ram1,
		.nr_disks = 2,
	};

	h->bytes = spec->bytes ? spec->bytes : MIB;
	h->image = sim_image("attacked", h->bytes, !spec->sparse);
	g.disk[0] = toolstack_disk(0, h->image);
	g.disk[0].read_only = spec->read_only;
	g.disk[0].discard = !spec->read_only;
	g.disk[1] = toolstack_disk(1, neighbour);
	return guest_create(&g);
}

struct hostile *hostile_start(const struct hostile_spec *spec)
{
	static const struct hostile_spec usual;
	static struct hostile h;
	const char *neighbour, *bystander;

	alarm(LIMIT_SECONDS);
	h.spec = spec ? spec : &usual;
	if (h.spec->interrupts_by_dm_op)
		sim_do_without_irqfd();
	sim_start(h.spec->config);
	neighbour = sim_image("neighbour", LOAD_BYTES, true);
	bystander = sim_image("bystander", LOAD_BYTES, true);
	h.other = guest_create(&(struct guest_spec){
		.name = "bystander", .nr_disks = 1, .disk = { toolstack_disk(0, bystander) } });
	load_start(&h.bystander, h.other, 0, 0, bystander);
	h.g = create_attacker(&h, neighbour);
	if (!h.spec->quiet_neighbour)
		load_start(&h.neighbour, h.g, 1, h.spec->vcpus ? h.spec->vcpus : 1, neighbour);
	hostile_check_others(&h);

	h.fence[0] = make_fence(h.g);
	guest_driver(h.g, 0, 0, &h.d);
	h.fence[1] = make_fence(h.g);
	h.worker = sim_worker(h.g->domid);
	h.other_worker = sim_worker(h.other->domid);
	sim_check(h.worker && h.other_worker && h.worker != h.other_worker,
		  "each guest has a worker: %d, %d", h.worker, h.other_worker);
	h.before[0] = process_now(sim.daemon);
	h.before[1] = process_now(h.worker);
	h.seconds = now_seconds();
	return &h;
}

/* Storms */

void hostile_check_others(struct hostile *h)
{
	load_wait(&h->bystander, CHECK_SERVED, "the other guest to be served");
	load_wait(&h->neighbour, CHECK_SERVED, "the guest's other disk to be served");
}

void hostile_storm(struct hostile *h)
{
	h->served_before[0] = h->bystander.served;
	h->served_before[1] = h->neighbour.served;
}

bool hostile_goes_on(struct hostile *h)
{
	return h->bystander.served < h->served_before[0] + STORM_SERVED ||
	       (h->neighbour.running && h->neighbour.served < h->served_before[1] + STORM_SERVED);
}

/* Expectations */

static const struct virtio_state *device_state(struct hostile *h)
{
	return &guest_disk_state(h->g, 0)->virtio;
}

void hostile_boot(struct hostile *h, uint64_t without)
{
	drv_free_all(&h->d);
	drv_boot(&h->d, without);
	h->faults = device_state(h)->faults;
	h->mistakes = device_state(h)->bad_access;
}

void hostile_set_up(struct hostile *h, unsigned nr_queues)
{
	struct drv *d = &h->d;

	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	drv_write_features(d, d->features);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	for (unsigned i = 0; i < nr_queues; i++) {
		const struct drv_queue *q = &d->q[i];

		drv_write_queue(d, i, q->size, q->desc, q->avail, q->used);
	}
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
	for (unsigned i = 0; i < nr_queues; i++)
		drv_kick(&d->q[i]);
}

void hostile_expect_fault(struct hostile *h, const char *what)
{
	unsigned n = 0;

	while (!(drv_status(&h->d) & S_NEEDS_RESET))
		sim_step(&n, what);
	sim_check(drv_status(&h->d) & S_DRIVER_OK, "%s: the status is %#x", what,
		  drv_status(&h->d));
	sim_check(drv_interrupt(&h->d) & 2, "%s: nobody tells the driver", what);
	sim_check(device_state(h)->faults > h->faults, "%s: is not counted", what);
	h->faults = device_state(h)->faults;
}

void hostile_expect_mistakes(struct hostile *h, uint64_t n, const char *what)
{
	uint64_t counted = device_state(h)->bad_access - h->mistakes;

	sim_check(counted >= n, "%s: %llu mistakes were counted, not %llu", what,
		  (unsigned long long)counted, (unsigned long long)n);
	sim_check(!(drv_status(&h->d) & S_NEEDS_RESET), "%s: has broken the device", what);
	h->mistakes += counted;
}

void hostile_expect_status(struct hostile *h, uint32_t type, uint64_t sector, uint32_t out_len,
			   uint32_t in_len, uint8_t status, const char *what)
{
	static const uint8_t nothing[65536];
	uint8_t s;

	sim_check(out_len <= sizeof(nothing), "%s: too long for this", what);
	s = drv_io(&h->d, type, sector, nothing, out_len, NULL, in_len);
	sim_check(s == status, "%s: answered %u, not %u", what, s, status);
}

void hostile_expect_works(struct hostile *h, const char *what)
{
	bool read_only = h->spec->read_only;
	uint8_t data[DRV_SECTOR], back[DRV_SECTOR];
	struct drv *d = &h->d;

	sim_pattern(3, data);
	if (!read_only) {
		data[0] ^= h->d.q[0].avail_idx;
		sim_check(drv_io(d, T_OUT, 3, data, sizeof(data), NULL, 0) == BLK_OK, "%s: a write",
			  what);
		sim_check(drv_io(d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "%s: a flush", what);
	}
	sim_check(drv_io(d, T_IN, 3, NULL, 0, back, sizeof(back)) == BLK_OK, "%s: a read", what);
	sim_check(!memcmp(data, back, sizeof(back)), "%s: a read gives something else", what);
}

uint64_t hostile_header(struct hostile *h, uint32_t type, uint64_t sector)
{
	uint64_t gpa = drv_alloc(&h->d, 16);
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header = { htole32(type), 0, htole64(sector) };

	memcpy(drv_ram(&h->d, gpa, 16), &header, sizeof(header));
	return gpa;
}

#define TABLE_BYTES (3 * 16)

uint64_t hostile_table(struct drv *d, uint32_t type, uint64_t gpa, uint32_t in_len)
{
	uint64_t table = drv_alloc(d, TABLE_BYTES), header = drv_alloc(d, 16);
	uint32_t le = htole32(type);

	memset(drv_ram(d, header, 16), 0, 16);
	memcpy(drv_ram(d, header, 4), &le, sizeof(le));
	drv_put_desc(d, table, 0, header, 16, DESC_NEXT, 1);
	drv_put_desc(d, table, 1, gpa, in_len, DESC_NEXT | DESC_WRITE, 2);
	drv_put_desc(d, table, 2, drv_alloc(d, 1), 1, DESC_WRITE, 0);
	return table;
}

void hostile_fill(struct drv_queue *q, uint64_t table)
{
	for (unsigned head = 0; head < q->size; head++) {
		drv_desc(q, head, table, TABLE_BYTES, DESC_INDIRECT, 0);
		drv_avail(q, head);
	}
}

unsigned hostile_refill(struct drv_queue *q)
{
	uint32_t id, len;
	unsigned n = 0;

	for (; drv_used(q, &id, &len); n++)
		drv_avail(q, id);
	return n;
}

/* The end */

/*
 * Of each kind of line that a guest can provoke, ten come in a minute of the clock; and so many do
 * come, if there were so many reasons.  reasons -1: as many as you like.
 */
static void check_lines(struct hostile *h, const char *subject, const char *kind, uint64_t reasons)
{
	uint64_t minutes = now_seconds() / 60 - h->seconds / 60 + 1;
	uint64_t most = MIN(reasons, LOG_LIMIT_PER_MINUTE * minutes);
	uint64_t least = reasons + 1 ? MIN(reasons, (uint64_t)LOG_LIMIT_PER_MINUTE) : 0;
	unsigned n = sim_log_count(subject, kind);

	sim_check(n >= least && n <= most, "%s: %u lines of the log about \"%s\", not %llu to %llu",
		  subject, n, kind, (unsigned long long)least, (unsigned long long)most);
}

static void check_log(struct hostile *h)
{
	const struct virtio_state *s = device_state(h);

	check_lines(h, "attacker xvda:", "guest fault", s->faults);
	check_lines(h, "attacker xvda:", "guest mistake", s->bad_access);
	check_lines(h, "attacker xvda:", "driver", -1); /* it is ready; its features are refused */
	check_lines(h, "attacker xvda:", "cannot ", -1);
	check_lines(h, "attacker:", "cannot ", -1);
	/* And of the others nothing is said. */
	check_lines(h, "attacker xvdb:", "guest ", 0);
	check_lines(h, "bystander", "guest fault", 0);
	check_lines(h, "bystander", "guest mistake", 0);
	check_lines(h, "bystander", "cannot ", 0);
}

static void check_size(const char *image, uint64_t bytes)
{
	struct stat st;

	sim_check(stat(image, &st) == 0 && (uint64_t)st.st_size == bytes, "%s has %llu bytes",
		  image, (unsigned long long)st.st_size);
}

void hostile_check_processes(struct hostile *h)
{
	hostile_check_others(h);
	load_stop(&h->neighbour);
	sim_check(sim.daemon == h->before[0].pid && sim_worker(h->g->domid) == h->worker &&
			  sim_worker(h->other->domid) == h->other_worker,
		  "a process has ended");
	check_process(&h->before[0], "watcher");
	check_process(&h->before[1], "worker");
	check_log(h);
}

void hostile_check_disk(struct hostile *h)
{
	hostile_boot(h, 0);
	hostile_expect_works(h, "after a reset");
	drv_reset(&h->d);
	check_fence(h, h->fence[0]);
	check_fence(h, h->fence[1]);
}

void hostile_end_others(struct hostile *h)
{
	hostile_check_others(h);
	load_stop(&h->bystander);
	sim_wait_asleep(h->other_worker);
	check_size(h->bystander.image, LOAD_BYTES);
	check_size(h->image, h->bytes);
	guest_destroy(h->other);
	sim_stop();
}

void hostile_destroy_lost(struct hostile *h)
{
	struct sim_error err = { "" };

	sim_check(toolstack_destroy_domain(&sim.toolstack, h->g->domid, &err) == 0, "%s", err.text);
	sim_check(hyp_pages_mapped(h->g->dom) == 0, "pages are still mapped");
	hyp_domain_destroy(h->g->dom);
	xenstored_set_domain(&sim.xenstored, h->g->domid, XENSTORED_DOMAIN_NONE);
	guest_free(h->g);
}

void hostile_end(struct hostile *h)
{
	hostile_check_processes(h);
	hostile_check_disk(h);
	guest_destroy(h->g);
	hostile_end_others(h);
}
