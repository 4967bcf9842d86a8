/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P7: flags of a discard, and unknown ones of write zeroes, are answered UNSUPP, and
 * counted as that.
 */
#include "tests/hostile/frame/hostile.h"

static uint8_t range(struct hostile *h, uint32_t type, uint32_t flags)
{
	struct drv_range r = drv_range(16, 8, flags);

	return drv_io(&h->d, type, 0, &r, sizeof(r), NULL, 0);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint64_t unsupported, asked = 0;

	hostile_boot(h, 0);
	unsupported = guest_disk_state(h->g, 0)->counters.unsupported;
	for (unsigned bit = 0; bit < 32; bit++, asked++)
		sim_check(range(h, T_DISCARD, 1u << bit) == BLK_UNSUPP, "discard, bit %u", bit);
	for (unsigned bit = 1; bit < 32; bit++, asked++)
		sim_check(range(h, T_WRITE_ZEROES, 1u << bit) == BLK_UNSUPP, "zeroes, bit %u", bit);
	sim_check(guest_disk_state(h->g, 0)->counters.unsupported == unsupported + asked,
		  "counters");
	/* unmap is known */
	sim_check(range(h, T_WRITE_ZEROES, 1) == BLK_OK, "zeroes with unmap");
	sim_check(range(h, T_DISCARD, 0) == BLK_OK, "a discard");
	hostile_end(h);
	return 0;
}
