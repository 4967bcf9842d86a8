/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door to guest memory: guest-physical address and length in, pointer or NULL out.
 *
 * The guest's whole physical address space is reserved once as inaccessible virtual memory, so an
 * address translates by an addition, and a buffer that is contiguous for the guest is contiguous
 * for us.  Memory is mapped into it by foreign mapping, in chunks of 2 MiB, when a chunk is first
 * touched, and stays mapped: mapping costs a hypercall per page and again when it is undone.  The
 * layout of the guest's RAM is never guessed; pages that cannot be mapped (holes, MMIO windows,
 * ballooned pages) are remembered as missing and tried again when asked for.
 *
 * One thread only.
 */
#ifndef TRANSPORT_GUEST_MEM_H
#define TRANSPORT_GUEST_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "transport/xen.h"

/*
 * GUEST_RAM1_BASE + GUEST_RAM1_SIZE (xen/include/public/arch-arm.h): RAM ends below 1 TiB.  Where
 * that much cannot be reserved it is halved until it can, and the log says so: 256 GiB for an arm64
 * kernel with 39-bit addresses; 32 GiB under valgrind, which leaves a program 64 GiB less what is
 * in use.  With less than that a worker does not start.
 */
#define GUEST_MEM_SIZE	   (1ull << 40)
#define GUEST_MEM_SIZE_MIN (1ull << 35)

struct guest_mem {
	struct xen_domain *xen; /* borrowed */
	uint8_t *base;		/* guest-physical 0 */
	uint64_t size;		/* bytes reserved; addresses beyond are not memory */
	uint64_t *present;	/* a bit for each page that may be touched */
	uint64_t *chunks;	/* a bit for each chunk with anything mapped */
	uint64_t generation;	/* counts guest_mem_invalidate(): older pointers are dead */
	uint64_t mapped_pages;
	unsigned mappings; /* VMAs that they are in; bounded */
};

#define GUEST_MEM_NULL ((struct guest_mem){ .base = NULL })

/* Reserve the address space; nothing is mapped yet.  0 or -errno, logged. */
int guest_mem_init(struct guest_mem *m, struct xen_domain *xen);

/* Unmap all, give back the address space.  Works on GUEST_MEM_NULL and twice. */
void guest_mem_fini(struct guest_mem *m);

/*
 * Unmap all guest memory, as IOREQ_TYPE_INVALIDATE asks.  Every pointer from guest_mem_at() dies:
 * the caller has made sure that nothing, the kernel included, still uses one.
 */
void guest_mem_invalidate(struct guest_mem *m);

/* For guest_mem_at() only: make [gpa, gpa + len) present if it can be done. */
bool guest_mem_map(struct guest_mem *m, uint64_t gpa, uint64_t len);

/*
 * The memory at [gpa, gpa + len), bytes, len > 0; NULL if any of it is not RAM of the guest that
 * can be mapped for reading and writing.  The pointer is good until guest_mem_invalidate().
 */
static inline void *guest_mem_at(struct guest_mem *m, uint64_t gpa, uint64_t len)
{
	uint64_t page, last;

	if (!len || !range_within(gpa, len, m->size))
		return NULL;
	last = (gpa + len - 1) >> XEN_PAGE_SHIFT;
	for (page = gpa >> XEN_PAGE_SHIFT; page <= last; page++)
		if (!(m->present[page / 64] & 1ull << page % 64))
			return guest_mem_map(m, gpa, len) ? m->base + gpa : NULL;
	return m->base + gpa;
}

#endif
