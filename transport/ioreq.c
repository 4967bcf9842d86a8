/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport/ioreq.h"

#include <errno.h>

int ioreq_add_window(struct ioreq_server *s, struct virtio_mmio *m)
{
	int r;

	if (s->nr_windows == IOREQ_WINDOWS_MAX)
		return fail(-ENOSPC, &m->dev.subject, "cannot serve more than %u devices",
			    IOREQ_WINDOWS_MAX);
	r = xen_server_map_window(s->xen, &s->xen->server, m->base, VIRTIO_MMIO_WINDOW);
	if (!r)
		s->windows[s->nr_windows++] = m;
	return r;
}

void ioreq_remove_window(struct ioreq_server *s, struct virtio_mmio *m)
{
	for (unsigned i = 0; i < s->nr_windows; i++) {
		if (s->windows[i] != m)
			continue;
		xen_server_unmap_window(s->xen, &s->xen->server, m->base, VIRTIO_MMIO_WINDOW);
		s->windows[i] = s->windows[--s->nr_windows];
		return;
	}
}

static struct virtio_mmio *find_window(struct ioreq_server *s, const struct xen_ioreq *req)
{
	for (unsigned i = 0; i < s->nr_windows; i++) {
		struct virtio_mmio *m = s->windows[i];

		if (req->addr >= m->base &&
		    range_within(req->addr - m->base, req->size, VIRTIO_MMIO_WINDOW))
			return m;
	}
	return NULL;
}

/* Serve one access; returns what a read gives. */
static uint64_t dispatch(struct ioreq_server *s, const struct xen_ioreq *req)
{
	struct virtio_mmio *m = req->type == XEN_IOREQ_OTHER ? NULL : find_window(s, req);

	if (!m) {
		s->unclaimed++;
		/* All ones, as from a bus where nobody answers. */
		return req->size < 8 ? (1ull << 8 * req->size) - 1 : UINT64_MAX;
	}
	s->accesses++;
	if (req->type == XEN_IOREQ_READ)
		return virtio_mmio_read(m, req->addr - m->base, req->size);
	virtio_mmio_write(m, req->addr - m->base, req->size, req->data);
	return 0;
}

void ioreq_pump(struct ioreq_server *s)
{
	struct xen_ioreq req;

	for (unsigned slot = 0; slot < xen_nr_slots(s->xen); slot++) {
		if (!xen_ioreq_take(s->xen, slot, &req))
			continue;
		if (req.type == XEN_IOREQ_INVALIDATE) {
			s->invalidating[slot / 64] |= 1ull << slot % 64;
			s->invalidate_pending = true;
			/* It is sent to each server; count it once. */
			s->invalidates += slot < s->xen->nr_vcpus;
			continue;
		}
		xen_ioreq_answer(s->xen, slot, dispatch(s, &req));
	}
}

void ioreq_answer_invalidates(struct ioreq_server *s)
{
	for (unsigned i = 0; i < XEN_SLOTS_MAX / 64; i++) {
		while (s->invalidating[i]) {
			unsigned bit = __builtin_ctzll(s->invalidating[i]);

			s->invalidating[i] &= ~(1ull << bit);
			xen_ioreq_answer(s->xen, i * 64 + bit, 0);
		}
	}
	s->invalidate_pending = false;
}
