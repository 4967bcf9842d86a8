/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D14: features written after FEATURES_OK change nothing. */
#include "tests/hostile/frame/hostile.h"

int main(void)
{
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	struct hostile *h = hostile_start(NULL);
	uint64_t offered;

	hostile_boot(h, BIT64(F_INDIRECT_DESC) | BIT64(F_EVENT_IDX));
	offered = drv_offered(&h->d);
	drv_write_features(&h->d, offered);
	drv_write_features(&h->d, ~0ull);
	hostile_expect_mistakes(h, 4, "features written late");
	drv_write(&h->d, R_STATUS, drv_status(&h->d) | S_FEATURES_OK);
	hostile_expect_works(h, "with the features as before");
	sim_check(guest_disk_state(h->g, 0)->virtio.driver_features == h->d.features,
		  "the features have changed");

	/* INDIRECT is still not among them. */
	r.direct = 0;
	drv_blk_add(&h->d.q[0], &r);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "an indirect table by features that came late");

	/* Features that nobody offers do not get through before it, either. */
	drv_free_all(&h->d);
	sim_check(!drv_negotiate(&h->d, offered | BIT64(F_RING_PACKED)), "RING_PACKED");
	sim_check(!drv_negotiate(&h->d, offered & ~BIT64(F_VERSION_1)), "without VERSION_1");
	hostile_end(h);
	return 0;
}
