/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R3, fairness: two queues of 256 are refilled with reads of one sector as fast as they are
 * emptied, and then with requests that need no storage, so that they are full whenever the worker
 * looks.  The guest's other disk and the other guest, which ask for one thing at a time, are served
 * all the while.
 */
#include <stdio.h>
#include <time.h>

#include "tests/hostile/frame/hostile.h"

#define QUEUES 2
#define SIZE   256

struct point {
	double seconds;
	uint64_t neighbour, bystander;
};

static struct point now(struct hostile *h)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct point){ ts.tv_sec + ts.tv_nsec / 1e9, h->neighbour.served,
			       h->bystander.served };
}

/*
 * How many requests a second: for the reader, since it depends on the machine and on who
 * else uses it.
 */
static void report(struct hostile *h, const char *when, const struct point *from, uint64_t served)
{
	struct point to = now(h);
	double seconds = to.seconds - from->seconds;

	printf("fairness, %s: the attacked disk %.0f/s, the other one %.0f/s, the other guest "
	       "%.0f/s\n",
	       when, served / seconds, (to.neighbour - from->neighbour) / seconds,
	       (to.bystander - from->bystander) / seconds);
}

/* Full queues of requests with so many bytes to write. */
static void boot_full(struct hostile *h, uint32_t type, uint32_t bytes, uint64_t without)
{
	struct drv *d = &h->d;
	uint64_t table;

	drv_reset(d);
	drv_free_all(d);
	sim_check(drv_negotiate(d, drv_offered(d) & ~without), "features");
	table = hostile_table(d, type, drv_alloc(d, bytes), bytes);
	for (unsigned i = 0; i < QUEUES; i++) {
		sim_check(drv_setup_queue(d, i, SIZE), "queue %u", i);
		hostile_fill(&d->q[i], table);
	}
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
}

static unsigned refill(struct drv *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < QUEUES; i++)
		n += hostile_refill(&d->q[i]);
	return n;
}

static void *kick(void *arg)
{
	struct hostile *h = arg;
	struct machine *m = &h->g->machine;

	for (unsigned n = 0; hostile_goes_on(h); n++)
		m->ops->write(m, 1, h->d.base + R_QUEUE_NOTIFY, 4, n % QUEUES);
	return NULL;
}

/*
 * The worker is stopped in each round, where it raises interrupts, until the queues are full again.
 */
static void never_empty(struct hostile *h)
{
	struct fault_rule hold = { .ops = FAULT_BIT(FAULT_DM_SET_IRQ_LEVEL),
				   .process = h->g->domid,
				   .action = FAULT_HOLD };
	unsigned rule, steps = 0;
	pthread_t thread;

	boot_full(h, T_GET_ID, 20, BIT64(F_EVENT_IDX));
	rule = faults_add(&sim.faults, &hold);
	hostile_storm(h);
	thread = guest_run(kick, h);
	while (hostile_goes_on(h)) {
		sim_step(&steps, "the others to be served while a queue is never empty");
		faults_wait_held(&sim.faults, rule, 1);
		refill(&h->d);
		faults_release(&sim.faults, rule, 1);
	}
	faults_remove(&sim.faults, rule);
	guest_join(thread);
}

int main(void)
{
	struct hostile *h = hostile_start(
		&(struct hostile_spec){ .vcpus = 2, .interrupts_by_dm_op = true });
	struct drv *d = &h->d;
	uint64_t served = 0;
	struct point from;
	unsigned steps = 0;

	from = now(h);
	hostile_storm(h);
	while (hostile_goes_on(h))
		sim_step(&steps, "the others to be served");
	report(h, "alone", &from, 0);
	boot_full(h, T_IN, DRV_SECTOR, 0);
	from = now(h);
	hostile_storm(h);
	while (served < 5000 || hostile_goes_on(h)) {
		served += refill(d);
		for (unsigned i = 0; i < QUEUES; i++)
			drv_kick(&d->q[i]);
	}
	report(h, "with full queues", &from, served);
	never_empty(h);
	hostile_end(h);
	return 0;
}
