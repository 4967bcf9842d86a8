/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V5: writes, zeroes and discards at and behind the end are IOERR; the image does not grow
 * (hostile_end()).
 */
#include "tests/hostile/frame/hostile.h"

static void range(struct hostile *h, uint32_t type, uint64_t sector, uint32_t sectors)
{
	struct drv_range r = drv_range(sector, sectors, 0);

	sim_check(drv_io(&h->d, type, 0, &r, sizeof(r), NULL, 0) == BLK_IOERR,
		  "request %u of %u sectors at %llu", type, sectors, (unsigned long long)sector);
}

static void attack(struct hostile *h, uint64_t sector, uint32_t sectors)
{
	hostile_expect_status(h, T_OUT, sector, sectors * DRV_SECTOR, 0, BLK_IOERR,
			      "a write past the end");
	range(h, T_WRITE_ZEROES, sector, sectors);
	range(h, T_DISCARD, sector, sectors);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint64_t end, errors;

	hostile_boot(h, 0);
	end = drv_capacity(&h->d);
	errors = guest_disk_state(h->g, 0)->counters.errors;
	attack(h, end, 1);
	attack(h, end - 1, 2);
	attack(h, end - 7, 128);
	attack(h, end + 1, 1);
	attack(h, 10000000, 8);
	sim_check(guest_disk_state(h->g, 0)->counters.errors == errors + 15, "counted errors");
	/* Up to the end it is fine; what is not whole sectors is not. */
	hostile_expect_status(h, T_OUT, end - 1, DRV_SECTOR, 0, BLK_OK, "the last sector");
	hostile_expect_status(h, T_OUT, end - 1, DRV_SECTOR + 1, 0, BLK_IOERR, "a byte more");
	hostile_expect_status(h, T_OUT, end - 1, DRV_SECTOR - 1, 0, BLK_IOERR, "a byte less");
	hostile_end(h);
	return 0;
}
