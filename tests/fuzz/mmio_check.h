/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest of tests/fuzz/mmio.c: its vCPUs and its memory, and what must hold after all
 * that it does.
 */
#ifndef TESTS_FUZZ_MMIO_CHECK_H
#define TESTS_FUZZ_MMIO_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fuzz/libxen.h"
#include "tests/fuzz/worker_env.h"

#define DISKS	3
#define QUEUES	4
#define WINDOWS 0x2000000ull
#define IRQ	33

/* The first pages of each piece of RAM are used: rings of each queue, and buffers behind them. */
#define HOT_PAGES 16
#define PAGE	  0x1000u

/* What the driver of a queue remembers, and what was seen of the device's side. */
struct queue {
	uint16_t desc, avail; /* next descriptor, next available index */
	bool kicked;	      /* since the last round that was complete */
	uint16_t kicked_at;   /* the available index then */
	struct virtq_state seen;
};

extern struct queue queues[DISKS][QUEUES];

/*
 * The driver has its rings where they belong, without overlaps, and lets no request write there; no
 * call of libxen fails.  Only then a lost kick or interrupt can be told from a hidden one.
 */
extern bool tidy;

/* The watcher has asked for this disk back. */
extern bool detaching[DISKS];

/* Begin anew. */
void check_start(void);

/* Everything that the worker does is between these; the second one checks what always holds. */
void enter(void);
void leave(void);

/* The guest's own accesses to its memory; nothing happens where it has none. */
void guest_write(uint64_t gpa, const void *bytes, size_t n);
void guest_write16(uint64_t gpa, uint16_t v);
uint16_t guest_read16(uint64_t gpa);

/* Another vCPU writes there, so many loads of the worker's after the last such write. */
void race_add(unsigned after, uint64_t gpa, uint16_t value);

/* A vCPU asks; false if it can't.  It must have been answered, but for an INVALIDATE. */
bool ask(unsigned vcpu, const struct libxen_ask *a);

/* The same for a register or the like; slot may be one behind the last disk. */
void access_window(unsigned vcpu, unsigned slot, bool read, unsigned off, unsigned size,
		   uint64_t value);

/* One round of the worker.  True if it has more to do. */
bool round_once(void);

/* What the guest sees of a disk. */
static inline struct virtio_state *state_of(unsigned slot)
{
	return &env_state.disks[slot].virtio;
}

#endif
