/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S7: Xen refuses, while the guest is served, to map its memory, to raise its interrupt, to wake
 * its vCPU.  Data that can't be mapped are as if they were not in memory, and so are rings; what is
 * lost is that guest's loss; all is well again when Xen is; and the log has ten lines of it.
 */
#include <errno.h>

#include "tests/hostile/frame/hostile.h"

#define UNTOUCHED (HYP_RAM0_BASE + (12ull << 20))
#define TIMES	  30

static unsigned make_fail(struct hostile *h, enum fault_op op, uint64_t count)
{
	return faults_add(&sim.faults, &(struct fault_rule){ .ops = FAULT_BIT(op),
							     .process = h->g->domid,
							     .action = FAULT_FAIL,
							     .error = EBUSY,
							     .count = count });
}

static void done(unsigned rule, uint64_t hits)
{
	sim_check(faults_hits(&sim.faults, rule) >= hits, "only %llu calls have failed",
		  (unsigned long long)faults_hits(&sim.faults, rule));
	faults_remove(&sim.faults, rule);
}

/* A read to where nothing is mapped yet; its status. */
static uint8_t read_to_untouched(struct hostile *h)
{
	struct drv_queue *q = &h->d.q[0];
	struct drv_seg s[3];
	uint32_t id, len;

	drv_free_all(&h->d);
	s[0] = (struct drv_seg){ hostile_header(h, T_IN, 0), 16, false };
	s[1] = (struct drv_seg){ UNTOUCHED, DRV_SECTOR, true };
	s[2] = (struct drv_seg){ drv_alloc(&h->d, 1), 1, true };
	*(uint8_t *)drv_ram(&h->d, s[2].gpa, 1) = BLK_PENDING;
	drv_avail(q, drv_chain(q, s, 3, 3));
	drv_kick(q);
	drv_wait_used(q, &id, &len);
	return *(uint8_t *)drv_ram(&h->d, s[2].gpa, 1);
}

static void mapping_fails(struct hostile *h)
{
	unsigned rule = make_fail(h, FAULT_FM_MAP, 0);

	for (unsigned i = 0; i < TIMES; i++)
		sim_check(read_to_untouched(h) == BLK_IOERR, "data that can't be mapped");
	hostile_expect_works(h, "what is mapped");
	/* All is unmapped when the guest gives a page back. */
	sim_check(hyp_balloon_out(h->g->dom, 0, (UNTOUCHED >> 12) + 1) == HYP_OK, "give back");
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "rings that can't be mapped");
	drv_reset(&h->d);
	sim_check(drv_negotiate(&h->d, drv_offered(&h->d)), "features");
	sim_check(!drv_setup_queue(&h->d, 0, 16), "a queue whose rings can't be mapped is ready");
	done(rule, TIMES);
	hostile_boot(h, 0);
	sim_check(read_to_untouched(h) == BLK_OK, "the same data, when they can be mapped");
}

/* With grants nothing can be read, and nothing answered; but all heads come back. */
static void grants_fail(struct hostile *h)
{
	unsigned rule = make_fail(h, FAULT_GNTTAB_COPY, 0);

	for (unsigned i = 0; i < TIMES; i++)
		sim_check(read_to_untouched(h) == BLK_PENDING, "a status that can't be written");
	done(rule, 2 * TIMES);
	hostile_expect_works(h, "with copies again");
	rule = make_fail(h, FAULT_GNTTAB_MAP, 0);
	drv_reset(&h->d);
	sim_check(drv_negotiate(&h->d, drv_offered(&h->d)), "features");
	sim_check(!drv_setup_queue(&h->d, 0, 16), "a queue whose rings can't be mapped is ready");
	done(rule, 1);
	hostile_boot(h, 0);
	sim_check(read_to_untouched(h) == BLK_OK, "the same data, when they can be mapped");
}

static void interrupts_fail(struct hostile *h)
{
	unsigned signals = make_fail(h, FAULT_SIGNAL, 0), rule;
	unsigned line = h->d.line, before = hyp_interrupts(h->g->dom, line);

	/* An eventfd that can't be written to has the dm_op in its place. */
	hostile_expect_works(h, "without eventfds");
	sim_check(hyp_interrupts(h->g->dom, line) > before, "no interrupts by dm_op");
	before = hyp_interrupts(h->g->dom, line);
	rule = make_fail(h, FAULT_DM_SET_IRQ_LEVEL, 0);
	/* The driver looks by itself, now and then. */
	hostile_expect_works(h, "without interrupts");
	sim_check(hyp_interrupts(h->g->dom, line) == before, "an interrupt came");
	done(rule, 3);
	done(signals, sim_uses_eventfds() ? 3 : 0);
	hostile_expect_works(h, "with interrupts");
	sim_check(hyp_interrupts(h->g->dom, line) > before, "no interrupts come");
}

static void *access_once(void *arg)
{
	struct hostile *h = arg;
	uint64_t data = 0;

	sim_check(hyp_access(h->g->dom, 1, h->d.base, 4, false, &data) == HYP_DEAD,
		  "a vCPU that nobody woke has gone on");
	return NULL;
}

int main(void)
{
	struct hostile *h = hostile_start(
		&(struct hostile_spec){ .vcpus = 2, .quiet_neighbour = true });
	pthread_t thread;
	unsigned rule, n = 0;

	hostile_boot(h, 0);
	if (h->d.grants)
		grants_fail(h);
	else
		mapping_fails(h);
	interrupts_fail(h);
	/* vCPU 1 stands still from here on; the others don't. */
	rule = make_fail(h, FAULT_EVTCHN_NOTIFY, 1);
	thread = guest_run(access_once, h);
	while (!faults_hits(&sim.faults, rule))
		sim_step(&n, "an access");
	done(rule, 1);
	hostile_expect_works(h, "with a vCPU that stands still");
	n = sim_log_count("attacker:", h->d.grants ? "cannot copy" : "cannot map");
	sim_check(n >= LOG_LIMIT_PER_MINUTE, "%u lines about the memory", n);
	hostile_check_processes(h);
	hostile_check_disk(h);
	guest_kill(h->g);
	guest_join(thread);
	guest_free(h->g);
	hostile_end_others(h);
	return 0;
}
