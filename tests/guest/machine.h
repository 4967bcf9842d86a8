/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's program needs of the machine that it runs on: registers, memory, interrupts.
 * There is the simulator (tests/sim/guest.c), and a guest on real Xen (tests/lab/truth); a program
 * that uses nothing else gives the same results on both, or one of them is wrong.  For unit tests
 * there is one without a daemon (tests/fake/machine.c).
 */
#ifndef TESTS_GUEST_MACHINE_H
#define TESTS_GUEST_MACHINE_H

#include <stdint.h>

struct machine;

struct machine_ops {
	/*
	 * An access of a vCPU to a register, size 1, 2, 4 or 8 bytes.  On a machine that was
	 * switched off meanwhile reads give all ones.
	 */
	uint64_t (*read)(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size);
	void (*write)(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size,
		      uint64_t value);

	/* The program's view of guest-physical memory, contiguous; NULL if there is none. */
	void *(*ram)(struct machine *m, uint64_t gpa, uint64_t len);

	/*
	 * Zeroed memory that is the program's, contiguous, page-aligned; its guest-physical
	 * address.
	 */
	uint64_t (*alloc)(struct machine *m, uint64_t bytes);

	/* How often the line (an SPI number) was raised so far. */
	unsigned (*interrupts)(struct machine *m, unsigned line);

	/* Sleep until that is not seen any more, or for timeout_ms; returns what it is then. */
	unsigned (*interrupt_wait)(struct machine *m, unsigned line, unsigned seen, int timeout_ms);
};

struct machine {
	const struct machine_ops *ops;
};

#endif
