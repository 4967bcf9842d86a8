/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loop that was enabled for some operations does those, what was prepared before included, and
 * refuses all others for good.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/loop.h"
#include "tests/fake/test.h"

struct result {
	struct loop_op op;
	bool done;
	int res;
};

static void note(struct loop_op *op, int res)
{
	struct result *r = container_of(op, struct result, op);

	r->done = true;
	r->res = res;
}

static int wait_for(struct loop *l, struct result *r)
{
	while (!r->done)
		assert_int_equal(loop_run_round(l, true), 0);
	return r->res;
}

static void some_operations(void **state)
{
	static const uint8_t only_write[] = { IORING_OP_WRITE };
	struct result write = { .op.done = note }, open = { .op.done = note };
	struct loop l;
	int fds[2];
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(loop_init_disabled(&l, 4), 0);
	io_uring_prep_write(loop_get_sqe(&l, &write.op), fds[1], "x", 1, 0);
	assert_int_equal(loop_enable(&l, only_write, ARRAY_SIZE(only_write)), 0);
	assert_int_equal(wait_for(&l, &write), 1);
	assert_int_equal(read(fds[0], &c, 1), 1);

	io_uring_prep_openat(loop_get_sqe(&l, &open.op), AT_FDCWD, "/", O_RDONLY, 0);
	assert_int_equal(wait_for(&l, &open), -EACCES);
	assert_true(loop_enable(&l, only_write, ARRAY_SIZE(only_write)) < 0);
	loop_fini(&l);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(some_operations) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
