/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that refills its queue as fast as we empty it doesn't keep the other queues waiting: a
 * round takes no more from a queue than its size.  Each of many queues is served by itself.
 */
#include "tests/fake/driver.h"

static struct drv d;
static bool refill;
static void (*real_submit)(struct backend *b, struct blk_request *req);
static struct backend_ops ops;

/* Each request of queue 0 brings the next one, before it is answered. */
static void refilling_submit(struct backend *b, struct blk_request *req)
{
	if (refill && d.q[0].avail_idx < 2000)
		drv_avail(&d.q[0], d.q[0].avail_idx % d.q[0].size);
	real_submit(b, req);
}

static void refilled_queue(uint64_t without)
{
	const struct drv_options two = { .nr_queues = 2, .queue_size = 16 };
	struct drv_blk r = { .type = VIRTIO_BLK_T_IN, .in_len = 512 };
	uint64_t header, status;
	unsigned rounds = 1;

	drv_boot(&d, &two, without);
	real_submit = d.backend.b.ops->submit;
	ops = *d.backend.b.ops;
	ops.submit = refilling_submit;
	d.backend.b.ops = &ops;
	header = drv_alloc(&d, 16);
	status = drv_alloc(&d, 1);
	le32_store(fake_ram(header), VIRTIO_BLK_T_FLUSH);
	for (unsigned i = 0; i < 16; i++) {
		uint64_t table = drv_alloc(&d, 32);

		drv_put_desc(table, 0, header, 16, DESC_NEXT, 1);
		drv_put_desc(table, 1, status, 1, DESC_WRITE, 0);
		drv_desc(&d.q[0], i, table, 32, DESC_INDIRECT, 0);
	}
	refill = true;
	drv_avail(&d.q[0], 0);
	drv_kick(&d, 0);
	drv_blk_add(&d, 1, &r);
	drv_kick(&d, 1);

	assert_true(disk_run(&d.disk));
	disk_publish(&d.disk);
	assert_int_equal(drv_used_idx(&d.q[1]), 1);
	assert_int_equal(drv_blk_status(&r), VIRTIO_BLK_S_OK);
	assert_int_equal(drv_used_idx(&d.q[0]), 16);
	/* Nothing of it is forgotten, without another kick. */
	for (; disk_run(&d.disk); rounds++)
		disk_publish(&d.disk);
	disk_publish(&d.disk);
	assert_int_equal(drv_used_idx(&d.q[0]), 2000);
	assert_int_equal(rounds, 2000 / 16);
	assert_int_equal(d.st->virtio.faults, 0);
	refill = false;
	drv_stop(&d);
}

static void with_event_idx(void **state)
{
	(void)state;
	refilled_queue(0);
}

static void with_flags(void **state)
{
	(void)state;
	refilled_queue(VIRTIO_F_EVENT_IDX);
}

static void many_queues(void **state)
{
	const struct drv_options eight = { .nr_queues = 8 };
	static struct drv_blk r[8][5];
	uint8_t in[512];

	(void)state;
	drv_boot(&d, &eight, 0);
	d.backend.hold = true;
	for (unsigned k = 0; k < 5; k++)
		for (unsigned i = 0; i < 8; i++) {
			r[i][k] = (struct drv_blk){ .type = VIRTIO_BLK_T_IN,
						    .sector = i * 5 + k,
						    .in_len = 512 };
			drv_blk_add(&d, i, &r[i][k]);
			drv_kick(&d, i);
		}
	drv_round(&d);
	/* The same heads in all of them. */
	assert_int_equal(d.backend.nr_held, 40);
	fake_backend_complete_all(&d.backend, 0);
	drv_round(&d);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(drv_used_idx(&d.q[i]), 5);
		for (unsigned k = 0; k < 5; k++) {
			assert_int_equal(drv_blk_status(&r[i][k]), VIRTIO_BLK_S_OK);
			drv_blk_data(&r[i][k], in);
			assert_memory_equal(in, d.backend.image + 512 * (i * 5 + k), 512);
		}
	}
	drv_stop(&d);
}

/* Only what was kicked is looked at. */
static void unkicked_queue_waits(void **state)
{
	const struct drv_options two = { .nr_queues = 2 };
	struct drv_blk r = { .type = VIRTIO_BLK_T_IN, .in_len = 512 };

	(void)state;
	drv_boot(&d, &two, 0);
	drv_blk_add(&d, 0, &r);
	drv_go(&d, 1);
	assert_int_equal(d.backend.calls, 0);
	drv_go(&d, 0);
	assert_int_equal(d.backend.calls, 1);
	drv_stop(&d);
}

/* disk_stop(): nothing new. */
static void stopped_disk_takes_nothing(void **state)
{
	struct drv_blk r = { .type = VIRTIO_BLK_T_IN, .in_len = 512 };

	(void)state;
	drv_boot(&d, NULL, 0);
	disk_stop(&d.disk);
	drv_blk_add(&d, 0, &r);
	drv_go(&d, 0);
	assert_int_equal(d.backend.calls, 0);
	assert_int_equal(drv_used_idx(&d.q[0]), 0);
	drv_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_event_idx),
		cmocka_unit_test(with_flags),
		cmocka_unit_test(many_queues),
		cmocka_unit_test(unkicked_queue_waits),
		cmocka_unit_test(stopped_disk_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
