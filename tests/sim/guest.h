/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of the simulation: a domain with memory and disks, as `xl create` makes it.  What runs in
 * it is threads of the test, through its struct machine (tests/guest/).
 */
#ifndef TESTS_SIM_GUEST_H
#define TESTS_SIM_GUEST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/state.h"
#include "tests/guest/driver.h"
#include "tests/guest/machine.h"
#include "tests/sim/hyp.h"
#include "tests/sim/sim.h"

/* What to create; zero means the default. */
struct guest_spec {
	const char *name; /* "guest" and a number */
	unsigned vcpus;	  /* 1 */
	uint64_t ram0;	  /* bytes at HYP_RAM0_BASE: 16 MiB */
	uint64_t ram1;	  /* bytes at HYP_RAM1_BASE: 0 */
	unsigned nr_disks;
	struct toolstack_disk disk[TOOLSTACK_DISKS_MAX]; /* of toolstack_disk() */
};

struct guest {
	struct machine machine;
	struct hyp_domain *dom;
	uint16_t domid;
	char name[32];
	unsigned vcpus;
	uint64_t ram0, ram1;
	unsigned nr_disks;
	struct toolstack_disk disk[TOOLSTACK_DISKS_MAX];
	uint64_t next, end; /* machine's alloc: RAM not given out */
	struct guest_grants *grants;
	const struct state *state;
};

/* A guest that has all its disks; a failure ends the test. */
struct guest *guest_create(const struct guest_spec *spec);

/* The usual one: 1 vCPU, one writable disk on an image of sim_image(). */
struct guest *guest_create_usual(const char *image);

/* A usual one comes, flushes its disk, and goes. */
void guest_come_and_go(const char *image);

/* As guest_create(), but a failure is returned: 0 or -errno, with words.  No guest is left then. */
int guest_try(const struct guest_spec *spec, struct guest **ret, struct sim_error *err);

/*
 * `xl destroy`, and free it.  No vCPU is inside any more.  Checks that the daemon has let go of it:
 * no page mapped, no ioreq server, nothing written to memory that was given back.
 */
void guest_destroy(struct guest *g);

/*
 * The first half only, from any thread, while vCPUs run: the domain is gone when it returns, and
 * accesses of its vCPUs with it.  guest_free() is the second half, when they have ended.
 */
void guest_kill(struct guest *g);
void guest_free(struct guest *g);

/*
 * `xl reboot` as seen from outside: destroyed, and created again, the same machine with a new
 * domid; *g is replaced.
 */
void guest_reboot(struct guest **g);

/* A driver for the guest's disk number n, on vCPU 0; heap: bytes for drv_alloc(), 0: 1 MiB. */
void guest_driver(struct guest *g, unsigned n, uint64_t heap, struct drv *ret);

/* Run fn(arg) on a thread, as a vCPU. */
pthread_t guest_run(void *(*fn)(void *), void *arg);
void *guest_join(pthread_t thread);

/*
 * What the daemon's state memfd says about the guest now, counters included; of a disk by number.
 */
const struct state *guest_state(struct guest *g);
const struct state_disk *guest_disk_state(struct guest *g, unsigned n);

/* What guest.c and guest_grants.c need of each other. */
struct guest *guest_of(struct machine *m);
struct guest_grants *guest_grants_new(void);
uint64_t guest_grant(struct machine *m, uint64_t owner, uint64_t gpa, uint64_t len, bool read_only);
bool guest_grant_end(struct machine *m, uint64_t owner, uint64_t addr);
bool guest_grant_end_all(struct machine *m, uint64_t owner);
uint64_t guest_grant_gpa(struct machine *m, uint64_t owner, uint64_t addr, bool again);

#endif
