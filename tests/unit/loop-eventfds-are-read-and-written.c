/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_add_eventfd() gives each count once, also in a loop that is restricted; loop_signal() adds 1
 * without a completion, in order, and says so if it can't; nothing comes after loop_remove().
 */
#include <sys/eventfd.h>

#include "base/loop.h"
#include "base/util.h"
#include "tests/fake/test.h"

static struct loop loop;
static struct loop_source source;
static uint64_t total;
static unsigned calls, failures;

static void ready(struct loop_source *src)
{
	assert_true(src->count > 0);
	total += src->count;
	calls++;
}

static void failed(struct loop_op *op, int res)
{
	assert_non_null(op);
	assert_int_equal(res, -EBADF);
	failures++;
}

static void rounds(unsigned n)
{
	while (n--)
		assert_int_equal(loop_run_round(&loop, false), 0);
}

static void add(int fd, uint64_t n)
{
	assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
}

static void set_up(void)
{
	static const uint8_t operations[] = { IORING_OP_READ, IORING_OP_WRITE,
					      IORING_OP_ASYNC_CANCEL };

	total = calls = failures = 0;
	source = (struct loop_source){ .ready = ready };
	assert_int_equal(loop_init_disabled(&loop, 8), 0);
	assert_int_equal(loop_enable(&loop, operations, ARRAY_SIZE(operations)), 0);
}

static void counts_are_read_once(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	set_up();
	assert_int_equal(loop_add_eventfd(&loop, &source, fd), 0);
	rounds(3);
	assert_int_equal(calls, 0);
	add(fd, 3);
	add(fd, 4);
	rounds(3);
	assert_int_equal(total, 7);
	add(fd, 1);
	assert_int_equal(loop_run_round(&loop, true), 0);
	assert_int_equal(total, 8);
	loop_remove(&loop, &source);
	add(fd, 1);
	rounds(3);
	assert_int_equal(total, 8);
	loop_fini(&loop);
	close(fd);
}

static void signals_are_written(void **state)
{
	struct loop_op op = { .done = failed };
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t n;

	(void)state;
	set_up();
	loop_signal(&loop, fd, &op);
	loop_signal(&loop, fd, &op);
	assert_int_equal(read(fd, &n, sizeof(n)), -1);
	loop_submit(&loop);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 2);
	assert_int_equal(io_uring_cq_ready(&loop.ring), 0);
	loop_signal(&loop, fd, &op);
	close(fd);
	rounds(2);
	assert_int_equal(failures, 1);
	loop_fini(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_read_once),
		cmocka_unit_test(signals_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
