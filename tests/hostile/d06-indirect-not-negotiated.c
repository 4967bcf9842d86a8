/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D6: an indirect descriptor of a driver that did not negotiate them. */
#include "tests/hostile/frame/hostile.h"

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);

	hostile_boot(h, BIT64(F_INDIRECT_DESC));
	r.direct = 0;
	drv_blk_add(&h->d.q[0], &r);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "an indirect table that was not negotiated");
	sim_check(drv_blk_status(&h->d, &r) == BLK_PENDING, "its request was served");

	/* The same is right for a driver that did. */
	hostile_boot(h, 0);
	r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	r.direct = 0;
	sim_check(drv_blk_run(&h->d.q[0], &r) == BLK_OK, "an indirect table");
	hostile_end(h);
	return 0;
}
