/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxengnttab: map, unmap and copy. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xengnttab.h>

#include "tests/sim/shim/faults.h"
#include "tests/sim/shim/xen.h"

/* A mapping that has been made, to be found again by its address. */
struct mapping {
	struct mapping *next;
	void *addr;
	uint32_t n, domid;
	uint64_t *ref;
};

struct xengntdev_handle {
	struct xensim_handle h;
	struct mapping *mappings;
};

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return xensim_open(sizeof(struct xengntdev_handle), FAULT_GNTTAB_OPEN, HYP_GRANTS, NULL);
}

static int drop(xengnttab_handle *x, struct mapping **p)
{
	struct mapping *m = *p;
	struct hyp_request rq = { .op = HYP_UNMAP_GRANTS, .domid = m->domid, .n = m->n };

	memcpy(rq.page, m->ref, m->n * sizeof(*m->ref));
	munmap(m->addr, (size_t)m->n << HYP_PAGE_SHIFT);
	*p = m->next;
	free(m->ref);
	free(m);
	/* Of a domain that is gone there is nothing left to give back. */
	return xensim_call(&x->h, &rq, NULL, NULL) < 0 && errno != ESRCH ? -1 : 0;
}

int xengnttab_close(xengnttab_handle *x)
{
	if (!x)
		return 0;
	while (x->mappings)
		drop(x, &x->mappings);
	xensim_close(&x->h);
	return 0;
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *x, uint32_t count, uint32_t domid,
				      uint32_t *refs, int prot)
{
	struct hyp_request rq = { .op = HYP_MAP_GRANTS,
				  .domid = domid,
				  .n = count,
				  .arg = { (prot & PROT_WRITE) != 0 } };
	struct mapping *m = calloc(1, sizeof(*m));
	struct hyp_reply rp;
	int fd;

	if (!m || count > HYP_BATCH_MAX || fault_libxen(FAULT_GNTTAB_MAP, &errno))
		goto fail;
	for (uint32_t i = 0; i < count; i++)
		rq.page[i] = refs[i];
	m->ref = calloc(count, sizeof(*m->ref));
	if (!m->ref || xensim_call(&x->h, &rq, &rp, &fd) < 0)
		goto fail;
	memcpy(m->ref, rq.page, count * sizeof(*m->ref));
	m->addr = xensim_map_pages(fd, NULL, prot, count, rp.page);
	close(fd);
	m->n = count;
	m->domid = domid;
	m->next = x->mappings;
	x->mappings = m;
	if (m->addr)
		return m->addr;
	drop(x, &x->mappings);
	return NULL;
fail:
	if (m)
		free(m->ref);
	free(m);
	return NULL;
}

void *xengnttab_map_grant_ref(xengnttab_handle *x, uint32_t domid, uint32_t ref, int prot)
{
	return xengnttab_map_domain_grant_refs(x, 1, domid, &ref, prot);
}

int xengnttab_unmap(xengnttab_handle *x, void *start_address, uint32_t count)
{
	if (fault_libxen(FAULT_GNTTAB_UNMAP, &errno))
		return -1;
	for (struct mapping **p = &x->mappings; *p; p = &(*p)->next)
		if ((*p)->addr == start_address && (*p)->n == count)
			return drop(x, p);
	errno = EINVAL;
	return -1;
}

/*
 * What is gathered for a hypercall, as drivers/xen/gntdev.c does it: so many pieces, each within a
 * page on both sides.
 */
struct batch {
	xengnttab_handle *x;
	struct hyp_request rq;
	xengnttab_grant_copy_segment_t *of[HYP_COPY_BATCH]; /* what a piece is a part of */
};

static int batch_send(struct batch *b)
{
	unsigned n = b->rq.n / HYP_COPY_WORDS;
	struct hyp_reply rp;

	if (n && xensim_call(&b->x->h, &b->rq, &rp, NULL) < 0)
		return -1;
	/* The first piece that fails is what the segment says. */
	for (unsigned i = 0; i < n; i++)
		if (b->of[i]->status == GNTST_okay)
			b->of[i]->status = rp.page[i];
	b->rq.n = 0;
	return 0;
}

static int batch_add(struct batch *b, const struct hyp_copy *c, xengnttab_grant_copy_segment_t *s)
{
	if (b->rq.n == HYP_COPY_BATCH * HYP_COPY_WORDS && batch_send(b) < 0)
		return -1;
	memcpy(&b->rq.page[b->rq.n], c, sizeof(*c));
	b->of[b->rq.n / HYP_COPY_WORDS] = s;
	b->rq.n += HYP_COPY_WORDS;
	return 0;
}

static int batch_segment(struct batch *b, xengnttab_grant_copy_segment_t *s)
{
	bool into = s->flags & GNTCOPY_dest_gref;
	const union xengnttab_copy_ptr *guests = into ? &s->dest : &s->source;
	struct hyp_copy c = {
		.ref = guests->foreign.ref,
		.virt = (uintptr_t)(into ? s->source.virt : s->dest.virt),
		.offset = guests->foreign.offset,
		.into = into,
	};
	unsigned left = s->len;

	if (guests->foreign.offset + s->len > HYP_PAGE_SIZE) {
		errno = EINVAL;
		return -1;
	}
	s->status = GNTST_okay;
	/* All of one domain: more is not needed. */
	b->rq.domid = guests->foreign.domid;
	for (; left; left -= c.len, c.virt += c.len, c.offset += c.len) {
		unsigned room = HYP_PAGE_SIZE - c.virt % HYP_PAGE_SIZE;

		c.len = left < room ? left : room;
		if (batch_add(b, &c, s) < 0)
			return -1;
	}
	return 0;
}

int xengnttab_grant_copy(xengnttab_handle *x, uint32_t count, xengnttab_grant_copy_segment_t *segs)
{
	struct batch b = { .x = x };

	if (fault_libxen(FAULT_GNTTAB_COPY, &errno))
		return -1;
	b.rq.op = HYP_COPY_GRANTS;
	for (uint32_t i = 0; i < count; i++)
		if (batch_segment(&b, &segs[i]) < 0)
			return -1;
	return batch_send(&b);
}
