/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU: a thread that loads its queues, resets things, and gives memory back. */
#ifndef TESTS_TORTURE_VCPU_H
#define TESTS_TORTURE_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/torture/queue.h"

#define VCPU_QUEUES 24
#define VCPU_OUT    32
#define VCPU_PAGES  32 /* of its own, that it does nothing with but give them back */

struct vcpu {
	struct life *life;
	unsigned n;
	uint64_t seed;
	pthread_t thread;
	uint8_t *scratch;
	unsigned nr_queues;
	struct queue *queue[VCPU_QUEUES];

	uint64_t pages; /* gpa */
	unsigned nr_out;
	struct {
		uint64_t gfn;
		struct slot *slot; /* that it is part of, or NULL */
	} out[VCPU_OUT];
};

/* It is to make so many steps; its share of the queues is given to it. */
void vcpu_init(struct vcpu *v, struct life *life, unsigned n, uint64_t seed);
void vcpu_fini(struct vcpu *v);

/* The thread: arg is the struct vcpu. */
void *vcpu_run(void *arg);

/* Steps that a vCPU makes. */
#define VCPU_STEPS 120

#endif
