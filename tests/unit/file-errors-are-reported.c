/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says comes back as it is, once, on either path, and the engine goes on afterwards;
 * a flood of errors gives a few lines of log.  Only a flush, or a stable write, that fails may have lost what
 * the page cache held, so no later flush succeeds.
 */
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
		last_sqe(&loop)->fd = -1;
		wait_for(&s, &t);
		assert_int_equal(t.result, -EBADF);
		assert_int_equal(run(&s, BLK_FLUSH, 0, 0, 0, NULL), cached ? -EBADF : 0);
		storage_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_back),
		cmocka_unit_test(stable_writes_flush),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
