/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of a contender: what is asked of it on the command line, the time it gets, and the line of
 * JSON that comes out.  Each contender is a program; tests/bench/bench starts them in turns.
 */
#ifndef TESTS_BENCH_RUN_H
#define TESTS_BENCH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/meter.h"

struct run_options {
	const char *file;  /* NULL: the contender's null backend */
	uint64_t span;	   /* bytes of it that are used, from the beginning */
	uint32_t block;	   /* bytes of a request */
	unsigned depth;	   /* requests in flight in each queue */
	unsigned queues;   /* of each disk; a thread, which is a vCPU, for each */
	unsigned disks;	   /* of each guest; more than one in all are read-only */
	unsigned guests;   /* raw contenders have no such thing, nor several disks */
	uint64_t memory;   /* MiB that the data of reads is spread over, 0: none of its own */
	unsigned reads;	   /* of 100 requests */
	bool sequential;   /* not random */
	bool direct;	   /* O_DIRECT, not the page cache */
	bool idle;	   /* no requests at all: what does that cost? */
	bool waiting;	   /* guests do, for the daemon to start */
	bool sleeping;	   /* the driver sleeps for its interrupt, and does not poll */
	unsigned syscalls; /* the tracepoint to count system calls with, 0: don't */
	double seconds;	   /* measured, after a warm-up of a quarter of that */
};

/* Ends the program, with words, if there is something that it doesn't know. */
struct run_options run_options(int argc, char **argv);

/* What the threads that make requests look at before each; loaded and stored atomically. */
enum run_phase {
	RUN_WARM_UP,
	RUN_MEASURED, /* requests that end now count */
	RUN_OVER,     /* no new ones; end when those in flight have ended */
};
extern enum run_phase run_phase;

static inline enum run_phase run_phase_now(void)
{
	return __atomic_load_n(&run_phase, __ATOMIC_RELAXED);
}

/* A generator of random numbers, not 0 at first; and a multiple of the block size below span. */
static inline uint64_t run_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Where the requests of a thread go. */
struct run_pattern {
	const struct run_options *o;
	uint64_t random, next;
};

static inline uint64_t run_offset(struct run_pattern *p)
{
	uint64_t blocks = p->o->span / p->o->block;

	if (p->o->sequential)
		return p->next++ % blocks * p->o->block;
	return (uint64_t)(((unsigned __int128)run_random(&p->random) * blocks) >> 64) * p->o->block;
}

static inline bool run_is_read(struct run_pattern *p)
{
	return p->o->reads == 100 || (p->o->reads && run_random(&p->random) % 100 < p->o->reads);
}

/* Counters of the contender itself; what it doesn't have is 0. */
struct run_counters {
	uint64_t kicks, interrupts, accesses;
};

/*
 * Let the threads, which run, warm up and then measure; the cost is that of these processes.
 * counters adds up what the contender counts, and may be NULL.  Prints nothing yet.
 */
struct run_result {
	unsigned processes;
	struct meter_usage from, to;
	struct run_counters counted_from, counted;
};
struct run_result run_measure(const struct run_options *o, const pid_t *pids, unsigned nr,
			      void (*counters)(void *arg, struct run_counters *ret), void *arg);

/* The line of JSON; name is the contender's; the least number of requests of a guest. */
void run_report(const char *name, const struct run_result *r, const struct meter_histogram *h,
		uint64_t least);

#endif
