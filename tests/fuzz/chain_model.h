/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second implementation of a queue of block requests, for tests/fuzz/chain.c: as simple as the
 * specification, on memory that nobody else changes, with a backend that answers at once.
 */
#ifndef TESTS_FUZZ_CHAIN_MODEL_H
#define TESTS_FUZZ_CHAIN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/backend.h"
#include "daemon/disk.h"

/* Guest memory, and where the queue's parts are in it. */
#define RAM_BASE    0x40000000ull
#define RAM_BYTES   0x2000u
#define QUEUE_SIZE  16u
#define DESC	    0x000u
#define AVAIL	    0x100u
#define USED	    0x200u
#define INDIRECT    0x400u
#define HEAP	    0x800u
#define IMAGE_BYTES 0x2000u
#define CALLS_MAX   (QUEUE_SIZE * DISK_RANGES_MAX)

enum { NEXT = 1, WRITE = 2, IS_INDIRECT = 4 };

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct call {
	enum blk_op op;
	unsigned flags;
	uint64_t offset, len;
};

/* All that an execution changes; one as it is, one as it should be. */
struct world {
	uint8_t *ram, *image;
	struct call calls[CALLS_MAX];
	unsigned nr_calls, interrupts, errors, unsupported, faults;
};

/*
 * What the driver made available leads to: from w as it is before to w as it must be after.  Of the
 * disk d only the parameters are read (features, capacity, read-only), never what it did.  failing
 * has a bit for each backend call, modulo 8.  Returns false if a request wrote to the rings
 * themselves, or to a header, or has read the used ring, or if a head is there twice: what happens
 * then is not modelled.
 */
bool model_run(struct world *w, const struct disk *d, uint8_t failing);

/* The 16 bits of guest memory at an offset. */
static inline uint16_t get16(const uint8_t *ram, unsigned at)
{
	return ram[at] | ram[at + 1] << 8;
}

static inline void put16(uint8_t *ram, unsigned at, uint16_t v)
{
	ram[at] = v;
	ram[at + 1] = v >> 8;
}

#endif
