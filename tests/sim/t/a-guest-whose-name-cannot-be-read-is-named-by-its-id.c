/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver domain can't read the names of guests: who starts the daemon for one guest by its name
 * is told that its id is wanted, and with that the guest is served.
 */
#include <signal.h>
#include <stdio.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

static void restart_for(const char *only)
{
	sim_daemon_kill(SIGTERM);
	sim.only = only;
	sim_daemon_start();
}

int main(void)
{
	struct guest *g;
	char id[8];

	sim_start_driver_domain(NULL);
	g = guest_create(&(struct guest_spec){ .vcpus = 1 });
	snprintf(id, sizeof(id), "%u", g->domid);
	g->nr_disks = 1;
	g->disk[0] = toolstack_disk(0, sim_image("disk", 1 << 20, true));
	restart_for("web");
	sim_check(toolstack_write_disk(&sim.toolstack, g->domid, &g->disk[0], NULL) == 0,
		  "nodes of a disk");
	sim_log_wait("say --domain ", id, 1);
	sim_check(!sim_log_count("is served by worker", ""), "served without being named");
	restart_for(id);
	sim_log_wait("is served by worker", "", 1);
	sim_check(sim_log_count("say --domain ", "") == 1, "the warning came again");
	guest_destroy(g);
	sim_stop();
	return 0;
}
