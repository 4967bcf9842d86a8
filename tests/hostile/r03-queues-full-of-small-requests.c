/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R3, fairness: two queues of 256 are refilled with reads of one sector as fast as they are emptied.  The guest's other
 * disk and the other guest, which ask for one thing at a time, are served all the while.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define QUEUES 2
#define SIZE   256

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = 2 });
	uint64_t table, served = 0;
	struct drv *d = &h->d;

	drv_reset(d);
	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	table = hostile_table(d, T_IN, drv_alloc(d, DRV_SECTOR), DRV_SECTOR);
	for (unsigned i = 0; i < QUEUES; i++) {
		sim_check(drv_setup_queue(d, i, SIZE), "queue %u", i);
		hostile_fill(&d->q[i], table);
	}
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	hostile_storm(h);
	while (served < 5000 || hostile_goes_on(h))
		for (unsigned i = 0; i < QUEUES; i++) {
			served += hostile_refill(&d->q[i]);
			drv_kick(&d->q[i]);
		}
	printf("fairness: attacker %llu, its other disk %llu, other guest %llu requests\n",
	       (unsigned long long)served,
	       (unsigned long long)(h->neighbour.served - h->served_before[1]),
	       (unsigned long long)(h->bystander.served - h->served_before[0]));
	hostile_end(h);
	return 0;
}
