/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Guest memory by grants.  Linux's grant-dma-ops makes new references for each request's buffers,
 * and takes them back when it is answered, so nothing of a request can stay mapped; mapping it for
 * the time between costs more than a copy at every size (docs/design.md).  So Xen copies, between
 * the guest's page and memory of ours; and of the guest's only rings are mapped, whose references
 * live as long as the queue.  Hence nothing of the guest is ever pinned, and what it revokes is
 * gone at once.
 *
 * An address is bit 63, the reference in bits 12 to 43, and the offset in its page; consecutive
 * references make up a range of several pages.  Any other address is nothing: it is never taken for
 * a guest-physical one.  A grant for what the device only reads is read-only: nothing here asks for
 * more than it needs.
 *
 * Status bytes are collected, and written by one hypercall, before the used index shows that they
 * are there.
 */
#include "transport/guest_mem.h"

#include <assert.h>
#include <errno.h>

#include "transport/ioreq.h"
#include "transport/virtio.h"

#define GRANT_ADDRESS (1ull << 63)
#define GRANT_BITS    44
#define GRANT_MASK    ((1ull << GRANT_BITS) - 1)

/* Of a ring's part: 1024 descriptors, at any offset. */
#define RING_PAGES_MAX (GUEST_MEM_VIEW_MAX / XEN_PAGE_SIZE + 1)

/*
 * Of all rings of a guest, if each part begins at the worst place that its alignment allows: 5
 * pages of descriptors, 2 of the available ring, 4 of the used ring.  Rings can't need more; but
 * what could not be unmapped counts as well.
 */
#define MAPPED_MAX ((5 + 2 + 4ull) * VIRTIO_QUEUES_MAX * IOREQ_WINDOWS_MAX)

/* Bytes that may wait; more are written early. */
#define PENDING_MAX XEN_COPIES_MAX

struct guest_grants {
	struct xen_copy copy[XEN_COPIES_MAX]; /* being made ready by fetch or store */
	struct xen_copy pending[PENDING_MAX]; /* one for each byte of value */
	uint8_t value[PENDING_MAX];
	unsigned char view[GUEST_MEM_VIEW_MAX];
};

_Static_assert(sizeof(void *) == sizeof(uint64_t), "a place has 64 bits");

static uint64_t address_of(const void *place)
{
	return (uintptr_t)place;
}

static uint32_t ref_of(uint64_t addr)
{
	return (addr & GRANT_MASK) >> XEN_PAGE_SHIFT;
}

static unsigned offset_of(uint64_t addr)
{
	return addr % XEN_PAGE_SIZE;
}

static unsigned pages_of(uint64_t addr, uint64_t len)
{
	return (offset_of(addr) + len + XEN_PAGE_SIZE - 1) >> XEN_PAGE_SHIFT;
}

static void *grants_at(struct guest_mem *m, uint64_t addr, uint64_t len)
{
	(void)m;
	/* References do not wrap around: the last one ends where GRANT_MASK does. */
	if (!len || (addr & ~GRANT_MASK) != GRANT_ADDRESS ||
	    !range_within(addr & GRANT_MASK, len, GRANT_MASK + 1))
		return NULL;
	return (void *)(uintptr_t)addr;
}

static bool run_copies(struct guest_mem *m, const struct xen_copy *copy, unsigned n, bool to_guest)
{
	unsigned failed = xen_grant_copy(m->xen, copy, n, to_guest);

	m->copies += n;
	m->failed_copies += failed;
	return !failed;
}

/* Between buf and the front of a list of places, n bytes, each page of the guest's by itself. */
static bool copy_list(struct guest_mem *m, const struct iovec *v, void *buf, size_t n,
		      bool to_guest)
{
	unsigned char *mem = buf;
	struct xen_copy *copy = m->grants->copy;
	unsigned nr = 0;

	for (; n; v++) {
		uint64_t addr = address_of(v->iov_base);
		size_t left = MIN(n, v->iov_len);

		n -= left;
		while (left) {
			size_t part = MIN(left, (size_t)XEN_PAGE_SIZE - offset_of(addr));

			if (nr == XEN_COPIES_MAX) {
				if (!run_copies(m, copy, nr, to_guest))
					return false;
				nr = 0;
			}
			copy[nr++] = (struct xen_copy){ mem, ref_of(addr), offset_of(addr), part };
			addr += part;
			mem += part;
			left -= part;
		}
	}
	return !nr || run_copies(m, copy, nr, to_guest);
}

static bool grants_fetch(struct guest_mem *m, void *buf, const struct iovec *from, size_t n)
{
	return copy_list(m, from, buf, n, false);
}

static bool grants_store(struct guest_mem *m, const struct iovec *to, const void *buf, size_t n)
{
	return copy_list(m, to, (void *)buf, n, true);
}

static const void *grants_view(struct guest_mem *m, void *place, uint32_t len)
{
	const struct iovec from = { place, len };

	assert(len <= GUEST_MEM_VIEW_MAX);
	return grants_fetch(m, m->grants->view, &from, len) ? m->grants->view : NULL;
}

static void *grants_map_ring(struct guest_mem *m, uint64_t addr, uint32_t len, bool write)
{
	unsigned n = pages_of(addr, len);
	char *p;

	assert(n <= RING_PAGES_MAX);
	if (!grants_at(m, addr, len) || m->mapped_pages + n > MAPPED_MAX)
		return NULL;
	p = xen_grant_map(m->xen, ref_of(addr), n, write);
	if (!p)
		return NULL;
	m->mapped_pages += n;
	return p + offset_of(addr);
}

static void grants_unmap_ring(struct guest_mem *m, void *ring, uint32_t len)
{
	unsigned n = pages_of(address_of(ring), len);

	/* What fails stays counted: it may be mapped until the worker ends. */
	if (xen_grant_unmap(m->xen, (char *)ring - offset_of(address_of(ring)), n) == 0)
		m->mapped_pages -= n;
}

static void grants_flush(struct guest_mem *m)
{
	run_copies(m, m->grants->pending, m->pending, true);
	m->pending = 0;
}

static void grants_store_byte(struct guest_mem *m, void *place, uint8_t value)
{
	struct guest_grants *g = m->grants;
	uint64_t addr = address_of(place);

	if (m->pending == PENDING_MAX)
		grants_flush(m);
	g->value[m->pending] = value;
	g->pending[m->pending] = (struct xen_copy){ &g->value[m->pending], ref_of(addr),
						    offset_of(addr), 1 };
	m->pending++;
}

static void grants_fini(struct guest_mem *m)
{
	free(m->grants);
}

static const struct guest_mem_ops grants_ops = {
	.at = grants_at,
	.view = grants_view,
	.map_ring = grants_map_ring,
	.unmap_ring = grants_unmap_ring,
	.fetch = grants_fetch,
	.store = grants_store,
	.store_byte = grants_store_byte,
	.flush = grants_flush,
	.fini = grants_fini,
};

int guest_mem_init_grants(struct guest_mem *m, struct xen_domain *xen)
{
	*m = GUEST_MEM_NULL;
	m->grants = calloc(1, sizeof(*m->grants));
	if (!m->grants)
		return fail(-ENOMEM, xen->subject, "cannot use grants");
	m->ops = &grants_ops;
	m->xen = xen;
	return 0;
}
