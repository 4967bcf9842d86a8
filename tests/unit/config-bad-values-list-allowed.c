/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value of the wrong type or out of range is refused, and the message says what is allowed. */
#include "tests/unit/config-try.h"

#define QUEUES	   " is not a number from 1 to 8 or \"auto\""
#define QUEUE_SIZE " is not a power of two from 8 to 1024"
#define BOOL	   " is not a boolean (true or false)"
#define SERIAL	   " is not a text of up to 20 printable ASCII characters"
#define IMAGE	   " is not an absolute path of up to 1023 bytes"
#define SIZE                                                                                       \
	" is not a text with a number of bytes, such as \"64M\" (K, M, G or T; a multiple of 512 " \
	"up to \"1024T\")"
#define VDEV                                                                                 \
	" is not a virtual device name of up to 23 bytes, such as \"xvda\", or \"virtio0\" " \
	"for a generic virtio device"

static const struct {
	const char *setting;
	const char *message;
} bad[] = {
	{ "cache = \"fast\"", "cache: \"fast\" is not one of \"direct\", \"buffered\"" },
	{ "guest_memory = \"grant\"",
	  "guest_memory: \"grant\" is not one of \"foreign\", \"grants\"" },
	{ "cache = 1", "cache: 1 is not one of \"direct\", \"buffered\"" },
	{ "cache = { }", "cache: a group is not one of \"direct\", \"buffered\"" },
	{ "backend = \"qcow2\"", "backend: \"qcow2\" is not one of \"file\", \"null\"" },
	{ "queues = 0", "queues: 0" QUEUES },
	{ "queues = 9", "queues: 9" QUEUES },
	{ "queues = -1", "queues: -1" QUEUES },
	{ "queues = 4294967297L", "queues: 4294967297" QUEUES },
	{ "queues = \"4\"", "queues: \"4\"" QUEUES },
	{ "queues = 2.0", "queues: 2" QUEUES },
	{ "queue_size = 4", "queue_size: 4" QUEUE_SIZE },
	{ "queue_size = 100", "queue_size: 100" QUEUE_SIZE },
	{ "queue_size = 2048", "queue_size: 2048" QUEUE_SIZE },
	{ "read_only = 1", "read_only: 1" BOOL },
	{ "discard = \"yes\"", "discard: \"yes\"" BOOL },
	{ "serial = \"123456789012345678901\"", "serial: \"123456789012345678901\"" SERIAL },
	{ "serial = \"a\\nb\"", "serial: \"a?b\"" SERIAL },
	{ "serial = 5", "serial: 5" SERIAL },
	{ "image = \"a.img\"", "image: \"a.img\"" IMAGE },
	{ "image = \"\"", "image: \"\"" IMAGE },
	{ "image = \"/a\nb\"", "image: \"/a?b\"" IMAGE },
	{ "null_size = 1048576", "null_size: 1048576" SIZE },
	{ "null_size = \"\"", "null_size: \"\"" SIZE },
	{ "null_size = \"0\"", "null_size: \"0\"" SIZE },
	{ "null_size = \"513\"", "null_size: \"513\"" SIZE },
	{ "null_size = \"-1G\"", "null_size: \"-1G\"" SIZE },
	{ "null_size = \"1GB\"", "null_size: \"1GB\"" SIZE },
	{ "null_size = \"1025T\"", "null_size: \"1025T\"" SIZE },
	{ "null_size = \"16777216T\"", "null_size: \"16777216T\"" SIZE },
	{ "null_size = \"18446744073709551616\"", "null_size: \"18446744073709551616\"" SIZE },
};

/* Each of them, in the entry of a disk. */
static void bad_value(void **state)
{
	char text[256], message[512];
	struct try t;
	unsigned i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text),
			 "guests = ( { name = \"a\";\ndisks = ( { vdev = \"virtio0\"; %s; } ); } "
			 ");\n",
			 bad[i].setting);
		snprintf(message, sizeof(message), "guests.[0].disks.[0].%s", bad[i].message);
		try_text(&t, text, NULL);
		try_refused(&t, "x.conf:2", message);
		assert_int_equal(try_lines(&t), 1);
	}
}

static void bad_log_level(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "log_level = \"loud\";\n", NULL);
	try_refused(&t, "x.conf:1",
		    "log_level: \"loud\" is not one of \"error\", \"warning\", \"notice\", "
		    "\"info\", \"debug\"");
}

static void bad_structure(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "defaults = 1;\nguests = { };\n", NULL);
	try_refused(&t, "x.conf:1", "defaults: 1 is not a group { ... }");
	try_refused(&t, "x.conf:2", "guests: a group is not a list of groups, ({ ... }, ...)");

	try_text(&t, "guests = (\n5,\n{ name = \"a\"; disks = [ ]; } );\n", NULL);
	try_refused(&t, "x.conf:2", "guests.[0]: 5 is not a group { ... }");
	try_refused(&t, "x.conf:3",
		    "guests.[1].disks: an array is not a list of groups, ({ ... }, ...)");
}

static void missing_name(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "guests = (\n{\n cache = \"direct\"; },\n{ name = \"a\"; disks = (\n{ } ); } );\n",
		 NULL);
	try_refused(&t, "x.conf:2", "guests.[0]: \"name\" is missing");
	try_refused(&t, "x.conf:5", "guests.[1].disks.[0]: \"vdev\" is missing");
}

static void bad_name(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "guests = ( { name = \"\"; disks = (\n{ vdev = \"XVDA\"; },\n{ vdev = \"\"; },\n"
		 "{ vdev = \"xvdaaaaaaaaaaaaaaaaaaaaa\"; },\n{ vdev = \"vda\"; },\n"
		 "{ vdev = \"virtio\"; } ); } );\n",
		 NULL);
	try_refused(&t, "x.conf:1", "guests.[0].name: \"\" is not a text of 1 to 255 bytes");
	try_refused(&t, "x.conf:2", "guests.[0].disks.[0].vdev: \"XVDA\"" VDEV);
	try_refused(&t, "x.conf:3", "guests.[0].disks.[1].vdev: \"\"" VDEV);
	try_refused(&t, "x.conf:4", "guests.[0].disks.[2].vdev: \"xvdaaaaaaaaaaaaaaaaaaaaa\"" VDEV);
	try_refused(&t, "x.conf:5", "guests.[0].disks.[3].vdev: \"vda\"" VDEV);
	try_refused(&t, "x.conf:6", "guests.[0].disks.[4].vdev: \"virtio\"" VDEV);
}

static void image_of_the_toolstack(void **state)
{
	struct try t;

	(void)state;
	try_text(&t,
		 "guests = ( { name = \"a\"; disks = ( { vdev = \"virtio0\"; image = \"/a\"; },\n"
		 "{ vdev = \"xvda\";\nimage = \"/a\"; } ); } );\n",
		 NULL);
	try_refused(&t, "x.conf:3",
		    "guests.[0].disks.[1].image: \"xvda\" has its image from the toolstack "
		    "(target=... in the guest's xl.cfg); this key is for generic virtio devices, "
		    "virtio0 and so on");
	assert_int_equal(try_lines(&t), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_value),	 cmocka_unit_test(bad_log_level),
		cmocka_unit_test(bad_structure), cmocka_unit_test(missing_name),
		cmocka_unit_test(bad_name),	 cmocka_unit_test(image_of_the_toolstack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
