/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request of a virtio-blk device: from the chain that the driver made to a block request, and
 * from its result to a used element.  Part of daemon/disk.c, which owns the slots.
 */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include "daemon/disk.h"
#include "daemon/virtio_blk.h"

/* The slot of one head.  Not in use, or in flight: its head's business from pop to push. */
struct disk_request {
	struct blk_request blk;
	struct disk *disk;
	struct virtq *q;
	void *status; /* place in guest memory; NULL: nowhere */
	uint32_t head;
	uint32_t data_len;    /* device-writable bytes before the status */
	uint64_t readable;    /* bytes, header included */
	int error;	      /* of the chain: -EBADMSG if it is a guest fault, ... */
	unsigned range;	      /* DISCARD, WRITE_ZEROES: the next of ... */
	unsigned nr_ranges;   /* ... so many */
	unsigned nr_iov;      /* elements of iov: readable ones first */
	unsigned nr_readable; /* how many of them are readable */
	struct virtio_blk_range ranges[DISK_RANGES_MAX];
	struct iovec iov[]; /* places in guest memory, queue_size_max of them */
};

/* What a request that was refused has cost at most, as if it had been so many bytes. */
#define REQUEST_BAD_COST (1u << 20)

/* The most that requests_start() takes. */
#define REQUESTS_MAX 32

/*
 * Look at the chain of the head just popped from q, which requests_start() is to be told of, in the
 * same round.  Returns the bytes that were looked at, for the caller's budget.
 */
uint64_t request_prepare(struct disk *d, struct virtq *q, uint16_t head);

/*
 * Serve n heads of q that are prepared, in this order: together, since with grants it takes a
 * hypercall to look at headers, few or many.  Each is given back exactly once: now, or when the
 * backend is done with it.
 */
void requests_start(struct disk *d, struct virtq *q, const uint16_t *heads, unsigned n);

#endif
