/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S3: the guest is destroyed while its storage hangs for ever: the worker is killed, and nothing of
 * the guest is left when libxl is told so, within its 10 s.
 */
#include "tests/hostile/frame/hostile.h"

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	unsigned rule;

	hostile_boot(h, 0);
	hostile_check_processes(h);
	rule = faults_hold(&sim.faults, h->image, FAULT_BITS_IO);
	drv_blk_add(&h->d.q[0], &r);
	drv_kick(&h->d.q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	hostile_destroy_lost(h);
	sim_check(sim_log_count("attacker", "is killed") == 1, "nobody killed the worker");
	faults_remove(&sim.faults, rule);
	hostile_end_others(h);
	return 0;
}
