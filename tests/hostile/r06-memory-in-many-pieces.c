/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R6: a guest that has given back every second page of its memory lets all others be touched: each
 * is a mapping of its own.  Their number is bounded, and so the worker stays below what Linux lets
 * a process have; pages beyond the bound are as if they were missing.  When the guest balloons
 * again, all begins anew.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define RAM	     (240ull << 20)
#define FIRST	     (HYP_RAM0_BASE + (16 << 20))
#define PIECES	     ((unsigned)((RAM - (16 << 20)) / 8192))
#define BOUND	     28000 /* MAPPINGS_MAX of transport/guest_mem_foreign.c */
#define PER_REQUEST  120
#define MAPPINGS_MAX 65530 /* of Linux */

static unsigned mappings(pid_t pid)
{
	char path[64], line[512];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	sim_check(f, "%s", path);
	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	return n;
}

/* A read into so many pages from number first on; its status. */
static uint8_t touch(struct hostile *h, unsigned first, unsigned n)
{
	struct drv_seg s[PER_REQUEST + 2];
	struct drv_queue *q = &h->d.q[0];
	uint32_t id, len;

	drv_free_all(&h->d);
	s[0] = (struct drv_seg){ hostile_header(h, T_IN, 0), 16, false };
	for (unsigned i = 0; i < n; i++)
		s[1 + i] = (struct drv_seg){ FIRST + (first + i) * 8192ull, DRV_SECTOR, true };
	s[n + 1] = (struct drv_seg){ drv_alloc(&h->d, 1), 1, true };
	drv_avail(q, drv_chain(q, s, n + 2, 0));
	drv_kick(q);
	drv_wait_used(q, &id, &len);
	return *(uint8_t *)drv_ram(&h->d, s[n + 1].gpa, 1);
}

/* How many requests touch their pages, before those are too many. */
static unsigned touch_all(struct hostile *h)
{
	unsigned good = 0;

	for (unsigned first = 0; first + PER_REQUEST <= PIECES; first += PER_REQUEST)
		good += touch(h, first, PER_REQUEST) == BLK_OK;
	return good;
}

int main(void)
{
	struct hostile *h = hostile_start(
		&(struct hostile_spec){ .ram0 = RAM, .quiet_neighbour = true });
	unsigned good;

	hostile_boot(h, 0);
	sim_check(hyp_balloon_out_many(h->g->dom, 0, (FIRST >> 12) + 1, PIECES, 2) == HYP_OK,
		  "give back every second page");
	good = touch_all(h);
	if (h->d.grants) {
		/* Of a request nothing is ever mapped. */
		sim_check(good == PIECES / PER_REQUEST, "only %u requests were served", good);
		hostile_end(h);
		return 0;
	}
	sim_check(good >= BOUND / 2 / PER_REQUEST && good < PIECES / PER_REQUEST,
		  "%u of %u requests were served", good, PIECES / PER_REQUEST);
	sim_check(mappings(h->worker) < MAPPINGS_MAX, "%u mappings", mappings(h->worker));
	/* What is mapped goes on; the rest does not come closer. */
	hostile_expect_works(h, "with the bound reached");
	touch_all(h);
	sim_check(mappings(h->worker) < MAPPINGS_MAX, "%u mappings", mappings(h->worker));

	hyp_populate(h->g->dom, (FIRST >> 12) + 1);
	sim_check(hyp_balloon_out(h->g->dom, 0, (FIRST >> 12) + 1) == HYP_OK, "balloon again");
	sim_check(touch(h, PIECES - PER_REQUEST, PER_REQUEST) == BLK_OK, "after that");
	hostile_end(h);
	return 0;
}
