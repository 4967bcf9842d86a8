/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number that libconfig would cut to fewer bits is refused with its line, wherever it stands;
 * what only looks like one, in a text, a comment or a name, is not.
 */
#include "tests/unit/config-try.h"

static void too_large(void **state)
{
	static const char *const numbers[] = {
		"2147483648",
		"4294967297", /* would be 1 */
		"8589934592",
		"-2147483649",
		"+4294967297",
		"99999999999999999999999",
		"000000000000000000000000000000000000000000000000000000000000000000004294967297",
		"0x100000001",
		"0X80000000",
		"9223372036854775808L",
		"0x10000000000000001L",
		"18446744073709551617LL",
	};
	char text[200], what[200];
	struct try t;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(text, sizeof(text), "defaults = {\n\nqueues = %s; };\n", numbers[i]);
		snprintf(what, sizeof(what),
			 "%s is too large a number; a size is a text, such as \"8G\"", numbers[i]);
		try_text(&t, text, NULL);
		try_refused(&t, "x.conf:3", what);
		assert_int_equal(try_lines(&t), 1);
	}
}

/* These libconfig reads right, so the key's limits speak. */
static void merely_out_of_range(void **state)
{
	static const char *const numbers[] = { "2147483647", "-2147483648", "0x7fffffff",
					       "4294967297L", "9223372036854775807L" };
	char text[200];
	struct try t;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(text, sizeof(text), "defaults = { queues = %s; };\n", numbers[i]);
		try_text(&t, text, NULL);
		assert_int_equal(t.result, -EINVAL);
		assert_non_null(strstr(t.log, "is not a number from 1 to 8 or \"auto\""));
	}
}

static void not_numbers_at_all(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "# 8589934592\n// \"8589934592\n/* 8589934592 /*/\n/**//* \" */ defaults = {\n"
		 "null_size = \"8589934592\"; queues = 00000000002; };\n"
		 "guests = ({ name = \"x 8589934592\"; disks = ({ vdev = \"xvda\";\n"
		 "serial /* \" */ = \"\\\"8589934592 \\\\\" // \"\n; }); });",
		 NULL);
	assert_int_equal(t.result, 0);
	assert_int_equal(try_lines(&t), 0);
	assert_int_equal(t.config.defaults.null_size, 8589934592);
	assert_int_equal(t.config.defaults.queues, 2);
	config_fini(&t.config);

	/* libconfig's business. */
	try_text(&t, "x8589934592-8589934592 = 1;\n", NULL);
	assert_null(strstr(t.log, "too large"));
	assert_int_equal(t.result, -EINVAL);
}

static void all_of_them(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "a = 8589934592; /*\n*/ b = 8589934593;\n@include \"include\"\nc = 8589934594;",
		 "\n\nd = 8589934595;");
	try_refused(&t, "x.conf:1",
		    "8589934592 is too large a number; a size is a text, such as \"8G\"");
	try_refused(&t, "x.conf:2",
		    "8589934593 is too large a number; a size is a text, such as \"8G\"");
	try_refused(&t, "x.conf:4",
		    "8589934594 is too large a number; a size is a text, such as \"8G\"");
	try_refused(&t, "include:3",
		    "8589934595 is too large a number; a size is a text, such as \"8G\"");
	assert_int_equal(try_lines(&t), 4);
}

/* Files that were cut themselves; libconfig would not notice the last ones. */
static void cut_files(void **state)
{
	static const struct {
		const char *text, *what;
	} cut[] = {
		{ "/", "syntax error" },
		{ "-", "syntax error" },
		{ "@include", "syntax error" },
		{ "@include ", "syntax error" },
		{ "log_level = \"info", "the file ends in the middle of a text" },
		{ "\"", "the file ends in the middle of a text" },
		{ "\"\\", "the file ends in the middle of a text" },
		{ "@include \"include", "the file ends in the middle of a text" },
		{ "@include \"\\", "the file ends in the middle of a text" },
		{ "/*", "the file ends in the middle of a comment" },
		{ "/*/", "the file ends in the middle of a comment" },
		{ "/* *", "the file ends in the middle of a comment" },
	};
	struct try t;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cut); i++) {
		try_text(&t, cut[i].text, NULL);
		try_refused(&t, "x.conf:1", cut[i].what);
	}
	try_text(&t, "", NULL);
	assert_int_equal(t.result, 0);
	try_text(&t, "#\n", NULL);
	assert_int_equal(t.result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_large),	      cmocka_unit_test(merely_out_of_range),
		cmocka_unit_test(not_numbers_at_all), cmocka_unit_test(all_of_them),
		cmocka_unit_test(cut_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
