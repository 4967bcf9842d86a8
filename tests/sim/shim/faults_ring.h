/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What faults_uring.c, which has the theory, and faults_sqe.c share: the state of one io_uring. */
#ifndef TESTS_SIM_SHIM_FAULTS_RING_H
#define TESTS_SIM_SHIM_FAULTS_RING_H

#include <liburing.h>

#include "tests/sim/shim/faults.h"

#define OP_BIT 1u /* in the kernel's user_data: behind it is a struct op */

/* An operation that a rule or the recorder is about. */
struct op {
	struct op *next;
	struct io_uring_sqe sqe;    /* as the kernel gets it */
	uint64_t user_data;	    /* the daemon's */
	uint64_t order;		    /* of taking over */
	struct fault_slot *slot;    /* NULL: recorded only */
	uint32_t number;	    /* HOLD: in its line */
	uint64_t due;		    /* DELAY: fault_now() */
	struct iovec *iov;	    /* SHORT: a copy of the array */
	struct fault_record record; /* id 0: not recorded */
	int32_t res;
	uint32_t cqe_flags;
};

/* Operations in a line; queue_init() makes it empty. */
struct queue {
	struct op *first, **last;
};

/* One io_uring of the daemon's, used by one thread. */
struct shadow {
	struct io_uring *_Atomic ring; /* NULL: free */
	bool on;
	struct io_uring_cq kernel; /* the ring's own, while on */
	unsigned head, tail, mask, entries;
	struct io_uring_cqe *cqes;

	uint64_t taken;	       /* operations so far */
	unsigned in_flight;    /* operations that the kernel has */
	unsigned reordered;    /* those of them that are to be reordered */
	struct queue waiting;  /* held or delayed, in order */
	struct queue gathered; /* reordered ones that have ended, by order */
	struct queue ended;    /* to be delivered when there is room */
};

static inline void queue_add(struct queue *q, struct op *op)
{
	op->next = NULL;
	*q->last = op;
	q->last = &op->next;
}

static inline void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

/* Memory that is there, zeroed: the process ends if there is none. */
void *fault_allocate(size_t n, size_t size);

/*
 * Go through the SQEs that the daemon has prepared since the last call: change them, or take them
 * away, to s->waiting or s->ended.
 */
void fault_take_new(struct shadow *s, struct io_uring *ring);

/* Prepare SQEs for those in s->waiting that may go, or move them to s->ended if they shall fail. */
void fault_let_go(struct shadow *s, struct io_uring *ring);

/*
 * Add to the record what happens to the operation, if its file is recorded; op->res is the result.
 */
void fault_note(struct op *op, enum fault_event event);

#endif
