/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request means the same however the driver cuts it into descriptors (C1): at any byte of header,
 * data and status, into a few pieces or many, in the ring, in an indirect table, or half in each.
 */
#include "tests/fake/machine.h"

#define ID_BYTES 20
#define CUTS	 31 /* of each stream, at most: the queue has room for the pieces of both */

static struct drv d;
static uint8_t expected[16384]; /* of the image */
static uint8_t out[1024];

struct kind {
	uint32_t type;
	uint64_t sector;
	uint32_t out_len, in_len, used_len;
	enum blk_op op;
	unsigned calls; /* of the backend */
};

static const struct kind kinds[] = {
	{ T_IN, 3, 0, 1024, 1025, BLK_READ, 1 },
	{ T_OUT, 5, 1024, 0, 1, BLK_WRITE, 1 },
	{ T_FLUSH, 0, 0, 0, 1, BLK_FLUSH, 1 },
	{ T_GET_ID, 0, 0, ID_BYTES, ID_BYTES + 1, 0, 0 },
	{ T_DISCARD, 0, 48, 0, 1, BLK_DISCARD, 3 },
	{ T_WRITE_ZEROES, 0, 48, 0, 1, BLK_WRITE_ZEROES, 3 },
};

/* What the device-readable data are, and what the image is afterwards. */
static void prepare(const struct kind *k, uint64_t *seed)
{
	struct drv_range ranges[3];

	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = drv_random(seed);
	if (k->op == BLK_WRITE)
		memcpy(expected + 512 * k->sector, out, sizeof(out));
	if (k->op != BLK_DISCARD && k->op != BLK_WRITE_ZEROES)
		return;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t sector = drv_random(seed) % 24;
		uint32_t n = 1 + drv_random(seed) % 8;

		ranges[i] = drv_range(sector, n, 0);
		memset(expected + 512 * sector, 0, 512 * n);
	}
	memcpy(out, ranges, sizeof(ranges));
}

static void check(const struct kind *k, struct drv_blk *r)
{
	char id[ID_BYTES] = "serial";
	uint8_t in[1024];
	unsigned calls = vm.backend.calls;

	r->type = k->type;
	r->sector = k->sector;
	r->out = out;
	r->out_len = k->out_len;
	r->in_len = k->in_len;
	drv_free_all(&d);
	assert_int_equal(drv_blk_run(&d.q[0], r), BLK_OK);
	assert_int_equal(r->used_len, k->used_len);
	assert_int_equal(vm.backend.calls, calls + k->calls);
	if (k->calls)
		assert_int_equal(vm.backend.last.op, k->op);
	drv_blk_data(&d, r, in);
	if (k->type == T_IN)
		assert_memory_equal(in, expected + 512 * k->sector, sizeof(in));
	if (k->type == T_GET_ID)
		assert_memory_equal(in, id, ID_BYTES);
	assert_memory_equal(vm.backend.image, expected, sizeof(expected));
}

static int set_up(void **state)
{
	vm_set_up(state);
	memcpy(expected, vm.backend.image, sizeof(expected));
	return 0;
}

static void one_cut_anywhere(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *k = &kinds[i];

		for (uint32_t at = 0; at < 16 + k->out_len; at++) {
			struct drv_blk r = { .direct = at % 3 ? DRV_SEGS : 0,
					     .nr_cuts_out = 1,
					     .cuts_out = { at } };

			prepare(k, &seed);
			check(k, &r);
		}
		for (uint32_t at = 0; at < k->in_len + 1; at++) {
			struct drv_blk r = { .direct = at % 3 ? DRV_SEGS : 0,
					     .nr_cuts_in = 1,
					     .cuts_in = { at } };

			prepare(k, &seed);
			check(k, &r);
		}
	}
}

/* Each byte of the header and of the end in a descriptor of its own. */
static void byte_by_byte(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (unsigned direct = 0; direct < 2 * CUTS; direct++) {
			const struct kind *k = &kinds[i];
			struct drv_blk r = { .direct = direct };

			for (uint32_t at = 1; at <= 20; at++)
				r.cuts_out[r.nr_cuts_out++] = at;
			for (uint32_t at = k->in_len > 8 ? k->in_len - 8 : 1; at <= k->in_len; at++)
				r.cuts_in[r.nr_cuts_in++] = at;
			prepare(k, &seed);
			check(k, &r);
		}
	}
}

static unsigned random_cuts(uint64_t *seed, uint32_t *cuts, uint32_t len)
{
	unsigned n = drv_random(seed) % (CUTS + 1);
	uint32_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		/* Equal positions are pieces of no length, which drv_blk_add() leaves out. */
		at += drv_random(seed) % (2 * len / (n + 1) + 1);
		cuts[i] = at;
	}
	return n;
}

static void random_points(void **state)
{
	uint64_t seed = 4;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		const struct kind *k = &kinds[i % ARRAY_SIZE(kinds)];
		struct drv_blk r = { .direct = drv_random(&seed) % (2 * CUTS) };

		r.nr_cuts_out = random_cuts(&seed, r.cuts_out, 16 + k->out_len);
		r.nr_cuts_in = random_cuts(&seed, r.cuts_in, k->in_len + 1);
		prepare(k, &seed);
		check(k, &r);
	}
}

/* D18: descriptors of no length, anywhere, lying nowhere, count for nothing. */
static void empty_descriptors_between(void **state)
{
	uint64_t header = drv_alloc(&d, 16), data = drv_alloc(&d, 512), status = drv_alloc(&d, 1);
	const struct drv_seg segs[] = {
		{ 0, 0, false },	  { header, 7, false },	     { UINT64_MAX, 0, false },
		{ header + 7, 9, false }, { 1, 0, false },	     { 0, 0, true },
		{ data, 512, true },	  { FAKE_WINDOWS, 0, true }, { status, 1, true },
		{ UINT64_MAX, 0, true },
	};
	uint32_t id, len;

	(void)state;
	memset(fake_ram(header), 0, 16);
	*(uint8_t *)fake_ram(status) = 0xff;
	drv_avail(&d.q[0], drv_chain(&d.q[0], segs, ARRAY_SIZE(segs), 4));
	vm_go(&d.q[0]);
	assert_true(drv_used(&d.q[0], &id, &len));
	assert_int_equal(len, 513);
	assert_int_equal(*(uint8_t *)fake_ram(status), BLK_OK);
	assert_memory_equal(fake_ram(data), expected, 512);
}

/* E38: a flush is one, though it comes with a sector or data that mean nothing. */
static void flush_with_anything(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(drv_io(&d, T_FLUSH, i ? UINT64_MAX : 7, out, i & 1 ? 513 : 0, NULL,
					i & 2 ? 100 : 0),
				 BLK_OK);
		assert_int_equal(vm.backend.calls, i + 1);
		assert_int_equal(vm.backend.last.op, BLK_FLUSH);
	}
	assert_memory_equal(vm.backend.image, expected, sizeof(expected));
}

#define TEST(f) VM_TEST_WITH(set_up, vm_tear_down, f, .size = sizeof(expected))

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_cut_anywhere),		 TEST(byte_by_byte),	    TEST(random_points),
		TEST(empty_descriptors_between), TEST(flush_with_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
