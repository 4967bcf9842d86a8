/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With grants an address is bit 63, a reference of 32 bits, and an offset; nothing else is a place,
 * and a range does not go on behind the last reference.  Whether it is granted, only the use shows.
 */
#include "tests/unit/guest-mem-grants-test.h"

#define LAST (1ull << 63 | 0xffffffffull << 12)

static void other_addresses(void **state)
{
	static const struct {
		uint64_t addr, len;
	} bad[] = {
		{ 0, 1 },
		{ FAKE_RAM0_BASE, 1 },
		{ FAKE_RAM1_BASE, 4096 },
		{ (1ull << 63) - 1, 1 },
		{ (1ull << 63) - 1, 2 },
		{ 1ull << 63, 0 },
		{ 1ull << 63 | 1ull << 44, 1 },
		{ 1ull << 63 | 1ull << 62, 1 },
		{ LAST, PAGE + 1 },
		{ LAST | (PAGE - 1), 2 },
		{ LAST + PAGE, 1 },
		{ 1ull << 63, 1ull << 45 },
		{ 1ull << 63, UINT64_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, 2 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(guest_mem_at(&mem, bad[i].addr, bad[i].len));
		if (bad[i].len <= GUEST_MEM_VIEW_MAX)
			assert_null(guest_mem_view(&mem, bad[i].addr, bad[i].len));
		assert_null(guest_mem_map_ring(&mem, bad[i].addr, 16, true));
	}
	assert_non_null(guest_mem_at(&mem, LAST, PAGE));
	assert_non_null(guest_mem_at(&mem, 1ull << 63, 1ull << 44));
	assert_int_equal(fake_grant_copies(), 0);
}

/* Parts of a ring at any offset; read-only where the device does not write. */
static void rings(void **state)
{
	uint8_t *p = guest_mem_map_ring(&mem, address(PAGE - 16), 16384, false), *q;

	(void)state;
	assert_ptr_equal(p, byte(PAGE - 16));
	assert_int_equal(mem.mapped_pages, 5);
	q = guest_mem_map_ring(&mem, address(2 * PAGE + 4), 6, true);
	assert_ptr_equal(q, byte(2 * PAGE + 4));
	assert_int_equal(fake_grants_mapped(), 6);
	guest_mem_unmap_ring(&mem, p, 16384);
	assert_int_equal(fake_grants_mapped(), 1);
	guest_mem_unmap_ring(&mem, q, 6);
	guest_mem_unmap_ring(&mem, NULL, 6);
	assert_int_equal(mem.mapped_pages, 0);

	fake_revoke(REF0);
	fake_grant(REF0, FRAME, true);
	assert_null(guest_mem_map_ring(&mem, address(16), 16, true));
	p = guest_mem_map_ring(&mem, address(16), 16, false);
	assert_non_null(p);
	guest_mem_unmap_ring(&mem, p, 16);
	fake_revoke(REF0 + 1);
	assert_null(guest_mem_map_ring(&mem, address(16), PAGE, false));
	assert_int_equal(mem.mapped_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(other_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rings, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
