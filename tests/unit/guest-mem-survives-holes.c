/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page that the guest doesn't have is NULL and nothing else is: its neighbours work.  When the
 * guest takes it back, it works from the next access on.
 */
#include "tests/unit/guest-mem-test.h"

#define GFN(i) ((FAKE_RAM0_BASE >> XEN_PAGE_SHIFT) + (i))
#define GPA(i) (FAKE_RAM0_BASE + (i)*PAGE)

static void expect_hole(unsigned i)
{
	assert_null(guest_mem_at(&mem, GPA(i), 1));
	assert_null(guest_mem_at(&mem, GPA(i) + PAGE - 1, 1));
}

static void neighbours_work(void **state)
{
	(void)state;
	fake_set_present(GFN(0), false);
	fake_set_present(GFN(7), false);
	fake_set_present(GFN(8), false);
	fake_set_present(GFN(511), false);
	expect_hole(7);
	expect_mapped(GPA(1), 6 * PAGE);
	expect_mapped(GPA(9), 502 * PAGE);
	expect_mapped(GPA(512), PAGE);
	expect_hole(0);
	expect_hole(8);
	expect_hole(511);
	assert_int_equal(mem.mapped_pages, 508 + 512);
	assert_int_equal(fake_mapped_frames(), 508 + 512);
	/* A range is there altogether or not at all. */
	assert_null(guest_mem_at(&mem, GPA(6), PAGE + 1));
	assert_null(guest_mem_at(&mem, GPA(9) - 1, 2));
	assert_null(guest_mem_at(&mem, GPA(510), 3 * PAGE));
	assert_null(guest_mem_at(&mem, GPA(0), 16 * PAGE));
}

/* A vCPU balloons while a chunk is being mapped: only the page that it took is missing. */
static void race_costs_one_page(void **state)
{
	(void)state;
	fake_set_present(GFN(7), false);
	fake_vanish_after_map(GFN(300));
	expect_mapped(GPA(100), PAGE);
	expect_hole(300);
	expect_hole(7);
	expect_mapped(GPA(301), 211 * PAGE);
	expect_mapped(GPA(8), 292 * PAGE);
}

static void page_comes_back(void **state)
{
	(void)state;
	fake_set_present(GFN(100), false);
	expect_mapped(GPA(99), PAGE);
	expect_hole(100);
	fake_set_present(GFN(100), true);
	expect_mapped(GPA(99), 3 * PAGE);
	assert_int_equal(mem.mapped_pages, 512);
	assert_int_equal(fake_mapped_frames(), 512);
}

static void whole_chunk_comes_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 512; i++)
		fake_set_present(GFN(i), false);
	expect_hole(3);
	assert_int_equal(mem.mapped_pages, 0);
	for (unsigned i = 0; i < 512; i++)
		fake_set_present(GFN(i), true);
	expect_mapped(GPA(0), CHUNK);
}

static void balloon_out_and_in(void **state)
{
	(void)state;
	expect_mapped(GPA(0), CHUNK);
	fake_set_present(GFN(20), false);
	guest_mem_invalidate(&mem);
	expect_hole(20);
	expect_mapped(GPA(21), PAGE);
	fake_set_present(GFN(20), true);
	expect_mapped(GPA(0), CHUNK);
	guest_mem_invalidate(&mem);
	assert_int_equal(fake_mapped_frames(), 0);
}

static void every_second_page(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 512; i += 2)
		fake_set_present(GFN(i), false);
	expect_mapped(GPA(1), PAGE);
	for (unsigned i = 0; i < 512; i += 2) {
		expect_hole(i);
		expect_mapped(GPA(i + 1), PAGE);
	}
	assert_int_equal(mem.mapped_pages, 256);
}

/* The hypervisor has no page at all there: a device's window, or nothing. */
static void no_ram(void **state)
{
	(void)state;
	assert_null(guest_mem_at(&mem, 0, 1));
	assert_null(guest_mem_at(&mem, FAKE_WINDOWS, 4));
	assert_null(guest_mem_at(&mem, FAKE_RAM0_BASE - 1, 1));
	assert_null(guest_mem_at(&mem, FAKE_RAM0_BASE - 1, 2));
	assert_null(guest_mem_at(&mem, FAKE_RAM0_BASE + FAKE_RAM_BYTES, 1));
	assert_null(guest_mem_at(&mem, FAKE_RAM1_BASE + FAKE_RAM_BYTES - 1, 2));
	expect_mapped(FAKE_RAM1_BASE + FAKE_RAM_BYTES - 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(neighbours_work),
		TEST(race_costs_one_page),
		TEST(page_comes_back),
		TEST(whole_chunk_comes_back),
		TEST(balloon_out_and_in),
		TEST(every_second_page),
		TEST(no_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
