/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S8: Xen refuses to take back what a guest had: libxl is answered nevertheless, in time, and no
 * page stays mapped; an ioreq server that could not be destroyed goes with its domain.
 */
#include <errno.h>

#include "tests/hostile/frame/hostile.h"

static const enum fault_op ops[] = { FAULT_DM_UNMAP_IO_RANGE, FAULT_EVTCHN_UNBIND,
				     FAULT_FM_UNMAP_RESOURCE };

static unsigned make_fail(uint16_t domid, enum fault_op op)
{
	return faults_add(&sim.faults, &(struct fault_rule){ .ops = FAULT_BIT(op),
							     .process = domid,
							     .action = FAULT_FAIL,
							     .error = EBUSY });
}

static void done(unsigned rule, enum fault_op op)
{
	sim_check(faults_hits(&sim.faults, rule) >= 1, "operation %d was not needed", op);
	faults_remove(&sim.faults, rule);
}

static void closes(const char *image, enum fault_op op)
{
	struct guest *g = guest_create_usual(image);
	unsigned rule = make_fail(g->domid, op);
	struct drv d;

	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	guest_destroy(g);
	done(rule, op);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	const char *image = sim_image("closing", 64 << 10, true);
	unsigned rule;

	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		closes(image, ops[i]);
	hostile_boot(h, 0);
	hostile_check_processes(h);
	hostile_check_disk(h);
	rule = make_fail(h->g->domid, FAULT_DM_DESTROY_IOREQ_SERVER);
	hostile_destroy_lost(h);
	done(rule, FAULT_DM_DESTROY_IOREQ_SERVER);
	sim_check(sim_log_count("attacker", "cannot destroy ioreq server") == 1, "nothing is said");
	hostile_end_others(h);
	return 0;
}
