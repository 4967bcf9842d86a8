/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block requests of the driver. */
#include <endian.h>
#include <string.h>

#include "tests/guest/driver.h"
#include "tests/sim/check.h"

struct drv_blk drv_blk_usual(uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
			     uint32_t in_len)
{
	return (struct drv_blk){
		.type = type,
		.sector = sector,
		.out = out,
		.out_len = out_len,
		.in_len = in_len,
		.direct = DRV_SEGS,
		.nr_cuts_out = 1,
		.nr_cuts_in = 1,
		.cuts_out = { 16 },
		.cuts_in = { in_len },
	};
}

struct drv_range drv_range(uint64_t sector, uint32_t sectors, uint32_t flags)
{
	return (struct drv_range){ htole64(sector), htole32(sectors), htole32(flags) };
}

/* Cut [0, len) at the positions given; each piece gets memory of its own. */
static void cut_stream(struct drv *d, struct drv_blk *r, uint32_t len, const uint32_t *cuts,
		       unsigned nr_cuts, bool write)
{
	uint32_t from = 0;

	for (unsigned k = 0; k <= nr_cuts; k++) {
		uint32_t to = k < nr_cuts ? cuts[k] : len;

		if (to <= from || to > len)
			continue;
		r->seg[r->nr++] = (struct drv_seg){ drv_alloc(d, to - from), to - from, write };
		from = to;
	}
}

/* Byte at of the readable stream and the following ones: header, then data. */
static void fill_readable(struct drv *d, struct drv_blk *r)
{
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header = { htole32(r->type), 0, htole64(r->sector) };
	uint32_t at = 0;

	for (unsigned k = 0; k < r->nr && !r->seg[k].write; k++) {
		uint8_t *to = drv_ram(d, r->seg[k].gpa, r->seg[k].len);

		for (uint32_t i = 0; i < r->seg[k].len; i++, at++)
			to[i] = at < 16 ? ((uint8_t *)&header)[at]
					: ((const uint8_t *)r->out)[at - 16];
	}
}

void drv_blk_build(struct drv *d, struct drv_blk *r)
{
	r->nr = 0;
	cut_stream(d, r, 16 + r->out_len, r->cuts_out, r->nr_cuts_out, false);
	fill_readable(d, r);
	cut_stream(d, r, r->in_len + 1, r->cuts_in, r->nr_cuts_in, true);
	for (unsigned k = 0; k < r->nr; k++)
		if (r->seg[k].write)
			memset(drv_ram(d, r->seg[k].gpa, r->seg[k].len), BLK_PENDING,
			       r->seg[k].len);
}

void drv_blk_add(struct drv_queue *q, struct drv_blk *r)
{
	drv_blk_build(q->d, r);
	r->head = drv_chain(q, r->seg, r->nr, r->direct);
	drv_avail(q, r->head);
}

uint8_t drv_blk_status(struct drv *d, const struct drv_blk *r)
{
	const struct drv_seg *last = &r->seg[r->nr - 1];

	return __atomic_load_n((uint8_t *)drv_ram(d, last->gpa + last->len - 1, 1),
			       __ATOMIC_ACQUIRE);
}

void drv_blk_data(struct drv *d, const struct drv_blk *r, void *ret)
{
	uint32_t left = r->in_len;
	uint8_t *to = ret;

	for (unsigned k = 0; k < r->nr && left; k++) {
		uint32_t part = r->seg[k].len < left ? r->seg[k].len : left;

		if (!r->seg[k].write)
			continue;
		memcpy(to, drv_ram(d, r->seg[k].gpa, part), part);
		to += part;
		left -= part;
	}
}

uint8_t drv_blk_run(struct drv_queue *q, struct drv_blk *r)
{
	uint16_t old = q->avail_idx;
	uint32_t id;

	drv_blk_add(q, r);
	if (drv_kick_wanted(q, old))
		drv_kick(q);
	drv_wait_used(q, &id, &r->used_len);
	sim_check(id == r->head, "head %u came back, not %u", id, r->head);
	sim_check(drv_used_idx(q) == q->used_seen, "more heads came back than were given");
	sim_check(drv_blk_poison_intact(q->d, r), "bytes around the request were written");
	return drv_blk_status(q->d, r);
}

uint8_t drv_io(struct drv *d, uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
	       void *in, uint32_t in_len)
{
	struct drv_blk r = drv_blk_usual(type, sector, out, out_len, in_len);
	uint64_t heap = d->heap;
	uint8_t status = drv_blk_run(&d->q[0], &r);

	if (in)
		drv_blk_data(d, &r, in);
	d->heap = heap;
	return status;
}

bool drv_blk_poison_intact(struct drv *d, const struct drv_blk *r)
{
	for (unsigned k = 0; k < r->nr; k++) {
		const uint8_t *p = drv_ram(d, r->seg[k].gpa - DRV_POISON,
					   r->seg[k].len + 2 * DRV_POISON);

		for (unsigned i = 0; i < DRV_POISON; i++)
			if (p[i] != BLK_PENDING || p[DRV_POISON + r->seg[k].len + i] != BLK_PENDING)
				return false;
	}
	return true;
}
