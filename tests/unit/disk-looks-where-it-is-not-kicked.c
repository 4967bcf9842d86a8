/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a queue was drained its driver need not kick: the disk looks there.  Before the worker
 * sleeps kicks are asked for, and nothing is lost in between.  A queue that can't be served keeps
 * nobody awake.
 */
#include "tests/fake/machine.h"

static struct drv d;
static struct drv_blk r[4] = {
	{ .type = T_FLUSH, .direct = DRV_SEGS },
	{ .type = T_FLUSH, .direct = DRV_SEGS },
	{ .type = T_FLUSH, .direct = DRV_SEGS },
	{ .type = T_FLUSH, .direct = DRV_SEGS },
};

/* A round, and no sleep after it. */
static void round_only(void)
{
	disk_run(&vm.disk);
	disk_publish(&vm.disk);
}

/* The queue is served, by a kick, and the worker is awake still. */
static void serve_one(struct drv_queue *q)
{
	drv_blk_add(q, &r[0]);
	drv_kick(q);
	round_only();
	assert_int_equal(drv_used_idx(q), 1);
	assert_false(disk_peek(&vm.disk));
}

static void unkicked_is_found(void **state)
{
	uint64_t kicks;

	(void)state;
	serve_one(&d.q[0]);
	kicks = vm.st->virtio.kicks;
	drv_blk_add(&d.q[0], &r[1]);
	assert_false(drv_kick_wanted(&d.q[0], 1));
	assert_true(disk_peek(&vm.disk));
	round_only();
	assert_int_equal(drv_used_idx(&d.q[0]), 2);
	assert_int_equal(vm.st->virtio.kicks, kicks);
}

static void settled_wants_kicks(void **state)
{
	(void)state;
	serve_one(&d.q[0]);
	assert_false(disk_settle(&vm.disk));
	drv_blk_add(&d.q[0], &r[1]);
	assert_true(drv_kick_wanted(&d.q[0], 1));
	assert_false(disk_peek(&vm.disk));
}

static void what_came_before_is_found(void **state)
{
	(void)state;
	serve_one(&d.q[0]);
	drv_blk_add(&d.q[0], &r[1]);
	assert_true(disk_settle(&vm.disk));
	round_only();
	assert_int_equal(drv_used_idx(&d.q[0]), 2);
	assert_false(disk_settle(&vm.disk));
}

/* Memory that was unmapped is not mapped for a look. */
static void unmapped_is_left_alone(void **state)
{
	(void)state;
	serve_one(&d.q[0]);
	drv_blk_add(&d.q[0], &r[1]);
	guest_mem_invalidate(&vm.mem);
	assert_false(disk_peek(&vm.disk));
	round_only();
	assert_int_equal(vm.mem.mapped_pages, 0);
}

static void stopped_keeps_nobody_awake(void **state)
{
	(void)state;
	serve_one(&d.q[0]);
	drv_blk_add(&d.q[0], &r[1]);
	disk_stop(&vm.disk);
	assert_false(disk_peek(&vm.disk));
	assert_false(disk_settle(&vm.disk));
}

static void broken_keeps_nobody_awake(void **state)
{
	(void)state;
	serve_one(&d.q[0]);
	drv_avail(&d.q[0], 9999);
	drv_blk_add(&d.q[0], &r[1]);
	round_only();
	assert_true(drv_status(&d) & S_NEEDS_RESET);
	assert_false(disk_peek(&vm.disk));
	assert_false(disk_settle(&vm.disk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(unkicked_is_found),
		VM_TEST(unkicked_is_found, .without = BIT64(F_EVENT_IDX)),
		VM_TEST(settled_wants_kicks),
		VM_TEST(settled_wants_kicks, .without = BIT64(F_EVENT_IDX)),
		VM_TEST(what_came_before_is_found),
		VM_TEST(unmapped_is_left_alone),
		VM_TEST(stopped_keeps_nobody_awake),
		VM_TEST(broken_keeps_nobody_awake, .faulty = true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
