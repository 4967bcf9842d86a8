/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtqueue under load: many requests in flight, each in a slot of memory of its own.  A queue
 * belongs to a vCPU; nobody else touches it but who resets the device, under the device's lock.
 */
#ifndef TESTS_TORTURE_QUEUE_H
#define TESTS_TORTURE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/driver.h"
#include "tests/torture/request.h"

#define QUEUE_SIZE_MAX 1024
#define QUEUE_SLOTS    64

struct slot {
	uint64_t gpa;
	uint32_t poisoned; /* bytes at its beginning that are poison, while nobody uses it */
	bool used;
	bool out; /* some of its pages were given back */
	struct request req;
};

struct queue {
	struct device *dev;
	unsigned index;
	struct drv d; /* a view of the device's for the vCPU that owns the queue */
	struct drv_queue *q;
	uint64_t seed, number; /* of the next request */
	uint32_t slot_bytes;
	unsigned nr_slots;
	struct slot *slot;

	/* since it was set up */
	bool active;	     /* the driver uses it */
	atomic_bool polling; /* and wants no interrupts */
	atomic_uint outstanding;
	struct slot *by_head[QUEUE_SIZE_MAX];
	uint16_t free_desc[QUEUE_SIZE_MAX];
	unsigned nr_free;
	uint8_t *scratch; /* of the vCPU: slot_bytes */
};

/* Memory for rings and slots; memory_share is what the slots may take. */
void queue_init(struct queue *q, struct device *dev, unsigned index, uint64_t memory_share,
		uint64_t seed);
void queue_fini(struct queue *q);

/* Set it up, at a random size.  The device is in the right state for that, and QueueSel is ours. */
void queue_start(struct queue *q, uint64_t *rng);

/* Its requests will not come back: the device, or the queue, was reset. */
void queue_lose(struct queue *q);

/* Make up to n requests available, and notify. */
void queue_submit(struct queue *q, unsigned n, uint64_t *rng);

/* Take back what was used. */
void queue_reap(struct queue *q);

/*
 * Wait until a request has come back (it is not taken yet), nothing is outstanding any more, or the
 * guest was killed.  Takes the device's lock now and then; the caller doesn't have it.
 */
void queue_wait(struct queue *q, uint64_t *rng);

/* Reset it by QueueReset, and set it up anew.  The caller has the device's lock, for reading. */
void queue_reset(struct queue *q, uint64_t *rng);

#endif
