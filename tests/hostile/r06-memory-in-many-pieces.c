/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R6: a guest that has given back every second page of its memory lets all others be touched: each
 * is a mapping of its own.  Their number is bounded, and so the worker stays below what Linux lets
 * a process have; when the bound is reached all begins anew.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define RAM	     (240ull << 20)
#define FIRST	     (HYP_RAM0_BASE + (16 << 20))
#define PIECES	     ((unsigned)((RAM - (16 << 20)) / 8192))
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

int main(void)
{
	struct hostile *h = hostile_start(
		&(struct hostile_spec){ .ram0 = RAM, .quiet_neighbour = true });
	unsigned most = 0;

	hostile_boot(h, 0);
	sim_check(hyp_balloon_out_many(h->g->dom, 0, (FIRST >> 12) + 1, PIECES, 2) == HYP_OK,
		  "give back every second page");
	for (unsigned n = 0; n < PIECES / PER_REQUEST; n++) {
		sim_check(touch(h, n * PER_REQUEST, PER_REQUEST) == BLK_OK, "request %u", n);
		if (n % 16 == 0)
			most = MAX(most, mappings(h->worker));
	}
	sim_check(most < MAPPINGS_MAX, "%u mappings", most);
	sim_check(h->d.grants || sim_log_count("its pages are too scattered", "") == 1,
		  "the bound was not reached once");
	hostile_expect_works(h, "after that");
	hostile_end(h);
	return 0;
}
