/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The load: requests of a virtqueue's driver, as many in flight as asked for, each one followed by
 * the next.  The same code for every device that the bench compares; how it is notified and how it
 * interrupts is the port's.
 *
 * A request is as Linux makes it: a descriptor of the queue with an indirect table of three, for
 * header, data and status.
 */
#ifndef TESTS_BENCH_RINGS_H
#define TESTS_BENCH_RINGS_H

#include <pthread.h>
#include <stdint.h>

#include "tests/bench/run.h"

struct rings_port {
	/* Tell the device; from the queue's thread. */
	void (*kick)(struct rings_port *p, unsigned queue);
	/*
	 * Sleep until there is an interrupt that has not been returned for, or a while has passed;
	 * acknowledge it.  From the queue's thread.
	 */
	void (*sleep)(struct rings_port *p, unsigned queue);
};

/* With run_options.memory, data goes to the beginning of such a piece of it, any one. */
#define RINGS_PIECE (2ull << 20)

/* A queue that has been set up, empty, with INDIRECT_DESC and EVENT_IDX. */
struct rings_queue {
	const struct run_options *options;
	struct rings_port *port;
	unsigned index, size;
	uint8_t *desc, *avail, *used; /* the driver's view */
	uint8_t *memory;	      /* rings_bytes() of guest memory, page-aligned */
	uint64_t memory_gpa;
	uint64_t spread_gpa;		/* of run_options.memory */
	struct meter_histogram latency; /* of requests that ended while it was measured */

	/* rings.c only */
	uint64_t touched; /* pieces; atomically */
	pthread_t thread;
	struct run_pattern pattern;
	uint16_t avail_idx, used_seen, quiet_until;
	uint64_t *started; /* of each slot, nanoseconds */
};

/* Guest memory that a queue's requests need; and the size that a queue has to have. */
uint64_t rings_bytes(const struct run_options *o);
unsigned rings_queue_size(const struct run_options *o);

/* How many pieces there are. */
uint64_t rings_pieces(const struct run_options *o);

/* Let a queue that has begun use each of them once. */
void rings_wait_touched(struct rings_queue *q);

/* Begin, in a thread; and wait for its end after RUN_OVER. */
void rings_start(struct rings_queue *q);
void rings_join(struct rings_queue *q);

#endif
