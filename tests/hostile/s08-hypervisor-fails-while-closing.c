/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S8: Xen refuses to take back what a guest had: libxl is answered nevertheless, in time, and no
 * page stays mapped; an ioreq server that could not be destroyed goes with its domain.  What could
 * not be unmapped of rings by grants counts as mapped, and is mapped no longer than the worker
 * lives.
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

/* With grants: the rings of a queue stay mapped when it is disabled. */
static void rings_stay(const char *image)
{
	struct guest_spec spec = { .nr_disks = 1, .disk = { toolstack_disk(0, image) } };
	struct sim_error err = { "" };
	struct guest *g;
	unsigned rule, n = 0;
	struct drv d;

	spec.disk[0].grants = TOOLSTACK_GRANTS_YES;
	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	rule = make_fail(g->domid, FAULT_GNTTAB_UNMAP);
	drv_write(&d, R_QUEUE_READY, 0);
	sim_check(sim_log_count(g->name, "cannot unmap granted pages") >= 1, "nothing is said");
	sim_check(drv_setup_queue(&d, 0, 16), "the queue again");
	sim_check(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	while (guest_state(g)->mapped_grants != 2 * 3)
		sim_step(&n, "the counter of what is mapped");
	sim_check(hyp_grant_counts(g->dom).mapped == 2 * 3, "what is mapped");
	sim_check(toolstack_remove_disks(&sim.toolstack, g->domid, g->disk, 1, true, &err) == 0,
		  "%s", err.text);
	while (hyp_grant_counts(g->dom).mapped)
		sim_step(&n, "the end of the worker");
	done(rule, FAULT_GNTTAB_UNMAP);
	guest_destroy(g);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	const char *image = sim_image("closing", 64 << 10, true);
	unsigned rule;

	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		closes(image, ops[i]);
	rings_stay(image);
	hostile_boot(h, 0);
	hostile_check_processes(h);
	hostile_check_disk(h);
	rule = make_fail(h->g->domid, FAULT_DM_DESTROY_IOREQ_SERVER);
	hostile_destroy_lost(h);
	done(rule, FAULT_DM_DESTROY_IOREQ_SERVER);
	sim_check(sim_log_count("attacker", "cannot destroy ioreq server") >= 1, "nothing is said");
	hostile_end_others(h);
	return 0;
}
