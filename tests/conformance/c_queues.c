/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a queue: sizes, reset, set up anew (VIRTIO 1.3, 2.6.1, 2.7, 2.7.9). */
#include <stdlib.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define HELD 3

static struct pool pool;

static void reset_queue(struct drv *d, unsigned i)
{
	drv_write(d, R_QUEUE_SEL, i);
	drv_write(d, R_QUEUE_RESET, 1);
	wait_queue_reset(d);
}

/* A request of several steps, of which the first one waits for the disk, takes no other. */
static void reset_in_mid_request(struct drv *d)
{
	unsigned rule = hold(FAULT_BIT(FAULT_FALLOCATE));
	struct blk_range ranges[8];
	uint8_t payload[sizeof(ranges)];
	struct drv_blk r;

	for (unsigned i = 0; i < 8; i++)
		ranges[i] = (struct blk_range){ .sector = 64 + 8 * i, .sectors = 8 };
	ranges_put(ranges, 8, payload);
	r = drv_blk_usual(T_WRITE_ZEROES, 0, payload, sizeof(payload), 0);
	drv_blk_add(&d->q[0], &r);
	drv_kick(&d->q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_RESET, 1);
	faults_remove(&sim.faults, rule);
	wait_queue_reset(d);
	sim_check(drv_blk_status(d, &r) == BLK_PENDING, "status %u", drv_blk_status(d, &r));
	sim_check(image_is_pattern(the_image, 72, 56), "the request went on");
}

/*
 * A queue is reset while reads of it wait for the disk, and while there is a write in it that
 * nobody has notified.  From then on the rings stay as they are, there are no interrupts, and
 * nothing is written to the disk; the queue that is there afterwards knows nothing of it.
 */
static void C22_nothing_after_queue_reset(void)
{
	struct drv *d = running_device(0);
	struct drv_queue *q = &d->q[0];
	unsigned rule = hold(FAULT_BIT(FAULT_READ)), before;
	static uint8_t rings[65536];
	uint64_t len = q->used + 6 + 8 * q->size - q->desc;
	struct drv_blk r[HELD], write;
	uint8_t zero[512] = { 0 };

	for (unsigned i = 0; i < HELD; i++) {
		r[i] = drv_blk_usual(T_IN, i, NULL, 0, 512);
		drv_blk_add(q, &r[i]);
	}
	drv_kick(q);
	faults_wait_held(&sim.faults, rule, HELD);
	drv_set_used_event(q, 0);
	write = drv_blk_usual(T_OUT, 7, zero, 512, 0);
	drv_blk_add(q, &write);

	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_RESET, 1);
	sim_check(drv_read(d, R_QUEUE_RESET) == 1, "the reset has ended, reads have not");
	before = interrupts(d);
	sim_check(len <= sizeof(rings), "rings of %llu bytes", (unsigned long long)len);
	memcpy(rings, drv_ram(d, q->desc, len), len);
	drv_kick(q);
	faults_release(&sim.faults, rule, FAULTS_ALL);
	wait_queue_reset(d);
	drv_kick(q);
	drv_read(d, R_MAGIC);
	for (unsigned i = 0; i < HELD; i++)
		sim_check(drv_blk_status(d, &r[i]) == BLK_PENDING, "read %u has a status", i);
	sim_check(!memcmp(rings, drv_ram(d, q->desc, len), len), "the rings were touched");
	sim_check(interrupts(d) == before, "an interrupt");

	faults_remove(&sim.faults, rule);
	sim_check(drv_setup_queue(d, 0, 64), "set up anew");
	pool_init(&pool, q, 8);
	pool_serve(&pool, 8);
	sim_check(drv_used_idx(q) == 8, "used.idx is %u", drv_used_idx(q));
	sim_check(image_is_pattern(the_image, 0, 16), "the write was executed");
	reset_in_mid_request(d);
}

static void write_addresses(struct drv_queue *q)
{
	drv_write64(q->d, R_QUEUE_DESC, q->desc);
	drv_write64(q->d, R_QUEUE_DRIVER, q->avail);
	drv_write64(q->d, R_QUEUE_DEVICE, q->used);
}

static void C23_queue_reset_forgets_all(void)
{
	struct drv *d = running_device(0);
	struct drv_queue *q = &d->q[0];
	uint64_t old_used = q->used;
	uint8_t before[6 + 8 * 128];

	pool_init(&pool, q, 8);
	for (unsigned i = 0; i < 5; i++)
		pool_serve(&pool, 7);
	reset_queue(d, 0);
	sim_check(drv_read(d, R_QUEUE_READY) == 0, "the queue is ready");

	/* The addresses are forgotten: the old rings are nobody's. */
	memcpy(before, drv_ram(d, old_used, sizeof(before)), sizeof(before));
	pool_add(&pool, 3);
	drv_write(d, R_QUEUE_SIZE, q->size);
	drv_write(d, R_QUEUE_READY, 1);
	drv_kick(q);
	sim_check(drv_read(d, R_QUEUE_READY) == 0, "a queue without addresses is ready");
	sim_check(!memcmp(before, drv_ram(d, old_used, sizeof(before)), sizeof(before)),
		  "the old rings were used");
	reset_queue(d, 0);
	/* The size is. */
	write_addresses(q);
	drv_write(d, R_QUEUE_READY, 1);
	sim_check(drv_read(d, R_QUEUE_READY) == 0, "a queue without a size is ready");
	reset_queue(d, 0);

	/* The positions are, too: both begin at 0 again, in the same memory. */
	sim_check(drv_setup_queue(d, 0, 128), "set up anew");
	pool_init(&pool, q, 8);
	for (unsigned i = 1; i < 20; i++) {
		pool_serve(&pool, 7);
		sim_check(drv_used_idx(q) == 7 * i, "used.idx is %u", drv_used_idx(q));
		settle_kicks(q);
		sim_check(drv_avail_event(q) == 7 * i, "avail_event is %u", drv_avail_event(q));
	}
	/* A reset queue did not break the device. */
	sim_check(drv_status(d) == (S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK),
		  "status %#x", drv_status(d));
}

static void C24_queue_comes_back_different(void)
{
	static const unsigned sizes[] = { 8, 128, 16, 256, 2, 64 };
	struct drv *d = running_device(0);
	struct drv_queue *q = &d->q[0];

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned n = sizes[i] < POOL_MAX ? sizes[i] : POOL_MAX;
		uint64_t old = q->desc, len = q->used + 6 + 8 * q->size - q->desc;
		uint8_t *before = malloc(len);

		reset_queue(d, 0);
		q->bytes_for = 0; /* in other memory */
		sim_check(drv_setup_queue(d, 0, sizes[i]), "a size of %u", sizes[i]);
		drv_free_all(d);
		memcpy(before, drv_ram(d, old, len), len);
		pool_init(&pool, q, n);
		for (unsigned k = 0; k < 2 * sizes[i] / n + 3; k++)
			pool_serve(&pool, n);
		sim_check(!memcmp(before, drv_ram(d, old, len), len), "the old rings were touched");
		free(before);
	}
}

static bool try_size(struct drv *d, unsigned size)
{
	struct drv_queue *q = &d->q[0];

	drv_reset(d);
	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_SIZE, size);
	write_addresses(q);
	drv_write(d, R_QUEUE_READY, 1);
	return drv_read(d, R_QUEUE_READY);
}

/*
 * Each size that is a power of two works, over and over through the ring; no other can be set up.
 */
static void C25_queue_sizes(void)
{
	struct drv *d = running_device(0);
	unsigned max = drv_queue_size_max(d, 0);

	for (unsigned size = 1; size <= max; size *= 2) {
		unsigned n = size < POOL_MAX ? size : POOL_MAX;

		drv_free_all(d);
		sim_check(drv_negotiate(d, drv_offered(d)) && drv_setup_queue(d, 0, size),
			  "a size of %u", size);
		drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
		pool_init(&pool, &d->q[0], n);
		for (unsigned i = 0; i < 3 * size / n + 5; i++)
			pool_serve(&pool, n);
	}
	for (unsigned size = 0; size <= 2 * max; size++)
		if (!size || size > max || size & (size - 1))
			sim_check(!try_size(d, size), "a size of %u", size);
	/* Alignment: 16, 2 and 4. */
	d->q[0].desc += 8;
	sim_check(!try_size(d, 64), "descriptors at a multiple of 8");
	d->q[0].desc -= 8;
	d->q[0].avail += 1;
	sim_check(!try_size(d, 64), "an available ring at an odd address");
	d->q[0].avail += 1;
	sim_check(try_size(d, 64), "an available ring at an even address");
	d->q[0].used += 2;
	sim_check(!try_size(d, 64), "a used ring at a multiple of 2");
	d->q[0].used += 2;
	sim_check(try_size(d, 64), "a used ring at a multiple of 4");
}

/* The device answers out of order (C28), so it must not promise otherwise. */
static void C27_in_order_is_not_offered(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	uint64_t offered = drv_offered(d);

	sim_check(!(offered & BIT64(F_IN_ORDER)), "IN_ORDER is offered");
	sim_check(!drv_negotiate(d, offered | BIT64(F_IN_ORDER)), "IN_ORDER is accepted");
	sim_check(drv_negotiate(d, offered), "nothing is accepted any more");
}

const struct clause clauses_c_queues[] = {
	CLAUSE(C22, MUST_NOT, true, "2.6.1.1", nothing_after_queue_reset,
	       "After the reset of a queue its requests are not executed, its rings not touched, "
	       "and there is no interrupt for it."),
	CLAUSE(C23, MUST, true, "2.6.1.1", queue_reset_forgets_all,
	       "A reset of a queue brings all of its state back to the beginning."),
	CLAUSE(C24, MUST, true, "2.6.1.2", queue_comes_back_different,
	       "After a reset a queue can be enabled with another size at another place."),
	CLAUSE(C25, IMPLIED, false, "2.7", queue_sizes,
	       "Any power of two up to QueueSizeMax is a queue size; nothing else is; the three "
	       "parts are aligned to 16, 2 and 4 bytes."),
	CLAUSE(C27, IMPLIED, false, "2.7.9", in_order_is_not_offered,
	       "The device does not promise to use buffers in order."),
	{ .id = NULL },
};
