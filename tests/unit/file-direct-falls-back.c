/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * O_DIRECT that the kernel refuses although it looks aligned is done through the page cache: the
 * guest does not notice.  Guest buffers at any address are fine with O_DIRECT.
 */
#include "tests/unit/storage.h"

#define SIZE KIB(64)

static const struct storage_kind on_disk = { "/var/tmp", IMAGE_CACHE_DIRECT };

static void refused_by_kernel(void **state)
{
	static unsigned char data[SIZE], back[SIZE];
	struct test_request t;
	struct storage s;

	(void)state;
	if (!storage_open(&s, &loop, &on_disk, SIZE))
		skip();
	for (unsigned op = BLK_READ; op <= BLK_WRITE; op++) {
		memset(data, 0x22 + op, SIZE);
		if (op == BLK_READ)
			assert_int_equal(run(&s, BLK_WRITE, 0, 0, SIZE, data), 0);
		prepare(&t, op, 0, 0, SIZE, op == BLK_READ ? back : data, SIZE);
		s.b->ops->submit(s.b, &t.req);
		last_sqe(&loop)->len = 1000; /* EINVAL, as no alignment is 1000 */
		wait_for(&s, &t);
		assert_int_equal(t.result, 0);
		if (op == BLK_WRITE)
			assert_int_equal(run(&s, BLK_READ, 0, 0, SIZE, back), 0);
		assert_memory_equal(back, data, SIZE);
	}
	storage_close(&s);
}

static void unaligned_guest_buffer(void **state)
{
	static unsigned char data[SIZE + 64], back[SIZE + 64];
	struct test_request t;
	struct storage s;

	(void)state;
	if (!storage_open(&s, &loop, &on_disk, SIZE))
		skip();
	for (unsigned shift = 1; shift < 64; shift += 31) {
		for (unsigned i = 0; i < SIZE; i++)
			data[shift + i] = rand();
		prepare(&t, BLK_WRITE, 0, 0, SIZE, data + shift, 1031);
		s.b->ops->submit(s.b, &t.req);
		/* It is O_DIRECT that works with them. */
		assert_int_equal(last_sqe(&loop)->fd, s.image.direct_fd);
		wait_for(&s, &t);
		assert_int_equal(t.result, 0);
		prepare(&t, BLK_READ, 0, 0, SIZE, back + shift, 1033);
		s.b->ops->submit(s.b, &t.req);
		assert_int_equal(last_sqe(&loop)->fd, s.image.direct_fd);
		wait_for(&s, &t);
		assert_int_equal(t.result, 0);
		assert_memory_equal(data + shift, back + shift, SIZE);
	}
	storage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_by_kernel),
		cmocka_unit_test(unaligned_guest_buffer),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
