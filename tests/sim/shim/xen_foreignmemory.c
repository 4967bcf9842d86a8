/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxenforeignmemory. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenforeignmemory.h>
#include <xen/memory.h>

#include "tests/sim/shim/faults.h"
#include "tests/sim/shim/xen.h"

struct xenforeignmemory_handle {
	struct xensim_handle h;
};

struct xenforeignmemory_resource_handle {
	void *addr;
	size_t bytes;
	unsigned server;
	xenforeignmemory_resource_handle *next;
};

/* All that are mapped. */
static xenforeignmemory_resource_handle *resources;

int xensim_server_at(uint64_t addr)
{
	for (const xenforeignmemory_resource_handle *r = resources; r; r = r->next)
		if ((uintptr_t)r->addr == addr)
			return r->server;
	return -1;
}

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return xensim_open(sizeof(struct xenforeignmemory_handle), FAULT_FM_OPEN,
			   HYP_FOREIGN_MEMORY, NULL);
}

int xenforeignmemory_close(xenforeignmemory_handle *f)
{
	if (!f)
		return 0;
	xensim_close(&f->h);
	return 0;
}

int xenforeignmemory_restrict(xenforeignmemory_handle *f, domid_t domid)
{
	return xensim_simple(&f->h, HYP_RESTRICT, domid, 0, 0, 0, NULL);
}

void *xenforeignmemory_map2(xenforeignmemory_handle *f, uint32_t dom, void *addr, int prot,
			    int flags, size_t pages, const xen_pfn_t arr[], int err[])
{
	struct hyp_request rq = { .op = HYP_MAP, .domid = dom, .n = pages };
	struct hyp_reply rp;
	bool any = false;
	int fd;
	void *p;

	(void)flags; /* addr says it all */
	if (pages > HYP_BATCH_MAX) {
		errno = E2BIG;
		return NULL;
	}
	if (fault_libxen(FAULT_FM_MAP, &errno))
		return NULL;
	for (size_t i = 0; i < pages; i++)
		rq.page[i] = arr[i];
	if (xensim_call(&f->h, &rq, &rp, &fd) < 0)
		return NULL;
	for (size_t i = 0; i < pages; i++) {
		int e = rp.page[i] < 0 ? (int)rp.page[i] : 0;

		any |= e != 0;
		if (err)
			err[i] = e;
	}
	/* Without err[] one bad page fails it all. */
	if (any && !err) {
		close(fd);
		errno = EINVAL;
		return NULL;
	}
	p = xensim_map_pages(fd, addr, prot, pages, rp.page);
	close(fd);
	return p;
}

void *xenforeignmemory_map(xenforeignmemory_handle *f, uint32_t dom, int prot, size_t pages,
			   const xen_pfn_t arr[], int err[])
{
	return xenforeignmemory_map2(f, dom, NULL, prot, 0, pages, arr, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *f, void *addr, size_t pages)
{
	(void)f;
	return munmap(addr, pages << HYP_PAGE_SHIFT);
}

xenforeignmemory_resource_handle *xenforeignmemory_map_resource(xenforeignmemory_handle *f,
								domid_t domid, unsigned type,
								unsigned id, unsigned long frame,
								unsigned long nr_frames,
								void **paddr, int prot, int flags)
{
	const struct hyp_request rq = { .op = HYP_MAP_RESOURCE,
					.domid = domid,
					.arg = { id, frame, nr_frames } };
	xenforeignmemory_resource_handle *res = calloc(1, sizeof(*res));
	int fd;

	(void)flags;
	if (type != XENMEM_resource_ioreq_server)
		errno = EOPNOTSUPP;
	if (!res || type != XENMEM_resource_ioreq_server ||
	    fault_libxen(FAULT_FM_MAP_RESOURCE, &errno) || xensim_call(&f->h, &rq, NULL, &fd) < 0) {
		free(res);
		return NULL;
	}
	res->bytes = nr_frames << HYP_PAGE_SHIFT;
	res->addr = mmap(*paddr, res->bytes, prot, MAP_SHARED | (*paddr ? MAP_FIXED : 0), fd, 0);
	close(fd);
	if (res->addr == MAP_FAILED) {
		free(res);
		return NULL;
	}
	res->server = id;
	res->next = resources;
	resources = res;
	*paddr = res->addr;
	return res;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *f,
				    xenforeignmemory_resource_handle *res)
{
	int r;

	(void)f;
	if (fault_libxen(FAULT_FM_UNMAP_RESOURCE, &errno))
		return -1;
	r = munmap(res->addr, res->bytes);
	for (xenforeignmemory_resource_handle **p = &resources; *p; p = &(*p)->next) {
		if (*p != res)
			continue;
		*p = res->next;
		break;
	}
	free(res);
	return r;
}

int xenforeignmemory_resource_size(xenforeignmemory_handle *f, domid_t domid, unsigned type,
				   unsigned id, size_t *size)
{
	(void)f;
	(void)domid;
	(void)id;
	if (type != XENMEM_resource_ioreq_server) {
		errno = EOPNOTSUPP;
		return -1;
	}
	/* The page of buffered ioreqs, if it were there, and the page of the others. */
	*size = 2 * HYP_PAGE_SIZE;
	return 0;
}
