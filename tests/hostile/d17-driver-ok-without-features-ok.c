/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D17: DRIVER_OK of a driver that has not finished the negotiation does not stick; no
 * request is served.
 */
#include "tests/hostile/frame/hostile.h"

static void attack(struct hostile *h, uint32_t status)
{
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	struct drv_queue *q = &h->d.q[0];

	hostile_boot(h, 0); /* for a queue in memory */
	drv_reset(&h->d);
	drv_write(&h->d, R_STATUS, status);
	sim_check(drv_status(&h->d) == (status & (S_ACKNOWLEDGE | S_DRIVER)), "status %#x",
		  drv_status(&h->d));
	hostile_expect_mistakes(h, 1, "DRIVER_OK without FEATURES_OK");
	drv_blk_add(q, &r);
	drv_kick(q);
	sim_check(drv_read(&h->d, R_INTERRUPT_STATUS) == 0, "an interrupt");
	hostile_check_others(h);
	sim_check(drv_blk_status(&h->d, &r) == BLK_PENDING && drv_used_idx(q) == 0,
		  "a request was served");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	attack(h, S_DRIVER_OK);
	attack(h, S_ACKNOWLEDGE | S_DRIVER | S_DRIVER_OK);
	/* FEATURES_OK in the same write: the features are none, so it is refused. */
	attack(h, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
	hostile_end(h);
	return 0;
}
