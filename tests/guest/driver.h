/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's driver for virtio-mmio and virtio-blk, on any struct machine.  It does what Linux does,
 * and lets a test break every rule on the way: registers, rings and descriptors can be written raw.
 *
 * Written against the specification (VIRTIO 1.3), not against the daemon: it shares no definitions
 * with it.  A struct drv is used by one thread at a time.
 */
#ifndef TESTS_GUEST_DRIVER_H
#define TESTS_GUEST_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/machine.h"

/* 4.2.2 */
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
	R_SHM_SEL = 0x0ac,
	R_SHM_LEN = 0x0b0,
	R_SHM_BASE = 0x0b8,
	R_QUEUE_RESET = 0x0c0,
	R_CONFIG_GENERATION = 0x0fc,
	R_CONFIG = 0x100,
};

/* 2.1 */
enum {
	S_ACKNOWLEDGE = 0x01,
	S_DRIVER = 0x02,
	S_DRIVER_OK = 0x04,
	S_FEATURES_OK = 0x08,
	S_SUSPEND = 0x10,
	S_NEEDS_RESET = 0x40,
	S_FAILED = 0x80,
};

/* 4.2.2: bits of InterruptStatus */
enum {
	INT_USED = 1,
	INT_CONFIG = 2,
};

/* 6 and 5.2.3: bits */
enum {
	F_SIZE_MAX = 1,
	F_SEG_MAX = 2,
	F_GEOMETRY = 4,
	F_RO = 5,
	F_BLK_SIZE = 6,
	F_FLUSH = 9,
	F_TOPOLOGY = 10,
	F_CONFIG_WCE = 11,
	F_MQ = 12,
	F_DISCARD = 13,
	F_WRITE_ZEROES = 14,
	F_LIFETIME = 15,
	F_SECURE_ERASE = 16,
	F_ZONED = 17,
	F_INDIRECT_DESC = 28,
	F_EVENT_IDX = 29,
	F_VERSION_1 = 32,
	F_ACCESS_PLATFORM = 33,
	F_RING_PACKED = 34,
	F_IN_ORDER = 35,
	F_ORDER_PLATFORM = 36,
	F_SR_IOV = 37,
	F_NOTIFICATION_DATA = 38,
	F_NOTIF_CONFIG_DATA = 39,
	F_RING_RESET = 40,
	F_ADMIN_VQ = 41,
	F_SUSPEND = 43,
};
#define BIT64(n) (1ull << (n))

/* 5.2.4: offsets in the configuration space */
enum {
	C_CAPACITY = 0x00,
	C_SIZE_MAX = 0x08,
	C_SEG_MAX = 0x0c,
	C_GEOMETRY = 0x10,
	C_BLK_SIZE = 0x14,
	C_PHYSICAL_BLOCK_EXP = 0x18,
	C_ALIGNMENT_OFFSET = 0x19,
	C_MIN_IO_SIZE = 0x1a,
	C_OPT_IO_SIZE = 0x1c,
	C_WRITEBACK = 0x20,
	C_UNUSED0 = 0x21,
	C_NUM_QUEUES = 0x22,
	C_MAX_DISCARD_SECTORS = 0x24,
	C_MAX_DISCARD_SEG = 0x28,
	C_DISCARD_SECTOR_ALIGNMENT = 0x2c,
	C_MAX_WRITE_ZEROES_SECTORS = 0x30,
	C_MAX_WRITE_ZEROES_SEG = 0x34,
	C_WRITE_ZEROES_MAY_UNMAP = 0x38,
	C_UNUSED1 = 0x39,
	C_MAX_SECURE_ERASE_SECTORS = 0x3c,
	C_MAX_SECURE_ERASE_SEG = 0x40,
	C_SECURE_ERASE_SECTOR_ALIGNMENT = 0x44,
	C_ZONED = 0x48,
	C_END = 0x60,
};

/* 5.2.6 */
enum {
	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_GET_ID = 8,
	T_GET_LIFETIME = 10,
	T_DISCARD = 11,
	T_WRITE_ZEROES = 13,
	T_SECURE_ERASE = 14,
};

enum {
	BLK_OK = 0,
	BLK_IOERR = 1,
	BLK_UNSUPP = 2,
	BLK_PENDING = 0xa5, /* what the driver writes there before */
};

/* 2.7.5 */
enum {
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,
};

#define DRV_QUEUES_MAX 8
#define DRV_SECTOR     512

/* Around what drv_alloc() gives: so many bytes of BLK_PENDING. */
#define DRV_POISON 16

struct drv_queue {
	struct drv *d;
	unsigned index, size;
	uint64_t desc, avail, used; /* guest-physical */
	uint64_t bytes_at;	    /* where its memory begins; given once, used again */
	unsigned bytes_for;	    /* queue size that there is room for */
	uint16_t avail_idx;	    /* what the driver made available */
	uint16_t used_seen;	    /* what it has taken back */
	uint16_t next_desc;	    /* descriptors are taken round and round */
	uint64_t granted[3];	    /* the device's addresses of desc, avail, used; 0: none */
};

struct drv {
	struct machine *m;
	unsigned vcpu;			     /* that accesses are made from */
	uint64_t base;			     /* of the window */
	unsigned line;			     /* SPI */
	bool grants;			     /* the device is given memory by grants; see below */
	unsigned queue_sel;		     /* as last written */
	uint64_t features;		     /* as negotiated */
	unsigned queue_limit;		     /* drv_ready() makes no larger ones; 128 at first */
	uint64_t heap, heap_end, heap_start; /* for drv_alloc() */
	struct drv_queue q[DRV_QUEUES_MAX];
};

/*
 * A driver for the device in a window; nothing is touched yet.  heap: bytes for
 * drv_alloc(); 0: none.
 */
void drv_init(struct drv *d, struct machine *m, uint64_t base, unsigned line, uint64_t heap);

/* Registers, 32 bits wide; of any width; two halves of a 64-bit register, low first. */
uint32_t drv_read(struct drv *d, unsigned reg);
void drv_write(struct drv *d, unsigned reg, uint32_t value);
uint64_t drv_read_sized(struct drv *d, unsigned off, unsigned size);
void drv_write_sized(struct drv *d, unsigned off, unsigned size, uint64_t value);
void drv_write64(struct drv *d, unsigned reg, uint64_t value);
uint32_t drv_status(struct drv *d);

/* A field of the configuration space; 64-bit ones as two reads under one generation. */
uint64_t drv_config(struct drv *d, unsigned off, unsigned size);
/* capacity, in 512-byte sectors */
uint64_t drv_capacity(struct drv *d);

/* All 64 feature bits that the device offers. */
uint64_t drv_offered(struct drv *d);

/* Write status 0, and wait until it reads 0. */
void drv_reset(struct drv *d);

/* The steps of 3.1.1: features; up to FEATURES_OK (did it stick?); one queue; all of it. */
void drv_write_features(struct drv *d, uint64_t features);
bool drv_negotiate(struct drv *d, uint64_t features);
bool drv_setup_queue(struct drv *d, unsigned i, unsigned size);
/* The registers of a queue, right or wrong: is it ready then?  Memory is not touched. */
bool drv_write_queue(struct drv *d, unsigned i, unsigned size, uint64_t desc, uint64_t avail,
		     uint64_t used);
/* What drv_setup_queue() takes for a queue, from desc on. */
uint64_t drv_queue_bytes(unsigned size);
unsigned drv_queue_size_max(struct drv *d, unsigned i);
void drv_ready(struct drv *d, uint64_t features, unsigned nr_queues);

/* drv_ready() with all that is offered but the bits in without, one queue. */
void drv_boot(struct drv *d, uint64_t without);

/* Memory: 16-aligned and zeroed, with poison around it.  drv_free_all() gives all of it back. */
uint64_t drv_alloc(struct drv *d, uint32_t bytes);
void drv_free_all(struct drv *d);
/* The program's view of it; it is there, and contiguous. */
void *drv_ram(struct drv *d, uint64_t gpa, uint64_t len);

/* Raw access to descriptor tables and to a queue's three parts. */
void drv_put_desc(struct drv *d, uint64_t table, unsigned i, uint64_t addr, uint32_t len,
		  uint16_t flags, uint16_t next);
void drv_desc(struct drv_queue *q, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
	      uint16_t next);
void drv_set_avail_flags(struct drv_queue *q, uint16_t flags);
void drv_set_avail_idx(struct drv_queue *q, uint16_t idx);
void drv_set_avail_ring(struct drv_queue *q, uint16_t at, uint16_t head);
void drv_set_used_event(struct drv_queue *q, uint16_t event);
uint16_t drv_used_flags(const struct drv_queue *q);
uint16_t drv_used_idx(const struct drv_queue *q);
uint16_t drv_avail_event(const struct drv_queue *q);

/* Make a head available; notify, whatever the device asked for; notify if it wants to be. */
void drv_avail(struct drv_queue *q, uint16_t head);
void drv_kick(struct drv_queue *q);
bool drv_kick_wanted(struct drv_queue *q, uint16_t old_avail_idx);

/* Will the device want one for the next head?  It does not while it looks by itself. */
bool drv_kick_will_be_wanted(struct drv_queue *q);

/* Take the next used element back, if there is one. */
bool drv_used(struct drv_queue *q, uint32_t *ret_id, uint32_t *ret_len);

/*
 * The same, and sleep for it, by interrupts and a look now and then.  A device that needs minutes
 * ends the test.
 */
void drv_wait_used(struct drv_queue *q, uint32_t *ret_id, uint32_t *ret_len);

/* The interrupt handler: read InterruptStatus, acknowledge it; returns it. */
uint32_t drv_interrupt(struct drv *d);

/*
 * Grants, if d->grants, are made as Linux does it (drivers/xen/grant-dma-ops.c): for each chain
 * when it is made available, for what its descriptors name at that time, and taken back with
 * drv_used(); for a ring when the device is told where it is.  In memory the tables then have the
 * device's addresses while the chain is in flight, and else guest-physical ones; what is no memory
 * stays as it is.  All grants end with a reset, and the device must have unmapped them by then.
 */

/* Grant, or take back, what the chain at head names. */
void drv_grant_chain(struct drv_queue *q, uint16_t head);
void drv_ungrant_chain(struct drv_queue *q, uint16_t head);

/* The value for a ring's address register: gpa, or the device's address for it. */
uint64_t drv_grant_ring(struct drv *d, unsigned reg, uint64_t gpa);

struct drv_seg {
	uint64_t gpa;
	uint32_t len;
	bool write;
};

/*
 * A chain of n segments whose last ones, from index direct on, are in an indirect table (n or more:
 * none are).  Returns the head, not yet available.
 */
uint16_t drv_chain(struct drv_queue *q, const struct drv_seg *s, unsigned n, unsigned direct);

#define DRV_SEGS 128
#define DRV_CUTS 63

/* A block request as two byte streams, cut into descriptors where the program likes. */
struct drv_blk {
	uint32_t type;
	uint64_t sector;
	const void *out; /* device-readable data */
	uint32_t out_len;
	uint32_t in_len; /* device-writable data, before the status */
	unsigned direct; /* segments in the queue's own table; DRV_SEGS: all */
	unsigned nr_cuts_out, nr_cuts_in;
	uint32_t cuts_out[DRV_CUTS], cuts_in[DRV_CUTS]; /* ascending positions in the streams */

	uint16_t head;
	unsigned nr;
	struct drv_seg seg[DRV_SEGS];
	uint32_t used_len;
};

/* The usual cut: header, data and status are a descriptor each. */
struct drv_blk drv_blk_usual(uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
			     uint32_t in_len);

/*
 * A range of DISCARD or WRITE_ZEROES as the device reads it (5.2.6); several of them are an array.
 */
struct drv_range {
	uint64_t sector;
	uint32_t sectors, flags;
};
struct drv_range drv_range(uint64_t sector, uint32_t sectors, uint32_t flags);

/* Build its segments in guest memory; and make it available, too, but do not notify. */
void drv_blk_build(struct drv *d, struct drv_blk *r);
void drv_blk_add(struct drv_queue *q, struct drv_blk *r);

/* Status byte of a request (BLK_PENDING: not written) and its data. */
uint8_t drv_blk_status(struct drv *d, const struct drv_blk *r);
void drv_blk_data(struct drv *d, const struct drv_blk *r, void *ret);

/* Add, notify, and wait: exactly this request comes back.  Returns its status. */
uint8_t drv_blk_run(struct drv_queue *q, struct drv_blk *r);

/* The usual request on queue 0; in, if not NULL, gets the data. */
uint8_t drv_io(struct drv *d, uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
	       void *in, uint32_t in_len);

/* Has nobody touched the bytes around the segments? */
bool drv_blk_poison_intact(struct drv *d, const struct drv_blk *r);

/* A generator with a fixed seed: a test that fails does so again. */
static inline uint32_t drv_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

#endif
