/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel has irqfd and ioeventfd, but Xen has no second ioreq server for kicks, or does
 * not route them there, a disk is served as without: all of its accesses, kicks included, come to
 * the daemon.
 */
#include <errno.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

static const struct {
	enum fault_op op; /* the second one of a guest fails */
	const char *words;
	unsigned servers;
} cases[] = {
	{ FAULT_DM_CREATE_IOREQ_SERVER, "kicks do without ioeventfd", 1 },
	{ FAULT_DM_MAP_IO_RANGE, "cannot take the MMIO window", 2 },
};

static void one(unsigned i, const char *image)
{
	struct fault_rule second = { .ops = FAULT_BIT(cases[i].op),
				     .skip = 1,
				     .count = 1,
				     .action = FAULT_FAIL,
				     .error = ENOSPC };
	unsigned rule = faults_add(&sim.faults, &second);
	struct guest *g = guest_create_usual(image);
	struct drv d;

	sim_check(faults_hits(&sim.faults, rule) == 1, "nothing has failed");
	sim_check(sim_log_count(cases[i].words, "") == 1, "nothing is said");
	sim_check(hyp_servers(g->dom) == cases[i].servers, "%u ioreq servers", hyp_servers(g->dom));
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	for (unsigned n = 0; n < 10; n++)
		sim_check(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	guest_destroy(g);
	faults_remove(&sim.faults, rule);
}

int main(void)
{
	const char *image;

	sim_use_eventfds();
	sim_start(NULL);
	image = sim_image("disk", 1 << 20, true);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		one(i, image);
	guest_come_and_go(image);
	sim_stop();
	return 0;
}
