/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In a driver domain libxl waits for the directory of a closed disk to vanish: the daemon removes
 * it, unless "xl devd" has done so, and after libxl has had time to see state 6.  In domain 0 it
 * leaves it to libxl.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

static bool has(const struct guest *g, const char *key, const char *value)
{
	char path[TOOLSTACK_PATH_MAX], *text;
	bool same;

	toolstack_backend_path(path, g->domid, g->disk[0].devid, key);
	text = toolstack_read(&sim.toolstack, path);
	same = text && !strcmp(text, value);
	free(text);
	return same;
}

static bool is_there(const struct guest *g)
{
	char path[TOOLSTACK_PATH_MAX], *text;
	bool there;

	toolstack_backend_path(path, g->domid, g->disk[0].devid, "");
	text = toolstack_read(&sim.toolstack, path);
	there = text;
	free(text);
	return there;
}

static void set_state(const struct guest *g, const char *state)
{
	char path[TOOLSTACK_PATH_MAX];

	toolstack_backend_path(path, g->domid, g->disk[0].devid, "state");
	sim_check(toolstack_write(&sim.toolstack, path, state) == 0, "write %s", path);
}

static void close_disk(const struct guest *g)
{
	unsigned n = 0;

	set_state(g, "5");
	while (!has(g, "state", "6"))
		sim_step(&n, "state 6");
}

static void use(struct guest *g)
{
	uint8_t sector[512], expected[512];
	struct drv d;

	sim_pattern(7, expected);
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_IN, 7, NULL, 0, sector, sizeof(sector)) == BLK_OK &&
			  !memcmp(sector, expected, sizeof(sector)),
		  "a read");
}

/* libxl waits for state 6, and then for the directory; a minute is not enough only if both fail. */
static void by_the_daemon(const char *image)
{
	struct guest *g = guest_create_usual(image);

	use(g);
	guest_destroy(g);
	g = guest_create_usual(image);
	guest_reboot(&g);
	use(g);
	guest_destroy(g);
	sim_check(!sim_log_count("cannot remove", ""), "the daemon was refused to remove it");
}

/* As "xl devd" does it. */
static void by_devd(const char *image)
{
	unsigned left = sim_log_count("has left", "");
	struct guest *g = guest_create_usual(image);
	char path[TOOLSTACK_PATH_MAX];

	close_disk(g);
	toolstack_backend_path(path, g->domid, g->disk[0].devid, "");
	sim_check(toolstack_rm(&sim.toolstack, path) == 0, "remove %s", path);
	sim_log_wait("has left", "", left + 1);
	guest_destroy(g);
	sim_check(!sim_log_count("cannot remove", ""), "the daemon complains");
}

/* The daemon is asked to end meanwhile. */
static void at_the_end(const char *image)
{
	struct guest *g = guest_create_usual(image);

	close_disk(g);
	sim_daemon_kill(SIGTERM);
	sim_check(!is_there(g), "the directory is left");
	sim_daemon_start();
	guest_destroy(g);
}

/* The daemon ended before it could remove it; the next one does. */
static void after_a_restart(const char *image)
{
	struct guest *g = guest_create(&(struct guest_spec){ .vcpus = 1 });
	unsigned n = 0;

	sim_daemon_kill(SIGTERM);
	g->nr_disks = 1;
	g->disk[0] = toolstack_disk(0, image);
	sim_check(toolstack_write_disk(&sim.toolstack, g->domid, &g->disk[0], NULL) == 0,
		  "nodes of a disk");
	set_state(g, "6");
	sim_daemon_start();
	while (is_there(g))
		sim_step(&n, "the directory to be removed");
	guest_destroy(g);
}

/* A disk that libxl makes anew in time stays. */
static void not_a_new_one(const char *image)
{
	struct guest *g = guest_create_usual(image);

	close_disk(g);
	sim_check(toolstack_add_disks(&sim.toolstack, g->domid, g->disk, 1, NULL) == 0,
		  "the disk is not served anew");
	usleep(1000000);
	sim_check(has(g, "state", "2"), "the directory of a new disk was removed");
	guest_destroy(g);
}

static void in_domain_0(void)
{
	struct guest *g;

	sim_start(NULL);
	g = guest_create_usual(sim_image("disk", 1 << 20, true));
	close_disk(g);
	/* Twice the time that it has elsewhere. */
	usleep(1000000);
	sim_check(has(g, "state", "6"), "the daemon has removed what is libxl's to remove");
	guest_destroy(g);
	sim_stop();
}

int main(void)
{
	const char *image;

	sim_start_driver_domain(NULL);
	image = sim_image("disk", 1 << 20, true);
	by_the_daemon(image);
	by_devd(image);
	not_a_new_one(image);
	at_the_end(image);
	after_a_restart(image);
	sim_stop();
	in_domain_0();
	return 0;
}
