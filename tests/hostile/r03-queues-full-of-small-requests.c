/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R3, fairness: two queues of 256 are refilled with reads of one sector as fast as they are emptied.  The guest's other
 * disk and the other guest, which ask for one thing at a time, are served all the while.
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

/* How many requests a second: for the reader, since it depends on the machine and on who else uses it. */
static void report(struct hostile *h, const char *when, const struct point *from, uint64_t served)
{
	struct point to = now(h);
	double seconds = to.seconds - from->seconds;

	printf("fairness, %s: the attacked disk %.0f/s, the other one %.0f/s, the other guest "
	       "%.0f/s\n",
	       when, served / seconds, (to.neighbour - from->neighbour) / seconds,
	       (to.bystander - from->bystander) / seconds);
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = 2 });
	uint64_t table, served = 0;
	struct drv *d = &h->d;
	struct point from;
	unsigned steps = 0;

	from = now(h);
	hostile_storm(h);
	while (hostile_goes_on(h))
		sim_step(&steps, "the others to be served");
	report(h, "alone", &from, 0);
	drv_reset(d);
	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	table = hostile_table(d, T_IN, drv_alloc(d, DRV_SECTOR), DRV_SECTOR);
	for (unsigned i = 0; i < QUEUES; i++) {
		sim_check(drv_setup_queue(d, i, SIZE), "queue %u", i);
		hostile_fill(&d->q[i], table);
	}
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	from = now(h);
	hostile_storm(h);
	while (served < 5000 || hostile_goes_on(h))
		for (unsigned i = 0; i < QUEUES; i++) {
			served += hostile_refill(&d->q[i]);
			drv_kick(&d->q[i]);
		}
	report(h, "with full queues", &from, served);
	hostile_end(h);
	return 0;
}
