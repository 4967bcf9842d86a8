/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk as the guest's driver sees it. */
#ifndef TESTS_TORTURE_DEVICE_H
#define TESTS_TORTURE_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/torture/model.h"
#include "tests/torture/plan.h"
#include "tests/torture/queue.h"
#include "tests/torture/stable.h"
#include "tests/torture/trouble.h"

struct life;

enum {
	DEVICE_CACHE_CHANGES = 1,
	DEVICE_CACHE_WRITETHROUGH = 2,
};

struct device {
	struct life *life;
	unsigned n; /* number of the guest's disk */
	const struct disk_plan *plan;
	struct model *model;
	struct drv ctl; /* for who has the lock for writing */

	/* For reading: requests on one's own queues.  For writing: a reset. */
	pthread_rwlock_t lock;
	/* With the lock for reading: QueueSel and the registers behind it; writeback. */
	pthread_mutex_t select;

	/* DEVICE_CACHE_*, in a number that is not the same again */
	atomic_uint cache;

	uint64_t features; /* negotiated */
	unsigned nr_queues, queue_size_max;
	struct queue queue[DRV_QUEUES_MAX];

	struct stable stable;
	struct trouble trouble;
	atomic_ullong lost;   /* requests without an answer */
	atomic_ullong failed; /* requests that the storage failed */
	/* The same, where the cause can be a flush that failed before. */
	atomic_ullong not_flushed;
};

/* A driver for the guest's disk n, and memory for it; nothing is negotiated. */
void device_init(struct device *dev, struct life *life, unsigned n, uint64_t memory_share,
		 uint64_t seed);
void device_fini(struct device *dev);

/*
 * Reset it, whatever it does, and bring it up with random features and queues.  The caller has the
 * lock for writing.
 */
void device_start(struct device *dev, uint64_t *rng);

/* Are writes stable when they are answered, and were when cache was this? */
bool device_is_writethrough(const struct device *dev, unsigned cache);

/*
 * Look at registers and configuration space, and write what may be written.  The caller has the
 * lock.
 */
void device_look(struct device *dev, struct drv *d, uint64_t *rng);

#endif
