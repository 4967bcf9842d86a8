/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of transport/guest_mem_grants.c have in common. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/grants.h"
#include "transport/guest_mem.h"

#include <cmocka.h>

#define PAGE  4096u
#define PAGES 300
#define REF0  16 /* of the first page of the guest's; the others follow */
#define FRAME (FAKE_RAM0_BASE / PAGE)

static struct xen_domain xen;
static struct guest_mem mem;

static inline int set_up(void **state)
{
	(void)state;
	fake_xen_start(&xen);
	fake_grants_reset();
	for (unsigned i = 0; i < PAGES; i++)
		fake_grant(REF0 + i, FRAME + i, false);
	for (unsigned i = 0; i < PAGES * PAGE; i++)
		*(uint8_t *)fake_ram(FAKE_RAM0_BASE + i) = i * 7 ^ i >> 8;
	return guest_mem_init_grants(&mem, &xen);
}

static inline int tear_down(void **state)
{
	(void)state;
	guest_mem_fini(&mem);
	guest_mem_fini(&mem);
	assert_int_equal(fake_grants_mapped(), 0);
	fake_xen_stop(&xen);
	return 0;
}

/* The device's address of a byte of the guest's memory, and the byte itself. */
static inline uint64_t address(uint64_t at)
{
	return fake_grant_address(REF0 + at / PAGE, at % PAGE);
}

static inline uint8_t *byte(uint64_t at)
{
	return fake_ram(FAKE_RAM0_BASE + at);
}

/* As an entry of a list of places. */
static inline struct iovec place(uint64_t at, size_t len)
{
	void *p = guest_mem_at(&mem, address(at), len);

	assert_non_null(p);
	return (struct iovec){ p, len };
}
