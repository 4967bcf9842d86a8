/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One disk has always more requests than there is room to map memory for: the guest's other disk,
 * and the other queue of the same disk, are served meanwhile.
 */
#include <stdatomic.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define PAGES  400 /* that the busy queue reads into, one after the other */
#define EACH   10  /* of them for one request */
#define ROOM   24  /* pages: two requests of the busy queue and the rings don't fit */
#define DEPTH  12
#define ENOUGH 6 /* requests of those who have few */

static struct guest *g;
static struct drv busy, other;
static atomic_bool stop;
static uint64_t pages, header, status;

/* A request that reads a sector into each of these pages. */
static void add(unsigned q, unsigned page, unsigned n)
{
	struct drv_seg segs[EACH + 2] = { { header, 16, false } };

	for (unsigned i = 0; i < n; i++)
		segs[1 + i] = (struct drv_seg){ pages + (page + i) * 4096ull, 512, true };
	segs[1 + n] = (struct drv_seg){ status, 1, true };
	drv_avail(&busy.q[q], drv_chain(&busy.q[q], segs, n + 2, 9));
}

/* The first vCPU does that for both queues. */
static void kick(void)
{
	drv_kick(&busy.q[0]);
	drv_kick(&busy.q[1]);
}

static void *keep_busy(void *arg)
{
	unsigned n = 0;
	uint32_t id, len;

	(void)arg;
	for (; n < DEPTH; n++)
		add(0, n * EACH % PAGES, EACH);
	kick();
	while (!atomic_load(&stop)) {
		if (!drv_used(&busy.q[0], &id, &len))
			continue;
		add(0, n++ * EACH % PAGES, EACH);
		kick();
	}
	for (unsigned i = 0; i < DEPTH; i++)
		drv_wait_used(&busy.q[0], &id, &len);
	return NULL;
}

int main(void)
{
	struct guest_spec spec = { .nr_disks = 2, .ram0 = 64 << 20, .vcpus = 2 };
	uint8_t data[512], expected[512];
	pthread_t thread;
	uint32_t id, len;

	sim_start(NULL);
	spec.disk[0] = toolstack_disk(0, sim_image("busy", 1 << 20, true));
	spec.disk[1] = toolstack_disk(1, sim_image("other", 1 << 20, true));
	g = guest_create(&spec);
	guest_driver(g, 0, 0, &busy);
	guest_driver(g, 1, 0, &other);
	other.vcpu = 1;
	pages = g->machine.ops->alloc(&g->machine, (PAGES + 1) * 4096);
	drv_ready(&busy, drv_offered(&busy), 2);
	drv_boot(&other, 0);
	header = drv_alloc(&busy, 16);
	status = drv_alloc(&busy, 1);
	hyp_limit_mapping(g->dom, ROOM);
	/* What was mapped before is unmapped. */
	sim_check(hyp_balloon_out(g->dom, 1, (HYP_RAM0_BASE + g->ram0 - 4096) >> 12) == HYP_OK,
		  "give a page back");
	thread = guest_run(keep_busy, NULL);
	sim_pattern(1, expected);
	for (unsigned i = 0; i < ENOUGH; i++) {
		sim_check(drv_io(&other, T_IN, 1, NULL, 0, data, 512) == BLK_OK, "a read");
		sim_check(!memcmp(data, expected, 512), "what was read");
		add(1, PAGES, 1);
		for (unsigned step = 0; !drv_used(&busy.q[1], &id, &len);)
			sim_step(&step, "an answer of the other queue");
	}
	atomic_store(&stop, true);
	guest_join(thread);
	guest_destroy(g);
	sim_stop();
	return 0;
}
