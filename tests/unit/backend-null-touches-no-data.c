/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The null backend answers before submit() returns, needs no image, and leaves buffers alone. */
#include "tests/unit/storage.h"

static void touches_no_data(void **state)
{
	struct image image = IMAGE_NULL;
	const struct backend_ops *ops = backend_find("null");
	unsigned char data[512], same[512];
	struct test_request t;
	struct backend *b;

	(void)state;
	assert_false(ops->needs_image);
	image.info.size = 1u << 30;
	assert_int_equal(ops->open(&b, &image, NULL, false, &test_subject), 0);
	assert_int_equal(b->info.size, 1u << 30);
	memset(data, 0x55, sizeof(data));
	memset(same, 0x55, sizeof(same));
	for (unsigned op = BLK_READ; op <= BLK_WRITE_ZEROES; op++) {
		prepare(&t, op, 0, 0, sizeof(data), data, sizeof(data));
		ops->submit(b, &t.req);
		assert_int_equal(t.done, 1);
		assert_int_equal(t.result, 0);
	}
	assert_memory_equal(data, same, sizeof(data));
	ops->close(b);
	ops->close(NULL);
}

static void table_is_complete(void **state)
{
	(void)state;
	assert_string_equal(backend_table[0]->name, "file");
	for (unsigned i = 0; backend_table[i]; i++) {
		assert_ptr_equal(backend_find(backend_table[i]->name), backend_table[i]);
		assert_true(backend_table[i]->open && backend_table[i]->submit);
		backend_table[i]->close(NULL);
	}
	assert_null(backend_find("nope"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(touches_no_data),
		cmocka_unit_test(table_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
