/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run shows all mistakes of a file, and what was loaded before stays as it was. */
#include "tests/unit/config-try.h"

static void every_mistake(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "log_level = 1;\nguests = (\n{ name = \"a\"; queues = 9; disks = (\n"
		 "{ cache = 5; queue_size = 3; } ); },\n{ } );\nbad = 1;\n",
		 NULL);
	assert_int_equal(t.result, -EINVAL);
	assert_int_equal(try_lines(&t), 7);
}

static void refused_file_leaves_result_alone(void **state)
{
	struct config c = CONFIG_NULL;
	struct try t;

	(void)state;
	try_text(&t, "guests = ( { name = \"a\"; } );\nbad = 1;\n", NULL);
	assert_int_equal(t.result, -EINVAL);
	assert_memory_equal(&t.config, &c, sizeof(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake),
		cmocka_unit_test(refused_file_leaves_result_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
