/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest of the simulation reads, writes and flushes its disk through the unmodified daemon. */
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

int main(void)
{
	uint8_t expected[512], data[512];
	struct guest *g;
	const char *image;
	struct drv d;

	sim_start(NULL);
	image = sim_image("disk", 1 << 20, true);
	g = guest_create_usual(image);
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	sim_check(drv_capacity(&d) == 2048, "the capacity is %llu",
		  (unsigned long long)drv_capacity(&d));

	sim_check(drv_io(&d, T_IN, 5, NULL, 0, data, 512) == BLK_OK, "a read");
	sim_pattern(5, expected);
	sim_check(!memcmp(data, expected, 512), "what was read");

	sim_pattern(77, data);
	sim_check(drv_io(&d, T_OUT, 9, data, 512, NULL, 0) == BLK_OK, "a write");
	sim_check(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	sim_image_read(image, 9 * 512, expected, 512);
	sim_check(!memcmp(data, expected, 512), "what was written");
	sim_check(guest_disk_state(g, 0)->counters.writes == 1, "counters");

	guest_destroy(g);
	sim_stop();
	return 0;
}
