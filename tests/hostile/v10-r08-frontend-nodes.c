/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V10, R8: the guest writes whatever it likes into its frontend directories, which are its own, and
 * removes them; and the daemon looks at the disk again each time.  First each value in each node,
 * for as long as the daemon needs to see it; then at random and without waiting.
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

#define NR_KEYS	  (sizeof(keys) / sizeof(*keys))
#define NR_VALUES (sizeof(values) / sizeof(*values))

/* value NULL: remove.  True if the guest could do it. */
static bool change(struct hostile *h, unsigned disk, const char *key, const char *value)
{
	char path[TOOLSTACK_PATH_MAX];

	snprintf(path, sizeof(path), "device/virtio_disk/%u/%s", h->g->disk[disk].devid, key);
	if (value)
		return !toolstack_guest_write(&sim.toolstack, h->g->domid, path, value);
	return !toolstack_guest_rm(&sim.toolstack, h->g->domid, path);
}

static bool change_at_random(struct hostile *h, uint32_t random)
{
	return change(h, random % 2, keys[random / 2 % NR_KEYS],
		      random / 4096 % 8 ? values[random / 64 % NR_VALUES] : NULL);
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

static unsigned change_all(struct hostile *h)
{
	unsigned done = 0;

	for (unsigned i = 0; i < NR_KEYS * NR_VALUES; i++) {
		done += change(h, i % 2, keys[i / NR_VALUES], values[i % NR_VALUES]);
		make_daemon_look(h);
		sim_wait_asleep(sim.daemon);
	}
	hostile_expect_works(h, "with each value in each frontend node");
	return done;
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint64_t seed = 10;
	unsigned done;
	char dir[64];

	hostile_boot(h, 0);
	hostile_storm(h);
	done = change_all(h);
	sim_check(done > NR_KEYS * NR_VALUES / 2, "only %u nodes were written", done);
	for (unsigned n = 0; n < 300 || hostile_goes_on(h); n++) {
		done += change_at_random(h, drv_random(&seed));
		make_daemon_look(h);
		if (n % 10 == 0)
			hostile_expect_works(h, "with strange frontend nodes");
	}
	sim_check(done > 200, "only %u nodes were written", done);
	snprintf(dir, sizeof(dir), "device/virtio_disk/%u", h->g->disk[0].devid);
	toolstack_guest_rm(&sim.toolstack, h->g->domid, dir);
	hostile_expect_works(h, "without a frontend");
	hostile_end(h);
	return 0;
}
