/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says comes back as it is, once, on either path, and the engine goes on
 * afterwards; a flood of errors gives a few lines of log.  Only an fdatasync that fails, of a flush
 * or a stable write, may have lost what the page cache held, so no later flush succeeds; not a
 * write without space, and not an fdatasync that was interrupted.
 */
#include <poll.h>

#include "tests/unit/storage.h"

static void come_back(void **state)
{
	static unsigned char data[KIB(64)];
	struct storage s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(storage_kinds); i++) {
		bool cached = storage_kinds[i].cache == IMAGE_CACHE_BUFFERED;

		if (!storage_open(&s, &loop, &storage_kinds[i], sizeof(data)))
			continue;
		for (unsigned op = BLK_READ; op <= BLK_WRITE_ZEROES; op++) {
			for (unsigned n = 0; n < 20; n++) {
				struct test_request t;

				prepare(&t, op, 0, 0, sizeof(data), op <= BLK_WRITE ? data : NULL,
					sizeof(data));
				s.b->ops->submit(s.b, &t.req);
				last_sqe(&loop)->fd = -1;
				wait_for(&s, &t);
				assert_int_equal(t.result, -EBADF);
			}
			assert_int_equal(
				run(&s, op, 0, 0, sizeof(data), op <= BLK_WRITE ? data : NULL),
				op == BLK_FLUSH && cached ? -EBADF : 0);
		}
		storage_close(&s);
	}
}

/* The next SQE, for which a completion may have to come first. */
static struct io_uring_sqe *next_sqe(void)
{
	while (!io_uring_sq_ready(&loop.ring))
		assert_int_equal(loop_run_round(&loop, true), 0);
	return last_sqe(&loop);
}

/* There is an fdatasync in a stable write, which may be told what a flush should have been told. */
static void stable_writes_flush(void **state)
{
	static unsigned char data[KIB(64)];
	struct storage s;

	(void)state;
	for (unsigned cached = 0; cached < 2; cached++) {
		struct test_request t;

		assert_true(storage_open(&s, &loop, &storage_kinds[0], sizeof(data)));
		assert_int_equal(run(&s, BLK_WRITE, cached ? 0 : BLK_FUA, 0, sizeof(data), data),
				 0);
		prepare(&t, BLK_WRITE, BLK_FUA, 0, sizeof(data), data, sizeof(data));
		s.b->ops->submit(s.b, &t.req);
		if (cached)
			assert_int_equal(loop_run_round(&loop, true), 0);
		next_sqe()->fd = -1;
		wait_for(&s, &t);
		assert_int_equal(t.result, -EBADF);
		assert_int_equal(run(&s, BLK_FLUSH, 0, 0, 0, NULL), cached ? -EBADF : 0);
		/* What is written from now on, and is stable, is there. */
		assert_int_equal(run(&s, BLK_WRITE, BLK_FUA, 0, sizeof(data), data), 0);
		storage_close(&s);
	}
}

/* Nothing of what was written before is lost when the image has no space for more. */
static void no_space_is_no_loss(void **state)
{
	static unsigned char data[KIB(64)];
	int full = open("/dev/full", O_RDWR);
	struct storage s;

	(void)state;
	assert_true(full >= 0);
	assert_true(storage_open(&s, &loop, &storage_kinds[0], sizeof(data)));
	s.b->info.caps &= ~(IMAGE_ZERO_RANGE | IMAGE_DISCARD);
	assert_int_equal(run(&s, BLK_WRITE, 0, 0, sizeof(data), data), 0);
	for (unsigned op = BLK_WRITE; op <= BLK_WRITE_ZEROES; op += BLK_WRITE_ZEROES - BLK_WRITE) {
		struct test_request t;

		prepare(&t, op, BLK_FUA, 0, sizeof(data), op == BLK_WRITE ? data : NULL,
			sizeof(data));
		s.b->ops->submit(s.b, &t.req);
		assert_int_equal(last_sqe(&loop)->opcode, IORING_OP_WRITE);
		last_sqe(&loop)->fd = full;
		wait_for(&s, &t);
		assert_int_equal(t.result, -ENOSPC);
		assert_int_equal(run(&s, BLK_FLUSH, 0, 0, 0, NULL), 0);
		assert_int_equal(
			run(&s, op, BLK_FUA, 0, sizeof(data), op == BLK_WRITE ? data : NULL), 0);
	}
	storage_close(&s);
	close(full);
}

static void ignore(struct loop_op *op, int res)
{
	(void)op;
	(void)res;
}

/* Instead of the flush, a poll that is cancelled. */
static void cancelled_flush_is_no_loss(void **state)
{
	static unsigned char data[KIB(4)];
	struct loop_op cancel = { .done = ignore };
	struct test_request t;
	struct storage s;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_true(storage_open(&s, &loop, &storage_kinds[0], sizeof(data)));
	assert_int_equal(run(&s, BLK_WRITE, 0, 0, sizeof(data), data), 0);
	prepare(&t, BLK_FLUSH, 0, 0, 0, NULL, 0);
	s.b->ops->submit(s.b, &t.req);
	io_uring_prep_poll_add(last_sqe(&loop), fds[0], POLLIN);
	io_uring_prep_poll_remove(loop_get_sqe(&loop, &cancel), (uintptr_t)t.req.scratch);
	wait_for(&s, &t);
	assert_int_equal(t.result, -ECANCELED);
	assert_int_equal(run(&s, BLK_FLUSH, 0, 0, 0, NULL), 0);
	storage_close(&s);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_back),
		cmocka_unit_test(stable_writes_flush),
		cmocka_unit_test(no_space_is_no_loss),
		cmocka_unit_test(cancelled_flush_is_no_loss),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
