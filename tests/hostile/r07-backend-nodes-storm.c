/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R7: hundreds of devices and garbage come and go below the backend's directory in xenstore, for
 * the attacker's domain and for ones that do not exist.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

static const char *const keys[] = {
	"state", "params", "base", "irq", "dev", "mode", "frontend-id"
};
static const char *const values[] = { "1",	  "2", "5", "6", "", "-", "99999999999999999999",
				      "/dev/null" };

static unsigned removed, overwritten; /* whole directories */

static void attack(struct hostile *h, uint32_t random)
{
	unsigned domid = random % 4 ? h->g->domid : 1000 + random / 4 % 50;
	const char *key = keys[random >> 8 & 7 ? (random >> 8) % 7 : 0];
	char path[TOOLSTACK_PATH_MAX];
	unsigned devid = random >> 12 & 127; /* none that libxl gives */
	bool whole = (random >> 20) % 3 == 0;
	int r;

	toolstack_backend_path(path, domid, devid, whole ? "" : key);
	if (random >> 24 & 3) {
		r = toolstack_write(&sim.toolstack, path, values[random >> 28 & 7]);
		overwritten += whole && !r;
	} else {
		r = toolstack_rm(&sim.toolstack, path);
		removed += whole && !r;
	}
}

static void clean(unsigned domid, unsigned devid)
{
	char path[TOOLSTACK_PATH_MAX];

	toolstack_backend_path(path, domid, devid, "");
	toolstack_rm(&sim.toolstack, path);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint64_t seed = 7;

	hostile_boot(h, 0);
	hostile_storm(h);
	for (unsigned n = 0; n < 500 || hostile_goes_on(h); n++)
		attack(h, drv_random(&seed));
	sim_check(removed && overwritten, "%u directories removed, %u overwritten", removed,
		  overwritten);
	hostile_expect_works(h, "among them");
	for (unsigned devid = 0; devid < 128; devid++)
		clean(h->g->domid, devid);
	toolstack_write(&sim.toolstack, "/local/domain/0/backend/virtio_disk/x/y", "z");
	toolstack_rm(&sim.toolstack, "/local/domain/0/backend/virtio_disk/x");
	for (unsigned domid = 1000; domid < 1050; domid++) {
		char path[64];

		snprintf(path, sizeof(path), "/local/domain/0/backend/virtio_disk/%u", domid);
		toolstack_rm(&sim.toolstack, path);
	}
	hostile_end(h);
	return 0;
}
