/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kicks of one window that the kernel answers (ioeventfd, see transport/xen_eventfd.c): the
 * eventfds of its queues, and the way from there to the device.
 */
#ifndef TRANSPORT_KICKS_H
#define TRANSPORT_KICKS_H

#include "base/loop.h"
#include "transport/virtio_mmio.h"

struct kicks;

struct kick_queue {
	struct loop_source source;
	struct kicks *kicks; /* whose it is */
};

struct kicks {
	struct loop *loop;     /* borrowed */
	struct virtio_mmio *m; /* borrowed */
	unsigned nr;	       /* queues; 0: kicks come as any other access does */
	int fds[VIRTIO_QUEUES_MAX];
	struct kick_queue queues[VIRTIO_QUEUES_MAX];
};

/*
 * Have the kernel answer the kicks in a window that is served, where it can; else *k is empty.  All
 * that is borrowed, and k, stay in place until kicks_close().
 */
void kicks_open(struct kicks *k, struct loop *loop, struct virtio_mmio *m);

/*
 * Kicks are ours again.  Some may wait in a slot: to be followed by an ioreq_pump().  Works on an
 * empty one.
 */
void kicks_close(struct kicks *k);

#endif
