/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory: who gets which part of it, and access to it.  What is contiguous for the
 * guest need not be so for us, since frames that were given back and fetched again are other pages.
 */
#ifndef TESTS_TORTURE_MEMORY_H
#define TESTS_TORTURE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/guest.h"

#define MEMORY_PAGE 4096u

/* What lies around and behind everything that the device may write. */
#define MEMORY_POISON 0xe7

struct memory {
	struct hyp_domain *dom;
	uint64_t next[2], end[2]; /* of both banks */
};

/* All RAM of the guest is to be taken from here. */
void memory_init(struct memory *m, const struct guest *g);

uint64_t memory_left(const struct memory *m);

/* Whole pages, in either bank, contiguous for the guest, zeroed; there must be room for them. */
uint64_t memory_take(struct memory *m, uint64_t bytes, uint64_t *rng);

void memory_write(const struct memory *m, uint64_t gpa, const void *data, uint64_t len);
void memory_read(const struct memory *m, uint64_t gpa, void *ret, uint64_t len);
void memory_fill(const struct memory *m, uint64_t gpa, uint8_t byte, uint64_t len);

/* Is it all poison? */
bool memory_is_poison(const struct memory *m, uint64_t gpa, uint64_t len);

/* A number that changes if the bytes change; sum is that of what comes before. */
uint64_t memory_sum(const struct memory *m, uint64_t gpa, uint64_t len, uint64_t sum);

#endif
