/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk goes while a kick of it waits for the kernel, whose interrupt is late: the worker lets the
 * kernel answer first.  Otherwise it would put back what is nobody's any more, which Xen may crash
 * the guest for.
 */
#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define STAYS 0
#define GOES  1
#define TIMES 8

static struct guest *g;
static struct toolstack_disk disk;

static void *remove_disk(void *arg)
{
	struct sim_error err = { "" };

	(void)arg;
	sim_check(toolstack_remove_disks(&sim.toolstack, g->domid, &disk, 1, true, &err) == 0, "%s",
		  err.text);
	return NULL;
}

static void *kick(void *arg)
{
	uint64_t queue = 0;

	(void)arg;
	sim_check(hyp_access(g->dom, GOES, disk.base + R_QUEUE_NOTIFY, 4, true, &queue) == HYP_OK,
		  "a kick");
	return NULL;
}

/* The worker is stopped in a round; when it goes on, kick and removal are there at once. */
static void come_and_go(struct drv *d)
{
	struct fault_rule hold = { .ops = FAULT_BIT(FAULT_DM_SET_IRQ_LEVEL),
				   .count = 1,
				   .action = FAULT_HOLD };
	struct drv_blk r = drv_blk_usual(T_GET_ID, 0, NULL, 0, 20);
	struct sim_error err = { "" };
	pthread_t thread[2];
	unsigned rule, n = 0;
	uint32_t id, len;

	sim_check(toolstack_add_disks(&sim.toolstack, g->domid, &disk, 1, &err) == 0, "%s",
		  err.text);
	rule = faults_add(&sim.faults, &hold);
	drv_blk_add(&d->q[0], &r);
	drv_kick(&d->q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	/* The kernel answers it at once; the next one waits until the worker has seen the event. */
	kick(NULL);
	thread[0] = guest_run(kick, NULL);
	thread[1] = guest_run(remove_disk, NULL);
	/* Most likely the worker has been told by then. */
	while (n < 30)
		sim_step(&n, "the watcher");
	faults_remove(&sim.faults, rule);
	for (unsigned i = 0; i < 2; i++)
		guest_join(thread[i]);
	drv_wait_used(&d->q[0], &id, &len);
	drv_free_all(d);
}

int main(void)
{
	struct guest_spec spec = { .vcpus = 2, .nr_disks = 1 };
	struct drv d;

	sim_use_eventfds();
	sim_do_without_irqfd();
	sim_start(NULL);
	spec.disk[0] = toolstack_disk(STAYS, sim_image("stays", 64 << 10, true));
	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, BIT64(F_EVENT_IDX));
	disk = toolstack_disk(GOES, sim_image("goes", 64 << 10, true));
	for (unsigned i = 0; i < TIMES; i++)
		come_and_go(&d);
	guest_destroy(g);
	sim_stop();
	return 0;
}
