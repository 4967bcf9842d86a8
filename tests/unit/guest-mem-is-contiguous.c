/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is contiguous for the guest is contiguous for us, across pages and chunks; a chunk is mapped
 * when it is first touched, with one call, and never again.
 */
#include "tests/unit/guest-mem-test.h"

static void across_chunks(void **state)
{
	(void)state;
	expect_mapped(FAKE_RAM0_BASE + CHUNK - 100, 200);
	expect_mapped(FAKE_RAM0_BASE + CHUNK - PAGE, 2 * CHUNK);
	expect_mapped(FAKE_RAM0_BASE, FAKE_RAM_BYTES);
}

static void both_banks(void **state)
{
	(void)state;
	expect_mapped(FAKE_RAM0_BASE + FAKE_RAM_BYTES - PAGE, PAGE);
	expect_mapped(FAKE_RAM1_BASE, FAKE_RAM_BYTES);
	assert_ptr_equal((uint8_t *)guest_mem_at(&mem, FAKE_RAM1_BASE, 1) -
				 (uint8_t *)guest_mem_at(&mem, FAKE_RAM0_BASE, 1),
			 FAKE_RAM1_BASE - FAKE_RAM0_BASE);
}

static void mapped_once(void **state)
{
	(void)state;
	assert_int_equal(fake_map_calls(), 0);
	expect_mapped(FAKE_RAM0_BASE + 12345, 1);
	assert_int_equal(fake_map_calls(), 1);
	assert_int_equal(fake_mapped_frames(), 512);
	assert_int_equal(mem.mapped_pages, 512);
	for (uint64_t at = 0; at < CHUNK; at += PAGE)
		expect_mapped(FAKE_RAM0_BASE + at, PAGE);
	assert_int_equal(fake_map_calls(), 1);
	expect_mapped(FAKE_RAM0_BASE + CHUNK - 1, 2);
	assert_int_equal(fake_map_calls(), 2);
	assert_int_equal(mem.mapped_pages, 1024);
}

static void first_touch_in_the_middle_of_a_range(void **state)
{
	(void)state;
	expect_mapped(FAKE_RAM0_BASE + 2 * CHUNK, 1);
	expect_mapped(FAKE_RAM0_BASE, 4 * CHUNK);
	assert_int_equal(fake_map_calls(), 4);
	assert_int_equal(fake_mapped_frames(), 4 * 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(across_chunks),
		TEST(both_banks),
		TEST(mapped_once),
		TEST(first_touch_in_the_middle_of_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
