/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mistakes are told with the file and line they are in, through @include and syntax errors too. */
#include "tests/unit/config-try.h"

static void mistake_in_included_file(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "log_level = \"info\";\n@include \"include\"\n\ncolour = 1;\n",
		 "defaults = {\n\nqueues = 99;\n};\n");
	try_refused(&t, "include:3", "defaults.queues: 99 is not a number from 1 to 8 or \"auto\"");
	try_refused(&t, "x.conf:4",
		    "colour: unknown key; known here: log_level, irqfd, "
		    "ioeventfd, poll_us, defaults, guests");
	assert_int_equal(try_lines(&t), 2);
}

static void syntax_error(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "log_level = \"info\";\ndefaults = ;\n", NULL);
	try_refused(&t, "x.conf:2", "syntax error");

	try_text(&t, "\n@include \"include\"\n", "a = 1;\n\nb = = 2;\n");
	try_refused(&t, "include:3", "syntax error");
}

static void key_set_twice(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "defaults = {\nqueues = 1;\nqueues = 2; };\n", NULL);
	try_refused(&t, "x.conf:3", "duplicate setting name");
}

static void missing_include(void **state)
{
	struct try t;
	char what[128];

	(void)state;
	try_text(&t, "\n@include \"include\"\n", NULL);
	snprintf(what, sizeof(what), "cannot include %s/include: No such file or directory", t.dir);
	try_refused(&t, "x.conf:2", what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistake_in_included_file),
		cmocka_unit_test(syntax_error),
		cmocka_unit_test(key_set_twice),
		cmocka_unit_test(missing_include),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
