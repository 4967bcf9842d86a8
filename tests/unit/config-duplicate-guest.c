/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two entries for one guest, or for one of its disks, are refused; the message names both lines. */
#include "tests/unit/config-try.h"

static void duplicate_guest(void **state)
{
	char message[128];
	struct try t;

	(void)state;
	try_text(&t,
		 "guests = (\n{ name = \"web\"; },\n{ name = \"db\"; },\n{ name = \"web\"; } );\n",
		 NULL);
	snprintf(message, sizeof(message),
		 "guests.[2].name: \"web\" has an entry already, at %s/x.conf:2", t.dir);
	try_refused(&t, "x.conf:4", message);
	assert_int_equal(try_lines(&t), 1);
}

static void duplicate_disk(void **state)
{
	char message[128];
	struct try t;

	(void)state;
	try_text(&t,
		 "guests = ( { name = \"web\"; disks = (\n{ vdev = \"xvda\"; },\n"
		 "{ vdev = \"xvda\"; } ); } );\n",
		 NULL);
	snprintf(message, sizeof(message),
		 "guests.[0].disks.[1].vdev: \"xvda\" has an entry already, at %s/x.conf:2", t.dir);
	try_refused(&t, "x.conf:3", message);
}

static void same_disk_of_two_guests_is_fine(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "guests = ( { name = \"a\"; disks = ( { vdev = \"xvda\"; } ); },\n"
		 "{ name = \"b\"; disks = ( { vdev = \"xvda\"; } ); } );\n",
		 NULL);
	assert_int_equal(t.result, 0);
	config_fini(&t.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duplicate_guest),
		cmocka_unit_test(duplicate_disk),
		cmocka_unit_test(same_disk_of_two_guests_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
