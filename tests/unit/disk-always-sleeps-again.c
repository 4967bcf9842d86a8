/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * However a driver leaves its queues, the worker comes to rest: queues that were never set up (Linux
 * takes no more than it has vCPUs), disabled ones, a broken chain with more heads behind it, rings
 * that are gone.
 */
#include "tests/fake/driver.h"

static struct drv d;

/* At most one round has more to do: the next one finds nothing. */
static void expect_rest(void)
{
	bool more = disk_run(&d.disk);

	disk_publish(&d.disk);
	if (more)
		assert_false(disk_run(&d.disk));
}

static void queues_never_set_up(void **state)
{
	const struct drv_options four = { .nr_queues = 4 };

	(void)state;
	drv_start(&d, &four);
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	assert_true(drv_setup_queue(&d, 1, 64));
	drv_write(&d, R_STATUS, 0xf);
	expect_rest();
	for (unsigned i = 0; i < 5; i++) {
		drv_kick(&d, i);
		expect_rest();
	}
	drv_stop(&d);
}

static void no_queue_at_all(void **state)
{
	(void)state;
	drv_start(&d, NULL);
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	drv_write(&d, R_STATUS, 0xf);
	assert_int_equal(drv_status(&d), 0xf);
	expect_rest();
	drv_stop(&d);
}

static void kick_of_a_disabled_queue(void **state)
{
	(void)state;
	drv_boot(&d, NULL, 0);
	drv_avail(&d.q[0], 0);
	drv_kick(&d, 0);
	drv_write(&d, R_QUEUE_READY, 0);
	expect_rest();
	drv_kick(&d, 0);
	expect_rest();
	drv_stop(&d);
}

static void fault_with_heads_behind_it(uint64_t without)
{
	drv_boot(&d, NULL, without);
	drv_desc(&d.q[0], 0, 0, 0, DESC_NEXT, 64);
	for (unsigned i = 0; i < 8; i++)
		drv_avail(&d.q[0], i);
	drv_kick(&d, 0);
	expect_rest();
	assert_true(drv_status(&d) & VIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(drv_used_idx(&d.q[0]), 1);
	drv_stop(&d);
}

static void fault_event_idx(void **state)
{
	(void)state;
	fault_with_heads_behind_it(0);
}

static void fault_flags(void **state)
{
	(void)state;
	fault_with_heads_behind_it(VIRTIO_F_EVENT_IDX);
}

static void rings_ballooned_out(void **state)
{
	(void)state;
	drv_boot(&d, NULL, 0);
	drv_avail(&d.q[0], 0);
	drv_kick(&d, 0);
	fake_set_present(DRV_RINGS(0) >> XEN_PAGE_SHIFT, false);
	guest_mem_invalidate(&d.mem);
	expect_rest();
	assert_true(drv_status(&d) & VIRTIO_STATUS_NEEDS_RESET);
	drv_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_never_set_up),
		cmocka_unit_test(no_queue_at_all),
		cmocka_unit_test(kick_of_a_disabled_queue),
		cmocka_unit_test(fault_event_idx),
		cmocka_unit_test(fault_flags),
		cmocka_unit_test(rings_ballooned_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
