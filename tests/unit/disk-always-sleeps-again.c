/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * However a driver leaves its queues, the worker comes to rest: queues that were never set up
 * (Linux takes no more than it has vCPUs), disabled ones, a broken chain with more heads behind it,
 * rings that are gone.
 */
#include "tests/fake/machine.h"

static struct drv d;

/* At most one round has more to do: the next one finds nothing, and nothing keeps us awake. */
static void expect_rest(void)
{
	bool more = disk_run(&vm.disk);

	disk_publish(&vm.disk);
	if (more)
		assert_false(disk_run(&vm.disk));
	assert_false(disk_peek(&vm.disk));
	assert_false(disk_settle(&vm.disk));
}

static void queues_never_set_up(void **state)
{
	(void)state;
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	assert_true(drv_setup_queue(&d, 1, 64));
	drv_write(&d, R_STATUS, 0xf);
	expect_rest();
	for (unsigned i = 0; i < 5; i++) {
		drv_kick(&d.q[i]);
		expect_rest();
	}
}

static void no_queue_at_all(void **state)
{
	(void)state;
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	drv_write(&d, R_STATUS, 0xf);
	assert_int_equal(drv_status(&d), 0xf);
	expect_rest();
}

static void kick_of_a_disabled_queue(void **state)
{
	(void)state;
	drv_avail(&d.q[0], 0);
	drv_kick(&d.q[0]);
	drv_write(&d, R_QUEUE_READY, 0);
	expect_rest();
	drv_kick(&d.q[0]);
	expect_rest();
}

static void fault_with_heads_behind_it(void **state)
{
	(void)state;
	drv_desc(&d.q[0], 0, 0, 0, DESC_NEXT, 64);
	for (unsigned i = 0; i < 8; i++)
		drv_avail(&d.q[0], i);
	drv_kick(&d.q[0]);
	expect_rest();
	assert_true(drv_status(&d) & S_NEEDS_RESET);
	assert_int_equal(drv_used_idx(&d.q[0]), 1);
}

static void rings_ballooned_out(void **state)
{
	(void)state;
	drv_avail(&d.q[0], 0);
	drv_kick(&d.q[0]);
	fake_set_present(d.q[0].desc >> XEN_PAGE_SHIFT, false);
	guest_mem_invalidate(&vm.mem);
	expect_rest();
	assert_true(drv_status(&d) & S_NEEDS_RESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(queues_never_set_up, .nr_queues = 4, .untouched = true),
		VM_TEST(no_queue_at_all, .untouched = true),
		VM_TEST(kick_of_a_disabled_queue),
		VM_TEST(fault_with_heads_behind_it, .faulty = true),
		VM_TEST(fault_with_heads_behind_it, .without = BIT64(F_EVENT_IDX), .faulty = true),
		VM_TEST(rings_ballooned_out, .faulty = true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
