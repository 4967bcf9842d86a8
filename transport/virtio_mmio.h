/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over MMIO, version 2 (VIRTIO 1.3, 4.2): register decode, status machine, feature
 * negotiation, queue set-up, interrupt status.
 *
 * The registers live in struct virtio_state.  Whatever the driver must not do (wrong width, wrong
 * order, reading what is write-only) is ignored, counted, and harms nobody.
 */
#ifndef TRANSPORT_VIRTIO_MMIO_H
#define TRANSPORT_VIRTIO_MMIO_H

#include <stdint.h>

#include "transport/virtio.h"
#include "transport/xen.h"

/* Bytes of the window that libxl gives each device (tools/libs/light/libxl_arm.c). */
#define VIRTIO_MMIO_WINDOW 0x200

/* A virtio-mmio window: a device with its place in the guest's address space. */
struct virtio_mmio {
	struct virtio_device dev; /* filled in by the device before virtio_mmio_init() */
	struct xen_domain *xen;	  /* borrowed */
	uint64_t base;		  /* guest-physical address of the window */
	uint32_t irq;		  /* SPI */
};

/*
 * Become the transport of m->dev, whose ops, subject, state, offered, nr_queues and queue_size_max
 * are set.  Adds the transport's own feature bits to what is offered, and demands those that the
 * kind of memory makes necessary.
 */
void virtio_mmio_init(struct virtio_mmio *m, struct xen_domain *xen, struct guest_mem *mem,
		      uint64_t base, uint32_t irq);

/* Let go of the rings; the registers stay as they are. */
void virtio_mmio_fini(struct virtio_mmio *m);

/*
 * A guest access at byte offset off < VIRTIO_MMIO_WINDOW, size 1, 2, 4 or 8.  Called while the vCPU
 * waits for the answer.
 */
uint64_t virtio_mmio_read(struct virtio_mmio *m, unsigned off, unsigned size);
void virtio_mmio_write(struct virtio_mmio *m, unsigned off, unsigned size, uint64_t value);

/*
 * Queue q < nr_queues was notified n times, and somebody else has answered the vCPUs: by now the
 * queue may be in any state.
 */
void virtio_mmio_kicked(struct virtio_mmio *m, unsigned q, uint64_t n);

#endif
