/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file $XENSIM_DIR/faults: what a test process and the library preloaded under the daemon
 * (tests/sim/shim) share.  Made by faults_init(); mapped by the library before main(), since a
 * worker in its sandbox can open nothing.  Tests use faults.h, and of this file only the enums and
 * the structs of rules and records.
 *
 * Several processes and threads work on it without locks, since any of them may be killed at any
 * time.  A slot is filled first and published by a release store of one field; slots are not used
 * again before nobody can look at them.
 */
#ifndef TESTS_SIM_FAULTS_SHM_H
#define TESTS_SIM_FAULTS_SHM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Classes of operations, of which a rule names one or several by FAULT_BIT(). */
enum fault_op {
	/* of an io_uring */
	FAULT_READ, /* READ, READV, READ_FIXED */
	FAULT_WRITE,
	FAULT_FSYNC,
	FAULT_FALLOCATE, /* and fallocate(2) */
	FAULT_URING_CMD,
	FAULT_SIGNAL, /* WRITE to an eventfd: can do nothing but FAIL */

	/* of libc, on files by name or descriptor */
	FAULT_OPEN,  /* open(2); fopen(3) is not seen */
	FAULT_STAT,  /* fstat(2) */
	FAULT_LOCK,  /* fcntl(2) with a lock of either kind, and flock(2) */
	FAULT_PREAD, /* pread(2) */

	/* of libxen*, named after the functions */
	FAULT_DM_OPEN,
	FAULT_DM_CREATE_IOREQ_SERVER,
	FAULT_DM_GET_IOREQ_SERVER_INFO,
	FAULT_DM_MAP_IO_RANGE,
	FAULT_DM_UNMAP_IO_RANGE,
	FAULT_DM_SET_IOREQ_SERVER_STATE,
	FAULT_DM_DESTROY_IOREQ_SERVER,
	FAULT_DM_SET_IRQ_LEVEL,
	FAULT_DM_NR_VCPUS,
	FAULT_FM_OPEN,
	FAULT_FM_MAP, /* the call as a whole; errors of single pages are the hypervisor's */
	FAULT_FM_MAP_RESOURCE,
	FAULT_FM_UNMAP_RESOURCE,
	FAULT_EVTCHN_OPEN,
	FAULT_EVTCHN_BIND,
	FAULT_EVTCHN_UNBIND,
	FAULT_EVTCHN_NOTIFY,
	FAULT_GNTTAB_OPEN,
	FAULT_GNTTAB_MAP,
	FAULT_GNTTAB_UNMAP,
	FAULT_GNTTAB_COPY,
	FAULT_RESTRICT,	 /* xentoolcore_restrict_all() */
	FAULT_HYPERCALL, /* a plain one, by libxencall */
	FAULT_NR_OPS,
};

#define FAULT_BIT(op) (UINT64_C(1) << (op))
#define FAULT_BITS_IO                                                              \
	(FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE) | FAULT_BIT(FAULT_FSYNC) | \
	 FAULT_BIT(FAULT_FALLOCATE) | FAULT_BIT(FAULT_URING_CMD))

enum fault_action {
	FAULT_FAIL,    /* end with error; nothing is performed */
	FAULT_SHORT,   /* READ, WRITE, PREAD: no more than the first amount bytes; 0: end with 0 */
	FAULT_HOLD,    /* keep it until faults_release(); then perform it, or end with error */
	FAULT_DELAY,   /* the same, but keep it for amount milliseconds */
	FAULT_REORDER, /* of an io_uring: see struct fault_rule */
};

/* Processes that a rule is for; a number above 0 means the worker of this domid. */
#define FAULT_ANY_PROCESS 0
#define FAULT_NO_WORKER	  (-1) /* the watcher */

/* Which file: its device and inode, of faults_file(). */
struct fault_file {
	uint64_t dev, ino;
};

/*
 * What to do to which operations.  The first rule, in the order of adding, that applies decides;
 * later ones do not see the operation, nor count it.
 *
 * REORDER keeps the completions of its operations until no such operation is in flight in the
 * process any more, and delivers them then: last one first, or shuffled if amount, the seed, is not
 * 0.  Several such rules work on one heap, with the seed of the rule that was added first.
 *
 * A pread(2), an open(2) or a call of libxen's that is held blocks its caller.
 */
struct fault_rule {
	uint64_t ops;	 /* FAULT_BIT() | ... */
	int32_t process; /* FAULT_ANY_PROCESS, FAULT_NO_WORKER, or domid of a worker */
	int32_t error;	 /* FAIL, and HOLD and DELAY if they shall fail in the end: an errno > 0 */
	struct fault_file file; /* ino 0: any, and what is no file.  libxen's have none */
	uint64_t skip, count;	/* let skip operations pass, then apply to count; 0: to all */
	enum fault_action action;
	uint32_t amount; /* SHORT: bytes; DELAY: milliseconds; REORDER: seed */
};

enum fault_event {
	FAULT_SUBMIT = 1, /* about to be given to the kernel; or failed by a rule instead */
	FAULT_COMPLETE,	  /* ended, and the daemon does not know yet */
};

/*
 * One event of a recorded image: WRITE, FSYNC, FALLOCATE or URING_CMD.  An operation that is held
 * is submitted when it is released; one that is shortened has the length that the kernel is given.
 */
struct fault_record {
	uint64_t seq; /* from faults_clock()'s counter: orders all events, from 1 */
	uint64_t id;  /* the same in SUBMIT and COMPLETE of an operation, else unique */
	uint64_t offset, len;
	struct fault_file file;
	uint8_t event;	/* enum fault_event */
	uint8_t op;	/* enum fault_op */
	bool dsync;	/* RWF_DSYNC or RWF_SYNC */
	int32_t mode;	/* FALLOCATE: FALLOC_FL_* */
	int32_t result; /* COMPLETE: as in the CQE */
};

/* The rest is private to faults.c and the shim. */

#define FAULTS_RULES	1024
#define FAULTS_RECORDED 16 /* images in a simulation's lifetime */
#define FAULTS_RECORDS	(1u << 18)

enum fault_slot_state {
	FAULT_SLOT_UNUSED,
	FAULT_SLOT_FILLING,
	FAULT_SLOT_ACTIVE,
	FAULT_SLOT_REMOVED,
};

/* A rule, used once.  HOLD: an operation takes a number; it may go when released is above it. */
struct fault_slot {
	_Atomic uint32_t state; /* enum fault_slot_state, stored last */
	struct fault_rule rule;
	_Atomic uint64_t seen;	   /* operations that matched, skipped ones included */
	_Atomic uint32_t held;	   /* numbers taken */
	_Atomic uint32_t released; /* a futex of those that block */
};

struct faults_shm {
	_Atomic uint32_t active;     /* rules and recorded images: nothing to do while it is 0 */
	_Atomic uint32_t nr_rules;   /* slots claimed */
	_Atomic uint32_t nr_records; /* claimed, even above FAULTS_RECORDS: then some are lost */
	_Atomic uint64_t clock;	     /* the last seq that was given */
	_Atomic uint64_t ids;
	struct fault_slot rules[FAULTS_RULES];
	struct {
		_Atomic uint32_t state; /* enum fault_slot_state; a file keeps its slot */
		struct fault_file file;
	} recorded[FAULTS_RECORDED];
	struct {
		_Atomic uint32_t ready;
		struct fault_record record;
	} records[FAULTS_RECORDS];
};

#endif
