/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel may do less than it was asked: the request goes on where it stopped, in the middle of
 * an iovec entry too, also if what is left no longer fits O_DIRECT.  Nothing at all is an error,
 * not an endless loop.
 */
#include "tests/unit/storage.h"

#define SIZE KIB(64)

static void check(struct storage *s, enum blk_op op, unsigned cut)
{
	static unsigned char data[SIZE], back[SIZE];
	struct test_request t;

	for (unsigned i = 0; i < SIZE; i++)
		data[i] = i / 256 + cut + op;
	if (op == BLK_READ)
		assert_int_equal(run(s, BLK_WRITE, 0, 0, SIZE, data), 0);

	/* One entry: READ or WRITE, of which less can be asked. */
	prepare(&t, op, 0, 0, SIZE, op == BLK_READ ? back : data, SIZE);
	s->b->ops->submit(s->b, &t.req);
	last_sqe(&loop)->len = cut;
	wait_for(s, &t);
	assert_int_equal(t.result, 0);

	if (op == BLK_WRITE)
		assert_int_equal(run(s, BLK_READ, 0, 0, SIZE, back), 0);
	assert_memory_equal(back, data, SIZE);
}

static void goes_on(void **state)
{
	static const unsigned cuts[] = { 512, 4096, 16384 };
	struct storage s;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(storage_kinds); k++) {
		if (!storage_open(&s, &loop, &storage_kinds[k], SIZE))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
			check(&s, BLK_READ, cuts[i]);
			check(&s, BLK_WRITE, cuts[i]);
		}
		storage_close(&s);
	}
}

/* Somebody has cut the file: the first part is there, the rest is an error. */
static void ends_early(void **state)
{
	static unsigned char back[SIZE];
	struct test_request t;
	struct storage s;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(storage_kinds); k++) {
		if (!storage_open(&s, &loop, &storage_kinds[k], SIZE))
			continue;
		assert_int_equal(truncate(s.path, SIZE / 2), 0);
		prepare(&t, BLK_READ, 0, 0, SIZE, back, SIZE / 8 + 1);
		s.b->ops->submit(s.b, &t.req);
		wait_for(&s, &t);
		assert_int_equal(t.result, -EIO);
		assert_int_equal(back[SIZE / 2 - 1], 0x11);
		storage_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on),
		cmocka_unit_test(ends_early),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
