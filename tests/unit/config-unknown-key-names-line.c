/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A key that nobody knows, or that stands in the wrong place, is refused with file, line and path.
 */
#include "tests/unit/config-try.h"

static void unknown_key(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "log_level = \"info\";\n\ncolour = 1;\n", NULL);
	try_refused(&t, "x.conf:3",
		    "colour: unknown key; known here: log_level, irqfd, "
		    "ioeventfd, poll_us, defaults, guests");
	assert_int_equal(try_lines(&t), 1);
}

static void key_of_another_place(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "guests = (\n{ name = \"web\";\ndisks = (\n{ vdev = \"xvda\";\nname = \"x\"; } ); "
		 "}\n);\n",
		 NULL);
	try_refused(
		&t, "x.conf:5",
		"guests.[0].disks.[0].name: this key does not belong here; known here: backend, "
		"cache, queues, queue_size, serial, read_only, discard, null_size, image, "
		"guest_memory, vdev");
}

/* Two disks of a guest with the same serial could not be told apart. */
static void serial_is_for_one_disk(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "defaults = {\nserial = \"x\"; };\n", NULL);
	try_refused(&t, "x.conf:2",
		    "defaults.serial: this key does not belong here; known here: backend, cache, "
		    "queues, queue_size, read_only, discard, null_size, guest_memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_key),
		cmocka_unit_test(key_of_another_place),
		cmocka_unit_test(serial_is_for_one_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
