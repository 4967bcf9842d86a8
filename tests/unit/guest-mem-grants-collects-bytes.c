/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With grants single bytes, which are status bytes, wait for guest_mem_flush(), and are written by
 * one call then: however many there are, each where it belongs, and one that fails hinders no
 * other.
 */
#include "tests/unit/guest-mem-grants-test.h"

#define BYTES 1000

static void one_call_for_all(void **state)
{
	unsigned calls = fake_grant_copy_calls();
	uint8_t before = *byte(5);

	(void)state;
	guest_mem_flush(&mem);
	assert_int_equal(fake_grant_copy_calls(), calls);
	guest_mem_store_byte(&mem, place(5, 1).iov_base, before + 1);
	guest_mem_store_byte(&mem, place(PAGE - 1, 1).iov_base, 0xee);
	assert_int_equal(*byte(5), before);
	guest_mem_flush(&mem);
	assert_int_equal(*byte(5), (uint8_t)(before + 1));
	assert_int_equal(*byte(PAGE - 1), 0xee);
	assert_int_equal(fake_grant_copy_calls(), calls + 1);
	guest_mem_flush(&mem);
	assert_int_equal(fake_grant_copy_calls(), calls + 1);
}

static void more_than_fit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BYTES; i++)
		guest_mem_store_byte(&mem, place(3 * i, 1).iov_base, i);
	guest_mem_flush(&mem);
	for (unsigned i = 0; i < BYTES; i++)
		assert_int_equal(*byte(3 * i), (uint8_t)i);
	assert_int_equal(mem.copies, BYTES);
	assert_int_equal(fake_grant_copy_calls(), (BYTES + XEN_COPIES_MAX - 1) / XEN_COPIES_MAX);
}

static void failures(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		guest_mem_store_byte(&mem, place(i * PAGE, 1).iov_base, 0x77);
	fake_revoke(REF0 + 1);
	guest_mem_flush(&mem);
	assert_int_equal(*byte(0), 0x77);
	assert_int_not_equal(*byte(PAGE), 0x77);
	assert_int_equal(*byte(2 * PAGE), 0x77);
	assert_int_equal(mem.failed_copies, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_call_for_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_fit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
