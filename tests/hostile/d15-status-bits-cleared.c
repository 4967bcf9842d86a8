/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D15: a driver that takes bits of the status back, short of a reset: they stay. */
#include "tests/hostile/frame/hostile.h"

#define ALL (S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK)

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	for (unsigned bits = 1; bits < 16; bits++) {
		drv_write(&h->d, R_STATUS, bits);
		sim_check(drv_status(&h->d) == ALL, "status %#x after %#x was written",
			  drv_status(&h->d), bits);
	}
	hostile_expect_mistakes(h, 14, "bits taken back");
	/* The driver can't set the device's bits, nor ones that mean nothing. */
	drv_write(&h->d, R_STATUS, 0xffffff70 | ALL);
	sim_check(drv_status(&h->d) == ALL, "status %#x", drv_status(&h->d));
	hostile_expect_works(h, "with the status as before");

	/* Nor clear the device's verdict. */
	drv_avail(&h->d.q[0], 0xffff);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "a head outside the table");
	drv_write(&h->d, R_STATUS, ALL);
	sim_check(drv_status(&h->d) == (ALL | S_NEEDS_RESET), "status %#x", drv_status(&h->d));
	hostile_end(h);
	return 0;
}
