/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtio-blk device (VIRTIO 1.3, 5.2): the only place that knows both sides of a request.
 * Chain in, block request out; result in, used element out.
 *
 * Everything runs on the worker's loop thread, and once per round where that is enough: kicks only
 * mark queues, disk_run() drains the marked ones, disk_publish() shows what has completed.  The
 * driver of a drained queue need not kick it until disk_settle(): disk_run() looks there, too.
 */
#ifndef DAEMON_DISK_H
#define DAEMON_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/backend.h"
#include "daemon/state.h"
#include "transport/virtio_mmio.h"

/* What GET_ID returns at most (5.2.6). */
#define DISK_SERIAL_BYTES 20

/* Features offered: FLUSH, CONFIG_WCE, SEG_MAX, SIZE_MAX, BLK_SIZE, TOPOLOGY, MQ, and by the image
 * RO, DISCARD, WRITE_ZEROES; limits of one request. */
#define DISK_SIZE_MAX	   (1u << 20) /* bytes of one segment */
#define DISK_RANGES_MAX	   32	      /* segments of one DISCARD or WRITE_ZEROES */
#define DISK_RANGE_SECTORS (1u << 21) /* 512-byte sectors of one such segment: 1 GiB */

/* How to make a disk; plain data, it comes through a socket. */
struct disk_params {
	char vdev[24];			/* name of the virtual device: xvda */
	uint32_t devid;			/* its number */
	uint64_t base;			/* of its window, guest-physical */
	uint32_t irq;			/* SPI */
	uint32_t nr_queues;		/* 1 ... VIRTIO_QUEUES_MAX */
	uint32_t queue_size;		/* power of two, 2 ... VIRTQ_SIZE_MAX */
	uint32_t grants;		/* guest memory by grants, not by foreign mapping */
	char serial[DISK_SERIAL_BYTES]; /* NUL-padded */
};

struct disk_request;

struct disk {
	struct virtio_mmio mmio;
	struct backend *backend;       /* owned */
	struct state_disk *state;      /* borrowed: in the state memfd */
	struct disk_request *requests; /* a slot for each head of each queue, by index */
	size_t request_stride;	       /* bytes from one slot to the next */
	uint32_t marked;	       /* queues with something to pop, a bit each */
	uint32_t pushed;	       /* queues with something to publish */
	uint32_t quiet;		       /* queues, mapped ones, whose driver need not kick */
	unsigned turn;		       /* the queue that a round begins with */
	bool began;		       /* the last round has begun a request */
	bool stopped;		       /* take no new requests */
	bool abandoned;		       /* disk_abandon() */
	char serial[DISK_SERIAL_BYTES];
};

/*
 * Make a disk on the slot st of the state memfd (all zero) and take over the backend.  The guest
 * sees it from ioreq_add_window() on.  0 or -errno, logged; on failure the backend stays the
 * caller's.
 */
int disk_init(struct disk *d, const struct disk_params *p, struct state_disk *st,
	      struct backend *backend, struct xen_domain *xen, struct guest_mem *mem);

/* Unmap the rings, close the backend.  Nothing is in flight. */
void disk_fini(struct disk *d);

/*
 * Pop what the marked queues hold and submit it.  True if there is more than one round should do.
 */
bool disk_run(struct disk *d);

/* Let the driver see what has completed, with at most one interrupt. */
void disk_publish(struct disk *d);

/* Is there something for disk_run() in a queue that the driver does not kick? */
bool disk_peek(const struct disk *d);

/*
 * Let the driver kick all queues: before a sleep, and before memory is unmapped.  True if something
 * came before it could know, for disk_run().
 */
bool disk_settle(struct disk *d);

/*
 * The image may have been resized: serve the size that it has now, in whole logical blocks, and
 * tell the driver if that is another one.  An image that is empty, or cannot be looked at, leaves
 * all as it was.  Logged either way.
 */
void disk_check_size(struct disk *d);

/* Take no new requests; those in flight go on. */
void disk_stop(struct disk *d);

/* Take no new requests ever; nobody waits for those in flight, which end at their next step. */
void disk_abandon(struct disk *d);

/* Is that the guest memory of the disk? */
static inline bool disk_uses(const struct disk *d, const struct guest_mem *mem)
{
	return d->mmio.dev.queues[0].mem == mem;
}

/* Requests in flight. */
static inline unsigned disk_inflight(const struct disk *d)
{
	return d->mmio.dev.inflight;
}

#endif
