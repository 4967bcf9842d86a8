/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The split virtqueue (VIRTIO 1.3, 2.7), device side.
 *
 * Life of a head: virtq_pop() takes it from the available ring, virtq_chain_next() walks its
 * descriptors, virtq_push() writes its used element, virtq_publish() lets the driver see all that
 * were pushed in this round and says whether to interrupt.  Each popped head is pushed once.
 *
 * The rings lie in guest memory and are hostile: every field is loaded once into a local, checked
 * there, and used from there; every loop has a budget.  Functions that return -EBADMSG have called
 * guest_fault().
 */
#ifndef TRANSPORT_VIRTQ_H
#define TRANSPORT_VIRTQ_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/guest_mem.h"

/* The largest queue that a device may offer.  The specification would allow 32768. */
#define VIRTQ_SIZE_MAX 1024

struct virtio_device;

/* What must outlive the worker.  In the state memfd: fixed-size numbers only. */
struct virtq_state {
	uint64_t desc;	     /* the driver's addresses of the three parts */
	uint64_t driver;     /* available ring */
	uint64_t device;     /* used ring */
	uint32_t size;	     /* QueueSize: descriptors */
	uint32_t ready;	     /* QueueReady */
	uint16_t last_avail; /* available index of the next head to pop */
	uint16_t used;	     /* used index of the next element to push */
	uint16_t published;  /* used index that the driver can see */
	uint16_t resetting;  /* QueueReset: the driver wrote 1, requests are still in flight */
	uint32_t inflight;   /* heads popped and not yet given back */
	uint64_t serial;     /* of the last head popped */
	uint64_t heads[VIRTQ_SIZE_MAX]; /* serial of each head in flight, else 0 */
};

struct virtq {
	struct virtio_device *dev; /* borrowed: whose queue this is */
	struct virtq_state *state; /* borrowed */
	struct guest_mem *mem;	   /* borrowed */
	uint64_t generation;	   /* of guest memory, when the pointers were made */
	struct vring_desc *desc;   /* NULL: not mapped */
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t avail_seen; /* the available index as last loaded */
	bool event_idx;	     /* VIRTIO_F_EVENT_IDX was negotiated */
	bool indirect;	     /* VIRTIO_F_INDIRECT_DESC was negotiated */
};

/* One element of a chain. */
struct virtq_segment {
	uint64_t addr; /* for guest_mem_at() */
	uint32_t len;  /* bytes; may be 0 */
	bool write;    /* device-writable */
};

/* A walk along one chain. */
struct virtq_chain {
	struct virtq *q;
	const struct vring_desc *table; /* the queue's own, or an indirect one */
	uint32_t table_size;
	uint32_t budget; /* elements that may still come */
	uint16_t next;
	bool more;
	bool in_indirect;
	bool seen_write;
};

/* Connect q to its device, its state and guest memory.  Maps nothing. */
void virtq_init(struct virtq *q, struct virtio_device *dev, struct virtq_state *state,
		struct guest_mem *mem);

/* Unmap the rings.  What the driver sees of the queue stays as it is. */
void virtq_fini(struct virtq *q);

/*
 * QueueReady = 1: check size, alignment and addresses, map the rings, start with fresh indices.
 * False if the queue cannot be used so; nothing changed then.
 */
bool virtq_enable(struct virtq *q);

/*
 * QueueReady = 0: from now on no access to the rings, which are the driver's again.  Heads in
 * flight stay counted.
 */
void virtq_disable(struct virtq *q);

/* virtq_disable(), and forget size and addresses: the default state (2.6.1.1). */
void virtq_reset(struct virtq *q);

/*
 * Take the next available head.  1: *ret_head is it, and it is in flight now.  0: there is none.
 * -EBADMSG: the guest broke the ring.
 */
int virtq_pop(struct virtq *q, uint16_t *ret_head);

/* The head that was popped last is available again, as if it had not been popped. */
void virtq_unpop(struct virtq *q, uint16_t head);

/* Begin to walk the chain of a popped head. */
void virtq_chain_init(struct virtq_chain *c, struct virtq *q, uint16_t head);

/*
 * 1: *ret is the next element.  0: the chain has ended.  -EBADMSG: the guest broke it.
 * -ENOMEM: guest memory is starved.
 */
int virtq_chain_next(struct virtq_chain *c, struct virtq_segment *ret);

/*
 * Give a head back, with the number of bytes written from the first device-writable one on.  Not
 * seen by the driver before virtq_publish().  If the queue was disabled meanwhile, only ends the
 * flight.
 */
void virtq_push(struct virtq *q, uint16_t head, uint32_t len);

/*
 * Show all pushed elements, and what waits to be written to memory before them (guest_mem_flush()),
 * to the driver.  True if it wants an interrupt for them.
 */
bool virtq_publish(struct virtq *q);

/* Are the rings mapped now? */
static inline bool virtq_is_mapped(const struct virtq *q)
{
	return q->desc && q->generation == q->mem->generation;
}

/* Are there heads to pop?  Just a look: no, if the rings are not mapped. */
bool virtq_has_more(const struct virtq *q);

/* Ask the driver not to notify while we look anyway.  Only a hint. */
void virtq_suppress_kicks(struct virtq *q);

/* Ask for notifications again.  True if heads came in meanwhile, which may go unnotified. */
bool virtq_want_kicks(struct virtq *q);

/*
 * Does an event at index event lie in the window (old, new]?  (2.7.7.2: vring_need_event, all
 * indices modulo 2^16.)
 */
static inline bool virtq_event_crossed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

#endif
