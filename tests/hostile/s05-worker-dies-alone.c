/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S5, P12: the attacker's worker is killed, as if its guest had made it crash, with requests
 * in flight.  The other guest does not notice; the disks say why in their nodes; and the guest
 * can be destroyed.
 */
#include <signal.h>
#include <stdlib.h>

#include "tests/hostile/frame/hostile.h"

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	char path[TOOLSTACK_PATH_MAX], *error;
	unsigned n = 0, rule;

	hostile_boot(h, 0);
	hostile_check_processes(h);
	rule = faults_hold(&sim.faults, h->image, FAULT_BITS_IO);
	drv_blk_add(&h->d.q[0], &r);
	drv_kick(&h->d.q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	kill(h->worker, SIGKILL);
	for (unsigned i = 0; i < 2; i++) {
		toolstack_backend_path(path, h->g->domid, h->g->disk[i].devid, "error");
		while (!(error = toolstack_read(&sim.toolstack, path)))
			sim_step(&n, "a node that says what is wrong");
		free(error);
	}
	sim_check(drv_used_idx(&h->d.q[0]) == 0 && drv_blk_status(&h->d, &r) == BLK_PENDING,
		  "the request was answered");
	hostile_storm(h);
	for (n = 0; hostile_goes_on(h);)
		sim_step(&n, "the other guest to be served");
	hostile_destroy_lost(h);
	faults_remove(&sim.faults, rule);
	hostile_end_others(h);
	return 0;
}
