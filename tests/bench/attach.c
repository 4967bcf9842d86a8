/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a disk takes to come: from its nodes in xenstore to the backend's state 2, beside guests
 * that have theirs; or, with --waiting, from the daemon's start, for guests that wait for it.  Each
 * disk is a request of the report; what is used is the watcher's.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/run.h"
#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define GUESTS_MAX 128
#define LOOK_US	   100 /* between looks at a backend's state */

static struct guest *guests[GUESTS_MAX];

static struct guest *create(unsigned nr_disks, const char *image)
{
	struct guest_spec spec = { .ram0 = 2 << 20, .nr_disks = nr_disks };

	for (unsigned i = 0; i < nr_disks; i++) {
		spec.disk[i] = toolstack_disk(i, image);
		spec.disk[i].read_only = true;
	}
	return guest_create(&spec);
}

/* One whose only disk has its nodes, and nobody waits for it. */
static struct guest *create_waiting(const struct toolstack_disk *disk)
{
	struct guest *g = create(0, NULL);
	struct sim_error err = { "" };
	int r = toolstack_write_disk(&sim.toolstack, g->domid, disk, &err);

	sim_check(r == 0, "the nodes of a disk: %s", err.text);
	return g;
}

static bool has_come(unsigned domid, unsigned devid)
{
	char path[TOOLSTACK_PATH_MAX], *state;
	bool come;

	toolstack_backend_path(path, domid, devid, "state");
	state = toolstack_read(&sim.toolstack, path);
	come = state && !strcmp(state, "2");
	free(state);
	return come;
}

/* The guest is there, the disk's nodes come: its worker is started, too. */
static void attach(const struct toolstack_disk *disk, struct meter_histogram *h)
{
	struct guest *g = create_waiting(disk);
	uint64_t from = meter_now();

	while (!has_come(g->domid, disk->devid))
		usleep(LOOK_US);
	meter_add(h, meter_now() - from);
	guest_destroy(g);
}

/* Looks at all guests in turns: a time is right to the length of a turn. */
static void start_with_waiting(const struct run_options *o, const struct toolstack_disk *disk,
			       struct meter_histogram *h)
{
	bool come[GUESTS_MAX] = { false };
	uint64_t from;

	sim_daemon_kill(SIGTERM);
	for (unsigned i = 0; i < o->guests; i++)
		guests[i] = create_waiting(disk);
	from = meter_now();
	sim_daemon_start();
	while (h->count < o->guests)
		for (unsigned i = 0; i < o->guests; i++)
			if (!come[i] && (come[i] = has_come(guests[i]->domid, disk->devid)))
				meter_add(h, meter_now() - from);
}

int main(int argc, char **argv)
{
	struct run_options o = run_options(argc, argv);
	struct run_result result = { .processes = 1 };
	static struct meter_histogram h;
	struct toolstack_disk disk;
	const char *image;

	sim_check(o.guests <= GUESTS_MAX && o.disks <= TOOLSTACK_DISKS_MAX, "too many");
	sim_start("defaults = { cache = \"buffered\"; };\n");
	image = sim_image("image", 1 << 20, false);
	disk = toolstack_disk(0, image);
	disk.read_only = true;
	if (!o.waiting)
		for (unsigned i = 0; i < o.guests; i++)
			guests[i] = create(o.disks, image);
	result.from = meter_usage(&sim.daemon, 1);
	if (o.waiting) {
		start_with_waiting(&o, &disk, &h);
		/* The one that was measured from its start. */
		result.from = (struct meter_usage){ .at = result.from.at, .syscalls = -1 };
	}
	while (!o.waiting && meter_now() - result.from.at < o.seconds * 1e9)
		attach(&disk, &h);
	result.to = meter_usage(&sim.daemon, 1);
	for (unsigned i = 0; i < o.guests; i++)
		guest_destroy(guests[i]);
	sim_stop();
	run_report("xvirtiod", &result, &h, h.count);
	return 0;
}
