/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that refills its queue as fast as we empty it doesn't keep the other queues waiting:
 * what a round takes from a disk is bounded, and its queues share that, huge requests included.
 * Each of many queues is served by itself.
 */
#include "tests/fake/machine.h"

#define PER_ROUND 32
#define FULL	  64

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

static void refilled_queue(void **state)
{
	struct drv_blk r = { .type = T_IN, .in_len = 512 };
	uint64_t header, status;
	unsigned rounds = 1;

	(void)state;
	real_submit = vm.backend.b.ops->submit;
	ops = *vm.backend.b.ops;
	ops.submit = refilling_submit;
	vm.backend.b.ops = &ops;
	header = drv_alloc(&d, 16);
	status = drv_alloc(&d, 1);
	le32_store(fake_ram(header), T_FLUSH);
	for (unsigned i = 0; i < FULL; i++) {
		uint64_t table = drv_alloc(&d, 32);

		drv_put_desc(&d, table, 0, header, 16, DESC_NEXT, 1);
		drv_put_desc(&d, table, 1, status, 1, DESC_WRITE, 0);
		drv_desc(&d.q[0], i, table, 32, DESC_INDIRECT, 0);
	}
	refill = true;
	for (unsigned i = 0; i < FULL; i++)
		drv_avail(&d.q[0], i);
	drv_kick(&d.q[0]);
	drv_blk_add(&d.q[1], &r);
	drv_kick(&d.q[1]);

	assert_true(disk_run(&vm.disk));
	disk_publish(&vm.disk);
	assert_int_equal(drv_used_idx(&d.q[1]), 1);
	assert_int_equal(drv_blk_status(&d, &r), BLK_OK);
	assert_int_equal(drv_used_idx(&d.q[0]), PER_ROUND / 2);
	/* Nothing of it is forgotten, without another kick. */
	for (; disk_run(&vm.disk); rounds++)
		disk_publish(&vm.disk);
	disk_publish(&vm.disk);
	assert_int_equal(drv_used_idx(&d.q[0]), 2000);
	assert_int_equal(rounds, 1 + (2000 - PER_ROUND / 2) / PER_ROUND);
	refill = false;
}

static void many_queues(void **state)
{
	static struct drv_blk r[8][5];
	uint8_t in[512];

	(void)state;
	vm.backend.hold = true;
	for (unsigned k = 0; k < 5; k++)
		for (unsigned i = 0; i < 8; i++) {
			r[i][k] = (struct drv_blk){ .type = T_IN,
						    .sector = i * 5 + k,
						    .in_len = 512 };
			drv_blk_add(&d.q[i], &r[i][k]);
			drv_kick(&d.q[i]);
		}
	vm_round();
	/* The same heads in all of them. */
	assert_int_equal(vm.backend.nr_held, 40);
	fake_backend_complete_all(&vm.backend, 0);
	vm_round();
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(drv_used_idx(&d.q[i]), 5);
		for (unsigned k = 0; k < 5; k++) {
			assert_int_equal(drv_blk_status(&d, &r[i][k]), BLK_OK);
			drv_blk_data(&d, &r[i][k], in);
			assert_memory_equal(in, vm.backend.image + 512 * (i * 5 + k), 512);
		}
	}
}

/* Requests of 12 MiB, behind the end of the disk: one of them is all that a round begins. */
static void fill_with_huge(struct drv_queue *q, unsigned n)
{
	uint64_t table = drv_alloc(&d, 64), header = drv_alloc(&d, 16);

	le32_store(fake_ram(header), T_IN);
	le64_store(fake_ram(header + 8), 1 << 20);
	drv_put_desc(&d, table, 0, header, 16, DESC_NEXT, 1);
	drv_put_desc(&d, table, 1, FAKE_RAM0_BASE, 6 << 20, DESC_NEXT | DESC_WRITE, 2);
	drv_put_desc(&d, table, 2, FAKE_RAM0_BASE, 6 << 20, DESC_NEXT | DESC_WRITE, 3);
	drv_put_desc(&d, table, 3, drv_alloc(&d, 1), 1, DESC_WRITE, 0);
	for (unsigned i = 0; i < n; i++) {
		drv_desc(q, i, table, 64, DESC_INDIRECT, 0);
		drv_avail(q, i);
	}
	drv_kick(q);
}

static void huge_requests(void **state)
{
	unsigned nr_queues = vm.disk.mmio.dev.nr_queues;

	(void)state;
	for (unsigned i = 0; i < nr_queues; i++)
		fill_with_huge(&d.q[i], 3);
	for (unsigned round = 1; round <= 3 * nr_queues; round++) {
		unsigned least = 3, all = 0;

		disk_run(&vm.disk);
		disk_publish(&vm.disk);
		for (unsigned i = 0; i < nr_queues; i++) {
			all += drv_used_idx(&d.q[i]);
			least = MIN(least, drv_used_idx(&d.q[i]));
		}
		assert_int_equal(all, round);
		assert_int_equal(least, round / nr_queues);
	}
	vm_round();
}

/* One queue uses up the others' shares, who come first then. */
static void huge_beside_small(void **state)
{
	static struct drv_blk r[5];

	(void)state;
	fill_with_huge(&d.q[0], 10);
	for (unsigned k = 0; k < 5; k++) {
		r[k] = (struct drv_blk){ .type = T_IN, .in_len = 512 };
		drv_blk_add(&d.q[1], &r[k]);
	}
	drv_kick(&d.q[1]);
	assert_true(disk_run(&vm.disk));
	disk_publish(&vm.disk);
	assert_int_equal(drv_used_idx(&d.q[0]), 1);
	assert_int_equal(drv_used_idx(&d.q[1]), 0);
	assert_true(disk_run(&vm.disk));
	disk_publish(&vm.disk);
	assert_int_equal(drv_used_idx(&d.q[0]), 2);
	assert_int_equal(drv_used_idx(&d.q[1]), 5);
	vm_round();
}

/* Only what was kicked is looked at. */
static void unkicked_queue_waits(void **state)
{
	struct drv_blk r = { .type = T_IN, .in_len = 512 };

	(void)state;
	drv_blk_add(&d.q[0], &r);
	vm_go(&d.q[1]);
	assert_int_equal(vm.backend.calls, 0);
	vm_go(&d.q[0]);
	assert_int_equal(vm.backend.calls, 1);
}

/* disk_stop(): nothing new. */
static void stopped_disk_takes_nothing(void **state)
{
	struct drv_blk r = { .type = T_IN, .in_len = 512 };

	(void)state;
	disk_stop(&vm.disk);
	drv_blk_add(&d.q[0], &r);
	vm_go(&d.q[0]);
	assert_int_equal(vm.backend.calls, 0);
	assert_int_equal(drv_used_idx(&d.q[0]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(refilled_queue, .nr_queues = 2, .queue_size = FULL),
		VM_TEST(refilled_queue, .nr_queues = 2, .queue_size = FULL,
			.without = BIT64(F_EVENT_IDX)),
		VM_TEST(many_queues, .nr_queues = 8),
		VM_TEST(huge_requests),
		VM_TEST(huge_requests, .nr_queues = 8),
		VM_TEST(huge_beside_small, .nr_queues = 2),
		VM_TEST(unkicked_queue_waits, .nr_queues = 2),
		VM_TEST(stopped_disk_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
