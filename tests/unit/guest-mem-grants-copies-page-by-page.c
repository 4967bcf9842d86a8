/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With grants any bytes can be fetched and stored: each piece lies within a page, as Xen wants it,
 * all pieces that one call can take go with one, and the first call that fails is the last.
 */
#include "tests/unit/guest-mem-grants-test.h"

static void any_range(void **state)
{
	/* The last one is more than fits into a call. */
	static const struct {
		uint64_t at;
		size_t len;
	} cases[] = {
		{ 0, 1 },     { PAGE - 1, 1 }, { PAGE - 1, 2 },		 { 0, PAGE },
		{ 17, PAGE }, { 5, 3 * PAGE }, { PAGE, 260 * PAGE + 9 },
	};
	static uint8_t buf[300 * PAGE];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct iovec v = place(cases[i].at, cases[i].len);

		assert_true(guest_mem_fetch(&mem, buf, &v, cases[i].len));
		assert_memory_equal(buf, byte(cases[i].at), cases[i].len);
		memset(buf, i + 1, cases[i].len);
		assert_true(guest_mem_store(&mem, &v, buf, cases[i].len));
		assert_memory_equal(buf, byte(cases[i].at), cases[i].len);
	}
	assert_int_equal(mem.copies, fake_grant_copies());
	assert_int_equal(mem.failed_copies, 0);
}

/* Lists of places, of which less may be wanted than there is; empty ones among them. */
static void lists(void **state)
{
	struct iovec v[] = { place(3, 5), { NULL, 0 }, place(5 * PAGE - 2, 4), place(0, 100) };
	uint8_t buf[16] = { 0 }, expected[16] = { 0 };
	unsigned calls = fake_grant_copy_calls();

	(void)state;
	memcpy(expected, byte(3), 5);
	memcpy(expected + 5, byte(5 * PAGE - 2), 4);
	memcpy(expected + 9, byte(0), 3);
	assert_true(guest_mem_fetch(&mem, buf, v, 12));
	assert_memory_equal(buf, expected, 16);
	assert_int_equal(fake_grant_copy_calls(), calls + 1);
	assert_true(guest_mem_fetch(&mem, buf, v, 0));
	assert_int_equal(fake_grant_copy_calls(), calls + 1);
}

/* Places move along by addition, over the end of a page. */
static void places_move(void **state)
{
	struct iovec v = place(PAGE - 4, 8);
	uint32_t word;

	(void)state;
	v.iov_base = (char *)v.iov_base + 4;
	assert_true(guest_mem_fetch(&mem, &word, &v, 4));
	assert_memory_equal(&word, byte(PAGE), 4);
}

static void failures(void **state)
{
	static uint8_t buf[PAGES * PAGE];
	struct iovec v = place(0, PAGES * PAGE);
	unsigned calls;

	(void)state;
	fake_revoke(REF0 + 1);
	calls = fake_grant_copy_calls();
	assert_false(guest_mem_fetch(&mem, buf, &v, PAGES * PAGE));
	assert_int_equal(fake_grant_copy_calls(), calls + 1);
	assert_int_equal(mem.failed_copies, 1);
	fake_grant(REF0 + 1, FRAME + 1, true);
	assert_true(guest_mem_fetch(&mem, buf, &v, PAGES * PAGE));
	assert_false(guest_mem_store(&mem, &v, buf, PAGES * PAGE));
	assert_int_equal(mem.failed_copies, 2);
}

static void views(void **state)
{
	const void *table = guest_mem_view(&mem, address(PAGE - 16), GUEST_MEM_VIEW_MAX);

	(void)state;
	assert_non_null(table);
	assert_ptr_not_equal(table, byte(PAGE - 16));
	assert_memory_equal(table, byte(PAGE - 16), GUEST_MEM_VIEW_MAX);
	fake_revoke(REF0 + 2);
	assert_null(guest_mem_view(&mem, address(PAGE - 16), GUEST_MEM_VIEW_MAX));
	assert_null(guest_mem_view(&mem, FAKE_RAM0_BASE, 16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(any_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(places_move, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(views, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
