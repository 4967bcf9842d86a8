/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request: what it asks for, how it is laid out in memory, and what its answer must be. */
#ifndef TESTS_TORTURE_REQUEST_H
#define TESTS_TORTURE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/driver.h"
#include "tests/torture/model.h"

#define REQUEST_SEGS 160

struct device;
struct queue;

struct request {
	uint32_t type;
	uint64_t sector;
	uint32_t range_flags; /* of DISCARD and WRITE_ZEROES */
	struct access access;
	bool accesses;	  /* is access what happens? */
	uint64_t asked;	  /* stable_time(), when the device could know of it first */
	unsigned cache;	  /* of the device, then */
	uint8_t expected; /* status */
	bool stored;	  /* the storage could fail it */
	uint32_t header_len, out_len, in_len; /* of the streams; after in_len comes the status */

	/* as laid out */
	uint64_t at;	/* where its memory begins: the indirect table, then the segments */
	uint32_t bytes; /* of its memory, with the gaps */
	unsigned nr_segs, nr_direct, nr_desc;
	bool backward; /* the first segment has the highest address */
	struct drv_seg seg[REQUEST_SEGS];
	uint16_t desc[REQUEST_SEGS]; /* of the queue's own table; the first is the head */
	uint64_t readable_sum;
};

/*
 * What to ask for: everything that a request can be, with data of at most room bytes.  stamp is a
 * number that no other request has.
 */
void request_decide(struct request *r, const struct device *dev, uint32_t room, uint64_t stamp,
		    uint64_t *rng);

/*
 * Lay it out in [gpa, gpa + bytes), which is all poison, and in descriptors of the queue.  False if
 * the queue has too few of them free, or the memory is too small.
 */
bool request_lay_out(struct request *r, struct queue *q, uint64_t gpa, uint32_t bytes,
		     uint64_t *rng);

/* It came back: check everything, and tell the model. */
void request_finish(struct request *r, struct queue *q, uint32_t used_len);

/*
 * It never came back, and its buffers are the guest's again: all that is known is that it
 * may have happened.
 */
void request_lose(struct request *r, struct queue *q);

#endif
