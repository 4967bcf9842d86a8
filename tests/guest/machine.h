/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's program needs of the machine that it runs on: registers, memory, interrupts.
 * There is the simulator (tests/sim/guest.c), and a guest on real Xen (tests/lab/truth); a program
 * that uses nothing else gives the same results on both, or one of them is wrong.  For unit tests
 * there is one without a daemon (tests/fake/machine.c).
 */
#ifndef TESTS_GUEST_MACHINE_H
#define TESTS_GUEST_MACHINE_H

#include <stdbool.h>
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

	/*
	 * For a device that is given memory by grants: its address for [gpa, gpa + len), which it
	 * may use from now on; or 0 if that is no memory.  owner, not 0, is who can take it back:
	 * one range, as often as it was granted, or all of them.  False: the device still has some
	 * of it mapped; that stays granted.
	 */
	uint64_t (*grant)(struct machine *m, uint64_t owner, uint64_t gpa, uint64_t len,
			  bool read_only);
	bool (*grant_end)(struct machine *m, uint64_t owner, uint64_t addr);
	bool (*grant_end_all)(struct machine *m, uint64_t owner);

	/* The gpa that an address from grant() stands for now, or 0; and grant it once more. */
	uint64_t (*grant_gpa)(struct machine *m, uint64_t owner, uint64_t addr, bool again);

	/* How often the line (an SPI number) was raised so far. */
	unsigned (*interrupts)(struct machine *m, unsigned line);

	/* Sleep until that is not seen any more, or for timeout_ms; returns what it is then. */
	unsigned (*interrupt_wait)(struct machine *m, unsigned line, unsigned seen, int timeout_ms);
};

struct machine {
	const struct machine_ops *ops;
};

#endif
