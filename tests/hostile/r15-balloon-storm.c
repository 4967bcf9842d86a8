/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R15: one vCPU gives pages back and takes them again, all the time, while another one has reads
 * into the same pages in flight.  Those are answered, in whatever way; a page that was given back
 * is not written any more, which guest_destroy() sees.
 */
#include "tests/hostile/frame/hostile.h"

#define PAGES	 8
#define BALLOONS 2000 /* at most: each takes a spare page */

struct storm {
	struct hostile *h;
	uint64_t gpa;
};

static void *balloon(void *arg)
{
	struct storm *s = arg;

	for (unsigned n = 0; n < BALLOONS && (n < 100 || hostile_goes_on(s->h)); n++) {
		uint64_t gfn = (s->gpa >> 12) + n % PAGES;

		sim_check(hyp_balloon_out(s->h->g->dom, 1, gfn) == HYP_OK, "give back");
		hyp_populate(s->h->g->dom, gfn);
	}
	return NULL;
}

/* A read of a page into each of them. */
static void request(struct storm *s)
{
	struct drv_seg segs[PAGES + 2];
	struct drv_queue *q = &s->h->d.q[0];
	uint32_t id, len;
	uint8_t status;

	drv_free_all(&s->h->d);
	segs[0] = (struct drv_seg){ hostile_header(s->h, T_IN, 0), 16, false };
	for (unsigned i = 0; i < PAGES; i++)
		segs[1 + i] = (struct drv_seg){ s->gpa + i * 4096ull, 4096, true };
	segs[PAGES + 1] = (struct drv_seg){ drv_alloc(&s->h->d, 1), 1, true };
	drv_avail(q, drv_chain(q, segs, PAGES + 2, 0));
	drv_kick(q);
	drv_wait_used(q, &id, &len);
	status = *(uint8_t *)drv_ram(&s->h->d, segs[PAGES + 1].gpa, 1);
	sim_check(status == BLK_OK || status == BLK_IOERR, "status %u", status);
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = 2 });
	struct storm s = { .h = h };
	pthread_t thread;

	s.gpa = h->g->machine.ops->alloc(&h->g->machine, PAGES * 4096);
	hostile_boot(h, 0);
	hostile_storm(h);
	thread = guest_run(balloon, &s);
	for (unsigned n = 0; n < 100 || hostile_goes_on(h); n++)
		request(&s);
	guest_join(thread);
	hostile_end(h);
	return 0;
}
