/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S4: each call of Xen's libraries, and of the file system, that a guest's start needs fails once:
 * its disk has a node "error", nothing of it is left, and the next guest is served.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/hostile/frame/hostile.h"

static const enum fault_op ops[] = {
	FAULT_DM_OPEN,	       FAULT_FM_OPEN,
	FAULT_EVTCHN_OPEN,     FAULT_RESTRICT,
	FAULT_DM_NR_VCPUS,     FAULT_DM_CREATE_IOREQ_SERVER,
	FAULT_FM_MAP_RESOURCE, FAULT_DM_SET_IOREQ_SERVER_STATE,
	FAULT_EVTCHN_BIND,     FAULT_DM_MAP_IO_RANGE,
};

static void wait_error(unsigned domid, const struct toolstack_disk *disk)
{
	char path[TOOLSTACK_PATH_MAX], *error;
	unsigned n = 0;

	toolstack_backend_path(path, domid, disk->devid, "error");
	while (!(error = toolstack_read(&sim.toolstack, path)))
		sim_step(&n, "a node that says what is wrong");
	sim_check(*error, "it says nothing");
	free(error);
}

/* A guest whose only disk is not served. */
static void one_fails(const char *image, const struct fault_rule *fault)
{
	unsigned rule = faults_add(&sim.faults, fault);
	struct guest *g = guest_create(&(struct guest_spec){ .vcpus = 2 });

	g->nr_disks = 1;
	g->disk[0] = toolstack_disk(0, image);
	sim_check(toolstack_write_disk(&sim.toolstack, g->domid, &g->disk[0], NULL) == 0,
		  "nodes of a disk");
	wait_error(g->domid, &g->disk[0]);
	sim_check(faults_hits(&sim.faults, rule) >= 1, "operation %#llx was not needed",
		  (unsigned long long)fault->ops);
	faults_remove(&sim.faults, rule);
	guest_destroy(g);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	const char *image = sim_image("new", 64 << 10, true);

	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		one_fails(image, &(struct fault_rule){ .ops = FAULT_BIT(ops[i]),
						       .action = FAULT_FAIL,
						       .error = EBUSY,
						       .count = 1 });
		guest_come_and_go(image);
	}
	/* The second vCPU's. */
	one_fails(image, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_EVTCHN_BIND),
					       .action = FAULT_FAIL,
					       .error = EINVAL,
					       .skip = 1,
					       .count = 1 });
	guest_come_and_go(image);
	/*
	 * A second attempt would succeed, but nothing has changed that would be a reason for one.
	 */
	one_fails(image, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_OPEN),
					       .file = faults_file(image),
					       .action = FAULT_FAIL,
					       .error = EACCES });
	guest_come_and_go(image);
	one_fails(image, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_LOCK),
					       .file = faults_file(image),
					       .action = FAULT_FAIL,
					       .error = EAGAIN });
	guest_come_and_go(image);
	hostile_boot(h, 0);
	hostile_end(h);
	return 0;
}
