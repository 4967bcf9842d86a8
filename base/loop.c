/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * One io_uring_enter(2) per round both submits and waits.  With DEFER_TASKRUN the kernel finishes
 * operations only inside that call, so completions do not interrupt a round.  With TASKRUN_FLAG it
 * says in shared memory when there is something to finish: a round that must not sleep and has
 * nothing to submit can then stay out of the kernel, which is what makes busy polling cheap.
 *
 * Each SQE carries the address of its struct loop_op.  CQEs are consumed one at a time, before
 * their done() runs, so that done() may run a round of its own.  A round reaps what was there when
 * it began reaping and no more: operations that complete at once can't keep the round hook waiting.
 *
 * A full completion queue loses nothing: the kernel keeps further CQEs in a list and hands them
 * over with the next io_uring_enter(2) that asks for events.  liburing asks whenever the kernel
 * says that there are some, and a sleeping round always does.  Only if the kernel has no memory for
 * that list completions are lost; it answers -EBADR then, and the loop fails, since some operation
 * would otherwise never end.
 *
 * A source is a one-shot POLL_ADD, or a READ of an eventfd.  A new one is prepared after each
 * ready() and leaves with the next round's io_uring_enter(2); it looks at the descriptor's state
 * when it is issued, so nothing that happens in between is missed, and a descriptor that is still
 * readable completes at once.
 * Between loop_remove() and the last CQE the kernel still knows about the poll; what it points to
 * is therefore not the caller's struct loop_source but our struct loop_poll.
 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

#define CQES_PER_SQE 4
#define LOOKS	     16 /* between two at the clock */

struct loop_poll {
	struct loop_op poll;
	struct loop_op cancel;
	struct loop *loop;
	struct loop_source *src; /* NULL: removed */
	int fd;
	bool reads;	/* an eventfd: READ instead of POLL_ADD */
	uint64_t count; /* what it reads */
	unsigned cqes;	/* still to come, for poll and cancel */
	bool in_ready;	/* ready() is running: whoever called it looks after us */
	struct loop_poll *next, **link;
};

static void poll_free(struct loop_poll *p)
{
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	free(p);
}

static int init(struct loop *l, unsigned entries, unsigned flags)
{
	static const unsigned wishes[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
		0,
	};
	int r = -EINVAL;

	*l = LOOP_NULL;
	for (size_t i = 0; i < ARRAY_SIZE(wishes) && r == -EINVAL; i++) {
		struct io_uring_params p = {
			.flags = wishes[i] | flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = entries * CQES_PER_SQE,
		};

		r = io_uring_queue_init_params(entries, &l->ring, &p);
		l->setup_flags = wishes[i];
	}
	if (r == -ENOSYS || r == -EPERM)
		return fail(r, NULL,
			    "cannot set up io_uring (switched off: see sysctl "
			    "kernel.io_uring_disabled, and seccomp filters)");
	if (r < 0)
		return fail(r, NULL, "cannot set up io_uring with %u entries", entries);

	/* Saves looking up the descriptor with each call; without it everything works as well. */
	io_uring_register_ring_fd(&l->ring);
	l->initialized = true;
	return 0;
}

int loop_init(struct loop *l, unsigned entries)
{
	return init(l, entries, 0);
}

int loop_init_disabled(struct loop *l, unsigned entries)
{
	return init(l, entries, IORING_SETUP_R_DISABLED);
}

int loop_enable(struct loop *l, const uint8_t *opcodes, unsigned nr_opcodes)
{
	static const uint8_t register_ops[] = { IORING_REGISTER_BUFFERS,
						IORING_UNREGISTER_BUFFERS };
	struct io_uring_restriction rules[IORING_OP_LAST + ARRAY_SIZE(register_ops) + 1] = { 0 };
	unsigned n = 0;
	int r;

	assert(nr_opcodes <= IORING_OP_LAST);
	for (unsigned i = 0; i < nr_opcodes; i++) {
		rules[n].opcode = IORING_RESTRICTION_SQE_OP;
		rules[n++].sqe_op = opcodes[i];
	}
	for (unsigned i = 0; i < ARRAY_SIZE(register_ops); i++) {
		rules[n].opcode = IORING_RESTRICTION_REGISTER_OP;
		rules[n++].register_op = register_ops[i];
	}
	rules[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	rules[n++].sqe_flags = IOSQE_ASYNC | IOSQE_CQE_SKIP_SUCCESS;

	/* Debian's liburing 2.3 declares functions for these two, but does not export them. */
	r = io_uring_register(l->ring.ring_fd, IORING_REGISTER_RESTRICTIONS, rules, n);
	if (!r)
		r = io_uring_register(l->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	return r ? fail(r, NULL, "cannot restrict io_uring") : 0;
}

void loop_fini(struct loop *l)
{
	if (!l->initialized)
		return;

	io_uring_queue_exit(&l->ring);
	while (l->polls) {
		if (l->polls->src)
			l->polls->src->poll = NULL;
		poll_free(l->polls);
	}
	*l = LOOP_NULL;
}

/* Errors after which the same call may succeed: a signal, no memory, completions to reap first. */
static bool is_transient(int err)
{
	return err == -EINTR || err == -EAGAIN || err == -EBUSY;
}

struct io_uring_sqe *loop_get_sqe(struct loop *l, struct loop_op *op)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&l->ring))) {
		int r = io_uring_submit(&l->ring);

		if (r < 0 && !is_transient(r)) {
			/* Operations owe their callers an end that can't come any more. */
			fail(r, NULL, "cannot submit to io_uring");
			abort();
		}
	}
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

static void poll_arm(struct loop_poll *p)
{
	struct io_uring_sqe *sqe = loop_get_sqe(p->loop, &p->poll);

	if (p->reads)
		io_uring_prep_read(sqe, p->fd, &p->count, sizeof(p->count), 0);
	else
		io_uring_prep_poll_add(sqe, p->fd, POLLIN);
	p->cqes++;
}

static void poll_done(struct loop_op *op, int res)
{
	struct loop_poll *p = container_of(op, struct loop_poll, poll);
	bool again = res >= 0 || res == -ENOMEM || res == -ECANCELED || is_transient(res);

	p->cqes--;
	if (p->src && res >= 0) {
		p->in_ready = true;
		p->src->count = p->count;
		p->src->ready(p->src);
		p->in_ready = false;
	}
	if (p->src && again)
		poll_arm(p);
	else if (p->src)
		p->loop->error = fail(res, NULL, "cannot poll descriptor %d", p->fd);
	else if (!p->cqes)
		poll_free(p);
}

static void cancel_done(struct loop_op *op, int res)
{
	struct loop_poll *p = container_of(op, struct loop_poll, cancel);

	(void)res; /* the poll may have ended by itself */
	if (!--p->cqes)
		poll_free(p);
}

static int add(struct loop *l, struct loop_source *src, int fd, bool reads)
{
	struct loop_poll *p = calloc(1, sizeof(*p));

	if (!p)
		return fail(-ENOMEM, NULL, "cannot watch descriptor %d", fd);

	*p = (struct loop_poll){
		.poll.done = poll_done,
		.cancel.done = cancel_done,
		.loop = l,
		.src = src,
		.fd = fd,
		.reads = reads,
		.next = l->polls,
		.link = &l->polls,
	};
	if (p->next)
		p->next->link = &p->next;
	l->polls = p;
	src->poll = p;
	poll_arm(p);
	return 0;
}

int loop_add(struct loop *l, struct loop_source *src, int fd)
{
	return add(l, src, fd, false);
}

int loop_add_eventfd(struct loop *l, struct loop_source *src, int fd)
{
	return add(l, src, fd, true);
}

void loop_remove(struct loop *l, struct loop_source *src)
{
	struct loop_poll *p = src->poll;

	if (!p)
		return;

	src->poll = NULL;
	p->src = NULL;
	if (p->cqes) {
		io_uring_prep_cancel(loop_get_sqe(l, &p->cancel), &p->poll, 0);
		p->cqes++;
	} else if (!p->in_ready) {
		poll_free(p);
	}
}

void loop_signal(struct loop *l, int fd, struct loop_op *failed)
{
	static const uint64_t one = 1;
	struct io_uring_sqe *sqe = loop_get_sqe(l, failed);

	io_uring_prep_write(sqe, fd, &one, sizeof(one), 0);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
}

void loop_submit(struct loop *l)
{
	while (io_uring_sq_ready(&l->ring)) {
		int r = io_uring_submit(&l->ring);

		if (r < 0 && !is_transient(r)) {
			l->error = fail(r, NULL, "cannot submit to io_uring");
			return;
		}
	}
}

/* Hand over what is prepared, and let the kernel finish what it can; sleep if asked to. */
static int enter(struct loop *l, bool may_sleep)
{
	int r;

	if (may_sleep)
		r = io_uring_submit_and_wait(&l->ring, 1);
	else if (io_uring_sq_ready(&l->ring))
		r = io_uring_submit_and_get_events(&l->ring);
	else
		r = io_uring_submit(&l->ring); /* a system call only if the kernel has events */

	if (r < 0 && !is_transient(r))
		return fail(r, NULL, "cannot wait for io_uring");
	return 0;
}

/* Is there something for a round to do? */
static bool is_busy(const struct loop *l)
{
	const unsigned has_events = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;

	return io_uring_cq_ready(&l->ring) || IO_URING_READ_ONCE(*l->ring.sq.kflags) & has_events ||
	       (l->idle && l->idle->peek(l->round_arg));
}

/* Wait for that, but not for long. */
static bool look(const struct loop *l)
{
	uint64_t end = clock_ns() + l->spin.max_ns;

	do {
		for (unsigned i = 0; i < LOOKS; i++) {
			if (is_busy(l))
				return true;
			cpu_relax();
		}
	} while (clock_ns() < end);
	return false;
}

/* There is nothing to do now: wait until there is, or sleep. */
static int wait_for_work(struct loop *l)
{
	uint64_t start;
	bool found;
	int r;

	/* What ends while it is submitted is not waited for. */
	if (l->spin.max_ns && io_uring_sq_ready(&l->ring)) {
		r = enter(l, false);
		if (r || is_busy(l))
			return r;
	}
	/* While operations are pending it is the kernel that is waited for: it may want the CPU. */
	if (l->spin.on) {
		start = clock_ns();
		found = !(l->idle && l->idle->is_pending(l->round_arg)) && look(l);
		spin_looked(&l->spin, found, clock_ns() - start);
		if (found)
			return enter(l, false);
	}
	if (l->idle && l->idle->settle(l->round_arg))
		return enter(l, false);
	start = clock_ns();
	r = enter(l, true);
	spin_slept(&l->spin, clock_ns() - start);
	return r;
}

/* Inside a round its owner's idle hooks would find what only the next round can do. */
static int next_round(struct loop *l, bool may_sleep)
{
	if (!may_sleep || l->more)
		return enter(l, false);
	return l->in_round ? enter(l, true) : wait_for_work(l);
}

static bool reap_one(struct loop *l)
{
	struct io_uring_cqe *cqe;
	struct loop_op *op;
	unsigned head;
	int res;

	io_uring_for_each_cqe(&l->ring, head, cqe)
	{
		op = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		io_uring_cq_advance(&l->ring, 1);
		op->done(op, res);
		return true;
	}
	return false;
}

int loop_run_round(struct loop *l, bool may_sleep)
{
	unsigned n;
	int r;

	r = next_round(l, may_sleep);
	if (r < 0)
		return r;

	n = io_uring_cq_ready(&l->ring);
	while (n-- && reap_one(l))
		;
	if (l->round && !l->in_round) {
		l->in_round = true;
		l->more = l->round(l->round_arg);
		l->in_round = false;
	}
	return l->error;
}

int loop_run(struct loop *l)
{
	bool may_sleep = false; /* the round hook may have work already: ask it first */
	int r;

	do {
		r = loop_run_round(l, may_sleep);
		if (r < 0)
			return r;
		may_sleep = true;
	} while (!l->stop);

	l->stop = false;
	/* Signals of the last round. */
	loop_submit(l);
	return l->error;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

static void timer_done(struct loop_op *op, int res)
{
	struct loop_timer *t = container_of(op, struct loop_timer, op);

	(void)res; /* -ETIME: that is how timeouts succeed */
	t->pending = false;
	t->expired(t);
}

void loop_timer_start(struct loop *l, struct loop_timer *t, unsigned ms)
{
	t->op.done = timer_done;
	t->ts = (struct __kernel_timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000LL };
	t->pending = true;
	io_uring_prep_timeout(loop_get_sqe(l, &t->op), &t->ts, 0, 0);
}
