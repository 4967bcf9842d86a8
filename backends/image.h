/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image is a regular file or a block device that holds a disk.  Opening, locking and probing
 * need paths, /proc and /sys, so they happen in the watcher; the descriptors and the plain facts
 * (struct image_info) travel to the worker, which can open nothing.
 */
#ifndef BACKENDS_IMAGE_H
#define BACKENDS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

/* How requests reach the storage; "cache" in the configuration. */
enum image_cache {
	IMAGE_CACHE_DIRECT,   /* O_DIRECT through bounce buffers */
	IMAGE_CACHE_BUFFERED, /* page cache, straight into guest memory */
};

/* What an image can do: image_info.caps. */
#define IMAGE_READ_ONLY	   (1u << 0)
#define IMAGE_DISCARD	   (1u << 1) /* the guest may deallocate, and that can work here */
#define IMAGE_ZERO_RANGE   (1u << 2) /* FALLOC_FL_ZERO_RANGE is worth trying: BLK_WRITE_ZEROES */
#define IMAGE_PUNCH_HOLE   (1u << 3) /* FALLOC_FL_PUNCH_HOLE works and reads as zeroes */
#define IMAGE_BLOCK_DEVICE (1u << 4)

/* O_DIRECT that wants more than this (bytes) is not used. */
#define IMAGE_DIRECT_ALIGN_MAX 65536

/* Plain facts; goes through a socket as it is. */
struct image_info {
	uint64_t size;	     /* bytes, a multiple of 512, not 0 */
	uint32_t caps;	     /* IMAGE_* */
	uint32_t block_size; /* logical block, bytes, power of two, 512...4096; files: 512 */
	uint32_t physical_block_size; /* bytes, power of two, block_size...65536 */
	uint32_t optimal_io_size;     /* bytes, multiple of block_size; 0: unknown */
	uint32_t discard_granularity; /* bytes, multiple of block_size; 0: unknown */
	uint32_t direct_align; /* bytes, power of two: O_DIRECT's offset and length; 0: buffered */
};

struct image {
	int fd;	       /* through the page cache; always there */
	int direct_fd; /* O_DIRECT; -1 with IMAGE_CACHE_BUFFERED */
	struct image_info info;
};

#define IMAGE_NULL ((struct image){ .fd = -1, .direct_fd = -1 })

/* What the caller wants of an image. */
struct image_params {
	const char *path; /* absolute; may name a symbolic link */
	bool read_only;
	bool discard; /* may the guest deallocate? */
	enum image_cache cache;
};

/*
 * Open, lock and look at an image.  The lock is an open-file-description lock over the whole file:
 * for reading if read-only, else for writing; it lasts until the last copy of the descriptor is
 * closed, in whichever process.  A writable block device is opened O_EXCL, so that a mounted one is
 * refused.  A file system without O_DIRECT gives a buffered image, and a line in the log.
 *
 * On failure returns -errno with nothing open and *ret untouched, and logs one line about *subject
 * (log_last_error() has its text: object, what was tried, why): -EBUSY locked or claimed (by whom,
 * if it can be found out), -EISDIR, -EINVAL (neither file nor block device, empty, size not a
 * multiple of 512), or what open(2) says.
 */
int image_open(struct image *ret, const struct image_params *p, const struct log_subject *subject);

/*
 * The size in bytes that the file or block device behind fd has now: what it was opened with, until
 * somebody resizes it.  Needs lseek(2) alone, which a worker may call.  0 or -errno; logs nothing.
 */
int image_read_size(int fd, uint64_t *ret);

/* Close the descriptors.  Works on IMAGE_NULL and twice. */
void image_close(struct image *i);

#endif
