/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the contenders of the bench are measured with: latencies of requests, and what a process
 * cost meanwhile.
 */
#ifndef TESTS_BENCH_METER_H
#define TESTS_BENCH_METER_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A histogram of nanoseconds: each power of two is cut into so many classes, so a percentile is
 * right to 3 %.  One thread adds.
 */
#define METER_CLASSES 32
struct meter_histogram {
	uint64_t count, sum;
	uint64_t n[64 * METER_CLASSES];
};

static inline void meter_add(struct meter_histogram *h, uint64_t ns)
{
	unsigned shift = ns < 2 * METER_CLASSES ? 0 : 63 - __builtin_clzll(ns) - 5;

	h->count++;
	h->sum += ns;
	h->n[shift * METER_CLASSES + (ns >> shift)]++;
}

/* Add all of *from to *to. */
void meter_merge(struct meter_histogram *to, const struct meter_histogram *from);

/* So many of a thousand requests took no longer: nanoseconds, or 0 if there are none. */
uint64_t meter_percentile(const struct meter_histogram *h, unsigned of_1000);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t meter_now(void);

/* What processes, all their threads, have used so far; syscalls is -1 if they are not counted. */
struct meter_usage {
	uint64_t at;	  /* meter_now() */
	uint64_t cpu_ns;  /* user and system, /proc/PID/task/TID/schedstat */
	uint64_t sleeps;  /* voluntary context switches */
	uint64_t rss_kib; /* its own, without what it shares */
	int64_t syscalls;
};

/*
 * Count the system calls of a process from now on; threads that it makes later are counted, too.
 * event is the number of the tracepoint raw_syscalls:sys_enter; 0: don't.
 */
void meter_count_syscalls(pid_t pid, unsigned event);

/* Of all these processes together.  Ends the program if there is no such process. */
struct meter_usage meter_usage(const pid_t *pids, unsigned nr);

#endif
