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

/* Carry out HOLD or DELAY by blocking. */
void fault_block(struct fault_slot *slot);

/*
 * Which file fd is, or ino 0.  In the sandbox as well, where fstat(2) is not allowed.  Remembered
 * until fault_forget_fd(), when the descriptor is closed.
 */
struct fault_file fault_identify(int fd);
void fault_forget_fd(int fd);

/* Is the file recorded?  And add to the record: r, but for seq, is filled in. */
bool fault_is_recorded(struct fault_file file);
void fault_record(struct fault_record *r);

/* The next function of that name behind this library; the process ends if there is none. */
void *fault_real(const char *name);

#endif
