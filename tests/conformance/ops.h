/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of requests share, beside the driver. */
#ifndef TESTS_CONFORMANCE_OPS_H
#define TESTS_CONFORMANCE_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/conformance/conformance.h"

/* Paths of the images of two_caches(). */
extern const char *const *const two_images;

/*
 * In place of device(): a guest with two disks of 4 MiB with sim_pattern(), the first served
 * directly, the second through the page cache; a driver for each, which has touched nothing yet.
 */
void two_caches(struct drv ret[2]);

/* One segment of DISCARD, WRITE_ZEROES or SECURE_ERASE. */
struct blk_range {
	uint64_t sector;
	uint32_t sectors, flags;
};

#define RANGE_BYTES 16
#define RANGE_UNMAP 1
#define RANGES_MAX  32 /* of one request */

/* As they go over the wire; ret has room for n * RANGE_BYTES. */
void ranges_put(const struct blk_range *r, unsigned n, void *ret);

/* A request with n segments, at most 64; returns its status. */
uint8_t ranges_io(struct drv *d, uint32_t type, const struct blk_range *r, unsigned n);

/* What an image holds, seen from outside, in [sector, sector + n): zeroes; sim_pattern(); data. */
bool image_is_zero(const char *path, uint64_t sector, unsigned n);
bool image_is_pattern(const char *path, uint64_t sector, unsigned n);
bool image_is(const char *path, uint64_t sector, const void *data, uint32_t len);

/* What the daemon has done to an image, and what of it has succeeded. */
struct image_ops {
	unsigned writes, flushes, ranges; /* ranges: zeroed, or given back */
	unsigned stable;		  /* writes that were stable when they were done */
};

/* Begin to count, and end it. */
void record_ops(const char *path);
struct image_ops recorded_ops(const char *path);

/* None of these was done to the image since record_ops(). */
void check_nothing_recorded(const char *path);

/*
 * The serial number of a disk that has none in the configuration is its vdev: 20 bytes, NUL-padded.
 */
bool is_serial(const void *data, const char *serial);

/*
 * Wait, without sleeping for interrupts, until used.idx is idx, and until the device has decided
 * about the interrupt for it: it has, when it answers the next access.
 */
void settle(struct drv_queue *q, uint16_t idx);

/* Wait until the device wants a notification for the next head: before, it looks by itself. */
void settle_kicks(struct drv_queue *q);

/*
 * For races between the device and the guest, if this machine allows it: before device(),
 * everything comes before other programs and leaves one CPU; and then the calling vCPU, and no
 * other, has it.
 */
void race_prepare(void);
void race_take_cpu(void);

/*
 * Once round a loop that watches memory; seldom enough it gives way, should there be one CPU only.
 */
void spin(unsigned *n);

/*
 * Notifications in both directions at the moment when the other side decides whether it wants them,
 * without these features; on queue 0 of a device after race_prepare().
 */
void race(struct drv *d, uint64_t without);

/*
 * A pool of requests that are made available over and over: GET_ID, which needs no storage, each in
 * an indirect table of its own.
 */
#define POOL_MAX 32 /* as many as the device begins in one round */
struct pool {
	struct drv_queue *q;
	struct drv_blk r[POOL_MAX];
};

/* Fill it with n requests, on a queue that was set up just now. */
void pool_init(struct pool *p, struct drv_queue *q, unsigned n);
/* Make the first n available in one step, and do not notify; take n back, and check each. */
void pool_add(struct pool *p, unsigned n);
void pool_take(struct pool *p, unsigned n);
/* Add, notify, settle and take.  Returns how many interrupts came meanwhile. */
unsigned pool_serve(struct pool *p, unsigned n);

#endif
