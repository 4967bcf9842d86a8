/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * The daemon calls liburing to submit and to wait, and reads completions from the rings itself.
 * While there are rules or recorded images, its struct io_uring points to a completion queue of
 * ours (the shadow); each call moves there what the kernel has completed.  Otherwise, and when
 * nothing of the shadow's is left, it points to the kernel's again, and a call costs two loads more
 * than without us.
 *
 * A call first goes through the SQEs that are new since the last one.  Those that a rule or the
 * recorder is about become a struct op each, and the SQE carries its address with bit 0 set in the
 * place of the daemon's user_data (which is a pointer to something aligned).  An operation that is
 * held, or fails, leaves the queue: the SQEs behind it move up, and the kernel, the restrictions of
 * the ring included, sees nothing unusual.  One that is let go takes a new SQE.
 *
 * A call that waits must see releases, which are a change of memory: while anything is held it
 * waits for the kernel a millisecond at a time.
 */
#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/shim/faults_ring.h"

#define NR_RINGS 8

static struct shadow shadows[NR_RINGS];
static pthread_mutex_t shadows_lock = PTHREAD_MUTEX_INITIALIZER;

static void op_free(struct op *op)
{
	free(op->iov);
	free(op);
}

static void queue_free(struct queue *q)
{
	for (struct op *op = q->first, *next; op; op = next) {
		next = op->next;
		op_free(op);
	}
	queue_init(q);
}

static struct shadow *find(const struct io_uring *ring)
{
	for (unsigned i = 0; i < NR_RINGS; i++)
		if (atomic_load_explicit(&shadows[i].ring, memory_order_relaxed) == ring)
			return &shadows[i];
	return NULL;
}

/* The shadow begins empty, and has as much room as the kernel's. */
static void switch_on(struct shadow *s, struct io_uring *ring)
{
	s->kernel = ring->cq;
	s->head = s->tail = 0;
	ring->cq.khead = &s->head;
	ring->cq.ktail = &s->tail;
	ring->cq.cqes = s->cqes;
	ring->cq.kring_mask = &s->mask;
	ring->cq.kring_entries = &s->entries;
	ring->cq.ring_mask = s->mask;
	ring->cq.ring_entries = s->entries;
	s->on = true;
}

static void switch_off(struct shadow *s, struct io_uring *ring)
{
	ring->cq = s->kernel;
	s->on = false;
}

static bool is_idle(const struct shadow *s)
{
	return !fault_any() && !s->in_flight && !s->waiting.first && !s->gathered.first &&
	       !s->ended.first && s->head == s->tail;
}

static bool has_room(const struct shadow *s)
{
	return s->tail - s->head < s->entries;
}

static void push(struct shadow *s, uint64_t user_data, int32_t res, uint32_t flags)
{
	struct io_uring_cqe *cqe = &s->cqes[s->tail & s->mask];

	cqe->user_data = user_data;
	cqe->res = res;
	cqe->flags = flags;
	s->tail++;
}

static void deliver_ended(struct shadow *s)
{
	for (struct op *op = s->ended.first; op && has_room(s); op = s->ended.first) {
		push(s, op->user_data, op->res, op->cqe_flags);
		s->ended.first = op->next;
		op_free(op);
	}
	if (!s->ended.first)
		queue_init(&s->ended);
}

static void gather(struct shadow *s, struct op *op)
{
	struct op **link = &s->gathered.first;

	while (*link && (*link)->order < op->order)
		link = &(*link)->next;
	op->next = *link;
	*link = op;
}

/* Numbers that look random (splitmix64). */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* All that were gathered: from the last to the first, or from a random one each time. */
static void deliver_gathered(struct shadow *s)
{
	uint64_t random = 0;
	unsigned n = 0;

	for (const struct op *op = s->gathered.first; op; op = op->next)
		n++;
	if (n)
		random = s->gathered.first->slot->rule.amount;
	for (bool shuffled = random; n; n--) {
		struct op **link = &s->gathered.first, *op;

		random = mix(random);
		for (unsigned i = shuffled ? random % n : n - 1; i; i--)
			link = &(*link)->next;
		op = *link;
		*link = op->next;
		queue_add(&s->ended, op);
	}
}

static void end(struct shadow *s, struct op *op, const struct io_uring_cqe *cqe)
{
	op->res = cqe->res;
	op->cqe_flags = cqe->flags;
	s->in_flight--;
	fault_note(op, FAULT_COMPLETE);
	if (op->slot && op->slot->rule.action == FAULT_REORDER) {
		s->reordered--;
		gather(s, op);
	} else {
		queue_add(&s->ended, op);
	}
}

/* Move what the kernel has completed to the shadow; what has no room stays where it is. */
static void collect(struct shadow *s)
{
	unsigned head = *s->kernel.khead;
	unsigned tail = io_uring_smp_load_acquire(s->kernel.ktail);

	deliver_ended(s);
	for (; head != tail && has_room(s); head++) {
		const struct io_uring_cqe *cqe = &s->kernel.cqes[head & s->kernel.ring_mask];

		if (cqe->user_data & OP_BIT)
			end(s, (struct op *)(uintptr_t)(cqe->user_data & ~(uint64_t)OP_BIT), cqe);
		else
			push(s, cqe->user_data, cqe->res, cqe->flags);
		deliver_ended(s);
	}
	io_uring_smp_store_release(s->kernel.khead, head);
	if (!s->reordered) {
		deliver_gathered(s);
		deliver_ended(s);
	}
}

/* Wait a little while something is held, else until there is a completion. */
static int wait_for_kernel(const struct shadow *s, struct io_uring *ring)
{
	struct __kernel_timespec ts = { .tv_nsec = 1000000 };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };
	int r;

	if (!s->waiting.first)
		return FAULT_REAL(io_uring_submit_and_wait)(ring, 1);
	r = FAULT_REAL(io_uring_submit)(ring);
	if (r >= 0)
		r = FAULT_REAL(io_uring_enter2)(ring->ring_fd, 0, 1,
						IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
						(sigset_t *)&arg, sizeof(arg));
	return r == -ETIME ? 0 : r;
}

static int enter(struct shadow *s, struct io_uring *ring, unsigned wait_nr)
{
	int r;

	if (!s->on)
		switch_on(s, ring);
	fault_take_new(s, ring);
	do {
		fault_let_go(s, ring);
		collect(s);
		r = s->tail - s->head < wait_nr ? wait_for_kernel(s, ring)
						: FAULT_REAL(io_uring_submit_and_get_events)(ring);
		collect(s);
	} while (r >= 0 && s->tail - s->head < wait_nr);
	return r;
}

/* The shadow to go through, or NULL: straight to liburing. */
static struct shadow *busy(struct io_uring *ring)
{
	struct shadow *s = fault_shm ? find(ring) : NULL;

	if (s && s->on && is_idle(s))
		switch_off(s, ring);
	return s && (s->on || fault_any()) ? s : NULL;
}

int io_uring_submit(struct io_uring *ring)
{
	struct shadow *s = busy(ring);

	return s ? enter(s, ring, 0) : FAULT_REAL(io_uring_submit)(ring);
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr)
{
	struct shadow *s = busy(ring);

	return s ? enter(s, ring, wait_nr) : FAULT_REAL(io_uring_submit_and_wait)(ring, wait_nr);
}

int io_uring_submit_and_get_events(struct io_uring *ring)
{
	struct shadow *s = busy(ring);

	return s ? enter(s, ring, 0) : FAULT_REAL(io_uring_submit_and_get_events)(ring);
}

int io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *p)
{
	int r = FAULT_REAL(io_uring_queue_init_params)(entries, ring, p);
	struct shadow *s;

	if (r < 0 || !fault_shm)
		return r;
	pthread_mutex_lock(&shadows_lock);
	s = find(NULL);
	if (!s || !(ring->features & IORING_FEAT_EXT_ARG)) {
		fputs("libxensim: too many rings, or Linux before 5.11\n", stderr);
		abort();
	}
	s->entries = ring->cq.ring_entries;
	s->mask = s->entries - 1;
	s->cqes = fault_allocate(s->entries, sizeof(*s->cqes));
	s->on = false;
	queue_init(&s->waiting);
	queue_init(&s->gathered);
	queue_init(&s->ended);
	atomic_store(&s->ring, ring);
	pthread_mutex_unlock(&shadows_lock);
	return r;
}

void io_uring_queue_exit(struct io_uring *ring)
{
	struct shadow *s = find(ring);

	if (s) {
		if (s->on)
			switch_off(s, ring);
		queue_free(&s->waiting);
		queue_free(&s->gathered);
		queue_free(&s->ended);
		free(s->cqes);
		s->in_flight = s->reordered = 0;
		atomic_store(&s->ring, NULL);
	}
	FAULT_REAL(io_uring_queue_exit)(ring);
}
