/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants of the fake hypervisor's domain (tests/fake/xen.h): a table of references to its frames.
 */
#ifndef TESTS_FAKE_GRANTS_H
#define TESTS_FAKE_GRANTS_H

#include "tests/fake/xen.h"

#define FAKE_GRANTS 1024 /* references: 0 ... */

/* The guest's table is empty, and nothing has been done with it. */
void fake_grants_reset(void);

/* Let reference ref be the frame gfn, for reading only or for writing, too; or nothing. */
void fake_grant(uint32_t ref, uint64_t gfn, bool read_only);
void fake_revoke(uint32_t ref);

/* From now on nothing can be unmapped. */
void fake_grants_stick(void);

/* The address that a guest's driver makes of a reference. */
static inline uint64_t fake_grant_address(uint32_t ref, unsigned offset)
{
	return 1ull << 63 | (uint64_t)ref << XEN_PAGE_SHIFT | offset;
}

/* Calls of xen_grant_copy() so far, and pieces in them; pages mapped now. */
unsigned fake_grant_copy_calls(void);
unsigned fake_grant_copies(void);
unsigned fake_grants_mapped(void);

#endif
