/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V10, R8: the guest writes whatever it likes into its frontend directories, which are its own, and
 * removes them; and the daemon looks at the disk again each time.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

static const char *const keys[] = { "state",	      "backend", "backend-id",
				    "virtual-device", "new",	 "a/b/c" };
static const char *const values[] = {
	"",	    "0",    "1",
	"4",	    "5",    "6",
	"7",	    "-1",   "99999999999999999999",
	"\xff\xfe", "%s%n", "/local/domain/0/backend/virtio_disk/0/0"
};

/* True if the guest could do it. */
static bool attack(struct hostile *h, uint32_t random)
{
	const struct toolstack_disk *disk = &h->g->disk[random % 2];
	const char *key = keys[random / 2 % (sizeof(keys) / sizeof(*keys))];
	const char *value = values[random / 64 % (sizeof(values) / sizeof(*values))];
	char path[TOOLSTACK_PATH_MAX];

	snprintf(path, sizeof(path), "device/virtio_disk/%u/%s", disk->devid, key);
	if (random / 4096 % 8)
		return !toolstack_guest_write(&sim.toolstack, h->g->domid, path, value);
	return !toolstack_guest_rm(&sim.toolstack, h->g->domid, path);
}

/* A node in the backend's directory, which the daemon watches, and which means nothing to it. */
static void make_daemon_look(struct hostile *h)
{
	char path[TOOLSTACK_PATH_MAX];

	for (unsigned i = 0; i < h->g->nr_disks; i++) {
		toolstack_backend_path(path, h->g->domid, h->g->disk[i].devid, "nothing");
		sim_check(!toolstack_write(&sim.toolstack, path, ""), "%s", path);
	}
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint64_t seed = 10;
	unsigned done = 0;
	char dir[64];

	hostile_boot(h, 0);
	hostile_storm(h);
	for (unsigned n = 0; n < 300 || hostile_goes_on(h); n++) {
		done += attack(h, drv_random(&seed));
		make_daemon_look(h);
		if (n % 10 == 0)
			hostile_expect_works(h, "with strange frontend nodes");
	}
	sim_check(done > 100, "only %u nodes were written", done);
	snprintf(dir, sizeof(dir), "device/virtio_disk/%u", h->g->disk[0].devid);
	toolstack_guest_rm(&sim.toolstack, h->g->domid, dir);
	hostile_expect_works(h, "without a frontend");
	hostile_end(h);
	return 0;
}
