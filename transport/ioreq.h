/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses of a guest's vCPUs to our windows: fetch READY slots, dispatch them to the device,
 * answer.
 *
 * A vCPU stands still until its slot is answered, so the answer comes before any work: devices only
 * remember a notification.  The exception is IOREQ_TYPE_INVALIDATE, by which Xen says that the
 * guest gives pages back: those slots are answered by ioreq_answer_invalidates(), after the caller
 * has drained what is in flight and unmapped guest memory.
 */
#ifndef TRANSPORT_IOREQ_H
#define TRANSPORT_IOREQ_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/virtio_mmio.h"
#include "transport/xen.h"

/* Windows one server can have: more than the 11 virtio-mmio devices of an Arm guest. */
#define IOREQ_WINDOWS_MAX 16

struct ioreq_server {
	struct xen_domain *xen;				/* borrowed */
	struct virtio_mmio *windows[IOREQ_WINDOWS_MAX]; /* borrowed; the first nr_windows */
	unsigned nr_windows;
	uint64_t invalidating[XEN_SLOTS_MAX / 64]; /* a bit for each slot that waits */
	bool invalidate_pending;		   /* any of them set */
	uint64_t invalidates;			   /* IOREQ_TYPE_INVALIDATE seen */
	uint64_t accesses;			   /* reads and writes served */
	uint64_t unclaimed;			   /* accesses in no window, or of a strange kind */
};

/* Serve a window, which stays the caller's until ioreq_remove_window().  0, -ENOSPC or -errno. */
int ioreq_add_window(struct ioreq_server *s, struct virtio_mmio *m);

/* Serve it no longer.  Does nothing for a window that is not served. */
void ioreq_remove_window(struct ioreq_server *s, struct virtio_mmio *m);

/* Look at all slots; serve and answer what is READY, but for what the kernel answers. */
void ioreq_pump(struct ioreq_server *s);

/* Guest memory has been unmapped: let the vCPUs go that waited for it. */
void ioreq_answer_invalidates(struct ioreq_server *s);

#endif
