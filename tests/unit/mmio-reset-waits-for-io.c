/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reset with requests in flight is not over before they are: Status reads non-zero (A19).  From
 * the moment it reads 0 not a byte of guest memory changes, and no interrupt comes (A18).
 */
#include "tests/fake/machine.h"

#define REQUESTS 6

static struct drv d;
static struct drv_blk r[REQUESTS];

static int set_up(void **state)
{
	vm_set_up(state);
	vm_hold_reads(&d.q[0], r, REQUESTS);
	return 0;
}

/* Whatever the backend answers, ring and status bytes are out of bounds once the reset began. */
static void reset_and_drain(int result)
{
	drv_write(&d, R_STATUS, 0);
	fake_ram_save();
	while (vm.backend.nr_held) {
		assert_int_not_equal(drv_status(&d), 0);
		vm_round();
		fake_backend_complete(&vm.backend, vm.backend.nr_held / 2, result);
		if (!result)
			continue;
		fake_ram_expect();
	}
	assert_int_equal(drv_status(&d), 0);
	for (unsigned i = 0; i < REQUESTS; i++)
		assert_int_equal(drv_blk_status(&d, &r[i]), BLK_PENDING);
	assert_int_equal(drv_used_idx(&d.q[0]), 0);

	fake_ram_save();
	vm_round();
	vm_go(&d.q[0]);
	fake_ram_expect();
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);
}

static void nothing_moves_after_status_0(void **state)
{
	(void)state;
	reset_and_drain(0);
}

static void nothing_moves_at_all_if_they_fail(void **state)
{
	(void)state;
	reset_and_drain(-5);
}

/* The driver may write what it likes meanwhile. */
static void only_the_end_ends_it(void **state)
{
	uint32_t before = drv_status(&d);

	(void)state;
	drv_write(&d, R_STATUS, 0);
	for (unsigned reg = 0; reg < R_CONFIG; reg += 4) {
		drv_write(&d, reg, 1);
		drv_write(&d, reg, 0);
		assert_int_equal(drv_status(&d), before);
	}
	drv_write(&d, R_STATUS, 0xf);
	drv_write(&d, R_QUEUE_READY, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
	vm_go(&d.q[0]);
	assert_int_equal(vm.backend.nr_held, REQUESTS);
	fake_backend_complete_all(&vm.backend, 0);
	assert_int_equal(drv_status(&d), 0);
}

static void works_again_afterwards(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		drv_write(&d, R_STATUS, 0);
		fake_backend_complete_all(&vm.backend, i % 2 ? -5 : 0);
		drv_free_all(&d);
		drv_boot(&d, 0);
		for (unsigned k = 0; k < REQUESTS; k++)
			drv_blk_add(&d.q[0], &r[k]);
		vm_go(&d.q[0]);
		assert_int_equal(vm.backend.nr_held, REQUESTS);
	}
	fake_backend_complete_all(&vm.backend, 0);
	vm_round();
	assert_int_equal(drv_used_idx(&d.q[0]), REQUESTS);
	for (unsigned k = 0; k < REQUESTS; k++)
		assert_int_equal(drv_blk_status(&d, &r[k]), BLK_OK);
}

/* Done, but not shown yet: the reset is over at once, and they never are. */
static void completed_but_not_published(void **state)
{
	(void)state;
	fake_backend_complete_all(&vm.backend, 0);
	drv_write(&d, R_STATUS, 0);
	assert_int_equal(drv_status(&d), 0);
	fake_ram_save();
	vm_round();
	fake_ram_expect();
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
}

static void of_a_broken_device(void **state)
{
	(void)state;
	drv_avail(&d.q[0], 0xffff);
	vm_go(&d.q[0]);
	assert_true(drv_status(&d) & S_NEEDS_RESET);
	assert_int_equal(fake_interrupts(FAKE_LINE), 1);
	drv_write(&d, R_STATUS, 0);
	assert_int_not_equal(drv_status(&d), 0);
	fake_backend_complete_all(&vm.backend, 0);
	assert_int_equal(drv_status(&d), 0);
	vm_round();
	assert_int_equal(fake_interrupts(FAKE_LINE), 1);
}

#define TEST(f, ...) VM_TEST_WITH(set_up, vm_tear_down, f, __VA_ARGS__)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_moves_after_status_0), TEST(nothing_moves_at_all_if_they_fail),
		TEST(only_the_end_ends_it),	    TEST(works_again_afterwards),
		TEST(completed_but_not_published),  TEST(of_a_broken_device, .faulty = true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
