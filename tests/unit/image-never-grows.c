/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing done to the last bytes of an image changes its size, not even one of odd sectors. */
#include "tests/unit/storage.h"

#define SIZE (KIB(64) + 512)

static void never_grows(void **state)
{
	static unsigned char data[SIZE];
	struct storage s;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(storage_kinds); i++) {
		for (unsigned take_away = 0; take_away < 16; take_away++) {
			if (!storage_open(&s, &loop, &storage_kinds[i], SIZE))
				break;
			s.b->info.caps &= ~take_away;
			for (unsigned op = BLK_READ; op <= BLK_WRITE_ZEROES; op++)
				for (unsigned at = 0; at <= SIZE; at += SIZE - 512)
					for (unsigned flags = 0; flags < 4; flags++)
						assert_int_equal(run(&s, op, flags, at, SIZE - at,
								     op <= BLK_WRITE ? data : NULL),
								 0);
			assert_int_equal(stat(s.path, &st), 0);
			assert_int_equal(st.st_size, SIZE);
			assert_true(st.st_blocks <= KIB(68) / 512);
			storage_close(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(never_grows) };

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
