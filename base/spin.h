/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adaptive polling: is it worth looking again and again for a while, before going to sleep?
 *
 * Going to sleep and waking up costs the sleeper some microseconds, and whoever wakes it a system
 * call, or a trap into the hypervisor.  Looking costs the CPU, which may be somebody else's.  So
 * who sleeps tells how long that was, and who looks how long that took, and whether something came:
 * a number of short sleeps in a row switches polling on.  It is switched off by one look in vain,
 * or when looks cost more than they earn.  The number doubles then, and is small again after
 * polling has paid for a while.
 *
 * Short is what may have been less than max_ns if nobody had had to wake up: a CPU that sleeps, or
 * a hypervisor in between, makes a multiple of it.
 *
 * Idle costs nothing: the first look in vain is the last one until there is work again.
 */
#ifndef BASE_SPIN_H
#define BASE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct spin {
	uint64_t max_ns; /* how long to look; 0: never */
	bool on;
	/* Private. */
	unsigned need; /* short sleeps in a row that switch it on */
	unsigned short_sleeps;
	unsigned wins;	 /* looks not in vain since polling has been on */
	int64_t balance; /* ns: what looks have earned, less what they cost */
};

/* It starts switched off. */
void spin_init(struct spin *s, uint64_t max_ns);

/* Somebody slept for so many nanoseconds. */
void spin_slept(struct spin *s, uint64_t ns);

/* Somebody looked for so many nanoseconds; did something come? */
void spin_looked(struct spin *s, bool found, uint64_t ns);

#endif
