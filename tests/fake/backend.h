/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A backend on a memory image that the test has in its hands: it answers at once, or when told to,
 * with any result.  It holds its caller to the contract of backends/backend.h.
 */
#ifndef TESTS_FAKE_BACKEND_H
#define TESTS_FAKE_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/backend.h"

#define FAKE_BACKEND_REQUESTS 8192

struct fake_backend {
	struct backend b;
	uint8_t *image;
	size_t mapped;	   /* bytes of it */
	uint64_t new_size; /* what read_size() says; more than mapped is not for I/O */
	int size_result;   /* of read_size() */
	bool hold;	   /* keep requests until fake_backend_complete() */
	int result;	   /* of those that are not kept */
	unsigned closed;
	unsigned calls; /* all of submit() */
	struct {
		enum blk_op op;
		unsigned flags;
		uint64_t offset, len;
	} last;
	unsigned nr_held;
	struct blk_request *held[FAKE_BACKEND_REQUESTS];
};

/* An image; the sectors of its first MiB differ from each other, the rest is zero. */
void fake_backend_init(struct fake_backend *f, uint64_t size, uint32_t caps);
void fake_backend_fini(struct fake_backend *f);

/* Finish the i-th request kept; data move now. */
void fake_backend_complete(struct fake_backend *f, unsigned i, int result);
void fake_backend_complete_all(struct fake_backend *f, int result);

#endif
