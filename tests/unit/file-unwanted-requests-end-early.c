/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request whose result nobody waits for any more ends with -ECANCELED at its next step: in the
 * middle of a transfer, and in the line for a bounce buffer, or for the page cache, however
 * long that is.
 */
#include <sys/resource.h>

#include "tests/unit/storage.h"

#define LEN   KIB(8192) /* several pieces, and all of the pool */
#define LINED 20000

static bool wanted;

static bool is_wanted(const struct blk_request *req)
{
	(void)req;
	return wanted;
}

static void in_the_middle(const struct storage_kind *k, enum blk_op op)
{
	unsigned char *mem = calloc(1, LEN);
	struct storage s;
	struct test_request t;

	assert_non_null(mem);
	if (storage_open(&s, &loop, k, LEN)) {
		wanted = true;
		prepare(&t, op, 0, 0, LEN, op == BLK_WRITE_ZEROES ? NULL : mem, LEN);
		t.req.wanted = is_wanted;
		/* The first step is short, so there must be a second one. */
		if (op == BLK_WRITE_ZEROES)
			s.b->info.caps &= ~(IMAGE_ZERO_RANGE | IMAGE_DISCARD);
		s.b->ops->submit(s.b, &t.req);
		last_sqe(&loop)->len = 4096;
		wanted = false;
		wait_for(&s, &t);
		assert_int_equal(t.result, -ECANCELED);
		assert_int_equal(run(&s, BLK_READ, 0, 0, 4096, mem), 0);
		assert_int_equal(mem[4095], op == BLK_READ ? 0x11 : 0);
		assert_int_equal(run(&s, BLK_READ, 0, 4096, 4096, mem), 0);
		assert_int_equal(mem[0], 0x11);
		storage_close(&s);
	}
	free(mem);
}

static void between_steps(void **state)
{
	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(storage_kinds); k++) {
		in_the_middle(&storage_kinds[k], BLK_READ);
		in_the_middle(&storage_kinds[k], BLK_WRITE);
		in_the_middle(&storage_kinds[k], BLK_WRITE_ZEROES);
	}
}

/*
 * A few have the pool, the last of them with a part of its buffer; all others stand in line.  Those
 * are served, unless what they have read is yet to be copied.
 */
static void in_line(const struct storage_kind *k, enum blk_op op, unsigned served)
{
	struct test_request *t = calloc(LINED, sizeof(*t));
	unsigned char *mem = calloc(1, KIB(1024));
	struct storage s;

	assert_true(t && mem);
	/* Enough for what serves one after the other, not for what does so by recursion. */
	assert_int_equal(setrlimit(RLIMIT_STACK, &(struct rlimit){ KIB(512), KIB(512) }), 0);
	if (storage_open(&s, &loop, k, LEN)) {
		wanted = true;
		for (unsigned i = 0; i < LINED; i++) {
			prepare(&t[i], op, 0, 0, KIB(1024), mem, KIB(1024));
			t[i].req.wanted = is_wanted;
			s.b->ops->submit(s.b, &t[i].req);
		}
		wanted = false;
		for (unsigned i = 0; i < LINED; i++) {
			wait_for(&s, &t[i]);
			assert_int_equal(t[i].result, i < served ? 0 : -ECANCELED);
		}
		storage_close(&s);
	}
	free(mem);
	free(t);
}

static void in_lines(void **state)
{
	(void)state;
	in_line(&storage_kinds[0], BLK_READ, 8);
	in_line(&storage_kinds[1], BLK_WRITE, 7);
	in_line(&storage_kinds[1], BLK_READ, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(between_steps),
		cmocka_unit_test(in_lines),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
