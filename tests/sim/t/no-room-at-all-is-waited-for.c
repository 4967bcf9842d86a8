/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Others have all the room that there is to map guest memory: requests wait, and are answered when
 * there is some.  So do queues that are set up meanwhile.
 */
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

static struct guest *g;
static struct drv d;

static void *frees_room(void *arg)
{
	sim_log_wait("there is no room to map", "", *(unsigned *)arg);
	hyp_limit_mapping(g->dom, 0);
	return NULL;
}

/* No room from now on, until the daemon has missed it three times: the n-th time. */
static pthread_t take_room(unsigned n)
{
	static unsigned lines;

	lines = 3 * n;
	hyp_limit_mapping(g->dom, 1);
	/* What was mapped before is unmapped. */
	sim_check(hyp_balloon_out(g->dom, 0, ((HYP_RAM0_BASE + g->ram0) >> 12) - n) == HYP_OK,
		  "give a page back");
	return guest_run(frees_room, &lines);
}

int main(void)
{
	uint8_t data[512], expected[512];
	pthread_t thread;

	sim_start(NULL);
	g = guest_create_usual(sim_image("disk", 1 << 20, true));
	guest_driver(g, 0, 0, &d);
	sim_pattern(1, expected);

	thread = take_room(1);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_IN, 1, NULL, 0, data, 512) == BLK_OK, "a read");
	sim_check(!memcmp(data, expected, 512), "what was read");
	guest_join(thread);

	thread = take_room(2);
	memset(data, 0, sizeof(data));
	sim_check(drv_io(&d, T_IN, 1, NULL, 0, data, 512) == BLK_OK, "a read");
	sim_check(!memcmp(data, expected, 512), "what was read");
	guest_join(thread);

	guest_destroy(g);
	sim_stop();
	return 0;
}
