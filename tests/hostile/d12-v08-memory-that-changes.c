/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D12, V8: descriptors, an indirect table, the header or the available index change while
 * they are being looked at.  Each field is read once; whatever it was, nothing outside the
 * buffers is written.
 */
#include "tests/hostile/frame/hostile.h"
#include "tests/hostile/frame/load.h"

#define ROUNDS	  300
#define UNTOUCHED (HYP_RAM0_BASE + (12ull << 20)) /* of the attacker's 16 MiB */

enum what { DESCRIPTORS, INDIRECT, HEADER, INDEX, NR_WHAT };

struct attack {
	struct hostile *h;
	enum what what;
	uint64_t table, header, data; /* the request */
	atomic_bool stop;
};

/* The descriptors of a read, or the same with one field made bad. */
static void put_descriptors(struct attack *a, uint32_t random)
{
	unsigned i = random % 3;
	static const uint16_t flags[] = { DESC_NEXT, DESC_NEXT | DESC_WRITE, DESC_WRITE };
	const uint64_t addr[] = { a->header, a->data, a->data + 4096 };
	const uint32_t len[] = { 16, 4096, 1 };
	struct drv *d = &a->h->d;

	switch (random >> 8 & 7) {
	case 0:
		drv_put_desc(d, a->table, i, UINT64_MAX - 8, len[i], flags[i], i + 1);
		break;
	case 1:
		drv_put_desc(d, a->table, i, addr[i], random, flags[i], i + 1);
		break;
	case 2:
		drv_put_desc(d, a->table, i, addr[i], len[i], random >> 16, i + 1);
		break;
	case 3:
		drv_put_desc(d, a->table, i, addr[i], len[i], flags[i], random >> 16);
		break;
	default:
		drv_put_desc(d, a->table, i, addr[i], len[i], flags[i], i + 1);
	}
}

static void put_header(struct attack *a, uint32_t random)
{
	static const uint32_t types[] = { T_IN, T_OUT, T_FLUSH, 99 };
	static const uint64_t sectors[] = { 0, 2040, 2041, 1ull << 55 };
	uint8_t *header = drv_ram(&a->h->d, a->header, 16);

	memcpy(header, &types[random % 4], 4);
	memcpy(header + 8, &sectors[random >> 8 & 3], 8);
}

static void *flip(void *arg)
{
	struct attack *a = arg;
	uint64_t seed = 1 + a->what;

	while (!a->stop) {
		uint32_t random = drv_random(&seed);

		if (a->what == HEADER)
			put_header(a, random);
		else if (a->what == INDEX)
			__atomic_store_n((uint16_t *)drv_ram(&a->h->d, a->h->d.q[0].avail + 2, 2),
					 random % 8 ? random >> 8 & 127 : random >> 16,
					 __ATOMIC_RELAXED);
		else
			put_descriptors(a, random);
	}
	return NULL;
}

/* As drv_boot() does it, but the device may break while that goes on. */
static void start_anew(struct attack *a)
{
	struct drv *d = &a->h->d;

	drv_negotiate(d, drv_offered(d));
	drv_setup_queue(d, 0, 128);
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	if (a->what == INDIRECT)
		drv_desc(&d->q[0], 0, a->table, 3 * 16, DESC_INDIRECT, 0);
}

/* One more request on the same descriptors; a broken device is started anew. */
static void request(struct attack *a)
{
	struct hostile *h = a->h;
	struct drv_queue *q = &h->d.q[0];
	uint16_t used = drv_used_idx(q);
	unsigned looks = 0;

	drv_avail(q, 0);
	drv_kick(q);
	while (looks++ < 100 && !(drv_status(&h->d) & S_NEEDS_RESET))
		if (drv_used_idx(q) != used)
			return;
	start_anew(a);
}

static void attack(struct hostile *h, enum what what)
{
	struct attack a = { .h = h, .what = what };
	pthread_t thread;

	hostile_boot(h, 0);
	a.header = hostile_header(h, T_IN, 0);
	a.data = drv_alloc(&h->d, 4096 + 1);
	a.table = what == INDIRECT ? drv_alloc(&h->d, 3 * 16) : h->d.q[0].desc;
	for (unsigned i = 0; i < 3; i++)
		put_descriptors(&a, 7 << 8 | i);
	if (what == INDIRECT)
		drv_desc(&h->d.q[0], 0, a.table, 3 * 16, DESC_INDIRECT, 0);
	hostile_storm(h);
	thread = guest_run(flip, &a);
	for (unsigned n = 0; n < ROUNDS || hostile_goes_on(h); n++)
		request(&a);
	a.stop = true;
	guest_join(thread);
	drv_reset(&h->d);
	for (unsigned i = 1; i <= 16; i++)
		sim_check(*(uint8_t *)drv_ram(&h->d, a.data + 4096 + i, 1) == BLK_PENDING &&
				  *(uint8_t *)drv_ram(&h->d, a.data - i, 1) == BLK_PENDING,
			  "memory beside the data was written");
}

/*
 * The worker is stopped between looking at an indirect descriptor and at its table, where it maps
 * or copies the table: the length that it goes on with is the one that it has checked.
 */
static void table_that_grows(struct hostile *h)
{
	struct fault_rule hold = { .ops = FAULT_BIT(h->d.grants ? FAULT_GNTTAB_COPY : FAULT_FM_MAP),
				   .process = h->g->domid,
				   .action = FAULT_HOLD };
	uint64_t table = UNTOUCHED;
	struct drv_queue *q = &h->d.q[0];
	struct load *l = &h->neighbour;
	unsigned rule;

	/* Or the worker may be stopped while it copies something else. */
	load_stop(l);
	hostile_boot(h, 0);
	drv_put_desc(&h->d, table, 0, hostile_header(h, T_FLUSH, 0), 16, DESC_NEXT, 5);
	drv_put_desc(&h->d, table, 5, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	drv_desc(q, 0, table, 2 * 16, DESC_INDIRECT, 0);
	drv_avail(q, 0);
	rule = faults_add(&sim.faults, &hold);
	drv_kick(q);
	faults_wait_held(&sim.faults, rule, 1);
	drv_desc(q, 0, table, 8 * 16, DESC_INDIRECT, 0);
	faults_remove(&sim.faults, rule);
	load_start(l, h->g, 1, l->d.vcpu, l->image);
	hostile_expect_fault(h, "a next descriptor outside the table as it was");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	table_that_grows(h); /* first, while that is not mapped */
	for (enum what what = 0; what < NR_WHAT; what++)
		attack(h, what);
	hostile_end(h);
	return 0;
}
