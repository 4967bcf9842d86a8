/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S6: the attacker's event channels fail, as they do when their ring in the kernel overflows, while
 * a disk hangs.  The worker says so once, waits until its requests have ended, and leaves; its
 * disks say why in their nodes, and the other guest does not notice.
 */
#include <stdlib.h>

#include "tests/hostile/frame/hostile.h"
#include "tests/sim/hyp.h"

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct fault_rule hold = { .ops = FAULT_BITS_IO, .action = FAULT_HOLD };
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	char path[TOOLSTACK_PATH_MAX], *error;
	unsigned n = 0, rule;

	hostile_boot(h, 0);
	hostile_check_processes(h);
	hold.file = faults_file(h->image);
	rule = faults_add(&sim.faults, &hold);
	drv_blk_add(&h->d.q[0], &r);
	drv_kick(&h->d.q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	hyp_break_event_channels(h->g->dom);
	sim_log_wait(h->g->name, "event channels", 1);
	hostile_storm(h);
	for (n = 0; hostile_goes_on(h);)
		sim_step(&n, "the other guest to be served");
	sim_check(sim_log_count(h->g->name, "event channels") == 1, "it is said again and again");
	faults_release(&sim.faults, rule, FAULTS_ALL);
	for (unsigned i = n = 0; i < 2; i++) {
		toolstack_backend_path(path, h->g->domid, h->g->disk[i].devid, "error");
		while (!(error = toolstack_read(&sim.toolstack, path)))
			sim_step(&n, "a node that says what is wrong");
		free(error);
	}
	hostile_destroy_lost(h);
	faults_remove(&sim.faults, rule);
	hostile_end_others(h);
	return 0;
}
