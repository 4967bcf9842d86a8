/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants: what a guest lets domain 0 use of its memory, page by page.  As xen/common/grant_table.c
 * has it: a reference that is read-only is never written; one that is mapped cannot be taken back;
 * a copy fails piece by piece, each with its own GNTST_*; a map of several fails as a whole, as
 * gntdev does it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <xengnttab.h>

#include "tests/sim/check.h"
#include "tests/sim/hyp_private.h"

static struct hyp_grant_entry *entry_of(struct hyp_domain *d, uint64_t ref)
{
	return ref < HYP_GRANTS_MAX && d->grants->entry[ref].used ? &d->grants->entry[ref] : NULL;
}

/* The guest's side */

static void grant(struct hyp_domain *d, uint32_t ref, uint64_t gfn, bool read_only)
{
	sim_check(ref < HYP_GRANTS_MAX && !entry_of(d, ref), "grant reference %u is in use", ref);
	d->grants->entry[ref] = (struct hyp_grant_entry){ .used = true,
							  .read_only = read_only,
							  .gfn = gfn };
	d->grants->counts.granted++;
}

void hyp_grant(struct hyp_domain *d, uint32_t ref, uint64_t gfn, bool read_only)
{
	pthread_mutex_lock(&hyp_lock);
	grant(d, ref, gfn, read_only);
	pthread_mutex_unlock(&hyp_lock);
}

/* n free ones from ref on? */
static bool run_is_free(struct hyp_domain *d, uint32_t ref, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (ref + i >= HYP_GRANTS_MAX || d->grants->entry[ref + i].used)
			return false;
	return true;
}

uint32_t hyp_grant_run(struct hyp_domain *d, uint64_t gfn, unsigned n, bool read_only)
{
	struct hyp_grant_table *t = d->grants;
	uint32_t ref = 0;

	pthread_mutex_lock(&hyp_lock);
	for (unsigned tries = 0; !ref && tries < HYP_GRANTS_MAX; tries++) {
		if (t->next < HYP_GRANT_FIRST || t->next + n >= HYP_GRANTS_MAX)
			t->next = HYP_GRANT_FIRST;
		/* One is left free behind it, so that who goes too far is found out. */
		if (run_is_free(d, t->next, n + 1))
			ref = t->next;
		t->next += ref ? n + 1 : 1;
	}
	for (unsigned i = 0; ref && i < n; i++)
		grant(d, ref + i, gfn + i, read_only);
	pthread_mutex_unlock(&hyp_lock);
	return ref;
}

bool hyp_grant_end(struct hyp_domain *d, uint32_t ref)
{
	struct hyp_grant_entry *g;
	bool ended;

	pthread_mutex_lock(&hyp_lock);
	g = entry_of(d, ref);
	ended = !g || !g->mapped;
	if (g && ended) {
		g->used = false;
		d->grants->counts.granted--;
	}
	pthread_mutex_unlock(&hyp_lock);
	return ended;
}

struct hyp_grant_counts hyp_grant_counts(struct hyp_domain *d)
{
	struct hyp_grant_counts counts;

	pthread_mutex_lock(&hyp_lock);
	counts = d->grants->counts;
	pthread_mutex_unlock(&hyp_lock);
	return counts;
}

/* The daemon's side */

static void note_mapping(struct hyp_conn *c, struct hyp_domain *d, uint32_t ref)
{
	struct hyp_grant_mapping *m = malloc(sizeof(*m));

	sim_check(m, "out of memory");
	*m = (struct hyp_grant_mapping){ c->mappings, d->domid, ref };
	c->mappings = m;
	d->grants->entry[ref].mapped++;
	d->grants->counts.mapped++;
}

static int map_grants(struct hyp_conn *c, struct hyp_domain *d, const struct hyp_request *rq,
		      struct hyp_reply *rp, int *ret_fd)
{
	bool writable = rq->arg[0];

	for (unsigned i = 0; i < rq->n; i++) {
		struct hyp_grant_entry *g = entry_of(d, rq->page[i]);
		int64_t page = g && !(g->read_only && writable) ? hyp_memory_page(&d->mem, g->gfn)
								: -1;

		/* All or none, as gntdev does it. */
		if (page < 0)
			return -EINVAL;
		rp->page[i] = page;
	}
	for (unsigned i = 0; i < rq->n; i++)
		note_mapping(c, d, rq->page[i]);
	d->grants->counts.maps++;
	rp->n = rq->n;
	*ret_fd = d->mem.fd;
	return 0;
}

static void drop_mapping(struct hyp_grant_mapping **at)
{
	struct hyp_grant_mapping *m = *at;
	struct hyp_domain *d = hyp_find(m->domid);

	*at = m->next;
	if (d) {
		d->grants->entry[m->ref].mapped--;
		d->grants->counts.mapped--;
	}
	free(m);
}

static int unmap_grants(struct hyp_conn *c, struct hyp_domain *d, const struct hyp_request *rq)
{
	for (unsigned i = 0; i < rq->n; i++) {
		struct hyp_grant_mapping **at = &c->mappings;

		while (*at && ((*at)->domid != d->domid || (*at)->ref != rq->page[i]))
			at = &(*at)->next;
		if (!*at)
			return -ENOENT;
		drop_mapping(at);
	}
	d->grants->counts.unmaps++;
	return 0;
}

void hyp_grant_unmap_all(struct hyp_conn *c)
{
	while (c->mappings)
		drop_mapping(&c->mappings);
}

static int copy_piece(struct hyp_conn *c, struct hyp_domain *d, const struct hyp_copy *s)
{
	struct hyp_grant_entry *g;
	struct iovec ours, theirs = { (void *)(uintptr_t)s->virt, s->len };
	int64_t page;
	ssize_t n;

	if (!d)
		return GNTST_bad_domain;
	if (d->no_grants)
		return GNTST_permission_denied;
	/* Beyond the table, or in it and of no use: never granted, revoked. */
	if (s->ref >= HYP_GRANTS_MAX)
		return GNTST_bad_gntref;
	g = entry_of(d, s->ref);
	if (!g)
		return GNTST_general_error;
	if (s->into && g->read_only)
		return GNTST_general_error;
	page = hyp_memory_page(&d->mem, g->gfn);
	if (page < 0)
		return GNTST_bad_page;
	if (s->offset > HYP_PAGE_SIZE || s->len > HYP_PAGE_SIZE - s->offset)
		return GNTST_bad_copy_arg;
	ours = (struct iovec){ d->mem.base + (page << HYP_PAGE_SHIFT) + s->offset, s->len };
	if (s->into)
		n = process_vm_readv(c->pid, &ours, 1, &theirs, 1, 0);
	else
		n = process_vm_writev(c->pid, &ours, 1, &theirs, 1, 0);
	return n == (ssize_t)s->len ? GNTST_okay : GNTST_bad_virt_addr;
}

static int copy_grants(struct hyp_conn *c, struct hyp_domain *d, const struct hyp_request *rq,
		       struct hyp_reply *rp)
{
	struct hyp_grant_counts nobodys, *counts = d ? &d->grants->counts : &nobodys;

	rp->n = rq->n / HYP_COPY_WORDS;
	for (unsigned i = 0; i < rp->n; i++) {
		struct hyp_copy s;

		memcpy(&s, &rq->page[i * HYP_COPY_WORDS], sizeof(s));
		rp->page[i] = copy_piece(c, d, &s);
		counts->failed_copies += rp->page[i] != GNTST_okay;
	}
	counts->copies += rp->n;
	counts->copy_hypercalls++;
	return 0;
}

int hyp_grant_op(struct hyp_conn *c, struct hyp_domain *d, const struct hyp_request *rq,
		 struct hyp_reply *rp, int *ret_fd)
{
	/* d is NULL if there is no such domain: an error of each operation, as any other. */
	switch (rq->op) {
	case HYP_MAP_GRANTS:
		return d && !d->no_grants ? map_grants(c, d, rq, rp, ret_fd) : -EINVAL;
	case HYP_UNMAP_GRANTS:
		return d ? unmap_grants(c, d, rq) : -ESRCH;
	case HYP_COPY_GRANTS:
		return copy_grants(c, d, rq, rp);
	default:
		return -EOPNOTSUPP;
	}
}
