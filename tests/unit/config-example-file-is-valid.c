/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The example that is installed is valid: as it is, and with its commented lines switched on. */
#include "tests/unit/config-try.h"

static const char example[] = "config/xvirtiod.conf";

/* The example without the '#' that starts a commented setting or brace; prose has "# ". */
static void switch_on(char *text, size_t size)
{
	FILE *f = fopen(example, "r");
	char line[256];
	size_t n = 0;
	char *c;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		c = line + strspn(line, "\t");
		if (!strncmp(c, "#@include", 9))
			continue;
		if (c[0] == '#' && c[1] != ' ' && c[1] != '\n')
			*c = ' ';
		n += snprintf(text + n, size - n, "%s", line);
	}
	fclose(f);
	assert_true(n < size);
}

static void as_installed(void **state)
{
	struct try t;

	(void)state;
	try_load(&t, example);
	sim_check(t.result == 0, "%s", t.log);
	config_fini(&t.config);
}

static void with_comments_switched_on(void **state)
{
	struct config_disk d;
	char text[8192];
	struct try t;

	(void)state;
	switch_on(text, sizeof(text));
	try_text(&t, text, NULL);
	sim_check(t.result == 0, "%s", t.log);
	assert_int_equal(t.config.nr_guests, 3);
	config_disk(&t.config, "web", "xvda", &d);
	assert_string_equal(d.serial, "web-root");
	config_disk(&t.config, "db", "virtio0", &d);
	assert_string_equal(d.image, "/srv/db.img");
	config_fini(&t.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_installed),
		cmocka_unit_test(with_comments_switched_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
