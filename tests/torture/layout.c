/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a request is cut into descriptors (2.7.4.1: in any way), and where they lie. */
#include <endian.h>
#include <string.h>

#include "tests/torture/life.h"
#include "tests/torture/random.h"

#define GAP_MIN	  8
#define GAP_MAX	  32
#define SEG_BYTES (16 + GAP_MAX) /* that a segment costs besides its own */

/* Cut a stream into n pieces, at random places, many of them near its beginning. */
static void cut(struct request *r, uint32_t len, unsigned n, uint32_t first, bool write,
		uint64_t *rng)
{
	while (n) {
		uint32_t most = len - (n - 1); /* a byte for each of the others */
		uint32_t piece = n == 1 ? len : random_size(rng, most);

		if (first && first <= most && n > 1)
			piece = first;
		first = 0;
		r->seg[r->nr_segs++] = (struct drv_seg){ .len = piece, .write = write };
		len -= piece;
		n--;
	}
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many segments there can be at most. */
static unsigned seg_limit(const struct request *r, const struct queue *q, uint32_t bytes)
{
	uint64_t features = q->dev->features;
	uint32_t streams = r->header_len + r->out_len + r->in_len + 1;
	unsigned limit = least(REQUEST_SEGS, q->q->size);

	if (bytes < streams + GAP_MAX)
		return 0;
	limit = least(limit, (bytes - streams - GAP_MAX) / SEG_BYTES);
	/* Beside data there are header and status. */
	if (features & BIT64(F_SEG_MAX))
		limit = least(limit, q->dev->queue_size_max);
	if (!(features & BIT64(F_INDIRECT_DESC)))
		limit = least(limit, q->nr_free);
	return limit;
}

static bool cut_streams(struct request *r, const struct queue *q, uint32_t bytes, uint64_t *rng)
{
	uint32_t out = r->header_len + r->out_len, in = r->in_len + 1;
	unsigned limit = seg_limit(r, q, bytes), nr_out, nr_in;
	bool usual = !random_one_in(rng, 3);

	if (limit < 2 || !q->nr_free)
		return false;
	if (usual && limit >= 4) {
		/* As Linux does it. */
		cut(r, out, r->out_len ? 2 : 1, r->header_len, false, rng);
		cut(r, in, r->in_len ? 2 : 1, r->in_len, true, rng);
		return true;
	}
	if (!random_one_in(rng, 8))
		limit = random_between(rng, 2, limit);
	nr_out = random_size(rng, least(limit - 1, out));
	nr_in = random_size(rng, least(limit - nr_out, in));
	cut(r, out, nr_out, random_below(rng, 17) < out ? random_below(rng, 17) : 0, false, rng);
	cut(r, in, nr_in, 0, true, rng);
	return true;
}

static void place(struct request *r, uint64_t gpa, uint64_t *rng)
{
	unsigned nr_table = r->nr_segs - r->nr_direct;
	uint64_t at = gpa + 16 * nr_table;

	r->at = gpa;
	r->backward = random_one_in(rng, 3);
	for (unsigned k = 0; k < r->nr_segs; k++) {
		struct drv_seg *s = &r->seg[r->backward ? r->nr_segs - 1 - k : k];

		s->gpa = at + random_between(rng, GAP_MIN, GAP_MAX);
		at = s->gpa + s->len;
	}
	r->bytes = at + GAP_MIN - gpa;
}

/* Header and data into the segments, by way of the scratch memory. */
static void fill(struct request *r, const struct queue *q)
{
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header = { htole32(r->type), 0, htole64(r->sector) };
	uint8_t *data = q->scratch + r->header_len;
	uint32_t at = 0;

	memset(q->scratch, 0, r->header_len + r->out_len);
	memcpy(q->scratch, &header, r->header_len);
	if (r->type == T_DISCARD || r->type == T_WRITE_ZEROES) {
		for (unsigned i = 0; i < r->access.nr; i++) {
			struct {
				uint64_t sector;
				uint32_t nr, flags;
			} range = { htole64(r->access.extent[i].first),
				    htole32(r->access.extent[i].nr), htole32(r->range_flags) };

			memcpy(data + sizeof(range) * i, &range, sizeof(range));
		}
	} else if (r->type == T_OUT && r->access.nr) {
		for (uint32_t i = 0; i < r->access.extent[0].nr; i++)
			model_fill(r->access.stamp, r->sector + i,
				   data + (uint64_t)i * MODEL_SECTOR);
	}
	for (unsigned k = 0; k < r->nr_segs; k++) {
		const struct drv_seg *s = &r->seg[k];

		if (s->write) {
			memory_fill(&q->dev->life->memory, s->gpa, BLK_PENDING, s->len);
			continue;
		}
		memory_write(&q->dev->life->memory, s->gpa, q->scratch + at, s->len);
		at += s->len;
	}
}

/* In what order the entries of an indirect table are used; the first is the first (2.7.5.3.2). */
static void shuffle(uint16_t order[REQUEST_SEGS], unsigned n, bool really, uint64_t *rng)
{
	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	for (unsigned i = n - 1; really && n > 2 && i > 1; i--) {
		unsigned k = random_between(rng, 1, i);
		uint16_t o = order[i];

		order[i] = order[k];
		order[k] = o;
	}
}

static uint16_t flags_of(const struct request *r, unsigned k)
{
	return (r->seg[k].write ? DESC_WRITE : 0) | (k + 1 < r->nr_segs ? DESC_NEXT : 0);
}

static void put_descriptors(struct request *r, struct queue *q, uint64_t *rng)
{
	unsigned nr_table = r->nr_segs - r->nr_direct;
	uint16_t order[REQUEST_SEGS];

	r->nr_desc = r->nr_direct + (nr_table ? 1 : 0);
	for (unsigned k = 0; k < r->nr_desc; k++)
		r->desc[k] = q->free_desc[--q->nr_free];
	for (unsigned k = 0; k < r->nr_direct; k++)
		drv_desc(q->q, r->desc[k], r->seg[k].gpa, r->seg[k].len, flags_of(r, k),
			 k + 1 < r->nr_desc ? r->desc[k + 1] : 0);
	if (!nr_table)
		return;
	drv_desc(q->q, r->desc[r->nr_direct], r->at, 16 * nr_table, DESC_INDIRECT, 0);
	shuffle(order, nr_table, random_one_in(rng, 3), rng);
	for (unsigned i = 0; i < nr_table; i++) {
		unsigned k = r->nr_direct + i;

		drv_put_desc(&q->d, r->at, order[i], r->seg[k].gpa, r->seg[k].len, flags_of(r, k),
			     i + 1 < nr_table ? order[i + 1] : 0);
	}
}

static uint64_t sum_readable(const struct request *r, const struct memory *m)
{
	uint64_t sum = memory_sum(m, r->at, 16 * (r->nr_segs - r->nr_direct), 0);

	for (unsigned k = 0; k < r->nr_segs; k++) {
		const struct drv_seg *s = &r->seg[r->backward ? r->nr_segs - 1 - k : k];

		if (!s->write)
			sum = memory_sum(m, s->gpa, s->len, sum);
	}
	return sum;
}

bool request_lay_out(struct request *r, struct queue *q, uint64_t gpa, uint32_t bytes,
		     uint64_t *rng)
{
	bool indirect = q->dev->features & BIT64(F_INDIRECT_DESC);

	r->nr_segs = 0;
	if (!cut_streams(r, q, bytes, rng))
		return false;
	r->nr_direct = r->nr_segs;
	if (indirect && (r->nr_segs > q->nr_free || random_one_in(rng, 2))) {
		r->nr_direct = 0;
		/* The descriptor of the table counts, too. */
		if (random_one_in(rng, 3) && r->nr_segs < q->q->size)
			r->nr_direct = random_below(rng, least(r->nr_segs, q->nr_free));
	}
	place(r, gpa, rng);
	fill(r, q);
	put_descriptors(r, q, rng);
	r->readable_sum = sum_readable(r, &q->dev->life->memory);
	return true;
}
