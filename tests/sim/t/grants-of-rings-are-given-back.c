/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is mapped of a guest that grants its memory, its rings, is unmapped before the driver sees
 * that a queue is disabled, reset, or the device reset, and before the toolstack hears that the
 * disk is gone; also with requests in flight, and when the worker dies.
 */
#include <signal.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define QUEUES 2

static struct guest *g;
static struct drv d;
static const char *image;

static uint64_t mapped(void)
{
	return hyp_grant_counts(g->dom).mapped;
}

static void expect_mapped(uint64_t n, const char *when)
{
	sim_check(mapped() == n, "%s: %llu pages are mapped, not %llu", when,
		  (unsigned long long)mapped(), (unsigned long long)n);
}

static void boot(void)
{
	drv_reset(&d);
	drv_ready(&d, drv_offered(&d), QUEUES);
	expect_mapped(3 * QUEUES, "ready");
}

static unsigned hold(void)
{
	return faults_add(&sim.faults, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_READ),
							     .file = faults_file(image),
							     .action = FAULT_HOLD });
}

static void start_slow_read(unsigned rule)
{
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, 512);

	drv_blk_add(&d.q[0], &r);
	drv_kick(&d.q[0]);
	faults_wait_held(&sim.faults, rule, 1);
}

static void queues(void)
{
	unsigned rule, n = 0;

	boot();
	drv_write(&d, R_QUEUE_SEL, 1);
	drv_write(&d, R_QUEUE_READY, 0);
	expect_mapped(3, "a queue is disabled");
	sim_check(drv_setup_queue(&d, 1, 64), "the queue again");
	drv_write(&d, R_QUEUE_RESET, 1);
	sim_check(drv_read(&d, R_QUEUE_RESET) == 0, "an idle queue is reset at once");
	expect_mapped(3, "a queue is reset");

	rule = hold();
	start_slow_read(rule);
	drv_write(&d, R_QUEUE_SEL, 0);
	drv_write(&d, R_QUEUE_RESET, 1);
	expect_mapped(0, "a queue is reset that has a request");
	sim_check(drv_read(&d, R_QUEUE_RESET) == 1, "it waits for that");
	faults_remove(&sim.faults, rule);
	while (drv_read(&d, R_QUEUE_RESET))
		sim_step(&n, "the end of a queue's reset");
	sim_check(drv_setup_queue(&d, 0, 1024), "a large queue");
	expect_mapped(4 + 1 + 3, "1024 descriptors");
	drv_reset(&d);
	expect_mapped(0, "reset");
}

static void device(void)
{
	unsigned rule, n = 0;

	boot();
	rule = hold();
	start_slow_read(rule);
	drv_write(&d, R_STATUS, 0);
	expect_mapped(0, "a reset has begun");
	sim_check(drv_status(&d) != 0, "it waits for the request");
	faults_remove(&sim.faults, rule);
	while (drv_status(&d))
		sim_step(&n, "the end of a reset");
	sim_check(guest_grant_end_all(&g->machine, d.base), "something is mapped still");

	/* A broken device is reset as any other. */
	boot();
	drv_set_avail_idx(&d.q[0], 1000);
	drv_kick(&d.q[0]);
	while (!(drv_status(&d) & S_NEEDS_RESET))
		sim_step(&n, "a fault");
	drv_reset(&d);
	expect_mapped(0, "reset of a broken device");
}

int main(void)
{
	struct guest_spec spec = { .nr_disks = 1, .vcpus = QUEUES };
	unsigned rule, n = 0;

	sim_start("defaults = { queue_size = 1024; };\n");
	image = sim_image("disk", 1 << 20, true);
	spec.disk[0] = toolstack_disk(0, image);
	spec.disk[0].grants = TOOLSTACK_GRANTS_YES;
	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	queues();
	device();

	boot();
	rule = hold();
	start_slow_read(rule);
	faults_remove(&sim.faults, rule);
	guest_destroy(g); /* which checks that nothing is mapped */

	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	boot();
	kill(sim_worker(g->domid), SIGKILL);
	while (mapped())
		sim_step(&n, "the grants of a worker that died");
	/* Its ioreq server stays, and ends with the domain. */
	hyp_domain_pause(g->dom);
	sim_check(toolstack_destroy_domain(&sim.toolstack, g->domid, NULL) == 0, "destroy");
	hyp_domain_destroy(g->dom);
	xenstored_set_domain(&sim.xenstored, g->domid, XENSTORED_DOMAIN_NONE);
	guest_free(g);
	sim_stop();
	return 0;
}
