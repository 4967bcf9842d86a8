/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D10: a head that is made available again while its request is in flight: a fault, and the request
 * that is in flight is answered once.
 */
#include "tests/hostile/frame/hostile.h"

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	struct drv_queue *q = &h->d.q[0];
	uint32_t id, len;
	unsigned rule;

	hostile_boot(h, 0);
	rule = faults_hold(&sim.faults, h->image, FAULT_BIT(FAULT_READ));
	drv_blk_add(q, &r);
	drv_kick(q);
	faults_wait_held(&sim.faults, rule, 1);
	drv_avail(q, r.head);
	drv_kick(q);
	hostile_expect_fault(h, "a head that is in flight");
	sim_check(drv_used_idx(q) == 0, "the head came back early");
	faults_remove(&sim.faults, rule);
	drv_wait_used(q, &id, &len);
	sim_check(id == r.head && len == DRV_SECTOR + 1 && drv_blk_status(&h->d, &r) == BLK_OK,
		  "the request in flight ends as head %u with %u bytes", id, len);

	/* Both in one go. */
	hostile_boot(h, 0);
	r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	drv_blk_add(q, &r);
	drv_avail(q, r.head);
	drv_kick(q);
	hostile_expect_fault(h, "the same head twice");
	drv_wait_used(q, &id, &len);
	sim_check(drv_used_idx(q) == 1, "it came back %u times", drv_used_idx(q));
	hostile_end(h);
	return 0;
}
