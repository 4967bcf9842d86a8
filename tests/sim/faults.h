/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults of storage and hypervisor, for the daemon that a test has started with the simulator's
 * library preloaded, and a record of what it does to images.  The rules are in faults_shm.h.
 *
 *	rule = faults_add(&f, &(struct fault_rule){
 *		.ops = FAULT_BIT(FAULT_WRITE), .file = faults_file(image),
 *		.skip = 2, .count = 1, .action = FAULT_FAIL, .error = ENOSPC });
 *
 * All functions may be called from any thread, and while the daemon works.  A failure of the test's
 * own world ends the process (sim_check()).
 */
#ifndef TESTS_SIM_FAULTS_H
#define TESTS_SIM_FAULTS_H

#include <stddef.h>

#include "tests/sim/faults_shm.h"

struct faults {
	struct faults_shm *shm;
};

/* Make the file in dir, which is to be XENSIM_DIR of the daemon.  Before the daemon is started. */
void faults_init(struct faults *f, const char *dir);
/* Unmap it; the file stays. */
void faults_fini(struct faults *f);

/* Identity of the file at path, symbolic links followed. */
struct fault_file faults_file(const char *path);

/*
 * Add a rule, which applies at once; returns its number.  A simulation has room for FAULTS_RULES in
 * its lifetime.
 */
unsigned faults_add(struct faults *f, const struct fault_rule *rule);

/* A rule that holds these operations on the image at path until faults_remove(). */
unsigned faults_hold(struct faults *f, const char *path, uint64_t ops);

/*
 * The rule applies no more; what it holds is let go.  Completions that it reorders come when all
 * are there, as before.
 */
void faults_remove(struct faults *f, unsigned rule);

/* Operations that the rule has been applied to. */
uint64_t faults_hits(const struct faults *f, unsigned rule);

/* Operations that a HOLD rule holds.  Those of a process that was killed meanwhile stay counted. */
unsigned faults_held(const struct faults *f, unsigned rule);

/* Sleep until faults_held() is at least n; a minute of nothing is a failure. */
void faults_wait_held(const struct faults *f, unsigned rule, unsigned n);

/* Let n of the operations held by the rule go, oldest first; FAULTS_ALL: all that are held now. */
#define FAULTS_ALL UINT32_MAX
void faults_release(struct faults *f, unsigned rule, unsigned n);

/*
 * Begin and end recording what happens to a file.  Operations that are in flight at the beginning
 * are not recorded.
 */
void faults_record_start(struct faults *f, struct fault_file file);
void faults_record_stop(struct faults *f, struct fault_file file);

/* A number for an event of the test's own, between those of the records before and after it. */
uint64_t faults_clock(struct faults *f);

/*
 * All records so far in the order of seq, in memory that the caller frees; *ret_n: how many.  A
 * lost record is a failure.
 */
struct fault_record *faults_records(const struct faults *f, size_t *ret_n);

/* Forget all records; only while nothing is recorded.  faults_clock() goes on. */
void faults_forget_records(struct faults *f);

#endif
