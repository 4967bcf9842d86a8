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
 * Before a round sleeps it may look for a while whether something comes (base/spin.h), at
 * completions, and at what only its owner knows (struct loop_idle).
 *
 * One loop belongs to one thread, the one that called loop_init() (IORING_SETUP_SINGLE_ISSUER).
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/spin.h"

/*
 * One asynchronous operation.  Embed it, set done, and get an SQE for it; the memory stays with the
 * operation until done() has been called, which happens exactly once per SQE, from loop_run().
 * res is the CQE's result: >= 0, or a negative errno.
 */
struct loop_op {
	void (*done)(struct loop_op *op, int res);
};

/*
 * Who looks at shared memory need not be woken for what is there: peek() says whether there is
 * something for the next round, without doing anything; it is called very often.  settle() is
 * called before each sleep: it asks those outside to wake the loop, and returns true if something
 * came before they could know.  is_pending(): are there operations that the kernel has to end?  All
 * with round_arg.
 */
struct loop_idle {
	bool (*peek)(void *arg);
	bool (*settle)(void *arg);
	bool (*is_pending)(void *arg);
};

struct loop_poll; /* private to loop.c */
struct bounce_pool;

/*
 * A file descriptor whose readability is of interest.  ready() is called from loop_run() while the
 * descriptor is readable (level-triggered), and also on POLLHUP and POLLERR.  The descriptor stays
 * its owner's.
 */
struct loop_source {
	void (*ready)(struct loop_source *src);
	uint64_t count;		/* of loop_add_eventfd(): what was read */
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

	const struct loop_idle *idle; /* NULL: there is nothing but completions */
	struct spin spin;	      /* spin_init() before loop_run(); else there is no polling */

	/*
	 * The one table of registered buffers that a ring has, for whoever fills it:
	 * backends/bounce.c.  The loop only keeps the pointer (NULL: no buffers registered).
	 */
	struct bounce_pool *bounce;

	/* Private. */
	struct loop_poll *polls; /* all that have a CQE to come */
	bool more;		 /* round() has more to do: do not sleep */
	bool in_round;		 /* round() is running: a round inside it does not call it again */
	int error;		 /* a source can't be polled */
};

#define LOOP_NULL ((struct loop){ .initialized = false })

/*
 * Make the ring with room for entries SQEs between two submissions (more are submitted early).
 * Asks for SINGLE_ISSUER|DEFER_TASKRUN (Linux 6.1), then COOP_TASKRUN (5.19), then nothing.  The
 * completion queue has four times that room; more completions than that wait in the kernel.
 * Returns 0 or -errno; -ENOSYS and -EPERM mean that the kernel has io_uring switched off, and the
 * message says so.
 */
int loop_init(struct loop *l, unsigned entries);

/*
 * The same, but nothing can be submitted before loop_enable(), which limits for good what can be:
 * to the IORING_OP_* given, to no SQE flags but IOSQE_ASYNC and IOSQE_CQE_SKIP_SUCCESS, and to
 * registering buffers (Linux 5.10).  What a sandbox forbids as a system call would otherwise still
 * be there as an operation. SQEs may be prepared before.  Both return 0 or -errno, logged.
 */
int loop_init_disabled(struct loop *l, unsigned entries);
int loop_enable(struct loop *l, const uint8_t *opcodes, unsigned nr_opcodes);

/*
 * Give back everything.  Sources still in the loop are out of it afterwards; no operation may be in
 * flight, except timers.  Works on LOOP_NULL and on a finished loop.
 */
void loop_fini(struct loop *l);

/*
 * An SQE whose completion calls op->done(), to be filled with an io_uring_prep_*() function BY THE
 * CALLER BEFORE anything else is asked of the loop.  Never NULL: a full submission queue is
 * submitted first, and a kernel that will not take it ends the process.  io_uring_prep_*() leaves
 * user_data alone.
 */
struct io_uring_sqe *loop_get_sqe(struct loop *l, struct loop_op *op);

/* Watch fd for src, whose ready() is set.  src stays in place until loop_remove().  0 or -errno. */
int loop_add(struct loop *l, struct loop_source *src, int fd);

/*
 * The same for an eventfd, which must be in blocking mode: the loop reads it, without a system call
 * more, and ready() finds in src->count what was there.
 */
int loop_add_eventfd(struct loop *l, struct loop_source *src, int fd);

/*
 * Stop watching; allowed at any time, also from inside ready() of this or another source.  After it
 * returns ready() is not called again, and the memory of src is free; the descriptor may be closed
 * (the kernel lets go of the open file at the end of the next round).  Does nothing for a source
 * that is in no loop.
 */
void loop_remove(struct loop *l, struct loop_source *src);

/*
 * Run rounds until loop_stop(); the first one does not sleep.  Returns 0, or -errno when
 * io_uring_enter(2) fails or a source can't be polled (either has been logged); the loop is of
 * no use then.
 */
int loop_run(struct loop *l);

/*
 * Run one round; sleep for a completion only if may_sleep and the round hook had no more to do.  A
 * signal ends the sleep, and is no error.  May be called from inside a completion or the round
 * hook, to wait for others; the hook is not entered twice, and nobody is asked to settle.  0 or
 * -errno as for loop_run().
 */
int loop_run_round(struct loop *l, bool may_sleep);

/*
 * Add 1 to an eventfd, with the next submission: in the order of all SQEs, and not after the
 * descriptor is closed, if loop_submit() comes before that.  failed->done() is called only if it
 * can't be done.
 */
void loop_signal(struct loop *l, int fd, struct loop_op *failed);

/* Hand over all prepared SQEs now.  Completions wait for the next round. */
void loop_submit(struct loop *l);

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
