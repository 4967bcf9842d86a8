/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An @include of a directory or device is a mistake as any other: libconfig would end the process.
 * Includes without end are refused, too, and soon.
 */
#include "tests/unit/config-try.h"

static void no_file(void **state)
{
	struct try t;
	char line[128];

	(void)state;
	try_text(&t, "log_level = \"info\";\n \t@include \t\".\"\n", NULL);
	assert_int_equal(t.result, -EINVAL);
	snprintf(line, sizeof(line), "x.conf:2: cannot include %s/.: not a file\n", t.dir);
	assert_non_null(strstr(t.log, line));

	try_text(&t, "@include \"../../dev/null\"\n", NULL);
	assert_int_equal(t.result, -EINVAL);
	assert_non_null(strstr(t.log, "/../../dev/null: not a file\n"));
}

static void in_an_included_file(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "@include \"include\"\n", "\n@include \".\"\n@include \"..\"\n");
	assert_int_equal(t.result, -EINVAL);
	assert_non_null(strstr(t.log, "include:2: cannot include"));
	assert_non_null(strstr(t.log, "include:3: cannot include"));
	assert_int_equal(try_lines(&t), 2);
}

/* Only what libconfig takes for an include. */
static void no_include(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "# @include \".\"\n/*\n@include \".\"\n*/ serial = @include \".\"\n", NULL);
	try_refused(&t, "x.conf:4", "syntax error");
	assert_int_equal(try_lines(&t), 1);
}

static void without_end(void **state)
{
	char many[20 * 32] = "";
	struct try t;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		strcat(many, "@include \"include\"\n");
	try_text(&t, many, many);
	try_refused(&t, "include:1", "include file nesting too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file),
		cmocka_unit_test(in_an_included_file),
		cmocka_unit_test(no_include),
		cmocka_unit_test(without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
