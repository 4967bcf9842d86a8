/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside libxensim.so: what rules say about an operation of this process, and the record.  Without
 * XENSIM_DIR nothing ever matches.  All functions may be called from any thread, and in a worker's
 * sandbox.
 */
#ifndef TESTS_SIM_SHIM_FAULTS_H
#define TESTS_SIM_SHIM_FAULTS_H

#include "tests/sim/faults_shm.h"

/*
 * To be called at the beginning of each libxen* function.  true: fail, with *ret_errno (> 0), and
 * do nothing else.  Blocks as long as a rule holds or delays the call.
 */
bool fault_libxen(enum fault_op op, int *ret_errno);

/* The shared file, or NULL. */
extern struct faults_shm *fault_shm;

/* Are there any rules or recorded images?  While not, nothing needs to be looked at. */
static inline bool fault_any(void)
{
	return fault_shm && atomic_load_explicit(&fault_shm->active, memory_order_acquire);
}

/*
 * The rule that applies to this operation, which it counts, or NULL.  Either fd or *file says which
 * file; fd -1 and file NULL: none.
 */
struct fault_slot *fault_match(enum fault_op op, int fd, const struct fault_file *file);

/* A number in the line of those that a HOLD rule holds, and whether it may go. */
uint32_t fault_hold(struct fault_slot *slot);
bool fault_may_go(struct fault_slot *slot, uint32_t number);

/*
 * Carry out what the rule says about a call that blocks its caller: wait for the end of HOLD or
 * DELAY.  true: then fail, with *ret_errno (> 0).  slot NULL is no rule.
 */
bool fault_apply(struct fault_slot *slot, int *ret_errno);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t fault_now(void);

/*
 * Which file fd is, or ino 0.  In the sandbox as well, where fstat(2) is not allowed.  Remembered
 * until fault_forget_fd(), when the descriptor is closed.
 */
struct fault_file fault_identify(int fd);
void fault_forget_fd(int fd);

/* Is it an eventfd?  Rules about files are not about those. */
bool fault_is_eventfd(int fd);

/* Is this file recorded, and which is it?  And add *r to the record, which gives it its seq. */
bool fault_is_recorded(int fd, struct fault_file *ret);
void fault_record(struct fault_record *r);

/* The next function of that name behind this library; the process ends if there is none. */
void *fault_real(const char *name);
#define FAULT_REAL(name)                           \
	({                                         \
		static __typeof__(name) *real_;    \
		if (!real_)                        \
			real_ = fault_real(#name); \
		real_;                             \
	})

#endif
