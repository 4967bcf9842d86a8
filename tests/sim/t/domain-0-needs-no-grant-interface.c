/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In domain 0 disks do without grants, as a rule: nothing is said at the start about a kernel that
 * has no grant interface, and disks are served.  A driver domain is told (refusals-say-what-to-do).
 */
#include <errno.h>
#include <signal.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

int main(void)
{
	unsigned rule;

	sim_start(NULL);
	sim_daemon_kill(SIGTERM);
	rule = faults_add(&sim.faults, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_GNTTAB_OPEN),
							     .action = FAULT_FAIL,
							     .error = ENOENT });
	sim_daemon_start();
	guest_come_and_go(sim_image("disk", 1 << 20, true));
	sim_check(sim_log_count("gntdev", "") == 0, "the log tells of the grant interface");
	faults_remove(&sim.faults, rule);
	sim_stop();
	return 0;
}
