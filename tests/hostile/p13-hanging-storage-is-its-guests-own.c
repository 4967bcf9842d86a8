/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P13: each guest has a process of its own, and each of its disks a share of the bounce buffers:
 * while the storage of one hangs, with requests in flight and waiting that are more than all bounce
 * buffers, the guest's other disk and the other guest are served; and the requests end well when
 * the storage comes back.
 */
#include "tests/hostile/frame/hostile.h"

#define REQUESTS 40 /* of three descriptors in a queue of 128 */
#define BYTES	 (256u << 10)
#define SECTORS	 (BYTES / DRV_SECTOR)
#define HELD	 16 /* at least so many get bounce buffers: half of those there are */

_Static_assert(REQUESTS *BYTES > 8u << 20, "there are bounce buffers left");

static void check_data(struct hostile *h, struct drv_blk *r)
{
	static uint8_t data[BYTES];

	drv_blk_data(&h->d, r, data);
	for (unsigned i = 0; i < SECTORS; i++) {
		uint8_t expected[DRV_SECTOR];

		sim_pattern(r->sector + i, expected);
		sim_check(!memcmp(data + i * DRV_SECTOR, expected, DRV_SECTOR),
			  "the data of request %u: sector %u", (unsigned)r->sector, i);
	}
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .ram0 = 32 << 20 });
	struct drv_blk r[REQUESTS];
	uint32_t id, len;
	unsigned rule;

	sim_check(h->worker != h->other_worker, "both guests have one process");
	guest_driver(h->g, 0, REQUESTS * (BYTES + DRV_SECTOR), &h->d);
	hostile_boot(h, 0);
	rule = faults_hold(&sim.faults, h->image, FAULT_BITS_IO);
	for (unsigned i = 0; i < REQUESTS; i++) {
		r[i] = drv_blk_usual(T_IN, i, NULL, 0, BYTES);
		drv_blk_add(&h->d.q[0], &r[i]);
	}
	drv_kick(&h->d.q[0]);
	faults_wait_held(&sim.faults, rule, HELD);
	hostile_storm(h);
	for (unsigned n = 0; hostile_goes_on(h);)
		sim_step(&n, "the others to be served");
	sim_check(drv_used_idx(&h->d.q[0]) == 0, "a request has ended");
	faults_remove(&sim.faults, rule);
	for (unsigned i = 0; i < REQUESTS; i++)
		drv_wait_used(&h->d.q[0], &id, &len);
	for (unsigned i = 0; i < REQUESTS; i++) {
		sim_check(drv_blk_status(&h->d, &r[i]) == BLK_OK, "request %u", i);
		check_data(h, &r[i]);
	}
	hostile_end(h);
	return 0;
}
