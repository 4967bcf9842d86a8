/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R3, fairness: two queues of 256 are refilled with reads of one sector as fast as they are emptied.  The guest's other
 * disk and the other guest, which ask for one thing at a time, are served all the while.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define QUEUES 2
#define SIZE   256

/* One indirect table for all requests; so each head is a request. */
static uint64_t make_table(struct hostile *h)
{
	uint64_t table = drv_alloc(&h->d, 3 * 16);

	drv_put_desc(&h->d, table, 0, hostile_header(h, T_IN, 0), 16, DESC_NEXT, 1);
	drv_put_desc(&h->d, table, 1, drv_alloc(&h->d, DRV_SECTOR), DRV_SECTOR,
		     DESC_NEXT | DESC_WRITE, 2);
	drv_put_desc(&h->d, table, 2, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	return table;
}

/* Make each head available that has come back. */
static unsigned refill(struct drv_queue *q)
{
	unsigned n = 0;
	uint32_t id, len;

	while (drv_used(q, &id, &len)) {
		drv_avail(q, id);
		n++;
	}
	drv_kick(q);
	return n;
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = 2 });
	uint64_t table, served = 0;
	struct drv *d = &h->d;

	drv_reset(d);
	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	table = make_table(h);
	for (unsigned i = 0; i < QUEUES; i++) {
		sim_check(drv_setup_queue(d, i, SIZE), "queue %u", i);
		for (unsigned head = 0; head < SIZE; head++) {
			drv_desc(&d->q[i], head, table, 3 * 16, DESC_INDIRECT, 0);
			drv_avail(&d->q[i], head);
		}
	}
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	hostile_storm(h);
	while (served < 5000 || hostile_goes_on(h))
		for (unsigned i = 0; i < QUEUES; i++)
			served += refill(&d->q[i]);
	printf("fairness: attacker %llu, its other disk %llu, other guest %llu requests\n",
	       (unsigned long long)served,
	       (unsigned long long)(h->neighbour.served - h->served_before[1]),
	       (unsigned long long)(h->bystander.served - h->served_before[0]));
	hostile_end(h);
	return 0;
}
