/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each key's allowed values arrive, ends of the ranges included. */
#include <syslog.h>

#include "tests/unit/config-try.h"

static struct config_disk only_disk(const char *settings)
{
	struct config_disk d;
	char text[256];
	struct try t;

	snprintf(text, sizeof(text),
		 "guests = ( { name = \"a\"; disks = ( { vdev = \"virtio0\"; %s } ); } );\n",
		 settings);
	try_text(&t, text, NULL);
	assert_string_equal(t.log, "");
	assert_int_equal(t.result, 0);
	config_disk(&t.config, "a", "virtio0", &d);
	config_fini(&t.config);
	return d;
}

static void built_in(void **state)
{
	struct config_disk d = only_disk("");
	unsigned i;

	(void)state;
	assert_string_equal(d.backend, "file");
	assert_int_equal(d.cache, CONFIG_CACHE_DIRECT);
	assert_int_equal(d.queues, 0);
	assert_int_equal(d.queue_size, 256);
	assert_string_equal(d.serial, "");
	assert_int_equal(d.read_only, CONFIG_BOOL_UNSET);
	assert_int_equal(d.discard, CONFIG_BOOL_UNSET);
	assert_int_equal(d.null_size, 1 << 30);
	assert_int_equal(d.guest_memory, CONFIG_MEMORY_UNSET);
	for (i = 0; i < CONFIG_NR_KEYS; i++)
		assert_int_equal(d.from[i], CONFIG_SCOPE_BUILT_IN);
}

static void numbers(void **state)
{
	(void)state;
	assert_int_equal(only_disk("queues = 1;").queues, 1);
	assert_int_equal(only_disk("queues = 8L;").queues, 8);
	assert_int_equal(only_disk("queues = \"auto\";").queues, 0);
	assert_int_equal(only_disk("queue_size = 8;").queue_size, 8);
	assert_int_equal(only_disk("queue_size = 1024;").queue_size, 1024);
}

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(only_disk("null_size = \"512\";").null_size, 512);
	assert_int_equal(only_disk("null_size = \"3K\";").null_size, 3 << 10);
	assert_int_equal(only_disk("null_size = \"5M\";").null_size, 5 << 20);
	assert_int_equal(only_disk("null_size = \"5000000000\";").null_size, 5000000000);
	assert_int_equal(only_disk("null_size = \"1024T\";").null_size, 1ull << 50);
}

static void words(void **state)
{
	(void)state;
	assert_int_equal(only_disk("cache = \"buffered\";").cache, CONFIG_CACHE_BUFFERED);
	assert_int_equal(only_disk("cache = \"direct\";").cache, CONFIG_CACHE_DIRECT);
	assert_string_equal(only_disk("backend = \"null\";").backend, "null");
	assert_int_equal(only_disk("read_only = false;").read_only, CONFIG_BOOL_FALSE);
	assert_int_equal(only_disk("discard = true;").discard, CONFIG_BOOL_TRUE);
	assert_int_equal(only_disk("guest_memory = \"foreign\";").guest_memory,
			 CONFIG_MEMORY_FOREIGN);
	assert_int_equal(only_disk("guest_memory = \"grants\";").guest_memory,
			 CONFIG_MEMORY_GRANTS);
}

static void serial_may_be_empty(void **state)
{
	(void)state;
	assert_int_equal(only_disk("serial = \"\";").from[CONFIG_KEY_SERIAL], CONFIG_SCOPE_DISK);
	assert_string_equal(only_disk("image = \"/srv/a b.img\";").image, "/srv/a b.img");
	assert_string_equal(only_disk("serial = \"12345678901234567 ~9\";").serial,
			    "12345678901234567 ~9");
}

static void log_level(void **state)
{
	struct try t;

	(void)state;
	try_text(&t, "log_level = \"debug\";\n", NULL);
	assert_int_equal(t.result, 0);
	assert_int_equal(t.config.log_level, LOG_DEBUG);
	config_fini(&t.config);

	try_text(&t, "", NULL);
	assert_int_equal(t.config.log_level, LOG_INFO);
	config_fini(&t.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(words),
		cmocka_unit_test(serial_may_be_empty),
		cmocka_unit_test(log_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
