/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: one io_uring that is both the disk engine and the only place where the process
 * waits.
 *
 * A round is: submit all prepared SQEs and wait with one io_uring_enter(2); run the completion of
 * each CQE; call the round hook, which does the work that is better done once per round (drain
 * virtqueues, publish used rings, raise interrupts).  When the hook says that it has more to do,
 * the next round does not sleep.
 *
 * One loop belongs to one thread, the one that called loop_init() (IORING_SETUP_SINGLE_ISSUER).
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One asynchronous operation.  Embed it, set done, and get an SQE for it; the memory stays with the
 * operation until done() has been called, which happens exactly once per SQE, from loop_run().
 * res is the CQE's result: >= 0, or a negative errno.
 */
struct loop_op {
	void (*done)(struct loop_op *op, int res);
};

struct loop_poll; /* private to loop.c */

/*
 * A file descriptor whose readability is of interest.  ready() is called from loop_run() while the
 * descriptor is readable (level-triggered), and also on POLLHUP and POLLERR.  The descriptor stays
 * its owner's.
 */
struct loop_source {
	void (*ready)(struct loop_source *src);
	struct loop_poll *poll; /* NULL: not in a loop */
};

#define LOOP_SOURCE_NULL ((struct loop_source){ .ready = NULL })

struct loop {
	struct io_uring ring;
	bool initialized;
	bool stop;
	unsigned setup_flags; /* IORING_SETUP_* that the kernel accepted */

	/* Runs at the end of each round; true means "do not sleep, call me again".  May be NULL. */
	bool (*round)(void *arg);
	void *round_arg;
};

#define LOOP_NULL ((struct loop){ .initialized = false })

/*
 * Make the ring with room for entries SQEs between two submissions (more are submitted early).
 * Asks for SINGLE_ISSUER|DEFER_TASKRUN (Linux 6.1), then COOP_TASKRUN (5.19), then nothing.
 * Returns 0 or -errno; -ENOSYS and -EPERM mean that the kernel has io_uring switched off, and the
 * message says so.
 */
int loop_init(struct loop *l, unsigned entries);

/* Give back everything.  Works on LOOP_NULL and on a finished loop. */
void loop_fini(struct loop *l);

/*
 * An SQE whose completion calls op->done(), to be filled with an io_uring_prep_*() function BY THE
 * CALLER BEFORE anything else is asked of the loop.  Never NULL: a full submission queue is
 * submitted first.  Note that io_uring_prep_*() does not touch user_data.
 */
struct io_uring_sqe *loop_get_sqe(struct loop *l, struct loop_op *op);

/* Watch fd for src, whose ready() is set.  src stays in place until loop_remove().  0 or -errno. */
int loop_add(struct loop *l, struct loop_source *src, int fd);

/*
 * Stop watching.  After it returns ready() is not called again, and the memory of src is free; the
 * descriptor may be closed.  Does nothing for a source that is in no loop.
 */
void loop_remove(struct loop *l, struct loop_source *src);

/* Run rounds until loop_stop().  Returns 0, or -errno when io_uring_enter(2) fails. */
int loop_run(struct loop *l);

/* Run one round; sleep for a completion only if may_sleep.  0 or -errno. */
int loop_run_round(struct loop *l, bool may_sleep);

/* Let loop_run() return at the end of this round. */
void loop_stop(struct loop *l);

/* One-shot timer on the loop.  Embed it, set expired. */
struct loop_timer {
	struct loop_op op;
	struct __kernel_timespec ts;
	void (*expired)(struct loop_timer *t);
	bool pending;
};

/* Call t->expired() once, after ms milliseconds.  The memory of t stays until then. */
void loop_timer_start(struct loop *l, struct loop_timer *t, unsigned ms);

#endif
