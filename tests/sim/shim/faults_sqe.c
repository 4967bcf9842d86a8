/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of an operation to the kernel, or not: see faults_uring.c. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/shim/faults_ring.h"

void *fault_allocate(size_t n, size_t size)
{
	void *mem = calloc(n, size);

	if (!mem) {
		fputs("libxensim: no memory\n", stderr);
		abort();
	}
	return mem;
}

static int class_of(const struct io_uring_sqe *sqe)
{
	if (fault_is_eventfd(sqe->fd))
		return sqe->opcode == IORING_OP_WRITE ? FAULT_SIGNAL : -1;
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
		return FAULT_READ;
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
		return FAULT_WRITE;
	case IORING_OP_FSYNC:
		return FAULT_FSYNC;
	case IORING_OP_FALLOCATE:
		return FAULT_FALLOCATE;
	case IORING_OP_URING_CMD:
		return FAULT_URING_CMD;
	default:
		return -1;
	}
}

static bool is_vectored(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_READV || sqe->opcode == IORING_OP_WRITEV;
}

static uint64_t bytes_of(const struct io_uring_sqe *sqe)
{
	const struct iovec *iov = (const struct iovec *)(uintptr_t)sqe->addr;
	uint64_t n = 0;

	if (!is_vectored(sqe))
		return sqe->len;
	for (unsigned i = 0; i < sqe->len; i++)
		n += iov[i].iov_len;
	return n;
}

/* The first bytes only, of which the transfer has more. */
static void shorten(struct op *op, uint64_t bytes)
{
	const struct iovec *iov = (const struct iovec *)(uintptr_t)op->sqe.addr;
	unsigned n = 0;

	if (!is_vectored(&op->sqe)) {
		op->sqe.len = bytes;
		return;
	}
	op->iov = fault_allocate(op->sqe.len, sizeof(*iov));
	for (; bytes; n++) {
		op->iov[n] = iov[n];
		if (op->iov[n].iov_len > bytes)
			op->iov[n].iov_len = bytes;
		bytes -= op->iov[n].iov_len;
	}
	op->sqe.addr = (uintptr_t)op->iov;
	op->sqe.len = n;
}

static void describe(struct fault_record *r, enum fault_op class, const struct io_uring_sqe *sqe)
{
	r->id = atomic_fetch_add(&fault_shm->ids, 1) + 1;
	r->op = class;
	r->offset = sqe->off;
	if (class == FAULT_WRITE) {
		r->len = bytes_of(sqe);
		r->dsync = sqe->rw_flags & (RWF_DSYNC | RWF_SYNC);
	} else if (class == FAULT_FALLOCATE) {
		r->len = sqe->addr;
		r->mode = sqe->len;
	} else if (class == FAULT_URING_CMD) {
		/* BLOCK_URING_CMD_DISCARD; off has the command */
		r->offset = sqe->addr;
		r->len = sqe->addr3;
	}
}

void fault_note(struct op *op, enum fault_event event)
{
	if (!op->record.id)
		return;
	op->record.event = event;
	op->record.result = event == FAULT_COMPLETE ? op->res : 0;
	fault_record(&op->record);
}

static void end_without_kernel(struct shadow *s, struct op *op, int res)
{
	fault_note(op, FAULT_SUBMIT);
	op->res = res;
	fault_note(op, FAULT_COMPLETE);
	queue_add(&s->ended, op);
}

/* The kernel gets it with the next submission. */
static void give(struct shadow *s, struct op *op, struct io_uring_sqe *sqe)
{
	*sqe = op->sqe;
	s->in_flight++;
	if (op->slot && op->slot->rule.action == FAULT_REORDER)
		s->reordered++;
	fault_note(op, FAULT_SUBMIT);
}

/* Does the operation stay in the submission queue?  Its SQE may have been changed. */
static bool take(struct shadow *s, struct io_uring_sqe *sqe)
{
	int class = class_of(sqe);
	struct fault_file file;
	struct fault_slot *slot;
	bool recorded;
	struct op *op;

	if (class < 0)
		return true;
	slot = fault_match(class, sqe->fd, NULL);
	recorded = class != FAULT_READ && fault_is_recorded(sqe->fd, &file);
	if (!slot && !recorded)
		return true;

	op = fault_allocate(1, sizeof(*op));
	op->slot = slot;
	op->order = s->taken++;
	op->user_data = sqe->user_data;
	op->sqe = *sqe;
	op->sqe.user_data = (uintptr_t)op | OP_BIT;
	if (slot && slot->rule.action == FAULT_SHORT && slot->rule.amount < bytes_of(sqe))
		shorten(op, slot->rule.amount);
	if (recorded) {
		describe(&op->record, class, &op->sqe);
		op->record.file = file;
	}
	if (slot && slot->rule.action == FAULT_FAIL) {
		end_without_kernel(s, op, -slot->rule.error);
		return false;
	}
	if (slot && slot->rule.action == FAULT_SHORT && !slot->rule.amount) {
		end_without_kernel(s, op, 0);
		return false;
	}
	if (slot && (slot->rule.action == FAULT_HOLD || slot->rule.action == FAULT_DELAY)) {
		op->due = fault_now() + slot->rule.amount * UINT64_C(1000000);
		op->number = slot->rule.action == FAULT_HOLD ? fault_hold(slot) : 0;
		queue_add(&s->waiting, op);
		return false;
	}
	give(s, op, sqe);
	return true;
}

/* SQEs between sqe_head and sqe_tail are new: liburing has not shown them to the kernel. */
void fault_take_new(struct shadow *s, struct io_uring *ring)
{
	struct io_uring_sq *sq = &ring->sq;
	unsigned to = sq->sqe_head;

	for (unsigned from = to; from != sq->sqe_tail; from++) {
		struct io_uring_sqe *sqe = &sq->sqes[from & sq->ring_mask];

		if (!take(s, sqe))
			continue;
		if (to != from)
			sq->sqes[to & sq->ring_mask] = *sqe;
		to++;
	}
	sq->sqe_tail = to;
}

static bool may_go(const struct op *op)
{
	if (op->slot->rule.action == FAULT_HOLD)
		return fault_may_go(op->slot, op->number);
	return fault_now() >= op->due || atomic_load(&op->slot->state) != FAULT_SLOT_ACTIVE;
}

void fault_let_go(struct shadow *s, struct io_uring *ring)
{
	struct queue still;

	queue_init(&still);
	for (struct op *op = s->waiting.first, *next; op; op = next) {
		struct io_uring_sqe *sqe = NULL;

		next = op->next;
		if (!may_go(op))
			queue_add(&still, op);
		else if (op->slot->rule.error)
			end_without_kernel(s, op, -op->slot->rule.error);
		else if ((sqe = io_uring_get_sqe(ring)))
			give(s, op, sqe);
		else /* no room: next time */
			queue_add(&still, op);
	}
	queue_init(&s->waiting);
	if (still.first)
		s->waiting = still;
}
