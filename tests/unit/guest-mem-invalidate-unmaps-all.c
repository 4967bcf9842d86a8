/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_mem_invalidate() leaves nothing mapped, tells so by the generation, and what is touched
 * afterwards is mapped anew, at the same place.
 */
#include "tests/unit/guest-mem-test.h"

static void unmaps_and_maps_again(void **state)
{
	uint64_t generation = mem.generation;
	void *before;

	(void)state;
	for (unsigned i = 1; i <= 5; i++) {
		expect_mapped(FAKE_RAM0_BASE, 3 * CHUNK);
		expect_mapped(FAKE_RAM1_BASE + 2 * CHUNK, CHUNK);
		before = guest_mem_at(&mem, FAKE_RAM1_BASE + 2 * CHUNK, 1);
		assert_int_equal(fake_mapped_frames(), 4 * 512);
		guest_mem_invalidate(&mem);
		assert_int_equal(fake_mapped_frames(), 0);
		assert_int_equal(mem.mapped_pages, 0);
		assert_int_equal(mem.generation, generation + i);
		assert_ptr_equal(guest_mem_at(&mem, FAKE_RAM1_BASE + 2 * CHUNK, 1), before);
		assert_int_equal(fake_mapped_frames(), 512);
		guest_mem_invalidate(&mem);
		generation++;
	}
}

static void nothing_mapped_is_fine(void **state)
{
	(void)state;
	guest_mem_invalidate(&mem);
	guest_mem_invalidate(&mem);
	assert_int_equal(fake_mapped_frames(), 0);
	expect_mapped(FAKE_RAM0_BASE, 1);
}

/* What was dropped is a hole in the reservation, not free for anybody's mmap(). */
static void address_space_stays_reserved(void **state)
{
	unsigned char resident[CHUNK / PAGE];

	(void)state;
	expect_mapped(FAKE_RAM0_BASE, CHUNK);
	fake_set_present(FAKE_RAM0_BASE >> XEN_PAGE_SHIFT, false);
	guest_mem_invalidate(&mem);
	assert_null(guest_mem_at(&mem, FAKE_RAM0_BASE, 1));
	assert_null(guest_mem_at(&mem, 0, 1));
	/* ENOMEM would say that some of it isn't mapped, not even as inaccessible. */
	assert_int_equal(mincore(mem.base + FAKE_RAM0_BASE, CHUNK, resident), 0);
	assert_int_equal(mincore(mem.base, CHUNK, resident), 0);
	guest_mem_invalidate(&mem);
	assert_int_equal(mincore(mem.base + FAKE_RAM0_BASE, CHUNK, resident), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unmaps_and_maps_again),
		TEST(nothing_mapped_is_fine),
		TEST(address_space_stays_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
