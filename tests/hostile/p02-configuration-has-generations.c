/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P2: a capacity that changes under the driver has another ConfigGeneration, and the driver is
 * told.
 */
#include <signal.h>
#include <unistd.h>

#include "tests/hostile/frame/hostile.h"

static void resize(struct hostile *h, uint64_t bytes)
{
	uint32_t before = drv_read(&h->d, R_CONFIG_GENERATION);
	unsigned n = 0;

	sim_check(truncate(h->image, bytes) == 0, "truncate");
	kill(sim.daemon, SIGHUP);
	while (!(drv_read(&h->d, R_INTERRUPT_STATUS) & 2))
		sim_step(&n, "an interrupt for the new size");
	drv_interrupt(&h->d);
	sim_check(drv_read(&h->d, R_CONFIG_GENERATION) != before, "the generation is the same");
	sim_check(drv_capacity(&h->d) == bytes / DRV_SECTOR, "the capacity is another one");
	h->bytes = bytes;
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	resize(h, 2 << 20);
	hostile_expect_status(h, T_OUT, 2048, 512, 0, BLK_OK, "a write into what is new");
	resize(h, 1 << 20);
	hostile_expect_status(h, T_OUT, 2048, 512, 0, BLK_IOERR, "a write into what is gone");
	resize(h, 8ull << 30); /* both halves of the number change */
	resize(h, 1 << 20);
	hostile_end(h);
	return 0;
}
