/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image that was cut while requests were in flight doesn't grow again: what they would still do
 * beyond the new end fails with -EIO, in the middle of a transfer as in the line for a bounce
 * buffer.
 */
#include "tests/unit/storage.h"

#define SIZE  KIB(8192) /* all of the bounce pool */
#define SMALL KIB(4)

static unsigned char data[SIZE];

static void cut(struct storage *s, uint64_t size)
{
	assert_int_equal(truncate(s->path, size), 0);
	assert_int_equal(s->b->ops->read_size(s->b, &s->b->info.size), 0);
	assert_int_equal(s->b->info.size, size);
}

static uint64_t file_size(const struct storage *s)
{
	struct stat st;

	assert_int_equal(stat(s->path, &st), 0);
	return st.st_size;
}

static void in_the_middle(const struct storage_kind *k, enum blk_op op)
{
	struct test_request t;
	struct storage s;

	if (!storage_open(&s, &loop, k, SIZE))
		return;
	if (op == BLK_WRITE_ZEROES)
		s.b->info.caps &= ~(IMAGE_ZERO_RANGE | IMAGE_DISCARD);
	prepare(&t, op, 0, 0, SIZE, op == BLK_WRITE ? data : NULL, SIZE);
	s.b->ops->submit(s.b, &t.req);
	/* What is with the kernel already stays below the new end. */
	last_sqe(&loop)->len = SMALL;
	cut(&s, SMALL);
	wait_for(&s, &t);
	assert_int_equal(t.result, -EIO);
	assert_int_equal(file_size(&s), SMALL);
	storage_close(&s);
}

static void between_steps(void **state)
{
	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(storage_kinds); k++) {
		in_the_middle(&storage_kinds[k], BLK_WRITE);
		in_the_middle(&storage_kinds[k], BLK_WRITE_ZEROES);
	}
}

static void in_line(void **state)
{
	static struct test_request t[16];
	struct storage s;

	(void)state;
	if (!storage_open(&s, &loop, &storage_kinds[1], 2 * SIZE))
		skip();
	for (unsigned i = 0; i < 16; i++) {
		prepare(&t[i], BLK_WRITE, 0, i * KIB(1024), KIB(1024), data, KIB(1024));
		s.b->ops->submit(s.b, &t[i].req);
	}
	cut(&s, SIZE);
	for (unsigned i = 0; i < 16; i++) {
		wait_for(&s, &t[i]);
		assert_int_equal(t[i].result, i < 8 ? 0 : -EIO);
	}
	assert_int_equal(file_size(&s), SIZE);
	storage_close(&s);
}

/* And where it has grown, it can be used. */
static void grown(void **state)
{
	struct storage s;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(storage_kinds); k++) {
		if (!storage_open(&s, &loop, &storage_kinds[k], SMALL))
			continue;
		cut(&s, 2 * SMALL);
		memset(data, 0x33, SMALL);
		assert_int_equal(run(&s, BLK_WRITE, 0, SMALL, SMALL, data), 0);
		memset(data, 0, SMALL);
		assert_int_equal(run(&s, BLK_READ, 0, SMALL, SMALL, data), 0);
		assert_int_equal(data[SMALL - 1], 0x33);
		assert_int_equal(file_size(&s), 2 * SMALL);
		storage_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(between_steps),
		cmocka_unit_test(in_line),
		cmocka_unit_test(grown),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
