/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is still there after a power cut (VIRTIO 1.3, 5.2.5, 5.2.6.2). */
#include <errno.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"
#include "tests/conformance/power.h"

#define WCE BIT64(F_CONFIG_WCE)

/* Modes of the cache: what the driver negotiates, and writes to writeback. */
static const struct mode {
	const char *name;
	uint64_t without;
	int writeback; /* -1: nothing */
	bool toggle;   /* now and then */
} modes[] = {
	{ "write-back", 0, -1, false },
	{ "write-back without CONFIG_WCE", WCE, -1, false },
	{ "write-through", 0, 0, false },
	{ "without FLUSH", BIT64(F_FLUSH), -1, false },
	{ "without FLUSH and CONFIG_WCE", BIT64(F_FLUSH) | WCE, -1, false },
	{ "to and fro", 0, -1, true },
};
#define NR_MODES (sizeof(modes) / sizeof(modes[0]))

/* A driver that writes, and has up to DEPTH requests in flight. */
#define DEPTH	    8
#define OUT_SECTORS 12

static struct drv *d;
static const char *image;
static const struct mode *mode;
static bool may_fail, through;
static uint64_t seed = 28;
static struct power_request requests[POWER_REQUESTS];
static unsigned nr_requests; /* and one: they begin with 1 */
static struct {
	unsigned request; /* 0: none */
	struct drv_blk r;
	uint8_t out[OUT_SECTORS * DRV_SECTOR];
} slots[DEPTH];
static unsigned in_flight;
/* The request that wrote a sector last; 0: none, or one that failed, or let go of it. */
static unsigned holds[POWER_SECTORS];
static bool busy[POWER_SECTORS];

static unsigned below(unsigned n)
{
	return drv_random(&seed) % n;
}

/* What request number writes to a sector. */
static void fill(unsigned number, uint64_t sector, uint8_t ret[DRV_SECTOR])
{
	for (unsigned i = 0; i < DRV_SECTOR; i++)
		ret[i] = number + sector * 3 + i;
}

/* Take sectors for a request; fewer than wanted, maybe none, if others are in flight there. */
static void take_range(struct power_request *r, unsigned wanted)
{
	unsigned first = below(POWER_SECTORS - wanted), n = 0;

	while (n < wanted && !busy[first + n])
		busy[first + n++] = true;
	if (n)
		r->range[r->nr_ranges++] = (struct blk_range){ .sector = first, .sectors = n };
}

static void choose(struct power_request *r)
{
	unsigned dice = below(10);

	*r = (struct power_request){ .type = T_OUT, .through = through };
	if (dice < 2)
		r->type = T_FLUSH;
	else if (dice < 4)
		r->type = T_WRITE_ZEROES;
	else if (dice < 5)
		r->type = T_DISCARD;
	if (r->type == T_OUT)
		take_range(r, 1 + below(OUT_SECTORS));
	else if (r->type != T_FLUSH)
		for (unsigned n = 1 + below(POWER_RANGES); n; n--)
			take_range(r, 1 + below(8));
	if (!r->nr_ranges)
		r->type = T_FLUSH;
}

static void send(void)
{
	unsigned i = 0, number = nr_requests++;
	struct power_request *r = &requests[number];

	while (slots[i].request)
		i++;
	choose(r);
	slots[i].request = number;
	if (r->type == T_OUT) {
		for (unsigned k = 0; k < r->range[0].sectors; k++)
			fill(number, r->range[0].sector + k, slots[i].out + k * DRV_SECTOR);
		slots[i].r = drv_blk_usual(T_OUT, r->range[0].sector, slots[i].out,
					   r->range[0].sectors * DRV_SECTOR, 0);
	} else {
		if (r->type == T_WRITE_ZEROES)
			r->range[0].flags = below(2) ? RANGE_UNMAP : 0;
		ranges_put(r->range, r->nr_ranges, slots[i].out);
		slots[i].r = drv_blk_usual(r->type, 0, slots[i].out, r->nr_ranges * RANGE_BYTES, 0);
	}
	/* One descriptor each, so that none is taken twice, however long a request takes. */
	slots[i].r.direct = 0;
	r->began = faults_clock(&sim.faults);
	drv_blk_add(&d->q[0], &slots[i].r);
	drv_kick(&d->q[0]);
	in_flight++;
}

static void receive(void)
{
	struct power_request *r;
	unsigned i = 0;
	uint32_t id, len;

	drv_wait_used(&d->q[0], &id, &len);
	while (!slots[i].request || slots[i].r.head != id)
		sim_check(++i < DEPTH, "head %u came back", id);
	r = &requests[slots[i].request];
	r->ended = faults_clock(&sim.faults);
	r->status = drv_blk_status(d, &slots[i].r);
	sim_check(r->status == BLK_OK || (may_fail && r->status == BLK_IOERR),
		  "%s: type %u: status %u", mode->name, r->type, r->status);
	for (unsigned k = 0; k < r->nr_ranges; k++) {
		for (unsigned s = 0; s < r->range[k].sectors; s++) {
			bool known = r->status == BLK_OK && r->type != T_DISCARD;

			busy[r->range[k].sector + s] = false;
			holds[r->range[k].sector + s] = known ? slots[i].request : 0;
		}
	}
	slots[i].request = 0;
	in_flight--;
}

static void set_writeback(unsigned value)
{
	drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, value);
	sim_check(drv_config(d, C_WRITEBACK, 1) == value, "writeback");
	through = !value;
	/* Whoever is in flight has not been in one mode all the time. */
	for (unsigned i = 0; i < DEPTH; i++)
		requests[slots[i].request].through = false;
}

/* What the requests have left is what they were to leave. */
static void check_content(void)
{
	for (unsigned s = 0; s < POWER_SECTORS; s++) {
		uint8_t wanted[DRV_SECTOR] = { 0 };

		if (!holds[s])
			continue;
		if (requests[holds[s]].type == T_OUT)
			fill(holds[s], s, wanted);
		sim_check(image_is(image, s, wanted, DRV_SECTOR), "%s: sector %u is wrong",
			  mode->name, s);
	}
}

/* Some requests in a mode, and with a fault of the storage, or none. */
static void run(const struct mode *m, const struct fault_rule *fault, bool page_cache)
{
	struct fault_rule rule;
	unsigned number = 0;

	mode = m;
	memset(holds, 0, sizeof(holds));
	nr_requests = 1;
	drv_boot(d, mode->without);
	drv_free_all(d);
	/* Without FLUSH nothing else could make a write stable. */
	through = mode->without & BIT64(F_FLUSH);
	if (mode->writeback >= 0)
		set_writeback(mode->writeback);
	if (fault) {
		rule = *fault;
		rule.file = faults_file(image);
		number = faults_add(&sim.faults, &rule);
	}
	faults_forget_records(&sim.faults);
	faults_record_start(&sim.faults, faults_file(image));
	while (nr_requests < POWER_REQUESTS || in_flight) {
		if (nr_requests < POWER_REQUESTS && in_flight < DEPTH && below(3))
			send();
		else if (in_flight)
			receive();
		if (mode->toggle && !below(6))
			set_writeback(!drv_config(d, C_WRITEBACK, 1));
	}
	faults_record_stop(&sim.faults, faults_file(image));
	if (fault)
		faults_remove(&sim.faults, number);
	power_check(requests, nr_requests, page_cache);
	check_content();
}

/*
 * One of the first flushes fails; on a disk that was attached anew, since none recovers from that.
 */
static void run_with_failing_sync(unsigned disk, unsigned m)
{
	const struct fault_rule fails = { .ops = FAULT_BIT(FAULT_FSYNC),
					  .skip = m,
					  .count = 1,
					  .action = FAULT_FAIL,
					  .error = EIO };

	guest_reboot(&the_guest);
	guest_driver(the_guest, disk, 0, d);
	run(&modes[m], &fails, disk);
}

static void E28_power_cut_at_any_time(void)
{
	const uint64_t all = FAULT_BITS_IO & ~FAULT_BIT(FAULT_READ);
	const struct fault_rule faults[] = {
		{ .ops = all, .action = FAULT_REORDER, .amount = 7 },
		{ .ops = FAULT_BIT(FAULT_WRITE), .action = FAULT_SHORT, .amount = 1536 },
		{ .ops = all & ~FAULT_BIT(FAULT_FSYNC), .action = FAULT_DELAY, .amount = 1 },
	};
	const struct fault_rule write_fails = {
		.ops = FAULT_BIT(FAULT_WRITE) | FAULT_BIT(FAULT_FALLOCATE),
		.skip = 5,
		.count = 5,
		.action = FAULT_FAIL,
		.error = EIO,
	};
	struct fault_rule no_fallocate = { .ops = FAULT_BIT(FAULT_FALLOCATE),
					   .action = FAULT_FAIL,
					   .error = EOPNOTSUPP };
	static struct drv disks[2];

	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		unsigned rule;

		d = &disks[i];
		image = two_images[i];
		/* The guest has been another one since then. */
		guest_driver(the_guest, i, 0, d);
		may_fail = false;
		for (unsigned m = 0; m < NR_MODES; m++) {
			run(&modes[m], NULL, i);
			run(&modes[m], &faults[m % 3], i);
		}
		may_fail = true;
		for (unsigned m = 0; m < NR_MODES; m++)
			run(&modes[m], &write_fails, i);
		/* Zeroes have to be written. */
		no_fallocate.file = faults_file(image);
		rule = faults_add(&sim.faults, &no_fallocate);
		for (unsigned m = 0; m < NR_MODES; m++)
			run(&modes[m], &faults[m % 3], i);
		faults_remove(&sim.faults, rule);
		for (unsigned m = 0; m < NR_MODES; m++)
			run_with_failing_sync(i, m);
	}
}

/* What one request does to the image. */
static struct image_ops ops_of(uint32_t type, uint64_t sector, uint32_t out_len, uint32_t in_len)
{
	static uint8_t out[4096], in[4096];

	memset(out, 0x99, sizeof(out));
	if (type == T_WRITE_ZEROES)
		ranges_put(&(struct blk_range){ .sector = 8, .sectors = 8 }, 1, out);
	record_ops(image);
	sim_check(drv_io(d, type, sector, out, out_len, in, in_len) == BLK_OK, "type %u", type);
	return recorded_ops(image);
}

/* By themselves, or by an fdatasync; E28 sees to it that it comes after them. */
static bool writes_are_stable(const struct image_ops *ops)
{
	return ops->stable == ops->writes || ops->flushes == 1;
}

static void E29_flush_is_not_needed(void)
{
	struct drv disks[2];

	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		struct image_ops ops;

		d = &disks[i];
		image = two_images[i];
		sim_check(drv_offered(d) & BIT64(F_FLUSH), "FLUSH is not offered");
		drv_boot(d, BIT64(F_FLUSH) | WCE);
		ops = ops_of(T_OUT, 0, 4096, 0);
		sim_check(ops.writes && writes_are_stable(&ops), "a write is not stable");
		ops = ops_of(T_WRITE_ZEROES, 0, RANGE_BYTES, 0);
		sim_check(ops.flushes == 1, "zeroes are not stable");
	}
}

static void check_mode(bool writeback)
{
	struct image_ops ops = ops_of(T_OUT, 0, 4096, 0);

	sim_check(drv_config(d, C_WRITEBACK, 1) == writeback, "writeback is not %u", writeback);
	sim_check(ops.writes && writes_are_stable(&ops) == !writeback,
		  "%u of %u writes are stable, %u flushes", ops.stable, ops.writes, ops.flushes);
}

static void E37_writeback_can_be_switched(void)
{
	struct drv disks[2];

	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t generation;

		d = &disks[i];
		image = two_images[i];
		/* Not negotiated, or not with this width or value: no effect. */
		drv_boot(d, WCE);
		drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, 0);
		check_mode(true);
		drv_boot(d, 0);
		drv_write_sized(d, R_CONFIG + C_WRITEBACK, 2, 0);
		drv_write_sized(d, R_CONFIG + C_WRITEBACK, 4, 0);
		drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, 2);
		check_mode(true);

		generation = drv_read(d, R_CONFIG_GENERATION);
		for (unsigned n = 0; n < 3; n++) {
			drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, 0);
			/* The write before this was volatile, so a flush still has to be one. */
			sim_check(ops_of(T_FLUSH, 0, 0, 0).flushes == 1, "a flush was left out");
			check_mode(false);
			drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, 1);
			check_mode(true);
		}
		sim_check(drv_read(d, R_CONFIG_GENERATION) == generation, "another generation");
		sim_check(!(drv_read(d, R_INTERRUPT_STATUS) & INT_CONFIG), "a notification");
		drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, 0);
		drv_boot(d, 0);
		check_mode(true);
	}
}

static void E38_any_flush_is_a_flush(void)
{
	static const struct {
		uint64_t sector;
		uint32_t out_len, in_len;
	} flushes[] = {
		{ 0, 0, 0 }, { 5, 0, 0 }, { UINT64_MAX, 0, 0 }, { 0, 4096, 0 }, { 1, 513, 4096 },
	};
	struct drv disks[2];

	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		d = &disks[i];
		image = two_images[i];
		drv_boot(d, 0);
		for (unsigned k = 0; k < sizeof(flushes) / sizeof(flushes[0]); k++) {
			struct image_ops ops = ops_of(T_FLUSH, flushes[k].sector,
						      flushes[k].out_len, flushes[k].in_len);

			sim_check(ops.flushes == 1 && !ops.writes && !ops.ranges,
				  "flush %u: %u flushes, %u writes", k, ops.flushes, ops.writes);
		}
		sim_check(image_is_pattern(image, 0, 64), "the image has changed");
	}
}

const struct clause clauses_e_durable[] = {
	CLAUSE(E28, MUST, true, "5.2.6.2", power_cut_at_any_time,
	       "A power cut takes nothing away that was written in write-through mode and "
	       "answered, "
	       "nor what was answered before a FLUSH that was answered."),
	CLAUSE(E29, MAY, false, "5.2.6.2", flush_is_not_needed,
	       "Without FLUSH a disk need not keep what was written; kept by offering it: a "
	       "driver "
	       "that does not take it has stable writes."),
	CLAUSE(E37, IMPLIED, false, "5.2.5", writeback_can_be_switched,
	       "writeback is writable with CONFIG_WCE only, and is about writes that come after."),
	CLAUSE(E38, IMPLIED, false, "5.2.6", any_flush_is_a_flush,
	       "A FLUSH with a sector or data is still a flush."),
	{ .id = NULL },
};
