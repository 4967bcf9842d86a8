/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V13: a disk whose nodes in xenstore come one by one, in any order, not in a transaction as libxl
 * writes them, is served when the last one is there, and not before.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/hostile/frame/hostile.h"

struct node {
	const char *key;
	char value[128];
};

static char *state_of(unsigned domid, unsigned devid)
{
	char path[TOOLSTACK_PATH_MAX];

	toolstack_backend_path(path, domid, devid, "state");
	return toolstack_read(&sim.toolstack, path);
}

static void write_nodes(unsigned domid, const struct toolstack_disk *disk, unsigned turn)
{
	struct node nodes[] = {
		{ "frontend-id", "" },
		{ "params", "" },
		{ "dev", "" },
		{ "mode", "w" },
		{ "specification", "virtio" },
		{ "transport", "mmio" },
		{ "base", "" },
		{ "irq", "" },
		{ "state", "1" },
	};
	const unsigned n = sizeof(nodes) / sizeof(*nodes);

	snprintf(nodes[0].value, sizeof(nodes[0].value), "%u", domid);
	snprintf(nodes[1].value, sizeof(nodes[1].value), "%s", disk->path);
	snprintf(nodes[2].value, sizeof(nodes[2].value), "%s", disk->vdev);
	snprintf(nodes[6].value, sizeof(nodes[6].value), "%llu", (unsigned long long)disk->base);
	snprintf(nodes[7].value, sizeof(nodes[7].value), "%u", disk->irq);
	for (unsigned i = 0; i < n; i++) {
		/* 4 and 9 have no common divisor: each comes once. */
		const struct node *node = &nodes[(turn + i * 4) % n];
		char path[TOOLSTACK_PATH_MAX], *state = state_of(domid, disk->devid);

		sim_check(!state || !strcmp(state, "1"), "state %s before all is there", state);
		free(state);
		toolstack_backend_path(path, domid, disk->devid, node->key);
		sim_check(toolstack_write(&sim.toolstack, path, node->value) == 0, "%s", path);
		/* Time for the daemon to see it. */
		sim_wait_asleep(sim.daemon);
	}
}

static void wait_served(unsigned domid, unsigned devid)
{
	unsigned n = 0;
	char *state;

	while (state = state_of(domid, devid), !state || strcmp(state, "2")) {
		free(state);
		sim_step(&n, "the disk to be served");
	}
	free(state);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	const char *image = sim_image("slow", 64 << 10, true);

	for (unsigned turn = 0; turn < 9; turn += 4) {
		struct guest *g = guest_create(&(struct guest_spec){ .name = "slow" });
		struct drv d;

		g->nr_disks = 1;
		g->disk[0] = toolstack_disk(0, image);
		g->disk[0].grants = TOOLSTACK_GRANTS_UNSAID;
		write_nodes(g->domid, &g->disk[0], turn);
		wait_served(g->domid, g->disk[0].devid);
		guest_driver(g, 0, 0, &d);
		drv_boot(&d, 0);
		sim_check(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
		/* By its devid: there are no notes of libxl's about it. */
		sim_check(toolstack_remove_disks(&sim.toolstack, g->domid, g->disk, 1, true,
						 NULL) == 0,
			  "remove the disk");
		guest_destroy(g);
	}
	hostile_end(h);
	return 0;
}
