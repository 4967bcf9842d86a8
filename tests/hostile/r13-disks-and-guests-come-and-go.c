/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R13: disks are attached and detached all the time, with all that libxl does for them: nine of the
 * attacker at once, used or not, waited for or not; and guests that live for a moment.  Those that
 * are served do not notice, and nothing is left of those that were.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/hostile/frame/hostile.h"

#define FIRST 2 /* disks that come and go: behind the attacker's two */
#define DISKS (TOOLSTACK_DISKS_MAX - FIRST)

struct storm {
	struct hostile *h;
	struct toolstack_disk disk[DISKS];
};

static void remove_disks(struct storm *s, unsigned nr, bool force)
{
	struct sim_error err = { "" };

	sim_check(toolstack_remove_disks(&sim.toolstack, s->h->g->domid, s->disk, nr, force,
					 &err) == 0,
		  "disks go: %s", err.text);
}

static void come_and_go(struct storm *s, bool used)
{
	struct sim_error err = { "" };
	unsigned domid = s->h->g->domid;
	uint8_t data[DRV_SECTOR], expected[DRV_SECTOR];
	struct drv d;

	sim_check(toolstack_add_disks(&sim.toolstack, domid, s->disk, DISKS, &err) == 0,
		  "disks come: %s", err.text);
	for (unsigned i = 0; used && i < DISKS; i++) {
		drv_init(&d, &s->h->g->machine, s->disk[i].base, s->disk[i].irq, 4096);
		d.grants = toolstack_uses_grants(&s->disk[i]);
		drv_boot(&d, 0);
		sim_check(drv_io(&d, T_IN, i, NULL, 0, data, sizeof(data)) == BLK_OK, "disk %u", i);
		sim_pattern(i, expected);
		sim_check(!memcmp(data, expected, sizeof(data)), "what disk %u has", i);
	}
	remove_disks(s, DISKS, used);
}

/* Nobody waits for a disk to be there before it goes. */
static void hardly_there(struct storm *s)
{
	for (unsigned i = 0; i < DISKS; i++)
		sim_check(toolstack_write_disk(&sim.toolstack, s->h->g->domid, &s->disk[i], NULL) ==
				  0,
			  "nodes of disk %u", i);
	remove_disks(s, DISKS, true);
}

/* A guest that runs for a moment, with disks that others had before. */
static void short_life(struct storm *s)
{
	struct guest_spec spec = { .vcpus = 2, .nr_disks = DISKS };
	struct guest *g;
	struct drv d;

	memcpy(spec.disk, s->disk, sizeof(s->disk));
	g = guest_create(&spec);
	guest_driver(g, DISKS - 1, 0, &d);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	guest_destroy(g);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct storm s = { .h = h };

	for (unsigned i = 0; i < DISKS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "disk%u", i);
		s.disk[i] = toolstack_disk(FIRST + i, sim_image(name, 64 << 10, true));
	}
	hostile_boot(h, 0);
	hostile_storm(h);
	for (unsigned n = 0; n < 8 || hostile_goes_on(h); n++) {
		come_and_go(&s, n < 3);
		hardly_there(&s);
		if (n < 5)
			short_life(&s);
	}
	hostile_expect_works(h, "among them");
	/* One more is for kicks. */
	sim_check(hyp_servers(h->g->dom) == (sim_uses_eventfds() ? 2u : 1u), "%u ioreq servers",
		  hyp_servers(h->g->dom));
	hostile_end(h);
	return 0;
}
