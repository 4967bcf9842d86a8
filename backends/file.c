/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A request walks through steps; each step is one SQE, and the completion of one prepares the next.
 * What a request must remember is in its scratch area, so nothing is allocated and there is no
 * limit of our own on requests in flight.
 *
 * READ and WRITE take one of two paths.  Buffered: straight between guest memory and the page
 * cache, in one READV or WRITEV.  Bounced: in pieces through bounce buffers; a write gathers
 * before, a read scatters after.  That is the way of O_DIRECT, which cannot pin guest memory, and
 * of all data that has to be copied (blk_request.copy), whether past the page cache or not.  Either
 * path goes on after a short result; a request that has to wait for a bounce buffer holds none, and
 * each disk has a share of them, so it waits for requests of its own disk at most.
 *
 * A piece that does not fulfil O_DIRECT's alignment goes through the page cache.  The kernel keeps
 * the page cache coherent with O_DIRECT, but for a page that both write to at the same time: one
 * write may be lost, and EIO is reported to whoever comes next.  So a direct disk writes nothing
 * else by way of the page cache.
 *
 * FLUSH, DISCARD and WRITE_ZEROES are in file_range.c.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/file_private.h"

#define NR_IOV_MAX   1024	/* what READV and WRITEV take */
#define PIECE_MAX    (1u << 20) /* of a bounced transfer, so that no request takes the pool */
#define BUFFERED_MAX (4u << 20) /* of another: it is copied while everybody else waits */
#define COPYING_MAX  (8u << 20) /* of all buffered pieces of a disk in flight */
#define RETRIES_MAX  8

_Static_assert(BUFFERED_MAX <= COPYING_MAX, "a piece would never go");

static void log_error(struct file_backend *f, const struct blk_request *req, int err)
{
	static const char *const names[] = {
		[BLK_READ] = "read",
		[BLK_WRITE] = "write",
		[BLK_FLUSH] = "flush",
		[BLK_DISCARD] = "discard",
		[BLK_WRITE_ZEROES] = "write zeroes",
	};
	uint64_t suppressed;

	if (!log_limit_pass(&f->errors, &suppressed))
		return;
	if (suppressed)
		log_err(f->backend.subject, "%" PRIu64 " more errors of the image", suppressed);
	if (req->op == BLK_FLUSH)
		fail(err, f->backend.subject, "cannot flush the image");
	else
		fail(err, f->backend.subject, "cannot %s %" PRIu64 " bytes at offset %" PRIu64,
		     names[req->op], req->len, req->offset);
}

/* The end of a request whose result is no news about the image. */
static void finish_quietly(struct file_request *fr, int result)
{
	struct blk_request *req = file_request_owner(fr);

	fr->file->in_flight--;
	req->done(req, result);
}

void file_finish(struct file_request *fr, int result)
{
	if (result < 0 && result != -ECANCELED)
		log_error(fr->file, file_request_owner(fr), result);
	finish_quietly(fr, result);
}

void file_refuse(struct file_backend *f, unsigned what, const char *text)
{
	if (!(f->refused & what))
		log_notice(f->backend.subject, "%s", text);
	f->refused |= what;
}

void file_note_cached(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);

	/*
	 * What is stable when it is done is not in question; zeroes have to wait for their
	 * fdatasync.
	 */
	fr->file->cached |= req->op != BLK_WRITE || !(req->flags & BLK_FUA);
}

void file_note_lost(struct file_backend *f, int err)
{
	/*
	 * The kernel says once that pages could not be written back, and takes them for clean:
	 * another fdatasync would succeed, while what the guest has written is gone.  Not so if it
	 * was interrupted or put off: what it has to say it says next time.
	 */
	if (f->cached && err != -EINTR && err != -EAGAIN && err != -ECANCELED)
		f->lost = err;
}

void file_transfer_failed(struct file_request *fr, int res)
{
	/*
	 * Only a write from before the page cache was used can have it then: which step it
	 * was is unknown.
	 */
	if (res < 0 && fr->with_sync)
		file_note_lost(fr->file, res);
	file_finish(fr, res ? res : -EIO); /* 0: the image has become shorter than it was */
}

int file_check_step(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);

	if (!blk_request_wanted(req))
		return -ECANCELED;
	if (req->op != BLK_FLUSH &&
	    !range_within(req->offset, req->len, fr->file->backend.info.size))
		return -EIO;
	return 0;
}

bool file_should_retry(struct file_request *fr, int res)
{
	return (res == -EINTR || res == -EAGAIN) && fr->retries++ < RETRIES_MAX &&
	       !file_check_step(fr);
}

void file_set_flags(struct file_request *fr, struct io_uring_sqe *sqe)
{
	const struct blk_request *req = file_request_owner(fr);
	const struct file_backend *f = fr->file;
	bool stable = req->op == BLK_WRITE && req->flags & BLK_FUA;

	/* direct_fd is told of errors by itself, and with all lost there is nothing to lose. */
	fr->with_sync = stable && (sqe->fd == f->direct_fd || !f->cached || f->lost);
	fr->sync_last |= stable && !fr->with_sync;
	if (fr->with_sync)
		sqe->rw_flags = RWF_DSYNC;
	/* EAGAIN comes from not being allowed to block: let a kernel thread do it that may. */
	if (fr->retries)
		sqe->flags |= IOSQE_ASYNC;
}

static void transfer_next(struct file_request *fr);

static void transfer_progress(struct file_request *fr, int res)
{
	blk_advance(file_request_owner(fr), res);
	fr->pos += res;
	fr->retries = 0;
}

static void buffered_issue(struct file_request *fr);

static bool buffered_fits(const struct file_request *fr)
{
	return fr->file->copying + fr->piece <= COPYING_MAX;
}

/*
 * Some of what was in flight is not any more: whose turn is it?  A line can be too long for
 * recursion.
 */
static void buffered_serve(struct file_backend *f)
{
	struct file_request *fr;

	while ((fr = f->first) && buffered_fits(fr)) {
		int r = file_check_step(fr);

		f->first = fr->next;
		if (r)
			file_finish(fr, r);
		else
			buffered_issue(fr);
	}
}

/* The buffers at the front of req->iov that make up a piece, or a part of the first one. */
static void buffered_cut(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);
	size_t len = MIN(req->iov->iov_len, BUFFERED_MAX);
	unsigned n = 1;

	while (n < req->nr_iov && len + req->iov[n].iov_len <= BUFFERED_MAX)
		len += req->iov[n++].iov_len;
	fr->piece = len;
	fr->nr_iov = n;
}

/* The next piece, now or when it is its turn. */
static void buffered_next(struct file_request *fr)
{
	struct file_backend *f = fr->file;

	buffered_cut(fr);
	if (!f->first && buffered_fits(fr)) {
		buffered_issue(fr);
		return;
	}
	if (!f->first)
		f->last = &f->first;
	fr->next = NULL;
	*f->last = fr;
	f->last = &fr->next;
}

static void buffered_done(struct loop_op *op, int res)
{
	struct file_request *fr = file_request_of(op);

	/* Those in line before its own next piece, and while f is there for sure. */
	fr->file->copying -= fr->piece;
	buffered_serve(fr->file);

	if (res > 0) {
		transfer_progress(fr, res);
		transfer_next(fr);
	} else if (file_should_retry(fr, res)) {
		buffered_next(fr);
	} else {
		file_transfer_failed(fr, res);
	}
}

static void buffered_issue(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);
	struct io_uring_sqe *sqe;
	uint64_t offset = req->offset + fr->pos;
	int fd = fr->file->fd;

	fr->file->copying += fr->piece;
	if (req->op == BLK_WRITE)
		file_note_cached(fr);
	fr->op.done = buffered_done;
	sqe = loop_get_sqe(fr->file->loop, &fr->op);
	if (fr->nr_iov == 1) {
		/* Saves the kernel copying in the array. */
		if (req->op == BLK_WRITE)
			io_uring_prep_write(sqe, fd, req->iov->iov_base, fr->piece, offset);
		else
			io_uring_prep_read(sqe, fd, req->iov->iov_base, fr->piece, offset);
	} else {
		if (req->op == BLK_WRITE)
			io_uring_prep_writev(sqe, fd, req->iov, fr->nr_iov, offset);
		else
			io_uring_prep_readv(sqe, fd, req->iov, fr->nr_iov, offset);
	}
	file_set_flags(fr, sqe);
}

bool file_is_direct(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);
	const struct file_backend *f = fr->file;
	uint64_t unaligned = (req->offset + fr->pos) | (req->len - fr->pos);

	return f->direct_fd >= 0 && !fr->buffered &&
	       !(unaligned & (f->backend.info.direct_align - 1));
}

void file_go_buffered(struct file_request *fr)
{
	file_refuse(fr->file, REFUSED_DIRECT,
		    "the kernel refuses O_DIRECT at times, using the page cache then");
	fr->buffered = true;
}

static bool is_bounced(struct file_request *fr)
{
	return file_request_owner(fr)->copy || file_is_direct(fr);
}

static void bounced_issue(struct file_request *fr);

/* Give the span back, and go on or end. */
static void bounced_end_piece(struct file_request *fr, int res)
{
	bool direct = file_is_direct(fr);

	bounce_put(&fr->file->bounce, &fr->wait);
	if (res == -EINVAL && direct)
		file_go_buffered(fr);
	if (res > 0 || (res == -EINVAL && direct))
		transfer_next(fr);
	else if (direct)
		file_finish(fr, res ? res : -EIO);
	else
		file_transfer_failed(fr, res);
}

/* The guest's data cannot be had. */
static void bounced_give_up(struct file_request *fr, int err)
{
	bounce_put(&fr->file->bounce, &fr->wait);
	finish_quietly(fr, err);
}

static void bounced_done(struct loop_op *op, int res)
{
	struct file_request *fr = file_request_of(op);
	struct blk_request *req = file_request_owner(fr);
	int r = 0;

	/* If nobody waits for them any more, the memory may be something else by now. */
	if (res > 0 && req->op == BLK_READ)
		r = blk_request_wanted(req) ? blk_copy(req, fr->wait.span.mem, res) : -ECANCELED;

	if (r) {
		bounced_give_up(fr, r);
		return;
	}
	if (file_should_retry(fr, res)) {
		bounced_issue(fr);
		return;
	}
	if (res > 0) {
		transfer_progress(fr, res);
		if (fr->pos < req->len && is_bounced(fr) &&
		    !bounce_is_contended(&fr->file->bounce) && !file_check_step(fr)) {
			bounced_issue(fr);
			return;
		}
	}
	bounced_end_piece(fr, res);
}

static void bounced_issue(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);
	struct file_backend *f = fr->file;
	bool direct = file_is_direct(fr), fixed = bounce_is_registered(&f->bounce);
	int r, fd = direct ? f->direct_fd : f->fd;
	struct io_uring_sqe *sqe;
	uint64_t offset = req->offset + fr->pos;
	void *mem = fr->wait.span.mem;

	fr->piece = MIN(req->len - fr->pos, fr->wait.span.len);
	if (direct)
		fr->piece &= ~(f->backend.info.direct_align - 1);
	r = req->op == BLK_WRITE ? blk_copy(req, mem, fr->piece) : 0;
	if (r) {
		bounced_give_up(fr, r);
		return;
	}

	if (req->op == BLK_WRITE && !direct)
		file_note_cached(fr);
	fr->op.done = bounced_done;
	sqe = loop_get_sqe(f->loop, &fr->op);
	if (req->op == BLK_WRITE && fixed)
		io_uring_prep_write_fixed(sqe, fd, mem, fr->piece, offset, 0);
	else if (req->op == BLK_WRITE)
		io_uring_prep_write(sqe, fd, mem, fr->piece, offset);
	else if (fixed)
		io_uring_prep_read_fixed(sqe, fd, mem, fr->piece, offset, 0);
	else
		io_uring_prep_read(sqe, fd, mem, fr->piece, offset);
	file_set_flags(fr, sqe);
}

static void bounced_granted(struct bounce_waiter *w)
{
	struct file_request *fr = container_of(w, struct file_request, wait);
	int r = file_check_step(fr);

	if (!r) {
		bounced_issue(fr);
		return;
	}
	bounce_put(&fr->file->bounce, w);
	file_finish(fr, r);
}

static void transfer_next(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);
	struct file_backend *f = fr->file;
	uint64_t left = req->len - fr->pos;
	int r = file_check_step(fr);

	if (!left && fr->sync_last)
		file_sync(fr);
	else if (!left)
		file_finish(fr, 0);
	else if (r)
		file_finish(fr, r);
	else if (!is_bounced(fr))
		buffered_next(fr);
	else if (bounce_get(&f->bounce, &fr->wait, MIN(left, PIECE_MAX)))
		bounced_issue(fr);
}

static void transfer_start(struct file_request *fr)
{
	struct blk_request *req = file_request_owner(fr);
	uint64_t sum = 0;

	assert(req->nr_iov <= NR_IOV_MAX);
	for (unsigned i = 0; i < req->nr_iov; i++)
		sum += req->iov[i].iov_len;
	assert(sum == req->len); /* or the image could grow */

	blk_advance(req, 0); /* empty entries */
	transfer_next(fr);
}

static void file_submit(struct backend *b, struct blk_request *req)
{
	struct file_backend *f = container_of(b, struct file_backend, backend);
	struct file_request *fr = (struct file_request *)req->scratch;

	assert(req->op == BLK_FLUSH || range_within(req->offset, req->len, b->info.size));
	assert(req->op == BLK_READ || req->op == BLK_FLUSH || !(b->info.caps & IMAGE_READ_ONLY));

	*fr = (struct file_request){ .file = f, .wait.granted = bounced_granted };
	f->in_flight++;
	switch (req->op) {
	case BLK_READ:
	case BLK_WRITE:
		transfer_start(fr);
		break;
	case BLK_FLUSH:
		file_sync(fr);
		break;
	case BLK_DISCARD:
		file_discard(fr);
		break;
	case BLK_WRITE_ZEROES:
		file_write_zeroes(fr);
		break;
	}
}

static int file_read_size(struct backend *b, uint64_t *ret)
{
	return image_read_size(container_of(b, struct file_backend, backend)->fd, ret);
}

static int file_open(struct backend **ret, struct image *image, struct loop *loop, bool copied,
		     const struct log_subject *subject)
{
	_cleanup_(freep) struct file_backend *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return fail(-ENOMEM, subject, "cannot open backend");
	if (image->direct_fd >= 0 || copied) {
		r = bounce_attach(&f->bounce, loop, BOUNCE_POOL_SIZE,
				  image->direct_fd >= 0 ? image->info.direct_align : 1, subject);
		if (r < 0)
			return r;
	}
	f->backend = (struct backend){
		.ops = &file_backend_ops,
		.subject = subject,
		.info = image->info,
	};
	f->loop = loop;
	f->fd = take_fd(&image->fd);
	f->direct_fd = take_fd(&image->direct_fd);
	*ret = &f->backend;
	f = NULL;
	return 0;
}

static void file_close(struct backend *b)
{
	struct file_backend *f;

	if (!b)
		return;
	f = container_of(b, struct file_backend, backend);
	assert(!f->in_flight && !f->copying && !f->first);
	if (f->bounce.pool)
		bounce_detach(&f->bounce, f->loop);
	closep(&f->direct_fd);
	closep(&f->fd);
	free(f);
}

const struct backend_ops file_backend_ops = {
	.name = "file",
	.needs_image = true,
	.open = file_open,
	.submit = file_submit,
	.read_size = file_read_size,
	.close = file_close,
};
