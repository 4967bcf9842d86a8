/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conformance table: one named test for each clause of VIRTIO that a virtio-mmio block device
 * with split rings has to keep.  The numbers of the clauses are ours; docs/conformance.md, which is
 * made from this table, has them with the section of the specification.
 *
 * Each test runs in a process and a simulation of its own, against the unmodified daemon;
 * it uses only what a guest can see, and fault injection to slow the storage down.  It
 * fails by sim_check().
 */
#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/guest/driver.h"
#include "tests/sim/check.h"
#include "tests/sim/faults.h"
#include "tests/sim/guest.h"
#include "tests/sim/sim.h"

enum clause_level { MUST, MUST_NOT, SHOULD, SHOULD_NOT, MAY, IMPLIED };

struct clause {
	const char *id; /* "B11" */
	enum clause_level level;
	bool counted;	     /* one of the 51 device-normative MUSTs that the score counts */
	const char *section; /* of VIRTIO 1.3 */
	const char *text;    /* in our own words */
	const char *name;    /* of the test */
	void (*test)(void);
};

/*
 * An entry: CLAUSE(B11, MUST, true, "4.2.2.1", queue_reset_completes, "...") is
 * B11_queue_reset_completes().
 */
#define CLAUSE(id_, level_, counted_, section_, fn, text_)                             \
	{                                                                              \
		.id = #id_, .level = level_, .counted = counted_, .section = section_, \
		.text = text_, .name = #id_ "_" #fn, .test = id_##_##fn,               \
	}

/* The tables; each ends with an id of NULL. */
extern const struct clause clauses_a[]; /* status, reset, configuration space */
extern const struct clause clauses_a_features[];
extern const struct clause clauses_a_suspend[];
extern const struct clause clauses_b[]; /* registers of virtio-mmio */
extern const struct clause clauses_b_implied[];
extern const struct clause clauses_c_framing[]; /* virtqueues */
extern const struct clause clauses_c_memory[];
extern const struct clause clauses_c_notify[];
extern const struct clause clauses_c_queues[];
extern const struct clause clauses_c_stress[];
extern const struct clause clauses_e_config[]; /* the block device */
extern const struct clause clauses_e_durable[];
extern const struct clause clauses_e_ranges[];
extern const struct clause clauses_e_requests[];

/* What disk a test wants; zero means the default. */
struct device_spec {
	const char *config; /* text of the daemon's configuration file */
	unsigned vcpus;	    /* 1; more of them give the disk more queues */
	uint64_t bytes;	    /* of the image: 1 MiB */
	bool read_only;
	bool no_discard;
};

/* The simulation's guest and its image, after device(). */
extern struct guest *the_guest;
extern const char *the_image;

/*
 * Start the simulation and a guest with one disk, whose image has the pattern of sim_pattern(); a
 * driver for it that has touched nothing yet.  Once in a test; what it started is ended by the
 * caller of the test.
 */
struct drv *device(const struct device_spec *spec);

/* The same, and the driver has negotiated everything but the bits in without, and is running. */
struct drv *running_device(uint64_t without);

/*
 * In place of device(): a guest of two vCPUs with a disk of each kind, of 1 MiB each; a driver for
 * each, which has touched nothing yet.
 */
enum { DISCARDS, KEEPS, BUFFERED, READ_ONLY, NO_IMAGE, VARIANTS };
void device_variants(struct drv ret[VARIANTS]);

/*
 * The same; none of them offers a feature, and a driver that wants it nevertheless does not get on.
 */
void device_variants_without(unsigned bit, struct drv ret[VARIANTS]);

/* A device of so many queues, and vCPUs. */
struct drv *device_with_queues(unsigned n);

/*
 * Slow storage: operations (FAULT_BIT()) on the image stay in flight from now on, until
 * faults_remove().
 */
unsigned hold(uint64_t ops);

/* The image has another size now, and the daemon is told to look. */
void resize_image(uint64_t bytes);

/* Sleep until all these bits are in InterruptStatus; acknowledges nothing. */
void wait_interrupt_status(struct drv *d, uint32_t bits);

/*
 * Give the device time for what it should not do: the worker has gone through its loop some times.
 * Only for that; what it should do is waited for.
 */
void let_run(struct drv *d);

/* How often the line was raised so far. */
unsigned interrupts(struct drv *d);

/* Ready the driver as drv_boot(), with the first n queues. */
void boot_queues(struct drv *d, unsigned n);

/* Read a sector of the pattern through a queue, and check what comes. */
void read_sector(struct drv *d, unsigned queue, uint64_t sector);

/* A read of sector 0 that stays in flight, since a rule of hold() has it. */
void start_slow_read(struct drv *d, unsigned queue, unsigned rule, struct drv_blk *ret);

/* Until QueueReset of the selected queue reads 0. */
void wait_queue_reset(struct drv *d);

/* A copy of the guest's RAM; is RAM the same still?  The caller frees the copy. */
uint8_t *ram_copy(void);
bool ram_is(const uint8_t *copy);

#endif
