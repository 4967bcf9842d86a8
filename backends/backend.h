/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A backend turns block requests into bytes somewhere.
 *
 * All calls come from the loop's thread.  submit() takes the request until it calls req->done(),
 * exactly once, with 0 or -errno; it may do so before submit() returns.  Every request has been
 * checked before: its range lies within the backend's size, it does not write to a read-only
 * backend, and it asks only for what the backend's capabilities offer.  Ranges are multiples of
 * 512 bytes, but not necessarily of the logical block size.
 *
 * The iovec array and the memory that it stands for stay valid until done(); the backend may
 * consume the array: change its entries, req->iov and req->nr_iov.  Entries may be empty; there are
 * no more than 1024. A guest may change the data while the request is in flight: never decide
 * anything by it.
 *
 * What the entries are depends on req->copy.  NULL: they point to memory (the guest's, which the
 * kernel cannot pin: see docs/design.md).  Else they are places that only copy() can reach, and
 * iov_base must not be touched, nor passed to the kernel; it may be moved along by addition.  Which
 * of the two it is does not change in a backend's life.  blk_copy() and blk_advance() work with
 * both.
 *
 * close() is called with nothing in flight.
 */
#ifndef BACKENDS_BACKEND_H
#define BACKENDS_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/loop.h"
#include "backends/image.h"

enum blk_op {
	BLK_READ,	  /* fill iov from [offset, offset + len) */
	BLK_WRITE,	  /* store iov at [offset, offset + len) */
	BLK_FLUSH,	  /* all writes done before are on stable storage; no range */
	BLK_DISCARD,	  /* the range's content no longer matters; needs IMAGE_DISCARD */
	BLK_WRITE_ZEROES, /* the range reads as zeroes afterwards */
};

/* Flags of a request. */
#define BLK_FUA	  (1u << 0) /* WRITE, WRITE_ZEROES: on stable storage before done() */
#define BLK_UNMAP (1u << 1) /* WRITE_ZEROES: the range may be deallocated */

/* Room in each request for what a backend must remember about it. */
#define BLK_SCRATCH 96

struct blk_request {
	enum blk_op op;
	unsigned flags;	   /* BLK_* */
	uint64_t offset;   /* bytes */
	uint64_t len;	   /* bytes; READ and WRITE: the sum of iov */
	struct iovec *iov; /* READ and WRITE only */
	unsigned nr_iov;

	/* What blk_copy() does with places. */
	int (*copy)(const struct blk_request *req, void *mem, size_t n);

	/* Called once; result is 0 or -errno. */
	void (*done)(struct blk_request *req, int result);

	/*
	 * Does anybody wait for the result?  Asked between the steps of a request; if not (the disk
	 * is detached, the queue or the device reset), it ends with -ECANCELED instead of the next
	 * step.  NULL: always.
	 */
	bool (*wanted)(const struct blk_request *req);

	/* The backend's, from submit() to done(). */
	_Alignas(16) unsigned char scratch[BLK_SCRATCH];
};

struct backend;

/* All slots are mandatory, but for read_size. */
struct backend_ops {
	const char *name; /* as in the configuration file: backend = "file" */

	/*
	 * Does this kind serve an image?  If not, image->direct_fd and fd are -1, and image->info
	 * is the disk to pretend: size and block sizes as the caller likes.
	 */
	bool needs_image;

	/*
	 * Make *ret ready for submit().  The backend takes over the image's descriptors if and only
	 * if it returns 0.  copied: requests will bring copy().  subject names guest and disk in
	 * log lines and outlives the backend.
	 */
	int (*open)(struct backend **ret, struct image *image, struct loop *loop, bool copied,
		    const struct log_subject *subject);
	void (*submit)(struct backend *b, struct blk_request *req);

	/*
	 * The size in bytes that the image has now: the owner is told to look again.  0 or -errno,
	 * not logged.  With needs_image only; else the size never changes.
	 */
	int (*read_size)(struct backend *b, uint64_t *ret);
	void (*close)(struct backend *b); /* NULL is fine */
};

/* What all backends have in common; the first member of each one's own struct. */
struct backend {
	const struct backend_ops *ops;
	const struct log_subject *subject;

	/*
	 * Size, block sizes, what it can do.  The owner changes size when the image was resized:
	 * what is in flight beyond a new end fails with -EIO at its next step, so that nothing
	 * is written there.
	 */
	struct image_info info;
};

/*
 * Copy n bytes between mem and the front of req->iov, which has as many: into mem for a WRITE, else
 * out of it.  0, or -EFAULT: the guest does not let us, which ends the request, and is nothing to
 * be logged.
 */
int blk_copy(const struct blk_request *req, void *mem, size_t n);

/* Take n bytes off the front of req->iov, and empty entries behind them. */
void blk_advance(struct blk_request *req, size_t n);

static inline bool blk_request_wanted(const struct blk_request *req)
{
	return !req->wanted || req->wanted(req);
}

/* A new backend: its table here, and a line in registry.c. */
extern const struct backend_ops file_backend_ops;
extern const struct backend_ops null_backend_ops;

/* The backend called name, or NULL. */
const struct backend_ops *backend_find(const char *name);

/* All backends, the default one first; ends with NULL. */
extern const struct backend_ops *const backend_table[];

#endif
