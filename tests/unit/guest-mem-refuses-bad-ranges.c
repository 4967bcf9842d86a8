/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A range that is empty, wraps, or reaches beyond the end of guest-physical space is NULL. */
#include "tests/unit/guest-mem-test.h"

static const struct {
	uint64_t gpa, len;
} bad[] = {
	{ FAKE_RAM0_BASE, 0 },
	{ 0, 0 },
	{ GUEST_MEM_SIZE, 0 },
	{ UINT64_MAX, 0 },
	{ UINT64_MAX, 1 },
	{ UINT64_MAX, 2 },
	{ UINT64_MAX, UINT64_MAX },
	{ FAKE_RAM0_BASE, UINT64_MAX },
	{ FAKE_RAM0_BASE, UINT64_MAX - FAKE_RAM0_BASE },
	{ FAKE_RAM0_BASE, UINT64_MAX - FAKE_RAM0_BASE + 1 },
	{ FAKE_RAM0_BASE, UINT64_MAX - FAKE_RAM0_BASE + 2 },
	{ FAKE_RAM0_BASE, FAKE_RAM_BYTES + 1 },
	{ GUEST_MEM_SIZE - 1, 1 },
	{ GUEST_MEM_SIZE - 1, 2 },
	{ GUEST_MEM_SIZE, 1 },
	{ GUEST_MEM_SIZE + FAKE_RAM0_BASE, 1 },
	{ 1ull << 63 | FAKE_RAM0_BASE, 1 },
	{ 0, GUEST_MEM_SIZE },
	{ 0, GUEST_MEM_SIZE + 1 },
	{ 1, GUEST_MEM_SIZE },
};

static void refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		drv_check(!guest_mem_at(&mem, bad[i].gpa, bad[i].len), "%#llx + %#llx",
			  (unsigned long long)bad[i].gpa, (unsigned long long)bad[i].len);
}

/* Also when all the RAM there is has been mapped before. */
static void refused_when_mapped(void **state)
{
	expect_mapped(FAKE_RAM0_BASE, FAKE_RAM_BYTES);
	refused(state);
	assert_int_equal(mem.mapped_pages, FAKE_RAM_BYTES / PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refused),
		TEST(refused_when_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
