/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R16, fairness: four queues of 256, always full, beside another disk of the same guest with one
 * queue.  The worker is stopped in each round, where it raises interrupts: in no number of rounds
 * the greedy disk is served more requests than the other one, and its queues are served alike.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define QUEUES 4
#define SIZE   256
#define ROUNDS 20

struct turn {
	struct hostile *h;
	struct drv other;
	unsigned rule; /* holds interrupts */
	unsigned greedy[QUEUES], served, rounds;
};

/* Full queues, and no DRIVER_OK yet.  GET_ID is answered in the round that takes it. */
static void set_up(struct drv *d, unsigned queues)
{
	uint64_t table;

	drv_reset(d);
	sim_check(drv_negotiate(d, drv_offered(d) & ~BIT64(F_EVENT_IDX)), "features");
	table = hostile_table(d, T_GET_ID, drv_alloc(d, 20), 20);
	for (unsigned i = 0; i < queues; i++) {
		sim_check(drv_setup_queue(d, i, SIZE), "queue %u", i);
		hostile_fill(&d->q[i], table);
	}
}

static void start(struct drv *d)
{
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
}

static void *start_other(void *arg)
{
	start(arg);
	return NULL;
}

/* Until the worker stops again: in a round once for each of the disks. */
static void step(struct turn *t)
{
	unsigned n;

	faults_wait_held(&sim.faults, t->rule, 1);
	n = hostile_refill(&t->other.q[0]);
	t->served += n;
	t->rounds += n > 0;
	for (unsigned i = 0; i < QUEUES; i++)
		t->greedy[i] += hostile_refill(&t->h->d.q[i]);
	faults_release(&sim.faults, t->rule, 1);
}

static void count_from_here(struct turn *t)
{
	memset(t->greedy, 0, sizeof(t->greedy));
	t->served = t->rounds = 0;
}

static void check(const struct turn *t)
{
	unsigned greedy = 0;

	for (unsigned i = 0; i < QUEUES; i++)
		greedy += t->greedy[i];
	printf("fairness: in %u rounds a disk with %u full queues was served %u requests, one with "
	       "one queue %u\n",
	       t->rounds, QUEUES, greedy, t->served);
	sim_check(t->served >= greedy, "the greedy disk has more: %u, %u", greedy, t->served);
	for (unsigned i = 0; i < QUEUES; i++)
		sim_check(t->greedy[i] * QUEUES == greedy, "queue %u was served %u requests", i,
			  t->greedy[i]);
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){
		.vcpus = QUEUES, .quiet_neighbour = true, .interrupts_by_dm_op = true });
	struct fault_rule hold = { .ops = FAULT_BIT(FAULT_DM_SET_IRQ_LEVEL),
				   .process = h->g->domid,
				   .action = FAULT_HOLD };
	struct turn t = { .h = h };
	pthread_t thread;

	guest_driver(h->g, 1, 0, &t.other);
	t.other.vcpu = 1;
	set_up(&h->d, QUEUES);
	set_up(&t.other, 1);
	t.rule = faults_add(&sim.faults, &hold);
	start(&h->d);
	faults_wait_held(&sim.faults, t.rule, 1);
	thread = guest_run(start_other, &t.other);
	while (!t.served)
		step(&t);
	count_from_here(&t);
	while (t.rounds < ROUNDS)
		step(&t);
	check(&t);
	faults_remove(&sim.faults, t.rule);
	guest_join(thread);
	drv_reset(&t.other);
	hostile_end(h);
	return 0;
}
