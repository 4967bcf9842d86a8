/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grants as a guest's kernel keeps them: who has which references, and for what. */
#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define PAGE	      4096
#define GRANT_ADDRESS (1ull << 63)

/* A range that is granted, at its first reference. */
struct range {
	uint64_t owner; /* 0: none begins here */
	uint64_t gpa;	/* of the first page */
	uint32_t pages;
	unsigned users; /* times that it was granted and not taken back */
};

struct guest_grants {
	struct range range[HYP_GRANTS_MAX];
	uint32_t end; /* beyond the last that was ever used */
	pthread_mutex_t lock;
};

struct guest_grants *guest_grants_new(void)
{
	struct guest_grants *gr = calloc(1, sizeof(*gr));

	sim_check(gr && pthread_mutex_init(&gr->lock, NULL) == 0, "out of memory");
	return gr;
}

uint64_t guest_grant(struct machine *m, uint64_t owner, uint64_t gpa, uint64_t len, bool read_only)
{
	struct guest *g = guest_of(m);
	uint64_t first = gpa / PAGE, pages;
	uint32_t ref;

	if (!len || gpa + len < gpa)
		return 0;
	pages = (gpa + len - 1) / PAGE - first + 1;
	for (uint64_t i = 0; i < pages; i++)
		if (!hyp_ram(g->dom, (first + i) * PAGE, 1))
			return 0;
	ref = hyp_grant_run(g->dom, first, pages, read_only);
	sim_check(ref, "%s has no references left for %llu pages", g->name,
		  (unsigned long long)pages);
	pthread_mutex_lock(&g->grants->lock);
	g->grants->range[ref] = (struct range){ owner, first * PAGE, pages, 1 };
	if (g->grants->end <= ref)
		g->grants->end = ref + 1;
	pthread_mutex_unlock(&g->grants->lock);
	return GRANT_ADDRESS | (uint64_t)ref * PAGE | gpa % PAGE;
}

/* The range that begins at an address, or NULL.  With the lock held. */
static struct range *find(struct guest *g, uint64_t owner, uint64_t addr)
{
	uint64_t ref = (addr & ~GRANT_ADDRESS) / PAGE;

	if (!(addr & GRANT_ADDRESS) || ref >= HYP_GRANTS_MAX)
		return NULL;
	return g->grants->range[ref].owner == owner ? &g->grants->range[ref] : NULL;
}

static bool end_range(struct guest *g, struct range *r)
{
	uint32_t ref = r - g->grants->range;
	bool all = true;

	for (uint32_t i = 0; i < r->pages; i++)
		all &= hyp_grant_end(g->dom, ref + i);
	if (all)
		r->owner = 0;
	return all;
}

bool guest_grant_end(struct machine *m, uint64_t owner, uint64_t addr)
{
	struct guest *g = guest_of(m);
	struct range *r;
	bool ended;

	pthread_mutex_lock(&g->grants->lock);
	r = find(g, owner, addr);
	ended = r && (--r->users || end_range(g, r));
	pthread_mutex_unlock(&g->grants->lock);
	return ended;
}

bool guest_grant_end_all(struct machine *m, uint64_t owner)
{
	struct guest *g = guest_of(m);
	bool all = true;

	pthread_mutex_lock(&g->grants->lock);
	for (uint32_t ref = 0; ref < g->grants->end; ref++)
		if (g->grants->range[ref].owner == owner)
			all &= end_range(g, &g->grants->range[ref]);
	pthread_mutex_unlock(&g->grants->lock);
	return all;
}

uint64_t guest_grant_gpa(struct machine *m, uint64_t owner, uint64_t addr, bool again)
{
	struct guest *g = guest_of(m);
	struct range *r;
	uint64_t gpa;

	pthread_mutex_lock(&g->grants->lock);
	r = find(g, owner, addr);
	gpa = r ? r->gpa + addr % PAGE : 0;
	if (r && again)
		r->users++;
	pthread_mutex_unlock(&g->grants->lock);
	return gpa;
}
