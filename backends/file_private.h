/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What file.c (transfers) and file_range.c (flush, discard, zeroes) share; nobody else's. */
#ifndef BACKENDS_FILE_PRIVATE_H
#define BACKENDS_FILE_PRIVATE_H

#include "backends/backend.h"
#include "backends/bounce.h"
#include "base/util.h"

/* What did not work, and has been said. */
#define REFUSED_PUNCH	    (1u << 0)
#define REFUSED_ZERO	    (1u << 1)
#define REFUSED_DISCARD_CMD (1u << 2)
#define REFUSED_DISCARD	    (1u << 3)
#define REFUSED_DIRECT	    (1u << 4)

struct file_backend {
	struct backend backend;
	struct loop *loop;
	int fd, direct_fd;
	struct bounce_line bounce;	    /* attached if anything may have to be bounced */
	unsigned refused;		    /* REFUSED_* */
	unsigned in_flight;		    /* requests */
	unsigned copying;		    /* buffered: bytes in flight */
	struct file_request *first, **last; /* buffered: who waits until that is less */
	bool cached; /* something was written through the page cache, and not with RWF_DSYNC */
	int lost;    /* 0, or why the page cache lost writes: no flush can succeed any more */
	struct log_limit errors;
};

/* A request on its way: lives in blk_request.scratch. */
struct file_request {
	struct loop_op op;
	struct file_backend *file;
	uint64_t pos;		   /* bytes done */
	struct bounce_waiter wait; /* bounced: and the span, while wait.span.mem is set */
	struct file_request *next; /* buffered: behind this one in the line */
	uint32_t piece;		   /* bytes in flight, or, buffered, that want to be */
	int mode;		   /* of the fallocate(2) in flight */
	uint16_t nr_iov;	   /* buffered: of the piece */
	uint8_t retries;	   /* without progress */
	bool buffered;		   /* O_DIRECT did not work for this one */
	bool by_writing;	   /* WRITE_ZEROES: fallocate(2) did not work for this one */
	bool with_sync;		   /* the write in flight has RWF_DSYNC */
	bool sync_last;		   /* a WRITE that ends with an fdatasync, see file_set_flags() */
};

_Static_assert(sizeof(struct file_request) <= BLK_SCRATCH, "BLK_SCRATCH is too small");

static inline struct blk_request *file_request_owner(struct file_request *fr)
{
	return container_of((unsigned char *)fr, struct blk_request, scratch[0]);
}

static inline struct file_request *file_request_of(struct loop_op *op)
{
	return container_of(op, struct file_request, op);
}

/* The end of a request: log a failure of the image, and call done().  fr is gone then. */
void file_finish(struct file_request *fr, int result);

/* Remember a refusal; the first one is worth a line in the log. */
void file_refuse(struct file_backend *f, unsigned what, const char *text);

/* A write goes through the page cache, or the kernel may do a part of it there. */
void file_note_cached(struct file_request *fr);

/*
 * An fdatasync has ended with err: what was written through the page cache may be lost, and no
 * flush succeeds from now on; unless err says that it was not the time for it.
 */
void file_note_lost(struct file_backend *f, int err);

/* The end of a request whose read or write has ended with res <= 0. */
void file_transfer_failed(struct file_request *fr, int res);

/*
 * May the request take a step?  0, or what it ends with: nobody waits for it any more, or the image
 * has shrunk, and a write would make it grow again.
 */
int file_check_step(struct file_request *fr);

/* Did the step fail with res only because it was not the time?  Then the caller issues it again. */
bool file_should_retry(struct file_request *fr, int res);

/* Is the rest of the request to be transferred with O_DIRECT? */
bool file_is_direct(struct file_request *fr);

/* The kernel has refused that with EINVAL: it is not, from now on. */
void file_go_buffered(struct file_request *fr);

/*
 * Flags that all transfers need; for after io_uring_prep_*(), which clears them.
 *
 * A stable write has RWF_DSYNC as a rule.  The kernel then tells in one result what the write and
 * what the fdatasync in it have to say: ENOSPC may mean that nothing was written, or that pages of
 * earlier writes were lost (delayed allocation).  Where there may be such pages the request takes
 * two steps, a write and an fdatasync, and only an error of the second is a loss.
 */
void file_set_flags(struct file_request *fr, struct io_uring_sqe *sqe);

/* The next, or first, step of FLUSH, DISCARD and WRITE_ZEROES. */
void file_sync(struct file_request *fr);
void file_discard(struct file_request *fr);
void file_write_zeroes(struct file_request *fr);

#endif
