/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door to guest memory: what the guest calls an address, and a length, in; a place, or
 * NULL, out.  There are two kinds of memory behind it, chosen for each disk.
 *
 *   foreign  An address is guest-physical.  The guest's whole physical address space is
 *            reserved once as inaccessible virtual memory, and mapped into that, in chunks of
 *            2 MiB, when a chunk is first touched.  So an address translates by an addition, and
 *            what is contiguous for the guest is contiguous for us.  A place is a pointer.
 *            (transport/guest_mem_foreign.c)
 *   grants   An address holds a grant reference, which the guest makes for one request and
 *            takes back after it (VIRTIO_F_ACCESS_PLATFORM; Linux: drivers/xen/grant-dma-ops.c).
 *            Nothing is mapped but rings; all else is copied by Xen.  A place is that address,
 *            and must not be touched.  (transport/guest_mem_grants.c)
 *
 * Who uses it needs not know which it is: places are kept, cut and moved along by addition, in
 * either kind, and their bytes fetched and stored by the functions below.  Only who wants to save a
 * copy asks for in_place.
 *
 * A place says nothing about whether its bytes can be had: with grants that is only seen by trying.
 *
 * One thread only.
 */
#ifndef TRANSPORT_GUEST_MEM_H
#define TRANSPORT_GUEST_MEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

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

/* The most that guest_mem_view() can show: an indirect table of 1024 descriptors. */
#define GUEST_MEM_VIEW_MAX (16u << 10)

struct guest_mem;
struct guest_grants; /* private to guest_mem_grants.c */

/* One of the two kinds.  What the slots do is said at the functions that call them. */
struct guest_mem_ops {
	void *(*at)(struct guest_mem *m, uint64_t addr, uint64_t len);
	const void *(*view)(struct guest_mem *m, void *place, uint32_t len);
	void *(*map_ring)(struct guest_mem *m, uint64_t addr, uint32_t len, bool write);
	void (*unmap_ring)(struct guest_mem *m, void *ring, uint32_t len);
	bool (*fetch)(struct guest_mem *m, void *buf, const struct iovec *from, size_t n);
	bool (*store)(struct guest_mem *m, const struct iovec *to, const void *buf, size_t n);
	void (*store_byte)(struct guest_mem *m, void *place, uint8_t value);
	void (*flush)(struct guest_mem *m);
	void (*fini)(struct guest_mem *m);
};

struct guest_mem {
	const struct guest_mem_ops *ops;
	struct xen_domain *xen; /* borrowed */
	bool in_place;		/* places are pointers: the bytes can be used where they are */
	uint64_t generation;	/* counts guest_mem_invalidate(): older pointers are dead */
	uint64_t mapped_pages;	/* of the guest, now */

	/* foreign */
	uint8_t *base;	   /* guest-physical 0 */
	uint64_t size;	   /* bytes reserved; addresses beyond are not memory; with grants 0 */
	uint64_t *present; /* a bit for each page that may be touched */
	uint64_t *chunks;  /* a bit for each chunk with anything mapped */
	unsigned mappings; /* VMAs that they are in; bounded */
	/*
	 * Pages could not be had for want of room, so NULL was no word about the guest's address:
	 * take no requests, guest_mem_invalidate() when nothing is in flight, which ends this, and
	 * ask again.
	 */
	bool starved;
	bool sparing; /* there was no room once: map single pages, and no chunks */
	struct log_limit starved_limit;

	/* grants */
	struct guest_grants *grants;
	unsigned pending;	/* bytes for guest_mem_flush() to write */
	uint64_t copies;	/* pieces that Xen was asked to copy */
	uint64_t failed_copies; /* how many of them it refused */
};

#define GUEST_MEM_NULL ((struct guest_mem){ .ops = NULL })

/* Foreign memory: reserve the address space; nothing is mapped yet.  0 or -errno, logged. */
int guest_mem_init_foreign(struct guest_mem *m, struct xen_domain *xen);

/* Granted memory; xen has grants (xen_grants_open()).  0 or -ENOMEM, logged. */
int guest_mem_init_grants(struct guest_mem *m, struct xen_domain *xen);

/* Unmap all, give back everything; rings have been unmapped.  Works on GUEST_MEM_NULL and twice. */
void guest_mem_fini(struct guest_mem *m);

/*
 * Foreign memory only: unmap all of it, as IOREQ_TYPE_INVALIDATE asks.  Every pointer dies: the
 * caller has made sure that nothing, the kernel included, still uses one.
 */
void guest_mem_invalidate(struct guest_mem *m);

/*
 * The same for as long as time allows: until clock_ms() is beyond that.  What is left stays mapped,
 * for guest_mem_invalidate() or guest_mem_fini().  Linux asks Xen for each page, so that 1 TiB
 * takes minutes.
 */
void guest_mem_unmap_until(struct guest_mem *m, uint64_t until_ms);

/*
 * The place of [addr, addr + len), bytes, len > 0; NULL if the guest cannot mean memory by that, or
 * if starved is set.
 * Foreign: all of it is RAM that can be read and written, and the pointer is good until
 * guest_mem_invalidate().
 */
static inline void *guest_mem_at(struct guest_mem *m, uint64_t addr, uint64_t len)
{
	uint64_t page, last;

	if (!len || !range_within(addr, len, m->size))
		return m->ops->at(m, addr, len);
	last = (addr + len - 1) >> XEN_PAGE_SHIFT;
	for (page = addr >> XEN_PAGE_SHIFT; page <= last; page++)
		if (!(m->present[page / 64] & 1ull << page % 64))
			return m->ops->at(m, addr, len);
	return m->base + addr;
}

/*
 * Look at what the guest has at [addr, addr + len), len <= GUEST_MEM_VIEW_MAX: the bytes
 * themselves, which the guest may change meanwhile, or a copy, which lasts until the next call.
 * NULL if they can't be had.
 */
static inline const void *guest_mem_view(struct guest_mem *m, uint64_t addr, uint32_t len)
{
	void *place = guest_mem_at(m, addr, len);

	return m->in_place || !place ? place : m->ops->view(m, place, len);
}

/*
 * A pointer to [addr, addr + len), a part of a ring, for as long as the ring lives; write: the
 * device writes there.  NULL if it can't be had.  Foreign: until guest_mem_invalidate(), see
 * generation.
 */
static inline void *guest_mem_map_ring(struct guest_mem *m, uint64_t addr, uint32_t len, bool write)
{
	return m->in_place ? guest_mem_at(m, addr, len) : m->ops->map_ring(m, addr, len, write);
}

/* The opposite, with the same len; ring may be NULL.  The guest can have it back then. */
static inline void guest_mem_unmap_ring(struct guest_mem *m, void *ring, uint32_t len)
{
	if (!m->in_place && ring)
		m->ops->unmap_ring(m, ring, len);
}

/* Copy n bytes from the front of a list of places, which has as many.  False: they can't be had. */
static inline bool guest_mem_fetch(struct guest_mem *m, void *buf, const struct iovec *from,
				   size_t n)
{
	return m->ops->fetch(m, buf, from, n);
}

/* The same into the guest.  False: not all of it was written. */
static inline bool guest_mem_store(struct guest_mem *m, const struct iovec *to, const void *buf,
				   size_t n)
{
	return m->ops->store(m, to, buf, n);
}

/*
 * Write one byte, at the latest with guest_mem_flush().  It may not be possible: that is the
 * guest's own loss, and is counted.
 */
static inline void guest_mem_store_byte(struct guest_mem *m, void *place, uint8_t value)
{
	if (m->in_place)
		__atomic_store_n((uint8_t *)place, value, __ATOMIC_RELAXED);
	else
		m->ops->store_byte(m, place, value);
}

/*
 * Write the bytes that wait: before the guest is told that they are there, or may have its memory
 * back.
 */
static inline void guest_mem_flush(struct guest_mem *m)
{
	if (m->pending)
		m->ops->flush(m);
}

#endif
