/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V14, V15: while the attacker's storage hangs, with requests in flight, each access to a register
 * is answered: QueueNotify, QueueReady = 0, QueueReset and Status = 0 included; resets end when
 * the storage does.
 */
#include "tests/hostile/frame/hostile.h"

/* Requests that hang, by a rule that is returned. */
static unsigned submit(struct hostile *h, unsigned n)
{
	unsigned rule = faults_hold(&sim.faults, h->image, FAULT_BITS_IO);

	for (unsigned i = 0; i < n; i++) {
		struct drv_blk r = drv_blk_usual(i % 2 ? T_IN : T_FLUSH, i, NULL, 0,
						 i % 2 ? DRV_SECTOR : 0);

		drv_blk_add(&h->d.q[0], &r);
		drv_kick(&h->d.q[0]);
	}
	faults_wait_held(&sim.faults, rule, n);
	return rule;
}

static void wait_reset(struct hostile *h)
{
	unsigned n = 0;

	while (drv_status(&h->d))
		sim_step(&n, "the reset to end");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	unsigned rule;

	/* Each of these returns although nothing of it can end. */
	hostile_boot(h, 0);
	rule = submit(h, 10);
	drv_write(&h->d, R_QUEUE_READY, 0);
	sim_check(!drv_read(&h->d, R_QUEUE_READY), "QueueReady");
	drv_write(&h->d, R_STATUS, 0);
	hostile_check_others(h);
	sim_check(drv_status(&h->d) != 0, "the reset has ended while requests are in flight");
	faults_remove(&sim.faults, rule);
	wait_reset(h);

	hostile_boot(h, 0);
	rule = submit(h, 10);
	drv_write(&h->d, R_QUEUE_RESET, 1);
	hostile_check_others(h);
	sim_check(drv_read(&h->d, R_QUEUE_RESET) == 1, "QueueReset");
	drv_write(&h->d, R_STATUS, 0);
	sim_check(drv_status(&h->d) != 0, "the reset has ended while requests are in flight");
	faults_remove(&sim.faults, rule);
	wait_reset(h);
	hostile_end(h);
	return 0;
}
