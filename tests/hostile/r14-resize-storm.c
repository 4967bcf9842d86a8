/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R14: the image grows and shrinks all the time under a guest that reads and writes: all is
 * answered, and what both sizes have is served.
 */
#include <signal.h>
#include <unistd.h>

#include "tests/hostile/frame/hostile.h"

#define SMALL (512u << 10)
#define LARGE (1u << 20)

/* A write is to what both sizes have: one at the end would be a reason to grow. */
static uint8_t request(struct hostile *h, uint64_t sector, unsigned kind)
{
	uint8_t data[4096] = { kind };

	if (kind == 0)
		return drv_io(&h->d, T_FLUSH, 0, NULL, 0, NULL, 0);
	if (kind == 1 && sector + 8 <= SMALL / DRV_SECTOR)
		return drv_io(&h->d, T_OUT, sector, data, sizeof(data), NULL, 0);
	return drv_io(&h->d, T_IN, sector, NULL, 0, data, sizeof(data));
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint64_t seed = 14;

	hostile_boot(h, 0);
	hostile_storm(h);
	for (unsigned n = 0; n < 100 || hostile_goes_on(h); n++) {
		uint32_t random = drv_random(&seed);
		uint64_t sector = random % 255 * 8, capacity;
		uint8_t status;

		sim_check(truncate(h->image, random >> 16 & 1 ? SMALL : LARGE) == 0, "truncate");
		kill(sim.daemon, SIGHUP);
		status = request(h, sector, random >> 17 & 3);
		capacity = drv_capacity(&h->d);
		sim_check(capacity == SMALL / DRV_SECTOR || capacity == LARGE / DRV_SECTOR,
			  "the capacity is %llu", (unsigned long long)capacity);
		/* What both sizes have is there all the time. */
		sim_check(status == BLK_OK || sector + 8 > SMALL / DRV_SECTOR,
			  "sector %llu: status %u", (unsigned long long)sector, status);
		if (drv_read(&h->d, R_INTERRUPT_STATUS))
			drv_interrupt(&h->d);
	}
	sim_check(truncate(h->image, LARGE) == 0, "truncate");
	kill(sim.daemon, SIGHUP);
	for (unsigned n = 0; drv_capacity(&h->d) != LARGE / DRV_SECTOR;)
		sim_step(&n, "the last size");
	hostile_end(h);
	return 0;
}
