/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of file.c that move no data of the guest.
 *
 * FLUSH is an fdatasync; BLK_FUA is RWF_DSYNC or an fdatasync after writes, and an fdatasync after
 * zeroing.  If one fails and the page cache was used, all later ones fail.
 *
 * DISCARD and WRITE_ZEROES try the cheapest way first.  What the file system turns out not to
 * support is remembered in file_backend.refused and not tried again.  At the end of the line
 * DISCARD does nothing, since it is a hint, and WRITE_ZEROES writes zeroes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "backends/file_private.h"

#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define ZERO  (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)

/* Linux 6.12, include/uapi/linux/blkdev.h: addr is the start, addr3 the length, both in bytes. */
#ifndef BLOCK_URING_CMD_DISCARD
#define BLOCK_URING_CMD_DISCARD _IO(0x12, 0)
#endif

/* For O_DIRECT as well. */
static const unsigned char zeroes[IMAGE_DIRECT_ALIGN_MAX]
	__attribute__((aligned(IMAGE_DIRECT_ALIGN_MAX)));

static void sync_done(struct loop_op *op, int res)
{
	struct file_request *fr = file_request_of(op);
	struct file_backend *f = fr->file;

	if (file_should_retry(fr, res)) {
		file_sync(fr);
		return;
	}
	if (res < 0)
		file_note_lost(f, res);
	file_finish(fr, f->lost ? f->lost : MIN(res, 0));
}

void file_sync(struct file_request *fr)
{
	struct file_backend *f = fr->file;

	if (f->lost) {
		file_finish(fr, f->lost);
		return;
	}
	fr->op.done = sync_done;
	io_uring_prep_fsync(loop_get_sqe(f->loop, &fr->op), f->fd, IORING_FSYNC_DATASYNC);
}

static void fallocate_issue(struct file_request *fr, int mode, uint64_t offset, uint64_t len,
			    void (*done)(struct loop_op *op, int res))
{
	fr->mode = mode;
	fr->op.done = done;
	io_uring_prep_fallocate(loop_get_sqe(fr->file->loop, &fr->op), fr->file->fd, mode, offset,
				len);
}

static bool can_punch(const struct file_backend *f)
{
	return f->backend.info.caps & IMAGE_PUNCH_HOLE && !(f->refused & REFUSED_PUNCH);
}

static void discard_done(struct loop_op *op, int res)
{
	struct file_request *fr = file_request_of(op);
	struct file_backend *f = fr->file;
	int r = res < 0 ? file_check_step(fr) : 0;

	if (r) {
		/* What the kernel says of a lost range tells nothing of the image. */
		file_finish(fr, r);
	} else if (file_should_retry(fr, res)) {
		file_discard(fr);
	} else if (res == -EOPNOTSUPP || res == -ENOTTY || res == -EINVAL) {
		f->refused |= fr->mode == PUNCH ? REFUSED_PUNCH : REFUSED_DISCARD_CMD;
		file_discard(fr);
	} else {
		file_finish(fr, MIN(res, 0));
	}
}

/* Block devices take whole blocks only; the rest is left as it is. */
void file_discard(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);
	struct file_backend *f = fr->file;
	bool device = f->backend.info.caps & IMAGE_BLOCK_DEVICE;
	uint64_t unit = device ? f->backend.info.block_size : 1;
	uint64_t start = (req->offset + unit - 1) / unit * unit;
	uint64_t end = (req->offset + req->len) / unit * unit;
	struct io_uring_sqe *sqe;

	if (start >= end) {
		file_finish(fr, 0);
	} else if (device && !(f->refused & REFUSED_DISCARD_CMD)) {
		fr->mode = 0;
		fr->op.done = discard_done;
		sqe = loop_get_sqe(f->loop, &fr->op);
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, f->fd, NULL, 0, BLOCK_URING_CMD_DISCARD);
		sqe->addr = start;
		sqe->addr3 = end - start;
	} else if (can_punch(f)) {
		fallocate_issue(fr, PUNCH, start, end - start, discard_done);
	} else {
		file_refuse(f, REFUSED_DISCARD, "discard has no effect on this image");
		file_finish(fr, 0);
	}
}

static void zeroes_written(struct loop_op *op, int res)
{
	struct file_request *fr = file_request_of(op);

	if (res > 0) {
		fr->pos += res;
		fr->retries = 0;
	} else if (res == -EINVAL && file_is_direct(fr)) {
		file_go_buffered(fr);
	} else if (!file_should_retry(fr, res)) {
		file_transfer_failed(fr, res);
		return;
	}
	file_write_zeroes(fr);
}

static void zeroes_allocated(struct loop_op *op, int res)
{
	struct file_request *fr = file_request_of(op);

	if (res >= 0)
		fr->pos = file_request_owner(fr)->len;
	else if (res == -EINVAL)
		fr->by_writing = true; /* a device with blocks larger than the range */
	else if (res == -EOPNOTSUPP && fr->mode == PUNCH)
		fr->file->refused |= REFUSED_PUNCH;
	else if (res == -EOPNOTSUPP)
		fr->file->refused |= REFUSED_ZERO;
	else if (!file_should_retry(fr, res)) {
		file_finish(fr, res);
		return;
	}
	file_write_zeroes(fr);
}

/* Deallocate only with the administrator's consent, which is IMAGE_DISCARD. */
static int zeroes_mode(const struct file_request *fr, const struct blk_request *req)
{
	const struct file_backend *f = fr->file;
	bool punch = can_punch(f) && f->backend.info.caps & IMAGE_DISCARD;
	bool zero = f->backend.info.caps & IMAGE_ZERO_RANGE && !(f->refused & REFUSED_ZERO);

	if (fr->by_writing)
		return 0;
	if (punch && (req->flags & BLK_UNMAP || !zero))
		return PUNCH;
	return zero ? ZERO : 0;
}

void file_write_zeroes(struct file_request *fr)
{
	const struct blk_request *req = file_request_owner(fr);
	int mode = zeroes_mode(fr, req);
	struct io_uring_sqe *sqe;
	uint64_t left = req->len - fr->pos;
	int r = file_check_step(fr), fd;

	if (!left && req->flags & BLK_FUA) {
		file_sync(fr);
	} else if (!left) {
		file_finish(fr, 0);
	} else if (r) {
		file_finish(fr, r);
	} else if (mode) {
		file_note_cached(fr); /* parts of blocks are zeroed there */
		fallocate_issue(fr, mode, req->offset, req->len, zeroes_allocated);
	} else {
		fr->op.done = zeroes_written;
		sqe = loop_get_sqe(fr->file->loop, &fr->op);
		fd = fr->file->direct_fd;
		if (!file_is_direct(fr)) {
			fd = fr->file->fd;
			file_note_cached(fr);
		}
		io_uring_prep_write(sqe, fd, zeroes, MIN(left, sizeof(zeroes)),
				    req->offset + fr->pos);
		file_set_flags(fr, sqe);
	}
}
