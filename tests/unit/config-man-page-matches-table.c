/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key reference in xvirtiod.conf(5) is what the key table says; "make man" makes it so. */
#include "config/keys.h"
#include "tests/unit/config-try.h"

static char *read_all(FILE *f)
{
	char *text = calloc(1, 65536);

	assert_non_null(text);
	rewind(f);
	assert_true(fread(text, 1, 65535, f) < 65535);
	fclose(f);
	return text;
}

static void page_matches_table(void **state)
{
	FILE *page = fopen("config/xvirtiod.conf.5", "r"), *table = tmpfile();
	char *is, *want, *start, *end;

	(void)state;
	assert_non_null(page);
	assert_non_null(table);
	config_print_man(table);
	is = read_all(page);
	want = read_all(table);

	start = strstr(is, ".\\\" BEGIN generated");
	assert_non_null(start);
	start = strchr(start, '\n') + 1;
	end = strstr(start, ".\\\" END generated");
	assert_non_null(end);
	*end = '\0';
	assert_string_equal(start, want);
	free(is);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(page_matches_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
