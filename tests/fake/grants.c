/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fake/grants.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct {
	struct {
		bool used, read_only;
		uint64_t gfn;
	} ref[FAKE_GRANTS];
	unsigned calls, copies, mapped;
	bool stuck;
} grants;

void fake_grants_reset(void)
{
	memset(&grants, 0, sizeof(grants));
}

void fake_grant(uint32_t ref, uint64_t gfn, bool read_only)
{
	assert_true(ref < FAKE_GRANTS && !grants.ref[ref].used);
	grants.ref[ref].used = true;
	grants.ref[ref].read_only = read_only;
	grants.ref[ref].gfn = gfn;
}

void fake_revoke(uint32_t ref)
{
	assert_true(ref < FAKE_GRANTS && grants.ref[ref].used);
	grants.ref[ref].used = false;
}

void fake_grants_stick(void)
{
	grants.stuck = true;
}

unsigned fake_grant_copy_calls(void)
{
	return grants.calls;
}

unsigned fake_grant_copies(void)
{
	return grants.copies;
}

unsigned fake_grants_mapped(void)
{
	return grants.mapped;
}

static uint8_t *page_of(uint32_t ref, bool write)
{
	if (ref >= FAKE_GRANTS || !grants.ref[ref].used || (write && grants.ref[ref].read_only))
		return NULL;
	return fake_ram(grants.ref[ref].gfn << XEN_PAGE_SHIFT);
}

/* transport/xen.h from here on */

int xen_grants_open(struct xen_domain *x)
{
	static char there;

	x->gnttab = (struct xengntdev_handle *)&there;
	return 0;
}

/* The pages in a row, as the guest has them: granted in that order, or not at all. */
void *xen_grant_map(struct xen_domain *x, uint32_t ref, unsigned n, bool write)
{
	uint8_t *first = page_of(ref, write);

	(void)x;
	assert_true(n <= XEN_GRANTS_MAX);
	for (unsigned i = 0; i < n; i++)
		if (!first || page_of(ref + i, write) != first + (size_t)i * XEN_PAGE_SIZE)
			return NULL;
	grants.mapped += n;
	return first;
}

int xen_grant_unmap(struct xen_domain *x, void *va, unsigned n)
{
	(void)x;
	assert_int_equal((uintptr_t)va % XEN_PAGE_SIZE, 0);
	assert_true(n <= grants.mapped);
	if (grants.stuck)
		return -EBUSY;
	grants.mapped -= n;
	return 0;
}

unsigned xen_grant_copy(struct xen_domain *x, const struct xen_copy *copy, unsigned n,
			bool to_guest)
{
	unsigned failed = 0;

	(void)x;
	assert_true(n && n <= XEN_COPIES_MAX);
	grants.calls++;
	grants.copies += n;
	for (unsigned i = 0; i < n; i++) {
		const struct xen_copy *c = &copy[i];
		uint8_t *p = page_of(c->ref, to_guest);

		assert_true(c->len && c->offset + c->len <= XEN_PAGE_SIZE);
		if (!p)
			failed++;
		else if (to_guest)
			memcpy(p + c->offset, c->mem, c->len);
		else
			memcpy(c->mem, p + c->offset, c->len);
	}
	return failed;
}
