/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxengnttab: map, unmap and copy. */
#include <errno.h>
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

static int copy_one(xengnttab_handle *x, xengnttab_grant_copy_segment_t *s)
{
	bool into = s->flags & GNTCOPY_dest_gref;
	uint32_t ref = into ? s->dest.foreign.ref : s->source.foreign.ref;
	uint16_t off = into ? s->dest.foreign.offset : s->source.foreign.offset;
	struct hyp_request rq = { .op = HYP_COPY_GRANT,
				  .domid = into ? s->dest.foreign.domid : s->source.foreign.domid,
				  .n = 1 + (into ? (s->len + 7u) / 8 : 0),
				  .arg = { into, off, s->len } };
	struct hyp_reply rp;

	if (s->len > HYP_PAGE_SIZE)
		return -1;
	rq.page[0] = ref;
	if (into)
		memcpy(&rq.page[1], s->source.virt, s->len);
	if (xensim_call(&x->h, &rq, &rp, NULL) < 0)
		return -1;
	if (!into)
		memcpy(s->dest.virt, rp.page, s->len);
	return 0;
}

int xengnttab_grant_copy(xengnttab_handle *x, uint32_t count, xengnttab_grant_copy_segment_t *segs)
{
	if (fault_libxen(FAULT_GNTTAB_COPY, &errno))
		return -1;
	for (uint32_t i = 0; i < count; i++)
		segs[i].status = copy_one(x, &segs[i]) < 0 ? GNTST_bad_gntref : GNTST_okay;
	return 0;
}
