/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a guest: it is created, its vCPUs load its disks, meanwhile things happen to it, and
 * it ends in one of several ways.  Its disks outlive it, and so does what they must hold.
 */
#ifndef TESTS_TORTURE_LIFE_H
#define TESTS_TORTURE_LIFE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"
#include "tests/torture/device.h"
#include "tests/torture/memory.h"
#include "tests/torture/model.h"
#include "tests/torture/plan.h"
#include "tests/torture/vcpu.h"

#define LIFE_VCPUS 4

struct life {
	const struct guest_plan *plan;
	struct {
		const char *image;
		uint64_t bytes; /* of the image now */
		struct model model;
	} disk[PLAN_DISKS];

	/* from one boot to the next */
	uint64_t seed;
	struct guest *guest;
	struct memory memory;
	struct machine machine; /* the guest's, that several threads can use */
	pthread_mutex_t access[LIFE_VCPUS];
	struct device device[PLAN_DISKS];
	struct vcpu vcpu[LIFE_VCPUS];
	atomic_bool killed;  /* or about to be: what registers read as means nothing */
	atomic_uint steps;   /* that the vCPUs have made */
	atomic_uint running; /* vCPUs */
};

/* The disks: images and models.  Once, when the simulation runs. */
void life_init(struct life *life, const struct guest_plan *plan);
void life_fini(struct life *life);

/* A generation: the guest boots so many times as the plan says, and is gone when this returns. */
void life_run(struct life *life, uint64_t seed);

/* True of a living guest; a killed one's registers prove nothing. */
#define life_check(life, condition, ...) \
	sim_check((condition) || atomic_load(&(life)->killed), __VA_ARGS__)

/* Tell the reader, with -v. */
void life_say(const struct life *life, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern bool life_is_verbose;

#endif
