/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R18, fairness: three vCPUs do nothing but access registers, while the guest's other disk has full
 * queues.  The worker is stopped in each round, where it raises interrupts: a vCPU has one access
 * answered in a round, at most, and the disk gets what it gets alone.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define VCPUS  3
#define ROUNDS 50

struct storm {
	struct hostile *h;
	unsigned vcpu;
	atomic_bool *stop;
};

static void *storm(void *arg)
{
	struct storm *s = arg;
	struct machine *m = &s->h->g->machine;

	while (!*s->stop)
		m->ops->read(m, s->vcpu, s->h->d.base + R_STATUS, 4);
	return NULL;
}

/* It has to wait if the worker, which looks at the queue by itself, has been stopped before. */
static void *kick(void *queue)
{
	drv_kick(queue);
	return NULL;
}

/* Requests of so many rounds; *ret_accesses: the most that were answered in one. */
static unsigned serve(struct hostile *h, struct drv_queue *q, unsigned rule, uint64_t *ret_accesses)
{
	uint64_t before = 0, most = 0;
	unsigned served = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t now;

		faults_wait_held(&sim.faults, rule, 1);
		now = guest_state(h->g)->accesses;
		if (round)
			most = now - before > most ? now - before : most;
		before = now;
		served += hostile_refill(q);
		faults_release(&sim.faults, rule, 1);
	}
	*ret_accesses = most;
	return served;
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){
		.vcpus = VCPUS, .quiet_neighbour = true, .interrupts_by_dm_op = true });
	struct fault_rule hold = { .ops = FAULT_BIT(FAULT_DM_SET_IRQ_LEVEL),
				   .process = h->g->domid,
				   .action = FAULT_HOLD };
	atomic_bool stop = false;
	uint64_t accesses = 0;
	unsigned rule, alone, beside;
	struct storm s[VCPUS];
	pthread_t thread[VCPUS];
	struct drv other;

	hostile_boot(h, 0);
	guest_driver(h->g, 1, 0, &other);
	other.vcpu = VCPUS;
	drv_boot(&other, BIT64(F_EVENT_IDX));
	/* GET_ID is answered in the round that takes it. */
	hostile_fill(&other.q[0], hostile_table(&other, T_GET_ID, drv_alloc(&other, 20), 20));
	rule = faults_add(&sim.faults, &hold);
	thread[0] = guest_run(kick, &other.q[0]);
	alone = serve(h, &other.q[0], rule, &accesses);
	guest_join(thread[0]);
	for (unsigned i = 0; i < VCPUS; i++) {
		s[i] = (struct storm){ h, i, &stop };
		thread[i] = guest_run(storm, &s[i]);
	}
	beside = serve(h, &other.q[0], rule, &accesses);
	printf("fairness: %u requests in %u rounds, %u with a storm of accesses, at most %llu in a "
	       "round\n",
	       alone, ROUNDS, beside, (unsigned long long)accesses);
	sim_check(beside >= alone, "the storm costs requests");
	sim_check(accesses <= VCPUS, "a vCPU has more than one turn");
	stop = true;
	faults_remove(&sim.faults, rule);
	for (unsigned i = 0; i < VCPUS; i++)
		guest_join(thread[i]);
	drv_reset(&other);
	hostile_end(h);
	return 0;
}
