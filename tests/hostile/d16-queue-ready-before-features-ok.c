/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D16: a queue that is set up before FEATURES_OK does not become ready. */
#include "tests/hostile/frame/hostile.h"

static void attack(struct hostile *h, uint32_t status)
{
	h->mistakes = guest_disk_state(h->g, 0)->virtio.bad_access;
	drv_reset(&h->d);
	if (status)
		drv_write(&h->d, R_STATUS, status);
	sim_check(!drv_setup_queue(&h->d, 0, 128), "a queue is ready at status %#x", status);
	hostile_expect_mistakes(h, 8, "a queue that is set up early");
	drv_kick(&h->d.q[0]);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	attack(h, 0);
	attack(h, S_ACKNOWLEDGE);
	attack(h, S_ACKNOWLEDGE | S_DRIVER);
	hostile_end(h);
	return 0;
}
