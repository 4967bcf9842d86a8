/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that was named must be there; the default one may be missing; odd files are told of. */
#include "tests/unit/config-try.h"

static void named_file_must_exist(void **state)
{
	struct try t;

	(void)state;
	try_load(&t, "/nonexistent/x.conf");
	assert_int_equal(t.result, -ENOENT);
	assert_non_null(
		strstr(t.log, "/nonexistent/x.conf: cannot open the configuration: No such"));
}

static void default_file_may_be_missing(void **state)
{
	struct config_disk d;
	struct try t;

	(void)state;
	if (access(CONFIG_DEFAULT_PATH, F_OK) == 0)
		skip();
	try_load(&t, NULL);
	assert_int_equal(t.result, 0);
	assert_non_null(strstr(t.log, CONFIG_DEFAULT_PATH ": no such file"));
	config_disk(&t.config, "web", "xvda", &d);
	assert_string_equal(d.backend, "file");
	config_fini(&t.config);
}

/* libconfig would end the process if it tried to read that. */
static void directory(void **state)
{
	struct try t;

	(void)state;
	try_load(&t, "/");
	assert_int_equal(t.result, -EISDIR);
}

static void file_writable_by_all(void **state)
{
	mode_t saved = umask(0);
	struct try t;

	(void)state;
	try_text(&t, "", NULL);
	umask(saved);
	assert_int_equal(t.result, 0);
	assert_non_null(strstr(t.log, "every user of this host can write to the configuration"));
	config_fini(&t.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_file_must_exist),
		cmocka_unit_test(default_file_may_be_missing),
		cmocka_unit_test(directory),
		cmocka_unit_test(file_writable_by_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
