/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory by grants, as Linux gives it to a device behind xen,grant-dma. */
#include <endian.h>
#include <string.h>

#include "tests/guest/driver.h"
#include "tests/sim/check.h"

/* Longer chains are no chains. */
#define WALK_MAX 2048

/*
 * Of the largest queue's parts; the driver says where a part is before, or after, how large it is.
 */
#define RING_BYTES (16u << 10)

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* A descriptor as the driver has it in memory: false if there is no memory. */
static bool read_desc(struct drv *d, uint64_t gpa, struct desc *ret)
{
	const void *p = d->m->ops->ram(d->m, gpa, sizeof(*ret));

	if (!p)
		return false;
	memcpy(ret, p, sizeof(*ret));
	ret->addr = le64toh(ret->addr);
	ret->len = le32toh(ret->len);
	ret->flags = le16toh(ret->flags);
	ret->next = le16toh(ret->next);
	return true;
}

static void set_addr(struct drv *d, uint64_t gpa, uint64_t addr)
{
	addr = htole64(addr);
	memcpy(drv_ram(d, gpa, sizeof(addr)), &addr, sizeof(addr));
}

/* Each returns the guest-physical address of what the descriptor names, or 0. */
static uint64_t map_desc(struct drv *d, uint64_t at, const struct desc *desc)
{
	uint64_t gpa = d->m->ops->grant_gpa(d->m, d->base, desc->addr, true), addr;

	/* Of another chain, too. */
	if (gpa)
		return gpa;
	addr = d->m->ops->grant(d->m, d->base, desc->addr, desc->len, !(desc->flags & DESC_WRITE));
	if (!addr)
		return 0;
	set_addr(d, at, addr);
	return desc->addr;
}

static uint64_t unmap_desc(struct drv *d, uint64_t at, const struct desc *desc)
{
	uint64_t gpa = d->m->ops->grant_gpa(d->m, d->base, desc->addr, false);

	if (!gpa)
		return 0;
	sim_check(d->m->ops->grant_end(d->m, d->base, desc->addr),
		  "the device has memory mapped of a request that it has answered");
	if (!d->m->ops->grant_gpa(d->m, d->base, desc->addr, false))
		set_addr(d, at, gpa);
	return gpa;
}

typedef uint64_t visit_fn(struct drv *d, uint64_t at, const struct desc *desc);

static void walk(struct drv_queue *q, uint16_t head, visit_fn *visit)
{
	uint64_t table = q->desc;
	uint32_t size = q->size, i = head;
	struct desc desc;

	for (unsigned n = 0; n < WALK_MAX && i < size; n++) {
		uint64_t gpa;

		if (!read_desc(q->d, table + 16ull * i, &desc))
			return;
		gpa = visit(q->d, table + 16ull * i, &desc);
		i = desc.next;
		if (desc.flags & DESC_INDIRECT) {
			if (!gpa)
				return;
			table = gpa;
			size = desc.len / 16;
			i = 0;
		} else if (!(desc.flags & DESC_NEXT)) {
			return;
		}
	}
}

void drv_grant_chain(struct drv_queue *q, uint16_t head)
{
	if (q->d->grants)
		walk(q, head, map_desc);
}

void drv_ungrant_chain(struct drv_queue *q, uint16_t head)
{
	if (q->d->grants)
		walk(q, head, unmap_desc);
}

uint64_t drv_grant_ring(struct drv *d, unsigned reg, uint64_t gpa)
{
	unsigned part = (reg - R_QUEUE_DESC) / (R_QUEUE_DRIVER - R_QUEUE_DESC);
	uint64_t *granted, addr = 0;

	if (!d->grants)
		return gpa;
	/* The register is the selected queue's. */
	granted = &d->q[d->queue_sel % DRV_QUEUES_MAX].granted[part];
	if (*granted && d->m->ops->grant_gpa(d->m, d->base, *granted, false) &&
	    d->m->ops->grant_end(d->m, d->base, *granted))
		*granted = 0;
	for (unsigned bytes = RING_BYTES; !addr && bytes >= 4096; bytes -= 4096)
		addr = d->m->ops->grant(d->m, d->base, gpa, bytes, false);
	if (!addr && d->m->ops->ram(d->m, gpa, 1))
		addr = d->m->ops->grant(d->m, d->base, gpa, 4096 - gpa % 4096, false);
	if (!addr)
		return gpa;
	*granted = addr;
	return addr;
}
