/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest sees of a disk, written down line by line: registers at each stage, answers to
 * requests, interrupts.  The same program runs in the simulator (tests/truth/sim.c) and, without an
 * operating system, in a guest on real Xen (tests/lab/truth/).  The two transcripts are equal, or
 * the simulator is wrong.
 *
 * It uses no function of libc but those of string.h.
 */
#ifndef TESTS_TRUTH_TRANSCRIPT_H
#define TESTS_TRUTH_TRANSCRIPT_H

#include <stdint.h>

#include "tests/guest/machine.h"

/* What the disk has to be: so many bytes of zeroes, writable. */
#define TRUTH_DISK_BYTES (8u << 20)

/* What the machine does for the program: take a line, without its end. */
void truth_line(const char *text);

/* Look at the disk whose window and interrupt line these are. */
void truth_transcript(struct machine *m, uint64_t base, unsigned line);

#endif
