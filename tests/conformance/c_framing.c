/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a request is cut into descriptors is nobody's business but the driver's (VIRTIO 1.3, 2.7.4,
 * 2.7.5.3).
 */
#include <stdlib.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define BATCH	      24
#define RANGES	      32
#define SECTORS	      8192 /* of a disk */
#define FIRST_WRITTEN 64   /* those before are only read */

/* What is cut: one of each kind of request. */
static const struct kind {
	uint32_t type, out_len, in_len;
	unsigned sectors; /* that it needs for itself */
} kinds[] = {
	{ T_IN, 0, 512, 1 },
	{ T_OUT, 512, 0, 1 },
	{ T_GET_ID, 0, 20, 0 },
	{ T_DISCARD, RANGE_BYTES, 0, 1 },
	{ T_WRITE_ZEROES, RANGE_BYTES, 0, 1 },
	{ T_WRITE_ZEROES, RANGES *RANGE_BYTES, 0, RANGES },
	{ T_DISCARD, RANGES *RANGE_BYTES, 0, RANGES },
	{ T_FLUSH, 0, 0, 0 },
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct drv disks[2];
static struct drv *d;
static const char *image, *serial;
static uint64_t seed = 1;
static uint64_t cursor; /* the next sector to write to */

/* Requests that are on their way together. */
static struct {
	struct drv_blk r;
	const struct kind *kind;
	uint64_t sector;
	uint8_t out[RANGES * RANGE_BYTES];
} batch[BATCH];
static unsigned nr_batch;

static void select_disk(unsigned i)
{
	d = &disks[i];
	image = two_images[i];
	serial = i ? "xvdb" : "xvda";
	cursor = FIRST_WRITTEN;
	drv_boot(d, 0);
}

static void check_served(unsigned i)
{
	const struct kind *k = batch[i].kind;
	const struct drv_blk *r = &batch[i].r;
	uint8_t data[512], wanted[512];

	sim_check(drv_blk_status(d, r) == BLK_OK, "type %u: status %u", k->type,
		  drv_blk_status(d, r));
	sim_check(r->used_len == k->in_len + 1, "type %u: %u bytes used", k->type, r->used_len);
	sim_check(drv_blk_poison_intact(d, r), "type %u: bytes around it were written", k->type);
	drv_blk_data(d, r, data);
	sim_pattern(batch[i].sector, wanted);
	if (k->type == T_IN)
		sim_check(!memcmp(data, wanted, 512), "a read is wrong");
	else if (k->type == T_OUT)
		sim_check(image_is(image, batch[i].sector, batch[i].out, 512), "a write is wrong");
	else if (k->type == T_GET_ID)
		sim_check(is_serial(data, serial), "the serial number is wrong");
	else
		sim_check(image_is_zero(image, batch[i].sector, k->sectors), "not zero");
}

static void batch_end(void)
{
	struct drv_queue *q = &d->q[0];

	if (!nr_batch)
		return;
	drv_kick(q);
	for (unsigned n = 0; n < nr_batch; n++) {
		uint32_t id, len, i = 0;

		drv_wait_used(q, &id, &len);
		while (i < nr_batch && batch[i].r.head != id)
			i++;
		sim_check(i < nr_batch, "head %u was not given", id);
		batch[i].r.used_len = len;
	}
	for (unsigned i = 0; i < nr_batch; i++)
		check_served(i);
	nr_batch = 0;
	drv_free_all(d);
}

/* Where a request of a kind goes; what it shall overwrite is there already. */
static uint64_t take_sectors(const struct kind *k)
{
	static uint8_t junk[(SECTORS - FIRST_WRITTEN) * DRV_SECTOR];
	uint64_t at;

	if (k->type == T_IN)
		return drv_random(&seed) % FIRST_WRITTEN;
	if (cursor + k->sectors > SECTORS) {
		memset(junk, 0x5a, sizeof(junk));
		sim_image_write(image, FIRST_WRITTEN * DRV_SECTOR, junk, sizeof(junk));
		cursor = FIRST_WRITTEN;
	}
	at = cursor;
	cursor += k->sectors;
	return at;
}

/* A place in the batch for a request of a kind, with header and data but no cuts. */
static struct drv_blk *batch_next(const struct kind *k)
{
	uint64_t at = take_sectors(k);
	unsigned i;

	if (nr_batch == BATCH)
		batch_end();
	i = nr_batch++;
	batch[i].kind = k;
	batch[i].sector = at;
	for (unsigned n = 0; n < k->out_len; n++)
		batch[i].out[n] = drv_random(&seed);
	if (k->type == T_DISCARD || k->type == T_WRITE_ZEROES)
		for (unsigned n = 0; n < k->sectors; n++)
			ranges_put(&(struct blk_range){ .sector = at + n, .sectors = 1 }, 1,
				   batch[i].out + n * RANGE_BYTES);
	batch[i].r = (struct drv_blk){
		.type = k->type,
		.sector = k->type == T_IN || k->type == T_OUT ? at : 0,
		.out = batch[i].out,
		.out_len = k->out_len,
		.in_len = k->in_len,
		.direct = DRV_SEGS,
	};
	return &batch[i].r;
}

/* Cut at position at of both streams, one after the other: the readable has 16 + out_len bytes. */
static void cut(struct drv_blk *r, uint32_t at)
{
	uint32_t readable = 16 + r->out_len;

	if (at < readable)
		r->cuts_out[r->nr_cuts_out++] = at;
	else
		r->cuts_in[r->nr_cuts_in++] = at - readable;
}

static uint32_t stream_bytes(const struct kind *k)
{
	return 16 + k->out_len + k->in_len + 1;
}

static void every_cut(const struct kind *k)
{
	struct drv_blk *r;

	for (uint32_t a = 1; a < stream_bytes(k); a++) {
		r = batch_next(k);
		cut(r, a);
		drv_blk_add(&d->q[0], r);
	}
}

/* Every pair of cuts, of which the first one is below limit. */
static void every_pair(const struct kind *k, uint32_t limit)
{
	struct drv_blk *r;

	for (uint32_t a = 1; a < stream_bytes(k) && a < limit; a++) {
		for (uint32_t b = a + 1; b < stream_bytes(k); b++) {
			r = batch_next(k);
			cut(r, a);
			cut(r, b);
			drv_blk_add(&d->q[0], r);
		}
	}
}

static int ascending(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

static unsigned random_cuts(uint32_t cuts[DRV_CUTS], uint32_t len, unsigned max)
{
	unsigned n = drv_random(&seed) % (max + 1);

	for (unsigned i = 0; i < n; i++)
		cuts[i] = drv_random(&seed) % len;
	qsort(cuts, n, sizeof(cuts[0]), ascending);
	return n;
}

/* The same segments with some more that are empty, and lie anywhere. */
static unsigned add_empty(const struct drv_blk *r, unsigned max, struct drv_seg *ret)
{
	unsigned n = 0, empty = drv_random(&seed) % (max + 1);

	for (unsigned i = 0; i <= r->nr; i++) {
		bool write = i == r->nr || r->seg[i].write;

		while (empty && drv_random(&seed) % 4 == 0) {
			uint64_t gpa = (uint64_t)drv_random(&seed) << 32 | drv_random(&seed);

			ret[n++] = (struct drv_seg){ gpa, 0, write };
			empty--;
		}
		if (i < r->nr)
			ret[n++] = r->seg[i];
	}
	return n;
}

/* As many cuts as there is room for, empty segments, and any part of them in an indirect table. */
static void random_framing(const struct kind *k)
{
	unsigned n, direct = drv_random(&seed) % (drv_random(&seed) % 4 ? 5 : 128);
	bool alone = direct > 4; /* or the ring has not enough descriptors */
	struct drv_seg seg[DRV_SEGS];
	struct drv_blk *r;

	if (alone)
		batch_end();
	r = batch_next(k);
	r->nr_cuts_out = random_cuts(r->cuts_out, 16 + k->out_len, 50);
	r->nr_cuts_in = random_cuts(r->cuts_in, k->in_len + 1, 50);
	drv_blk_build(d, r);
	n = add_empty(r, 20, seg);
	r->head = drv_chain(&d->q[0], seg, n, direct);
	drv_avail(&d->q[0], r->head);
	if (alone)
		batch_end();
}

/* The storage under 32 ranges is slow: these are cut everywhere once, and else at random. */
static void cut_everywhere(const struct kind *k, bool again)
{
	if (k->sectors < RANGES || !again)
		every_cut(k);
	/* All pairs of a small request; next to its first byte, of a large one. */
	if (k->sectors < RANGES)
		every_pair(k, stream_bytes(k) < 64 ? UINT32_MAX : 2);
	for (unsigned n = 0; n < 50; n++)
		random_framing(k);
	batch_end();
}

static void C1_any_framing(void)
{
	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		select_disk(i);
		for (unsigned k = 0; k < NR_KINDS; k++)
			cut_everywhere(&kinds[k], kinds[k].type == T_DISCARD || i > 0);
	}
}

/* A request of so many elements in one table: header, sectors to read, status. */
static uint8_t long_chain(unsigned nr)
{
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, (nr - 2) * DRV_SECTOR);
	struct drv_queue *q = &d->q[0];
	struct drv_seg seg[260];
	uint32_t id, len;

	drv_blk_build(d, &r);
	seg[0] = r.seg[0];
	for (unsigned i = 1; i + 1 < nr; i++)
		seg[i] = (struct drv_seg){ r.seg[1].gpa + (i - 1) * DRV_SECTOR, DRV_SECTOR, true };
	seg[nr - 1] = r.seg[2];
	drv_avail(q, drv_chain(q, seg, nr, 0));
	drv_kick(q);
	settle(q, q->avail_idx);
	return drv_used(q, &id, &len) ? drv_blk_status(d, &r) : BLK_PENDING;
}

/* The limit is what the device says: seg_max and two, which is QueueSizeMax. */
static void C2_limit_of_a_chain(void)
{
	uint32_t limit;

	d = running_device(0);
	limit = drv_config(d, C_SEG_MAX, 4) + 2;
	sim_check(limit == drv_queue_size_max(d, 0), "%u descriptors", limit);
	sim_check(limit + 1 < 260, "%u descriptors", limit);
	sim_check(long_chain(limit) == BLK_OK, "a chain of %u", limit);
	sim_check(!(drv_status(d) & S_NEEDS_RESET), "status %#x", drv_status(d));
}

static void C6_write_flag_of_a_table_is_ignored(void)
{
	struct drv_queue *q;

	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		select_disk(i);
		q = &d->q[0];
		for (unsigned k = 0; k < NR_KINDS; k++) {
			struct drv_blk *r = batch_next(&kinds[k]);

			r->nr_cuts_out = r->nr_cuts_in = 1;
			r->cuts_out[0] = 16;
			r->cuts_in[0] = kinds[k].in_len;
			drv_blk_build(d, r);
			r->head = drv_chain(q, r->seg, r->nr, 0);
			*(uint8_t *)drv_ram(d, q->desc + 16 * r->head + 12, 1) |= DESC_WRITE;
			drv_avail(q, r->head);
		}
		batch_end();
	}
}

static void C7_table_at_the_end_of_a_chain(void)
{
	struct drv_blk *r;

	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		select_disk(i);
		for (unsigned k = 0; k < NR_KINDS; k++) {
			for (unsigned direct = 0; direct < 5; direct++) {
				r = batch_next(&kinds[k]);
				cut(r, 7);
				cut(r, 16);
				cut(r, stream_bytes(&kinds[k]) - 1);
				r->direct = direct;
				drv_blk_add(&d->q[0], r);
			}
		}
		batch_end();
	}
}

const struct clause clauses_c_framing[] = {
	CLAUSE(C1, MUST_NOT, true, "2.7.4.1", any_framing,
	       "A request may be cut into descriptors at any byte: the device does not care."),
	CLAUSE(C2, MAY, false, "2.7.4.1", limit_of_a_chain,
	       "A chain may have seg_max + 2 descriptors."),
	CLAUSE(C6, MUST, true, "2.7.5.3.2", write_flag_of_a_table_is_ignored,
	       "Whether the descriptor of an indirect table is marked as writable does not "
	       "matter."),
	CLAUSE(C7, MUST, true, "2.7.5.3.2", table_at_the_end_of_a_chain,
	       "Any number of ordinary descriptors may come before one with an indirect table."),
	{ .id = NULL },
};
