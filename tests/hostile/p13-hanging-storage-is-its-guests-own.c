/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P13: each guest has a process of its own: while the storage of one hangs, with all of its requests in flight, the
 * guest's other disk and the other guest are served; and the requests end well when the storage comes back.
 */
#include "tests/hostile/frame/hostile.h"

#define REQUESTS 40 /* of three descriptors in a queue of 128 */

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct drv_blk r[REQUESTS];
	uint32_t id, len;
	unsigned rule;

	sim_check(h->worker != h->other_worker, "both guests have one process");
	hostile_boot(h, 0);
	rule = faults_hold(&sim.faults, h->image, FAULT_BITS_IO);
	for (unsigned i = 0; i < REQUESTS; i++) {
		r[i] = drv_blk_usual(T_IN, i, NULL, 0, DRV_SECTOR);
		drv_blk_add(&h->d.q[0], &r[i]);
	}
	drv_kick(&h->d.q[0]);
	faults_wait_held(&sim.faults, rule, REQUESTS);
	hostile_storm(h);
	for (unsigned n = 0; hostile_goes_on(h);)
		sim_step(&n, "the others to be served");
	sim_check(drv_used_idx(&h->d.q[0]) == 0, "a request has ended");
	faults_remove(&sim.faults, rule);
	for (unsigned i = 0; i < REQUESTS; i++)
		drv_wait_used(&h->d.q[0], &id, &len);
	for (unsigned i = 0; i < REQUESTS; i++) {
		uint8_t data[DRV_SECTOR], expected[DRV_SECTOR];

		sim_check(drv_blk_status(&h->d, &r[i]) == BLK_OK, "request %u", i);
		drv_blk_data(&h->d, &r[i], data);
		sim_pattern(i, expected);
		sim_check(!memcmp(data, expected, DRV_SECTOR), "the data of request %u", i);
	}
	hostile_end(h);
	return 0;
}
