/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's side of a disk: a virtio-mmio and virtio-blk driver in the fake hypervisor's RAM.
 * It does what Linux does, and lets a test break every rule on the way: the rings and descriptors
 * can be written raw.
 *
 * The disk itself is daemon/disk.c on a fake backend; drv_round() is the worker's round.
 */
#ifndef TESTS_FAKE_DRIVER_H
#define TESTS_FAKE_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#undef fail /* ours is in base/log.h */

#include "daemon/disk.h"
#include "daemon/virtio_blk.h"
#include "tests/fake/backend.h"
#include "tests/fake/xen.h"
#include "transport/guest_mem.h"

/* The register table of the specification (4.2.2), written down a second time. */
enum {
	R_MAGIC = 0x000,
	R_VERSION = 0x004,
	R_DEVICE_ID = 0x008,
	R_VENDOR_ID = 0x00c,
	R_DEVICE_FEATURES = 0x010,
	R_DEVICE_FEATURES_SEL = 0x014,
	R_DRIVER_FEATURES = 0x020,
	R_DRIVER_FEATURES_SEL = 0x024,
	R_QUEUE_SEL = 0x030,
	R_QUEUE_SIZE_MAX = 0x034,
	R_QUEUE_SIZE = 0x038,
	R_QUEUE_READY = 0x044,
	R_QUEUE_NOTIFY = 0x050,
	R_INTERRUPT_STATUS = 0x060,
	R_INTERRUPT_ACK = 0x064,
	R_STATUS = 0x070,
	R_QUEUE_DESC = 0x080,
	R_QUEUE_DRIVER = 0x090,
	R_QUEUE_DEVICE = 0x0a0,
	R_SHM_LEN = 0x0b0,
	R_SHM_BASE = 0x0b8,
	R_QUEUE_RESET = 0x0c0,
	R_CONFIG_GENERATION = 0x0fc,
	R_CONFIG = 0x100,
};

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

#define DRV_IRQ	      33
#define DRV_BASE      0x2000000ull

/* Where the driver keeps things, guest-physical: rings of queue i, then what drv_alloc() gives. */
#define DRV_RINGS(i) (FAKE_RAM0_BASE + (i)*0x10000ull)
#define DRV_HEAP     (FAKE_RAM0_BASE + 0x100000ull)

struct drv_queue {
	unsigned index, size;
	uint64_t desc, avail, used; /* guest-physical */
	uint16_t avail_idx;	    /* what the driver made available */
	uint16_t used_seen;	    /* what it has taken back */
	uint16_t next_desc;	    /* descriptors are taken round and round */
};

/* What kind of disk; zero means the default. */
struct drv_options {
	unsigned nr_queues;  /* 1 */
	unsigned queue_size; /* 64 */
	uint64_t size;	     /* 64 KiB */
	uint32_t caps;	     /* IMAGE_DISCARD */
	bool no_caps;	     /* caps really is 0 */
	const char *serial;  /* "serial" */
};

struct drv {
	struct xen_domain xen;
	struct guest_mem mem;
	struct state_disk *st;
	struct fake_backend backend;
	struct disk disk;
	uint64_t heap;
	uint64_t features; /* as negotiated */
	struct drv_queue q[VIRTIO_QUEUES_MAX];
};

/* A disk that no driver has touched; o may be NULL. */
void drv_start(struct drv *d, const struct drv_options *o);

/* Finish what is in flight and take all down; fails the test if anything leaks. */
void drv_stop(struct drv *d);

/*
 * For cmocka: a test of a file that has a `static struct drv d`.  set_up is the file's own, or
 * drv_set_up, drv_start() without options, or drv_set_up_ready, drv_boot() with all features.
 */
int drv_set_up(void **state);
int drv_set_up_ready(void **state);
int drv_tear_down(void **state);
#define DRV_TEST(f, set_up) cmocka_unit_test_prestate_setup_teardown(f, set_up, drv_tear_down, &d)

/* Registers, 32 bits wide. */
uint32_t drv_read(struct drv *d, unsigned reg);
void drv_write(struct drv *d, unsigned reg, uint32_t value);
void drv_write64(struct drv *d, unsigned reg, uint64_t value);
uint64_t drv_offered(struct drv *d);
static inline uint32_t drv_status(struct drv *d)
{
	return drv_read(d, R_STATUS);
}

/* The steps of 3.1.1: up to FEATURES_OK (did it stick?); one queue; all of it, as Linux does. */
void drv_write_features(struct drv *d, uint64_t features);
bool drv_negotiate(struct drv *d, uint64_t features);
bool drv_setup_queue(struct drv *d, unsigned i, unsigned size);
void drv_ready(struct drv *d, uint64_t features);

/* drv_start() and drv_ready() with all that is offered but the features in without. */
void drv_boot(struct drv *d, const struct drv_options *o, uint64_t without);

/* The device's side of a queue, for tests that call virtq_*() themselves. */
struct virtq *drv_virtq(struct drv *d, unsigned i);

/* Guest RAM, 16-aligned and zeroed, with poison around it; NULL gpa never occurs. */
uint64_t drv_alloc(struct drv *d, uint32_t bytes);
void drv_free_all(struct drv *d);

/* Raw access to a queue's three parts. */
void drv_put_desc(uint64_t table, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
		  uint16_t next);
void drv_desc(struct drv_queue *q, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
	      uint16_t next);
void drv_set_avail_flags(struct drv_queue *q, uint16_t flags);
void drv_set_avail_idx(struct drv_queue *q, uint16_t idx);
void drv_set_used_event(struct drv_queue *q, uint16_t event);
uint16_t drv_used_flags(const struct drv_queue *q);
uint16_t drv_used_idx(const struct drv_queue *q);
uint16_t drv_avail_event(const struct drv_queue *q);

/* Make a head available; tell the device; take the next used element back. */
void drv_avail(struct drv_queue *q, uint16_t head);
void drv_kick(struct drv *d, unsigned i);
bool drv_used(struct drv_queue *q, uint32_t *ret_id, uint32_t *ret_len);

/* Rounds of the worker until it would sleep; fails the test if that never happens. */
void drv_round(struct drv *d);

/* Kick and round. */
void drv_go(struct drv *d, unsigned i);

struct drv_seg {
	uint64_t gpa;
	uint32_t len;
	bool write;
};

/*
 * A chain of n segments whose last ones, from index direct on, are in an indirect table (n: none
 * are).  Returns the head, not yet available.
 */
uint16_t drv_chain(struct drv *d, struct drv_queue *q, const struct drv_seg *s, unsigned n,
		   unsigned direct);

#define DRV_SEGS 64

/* A block request as two byte streams, cut into descriptors where the test likes. */
struct drv_blk {
	uint32_t type;
	uint64_t sector;
	const void *out; /* device-readable data */
	uint32_t out_len;
	uint32_t in_len; /* device-writable data, before the status */
	unsigned direct; /* segments in the queue's own table; DRV_SEGS: all */
	unsigned nr_cuts_out, nr_cuts_in;
	uint32_t cuts_out[DRV_SEGS / 2 - 1], cuts_in[DRV_SEGS / 2 - 1]; /* ascending positions */

	uint16_t head;
	unsigned nr;
	struct drv_seg seg[DRV_SEGS];
	uint32_t used_len;
};

/* Build it in guest memory; make it available. */
void drv_blk_add(struct drv *d, unsigned i, struct drv_blk *r);

/* Status byte of a request (DRV_PENDING: not written) and its data. */
#define DRV_PENDING 0xa5
uint8_t drv_blk_status(const struct drv_blk *r);
void drv_blk_data(const struct drv_blk *r, void *ret);

/* Add, go, and take back: exactly this request comes.  Returns its status. */
uint8_t drv_blk_run(struct drv *d, unsigned i, struct drv_blk *r);

/* The usual three-part request. */
uint8_t drv_io(struct drv *d, uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
	       uint32_t in_len);

/* Fails the test if a byte around the segments was touched. */
void drv_blk_check_poison(const struct drv_blk *r);

/* assert_true(ok) that says which case of a table it was. */
#define drv_check(ok, ...)                        \
	do {                                      \
		if (!(ok)) {                      \
			print_error(__VA_ARGS__); \
			print_error("\n");        \
			assert_true(ok);          \
		}                                 \
	} while (0)

/* Remember all guest RAM; fail the test if a byte of it differs now. */
void drv_ram_save(void);
void drv_ram_expect(void);

/* A generator with a fixed seed: a test that fails does so again. */
static inline uint32_t drv_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

#endif
