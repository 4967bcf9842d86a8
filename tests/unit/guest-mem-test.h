/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory alone, for its tests; whatever they do, nothing may stay mapped. */
#ifndef TESTS_UNIT_GUEST_MEM_TEST_H
#define TESTS_UNIT_GUEST_MEM_TEST_H

#include <sys/mman.h>

#include "tests/fake/test.h"
#include "tests/fake/xen.h"
#include "transport/guest_mem.h"

#define CHUNK (2ull << 20)
#define PAGE  ((uint64_t)XEN_PAGE_SIZE)

static struct xen_domain xen;
static struct guest_mem mem;

static int set_up(void **state)
{
	(void)state;
	fake_xen_start(&xen);
	return guest_mem_init_foreign(&mem, &xen);
}

static int tear_down(void **state)
{
	(void)state;
	guest_mem_fini(&mem);
	assert_int_equal(fake_mapped_frames(), 0);
	guest_mem_fini(&mem);
	fake_xen_stop(&xen);
	return 0;
}

/* [gpa, gpa + len) is there, and it is the guest's: what one side writes the other one reads. */
static inline void expect_mapped(uint64_t gpa, uint64_t len)
{
	uint8_t *p = guest_mem_at(&mem, gpa, len);

	assert_non_null(p);
	for (uint64_t at = 0; at < len; at += MIN(PAGE / 2, len - at)) {
		uint8_t *theirs = fake_ram(gpa + at);

		p[at] = 0x5a ^ at >> 11;
		assert_int_equal(*theirs, 0x5a ^ (uint8_t)(at >> 11));
		*theirs = 0x33;
		assert_int_equal(p[at], 0x33);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
