/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A generic virtio device of Xen 4.20 (virtio= in xl.cfg), whose nodes say nothing of an image, is
 * a disk whose image the configuration names; one without says what to write there; those of other
 * kinds are somebody else's, and nothing is done to them, even if the configuration has an image.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define BLOCK "virtio,device2"
#define I2C   "virtio,device22"
#define OTHER "virtio,device" /* which libxl does not know */

static char *node(const struct guest *g, unsigned n, const char *key)
{
	char path[TOOLSTACK_PATH_MAX];

	toolstack_backend_path(path, g->domid, g->disk[n].devid, key);
	return toolstack_read(&sim.toolstack, path);
}

static void wait_node(const struct guest *g, unsigned n, const char *key, const char *words)
{
	unsigned tries = 0;
	bool found = false;

	while (!found) {
		char *text = node(g, n, key);

		found = text && strstr(text, words);
		free(text);
		sim_step(&tries, words);
	}
}

static void check_untouched(const struct guest *g, unsigned n, const char *expected)
{
	char *state = node(g, n, "state"), *error = node(g, n, "error");

	sim_check(state && !strcmp(state, expected) && !error,
		  "device %u, which is somebody else's, is in state %s", n, state);
	free(state);
	free(error);
}

static void set_state(const struct guest *g, unsigned n, const char *state)
{
	char path[TOOLSTACK_PATH_MAX];

	toolstack_backend_path(path, g->domid, g->disk[n].devid, "state");
	sim_check(toolstack_write(&sim.toolstack, path, state) == 0, "write %s", path);
	sim_wait_asleep(sim.daemon);
}

static void check_pattern(struct guest *g, unsigned n, uint64_t sector)
{
	uint8_t data[512], expected[512];
	struct drv d;

	sim_pattern(sector, expected);
	guest_driver(g, n, 0, &d);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_IN, sector, NULL, 0, data, sizeof(data)) == BLK_OK &&
			  !memcmp(data, expected, sizeof(data)),
		  "a read from device %u", n);
	sim_check(drv_io(&d, T_OUT, sector, expected, sizeof(expected), NULL, 0) ==
			  (n == 1 ? BLK_IOERR : BLK_OK),
		  "a write to device %u", n);
}

/* An unused name for a file that sim_image() will make: the configuration is read first. */
static void write_config(char *ret, size_t size, const char *dir)
{
	snprintf(ret, size,
		 "guests = ( { name = \"web\"; disks = (\n"
		 " { vdev = \"virtio0\"; image = \"%s/a\"; serial = \"root\"; },\n"
		 " { vdev = \"virtio1\"; image = \"%s/b\"; read_only = true; },\n"
		 " { vdev = \"virtio4\"; image = \"%s/a\"; },\n"
		 " { vdev = \"virtio7\"; image = \"%s/d\"; },\n"
		 " { vdev = \"virtio5\"; image = \"%s/a\"; } ); } );\n",
		 dir, dir, dir, dir, dir);
}

/* Where the names of guests can't be read. */
static void in_a_driver_domain(const char *dir)
{
	struct guest_spec spec = { .name = "web", .nr_disks = 1 };
	char config[256];
	struct guest *g;

	snprintf(config, sizeof(config),
		 "guests = ( { name = \"*\"; disks = (\n"
		 " { vdev = \"virtio0\"; image = \"%s/a\"; } ); } );\n",
		 dir);
	sim_start_driver_domain(config);
	sim_check(symlink(sim.dir, dir) == 0, "make %s", dir);
	sim_image("a", 1 << 20, true);
	spec.disk[0] = toolstack_generic(0, BLOCK);
	g = guest_create(&spec);
	wait_node(g, 0, "state", "2");
	check_pattern(g, 0, 3);
	guest_destroy(g);
	sim_stop();
	unlink(dir);
}

int main(void)
{
	struct guest_spec spec = { .name = "web", .nr_disks = 7 };
	char config[4096], dir[64];
	const char *c;
	struct guest *g;

	snprintf(dir, sizeof(dir), "/tmp/xensim-images.%d", getpid());
	write_config(config, sizeof(config), dir);
	sim_start(config);
	sim_check(symlink(sim.dir, dir) == 0, "make %s", dir);
	sim_image("a", 1 << 20, true);
	sim_image("b", 1 << 20, true);
	c = sim_image("c", 1 << 20, true);
	sim_image("d", 1 << 20, true);

	spec.disk[0] = toolstack_generic(0, BLOCK);
	spec.disk[1] = toolstack_generic(1, BLOCK);
	spec.disk[2] = toolstack_generic(2, BLOCK); /* without an image */
	spec.disk[3] = toolstack_generic(3, I2C);
	spec.disk[4] = toolstack_generic(4, I2C); /* has an image, but is no disk */
	spec.disk[5] = toolstack_disk(6, c);	  /* beside an ordinary one */
	spec.disk[6] = toolstack_generic(7, OTHER);
	g = guest_create(&spec);

	wait_node(g, 0, "state", "2");
	wait_node(g, 1, "state", "2");
	check_pattern(g, 0, 3);
	check_pattern(g, 1, 4);
	wait_node(g, 6, "state", "2");
	check_pattern(g, 5, 5);
	wait_node(g, 2, "error", "vdev = \"virtio2\"; image =");

	for (unsigned n = 3; n <= 4; n++) {
		check_untouched(g, n, "1");
		set_state(g, n, "5");
		check_untouched(g, n, "5");
	}
	/* Nobody closes them, so libxl would wait for them. */
	sim_check(toolstack_rm(&sim.toolstack, "/libxl/1/device/virtio/3") == 0 &&
			  toolstack_rm(&sim.toolstack, "/libxl/1/device/virtio/4") == 0,
		  "forget them");

	/* Both sides name an image. */
	g->disk[3] = toolstack_disk(5, c);
	snprintf(g->disk[3].vdev, sizeof(g->disk[3].vdev), "virtio5");
	sim_check(toolstack_write_disk(&sim.toolstack, g->domid, &g->disk[3], NULL) == 0, "a disk");
	wait_node(g, 3, "error", "and the configuration");
	guest_destroy(g);
	sim_stop();
	unlink(dir);
	in_a_driver_domain(dir);
	return 0;
}
