/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a driver domain is refused, by its own Linux, by Xen, or by a policy of FLASK, is said in
 * the disk's node "error" and in the log, with what is missing and what to do: each case has its
 * own words.  A guest that may be served is, beside it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

static const struct {
	enum fault_op op;
	int error;
	const char *advice;
} cases[] = {
	/* Linux */
	{ FAULT_HYPERCALL, EPERM, "xen_privcmd.unrestricted=1" },
	{ FAULT_DM_OPEN, ENOENT, "load the kernel's module xen_privcmd" },
	{ FAULT_DM_OPEN, EPERM, "run as root" },
	/* Xen without FLASK: its first question and a later one */
	{ FAULT_DM_NR_VCPUS, EPERM, "built with FLASK and booted with flask=enforcing" },
	{ FAULT_DM_CREATE_IOREQ_SERVER, EPERM, "built with FLASK" },
	{ FAULT_FM_MAP_RESOURCE, EPERM, "built with FLASK" },
	/* Xen without what it takes */
	{ FAULT_DM_NR_VCPUS, EOPNOTSUPP, "CONFIG_IOREQ_SERVER" },
	/* FLASK: a rule of the policy each */
	{ FAULT_DM_NR_VCPUS, EACCES, "\"hvm dm\"" },
	{ FAULT_DM_CREATE_IOREQ_SERVER, EACCES, "\"event create\"" },
	{ FAULT_FM_MAP_RESOURCE, EACCES, "\"domain2 resource_map\"" },
	{ FAULT_EVTCHN_BIND, EACCES, "\"event bind\"" },
};

/* Write the nodes of a disk of a new guest, and wait until its error node has the words. */
static void try(struct guest *g, const char *image, const char *advice)
{
	char path[TOOLSTACK_PATH_MAX], *error;
	unsigned n = 0;

	g->nr_disks = 1;
	g->disk[0] = toolstack_disk(0, image);
	g->disk[0].grants = TOOLSTACK_GRANTS_NO;
	sim_check(toolstack_write_disk(&sim.toolstack, g->domid, &g->disk[0], NULL) == 0,
		  "nodes of a disk");
	toolstack_backend_path(path, g->domid, g->disk[0].devid, "error");
	while (!(error = toolstack_read(&sim.toolstack, path)))
		sim_step(&n, "a node that says what is wrong");
	sim_check(strstr(error, advice), "\"%s\" does not say %s", error, advice);
	/* Nothing was cut off. */
	sim_check(sim_log_count(error, "") >= 1, "the log does not say \"%s\"", error);
	free(error);
}

static void fault(enum fault_op op, int error, const char *advice, const char *image)
{
	unsigned rule = faults_add(
		&sim.faults,
		&(struct fault_rule){ .ops = FAULT_BIT(op), .action = FAULT_FAIL, .error = error });
	struct guest *g = guest_create(&(struct guest_spec){ .vcpus = 1 });

	try(g, image, advice);
	faults_remove(&sim.faults, rule);
	guest_destroy(g);
}

/* Xen answers for each page, and the call as a whole succeeds. */
static void foreign_mapping(const char *image)
{
	struct guest *g = guest_create(&(struct guest_spec){ .vcpus = 1 });

	hyp_allow_foreign_mapping(g->dom, false);
	try(g, image, "flask-set-bool domd_foreign 1");
	guest_destroy(g);
}

/* What can't be known before the guest has granted something is for the log. */
static void grants(const char *image)
{
	struct guest_spec spec = { .nr_disks = 1, .disk = { toolstack_disk(0, image) } };
	struct guest *g;
	uint32_t id, len;
	struct drv d;

	spec.disk[0].grants = TOOLSTACK_GRANTS_YES;
	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	hyp_allow_grants(g->dom, false);
	sim_check(drv_negotiate(&d, drv_offered(&d)), "features");
	sim_check(!drv_setup_queue(&d, 0, 16), "a queue whose rings must not be mapped is ready");
	sim_check(sim_log_count("cannot map a ring", "\"grant map_read\"") >= 1, "rings");
	hyp_allow_grants(g->dom, true);
	drv_boot(&d, 0);
	hyp_allow_grants(g->dom, false);
	drv_blk_add(&d.q[0], &(struct drv_blk){ .type = T_FLUSH });
	drv_kick(&d.q[0]);
	drv_wait_used(&d.q[0], &id, &len);
	sim_check(sim_log_count("cannot copy memory", "\"grant copy\"") >= 1, "copies");
	hyp_allow_grants(g->dom, true);
	guest_destroy(g);
}

/* The daemon looks when it starts, and says it once for each device. */
static void at_start(void)
{
	static const struct {
		enum fault_op op;
		int error;
		const char *words;
	} devices[] = {
		{ FAULT_HYPERCALL, EPERM, "cannot make hypercalls" },
		{ FAULT_EVTCHN_OPEN, ENOENT, "module xen_evtchn" },
		{ FAULT_GNTTAB_OPEN, ENOENT, "module xen_gntdev" },
	};

	for (unsigned i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		unsigned before = sim_log_count(devices[i].words, ""), rule;

		sim_daemon_kill(SIGTERM);
		rule = faults_add(&sim.faults,
				  &(struct fault_rule){ .ops = FAULT_BIT(devices[i].op),
							.action = FAULT_FAIL,
							.error = devices[i].error });
		sim_daemon_start();
		sim_check(sim_log_count(devices[i].words, "") == before + 1,
			  "no word about the device at the start: %s", devices[i].words);
		faults_remove(&sim.faults, rule);
	}
}

int main(void)
{
	const char *image;

	sim_start_driver_domain(NULL);
	image = sim_image("disk", 1 << 20, true);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		fault(cases[i].op, cases[i].error, cases[i].advice, image);
	foreign_mapping(image);
	grants(image);
	guest_come_and_go(image);
	at_start();
	guest_come_and_go(image);
	sim_stop();
	return 0;
}
