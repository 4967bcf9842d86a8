/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of the tests of hostile guests: docs/hostile-guests.md has the list.
 *
 * Two guests of one daemon.  The *attacker* has two disks: the program attacks through the first
 * one, while the second one, the *neighbour*, is used as it should be.  The *bystander* is
 * another guest.  A thread each writes and reads the neighbour and the bystander's disk all the
 * time; every byte that is read is checked.  At the end the frame looks for what an attack must
 * not do: see hostile_end().
 *
 * One in a process.  A failure ends the process by sim_check().
 */
#ifndef TESTS_HOSTILE_FRAME_HOSTILE_H
#define TESTS_HOSTILE_FRAME_HOSTILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/guest/driver.h"
#include "tests/sim/check.h"
#include "tests/sim/guest.h"
#include "tests/sim/sim.h"

/* Blocks of 4 KiB that a load writes and reads. */
#define LOAD_BLOCKS 64

/* A disk that is used as it should be. */
struct load {
	struct drv d;
	const char *image;
	uint64_t written[LOAD_BLOCKS]; /* which request wrote the block last; 0: none */
	_Atomic uint64_t served;       /* requests that were answered, and rightly */
	atomic_bool stop;
	bool running;
	pthread_t thread;
};

/* What a test wants; zero means the default. */
struct hostile_spec {
	const char *config;  /* text of the daemon's configuration file */
	unsigned vcpus;	     /* of the attacker, for the attack: 1; one more is the neighbour's */
	uint64_t ram0, ram1; /* of the attacker: 16 MiB and none */
	uint64_t bytes; /* of the attacked image: 1 MiB.  It has the pattern of sim_pattern() */
	bool sparse;	/* the attacked image has no pattern */
	bool read_only; /* the attacked disk */
	bool quiet_neighbour; /* nobody uses the attacker's other disk */
	/* Even if there is irqfd: a dm_op can be held, and stops the worker. */
	bool interrupts_by_dm_op;
};

struct hostile_process {
	pid_t pid;
	uint64_t memory_kib;
	unsigned descriptors;
};

struct hostile {
	struct guest *g;   /* the attacker */
	struct drv d;	   /* of the attacked disk, on vCPU 0; nothing is touched yet */
	const char *image; /* of the attacked disk */
	struct guest *other;
	struct load neighbour, bystander;

	/* The frame's. */
	const struct hostile_spec *spec;
	uint64_t bytes;
	pid_t worker, other_worker;
	struct hostile_process before[2]; /* the watcher, the worker */
	uint64_t seconds;
	uint64_t fence[2]; /* pages of the attacker that nobody should write */
	uint64_t faults, mistakes;
	uint64_t served_before[2];
};

/* Start it all; spec may be NULL, else it stays the caller's. */
struct hostile *hostile_start(const struct hostile_spec *spec);

/*
 * The attack is over, and no vCPU of it is inside any more.  Checks that
 *   - neighbour and bystander still get their requests served, and every byte of theirs is right;
 *   - watcher and workers are the same processes as before, have not grown, have no more
 *     descriptors open, and fall asleep;
 *   - the log has only so many lines about the attacker as its limits allow;
 *   - the attacked disk works after a reset, no image has changed its size;
 *   - memory of the attacker that was not part of a request is as it was;
 *   - the daemon lets go of everything when the guests are destroyed, and ends without trouble.
 */
void hostile_end(struct hostile *h);

/*
 * The parts of that, for tests in which the attacker does not live till the end: first the
 * processes, then the attacked disk, which is left reset; then the bystander, and the end of all
 * but the attacker.
 */
void hostile_check_processes(struct hostile *h);
void hostile_check_disk(struct hostile *h);
void hostile_end_others(struct hostile *h);

/*
 * Destroy the attacker when its worker was killed, or is killed by that: no page of it is mapped
 * then.  Its ioreq server goes with the domain.
 */
void hostile_destroy_lost(struct hostile *h);

/* Neighbour and bystander are served: wait until that has been seen. */
void hostile_check_others(struct hostile *h);

/*
 * For loops: `for (hostile_storm(h), n = 0; n < 1000 || hostile_goes_on(h); n++)` attacks until
 * neighbour and bystander have been served a good number of requests meanwhile.  hostile_goes_on()
 * may be called from any thread.
 */
void hostile_storm(struct hostile *h);
bool hostile_goes_on(struct hostile *h);

/*
 * Reset the attacked disk and start it with all features but those in without; the heap is empty.
 */
void hostile_boot(struct hostile *h, uint64_t without);

/*
 * Set up nr_queues queues and notify them, as they were set up before, whatever the device says to
 * it: other vCPUs are in the way.
 */
void hostile_set_up(struct hostile *h, unsigned nr_queues);

/*
 * What was done since hostile_boot() has broken the device, and nothing else: it says
 * DEVICE_NEEDS_RESET, there is an interrupt for a change of the configuration, and the
 * fault is counted.
 */
void hostile_expect_fault(struct hostile *h, const char *what);

/* At least n accesses were counted as mistakes since hostile_boot(), or the last call. */
void hostile_expect_mistakes(struct hostile *h, uint64_t n, const char *what);

/*
 * The attacked disk serves queue 0: a write, a flush and a read of a sector, through the usual
 * driver.
 */
void hostile_expect_works(struct hostile *h, const char *what);

/* The usual request on queue 0 is answered so. */
void hostile_expect_status(struct hostile *h, uint32_t type, uint64_t sector, uint32_t out_len,
			   uint32_t in_len, uint8_t status, const char *what);

/*
 * For full queues: a table with one request, whose in_len bytes of data are at gpa, for all heads
 * of a queue to point to; make them all available; make those available again that have come back,
 * and say how many.  Nobody is notified.
 */
uint64_t hostile_table(struct drv *d, uint32_t type, uint64_t gpa, uint32_t in_len);
void hostile_fill(struct drv_queue *q, uint64_t table);
unsigned hostile_refill(struct drv_queue *q);

/* A descriptor with a header in the attacker's memory: its address. */
uint64_t hostile_header(struct hostile *h, uint32_t type, uint64_t sector);

#endif
