/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The libxen* libraries in this process, for harnesses that run the real transport/xen.c: one
 * domain with RAM in two places, an ioreq page, edge interrupts.  Any call can be made to fail.
 */
#ifndef TESTS_FUZZ_LIBXEN_H
#define TESTS_FUZZ_LIBXEN_H

#include <stdbool.h>
#include <stdint.h>

#define LIBXEN_DOMID 1
#define LIBXEN_VCPUS 4

/* RAM: a whole chunk of transport/guest_mem_foreign.c, and a few pages in a chunk of holes. */
#define LIBXEN_RAM0	 0x40000000ull
#define LIBXEN_RAM0_SIZE 0x200000ull
#define LIBXEN_RAM1	 0x200000000ull
#define LIBXEN_RAM1_SIZE 0x10000ull
#define LIBXEN_HOT_BYTES 0x10000ull /* of the first piece: what is used in nearly each execution */

/* Calls that can fail: once, when a countdown of calls of that kind ends. */
enum libxen_call {
	LIBXEN_OPEN,
	LIBXEN_SERVER,
	LIBXEN_WINDOW,
	LIBXEN_EVENTS,
	LIBXEN_IRQ,
	LIBXEN_MAP,
	LIBXEN_NR_CALLS,
};

/* Begin anew: all RAM there and zero, no server, no countdown. */
void libxen_reset(void);

/* Let call number n of this kind from now on (0: the next one) fail with an errno. */
void libxen_fail(enum libxen_call call, unsigned n, int error);

/* The guest's own view of its RAM; NULL if it has none there. */
uint8_t *libxen_ram(uint64_t gpa);

/* The guest gives a page back, or takes it; what is mapped stays mapped. */
void libxen_set_present(uint64_t gpa, bool present);

/* What a vCPU asks, as in xen/hvm/ioreq.h. */
struct libxen_ask {
	enum {
		LIBXEN_ACCESS,
		LIBXEN_ODD_ACCESS, /* of a kind that no MMIO device knows */
		LIBXEN_INVALIDATE,
	} kind;
	bool read;
	uint64_t addr, data;
	uint32_t size;
};

/* Is this vCPU free to ask?  It is not while it waits for an answer, or there is no server. */
bool libxen_vcpu_runs(unsigned vcpu);

/* It asks: its slot is READY. */
void libxen_ask(unsigned vcpu, const struct libxen_ask *a);

/* What it was answered last. */
uint64_t libxen_answer(unsigned vcpu);

/* Interrupts raised on a line, calls that mapped, windows that the server has, since the reset. */
unsigned libxen_interrupts(uint32_t irq);
unsigned libxen_maps(void);
unsigned libxen_windows(void);
bool libxen_has_server(void);

#endif
