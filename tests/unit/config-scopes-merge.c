/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The innermost scope that sets an option wins, and is told. */
#include "tests/unit/config-try.h"

static const char text[] = "defaults = { cache = \"buffered\"; queues = 2; read_only = true; };\n"
			   "guests = (\n"
			   "  { name = \"web\"; queues = 3; queue_size = 64; disks = (\n"
			   "    { vdev = \"xvda\"; cache = \"direct\"; queue_size = 32; },\n"
			   "    { vdev = \"xvdb\"; read_only = false; } ); },\n"
			   "  { name = \"db\"; cache = \"direct\"; } );\n";

static struct config_disk ask(const char *guest, const char *vdev)
{
	struct config_disk d;
	struct try t;

	try_text(&t, text, NULL);
	assert_int_equal(t.result, 0);
	config_disk(&t.config, guest, vdev, &d);
	config_fini(&t.config);
	return d;
}

static void disk_outranks_guest_outranks_defaults(void **state)
{
	struct config_disk d = ask("web", "xvda");

	(void)state;
	assert_int_equal(d.cache, CONFIG_CACHE_DIRECT);
	assert_int_equal(d.from[CONFIG_KEY_CACHE], CONFIG_SCOPE_DISK);
	assert_int_equal(d.queues, 3);
	assert_int_equal(d.from[CONFIG_KEY_QUEUES], CONFIG_SCOPE_GUEST);
	assert_int_equal(d.queue_size, 32);
	assert_int_equal(d.from[CONFIG_KEY_QUEUE_SIZE], CONFIG_SCOPE_DISK);
	assert_int_equal(d.read_only, CONFIG_BOOL_TRUE);
	assert_int_equal(d.from[CONFIG_KEY_READ_ONLY], CONFIG_SCOPE_DEFAULTS);
	assert_int_equal(d.null_size, 1 << 30);
	assert_int_equal(d.from[CONFIG_KEY_NULL_SIZE], CONFIG_SCOPE_BUILT_IN);
}

static void false_is_a_value(void **state)
{
	struct config_disk d = ask("web", "xvdb");

	(void)state;
	assert_int_equal(d.read_only, CONFIG_BOOL_FALSE);
	assert_int_equal(d.from[CONFIG_KEY_READ_ONLY], CONFIG_SCOPE_DISK);
	assert_int_equal(d.queue_size, 64);
}

/* The daemon lets direct-io-safe=1 outrank "defaults" only: it has to see the difference. */
static void cache_tells_its_scope(void **state)
{
	(void)state;
	assert_int_equal(ask("db", "xvda").from[CONFIG_KEY_CACHE], CONFIG_SCOPE_GUEST);
	assert_int_equal(ask("other", "xvda").from[CONFIG_KEY_CACHE], CONFIG_SCOPE_DEFAULTS);
}

static void any_guest_is_below_its_own_entry(void **state)
{
	static const char any[] = "guests = ( { name = \"web\"; queues = 3; },\n"
				  "  { name = \"*\"; queues = 2; disks = (\n"
				  "    { vdev = \"xvda\"; queues = 4; queue_size = 32; } ); } );\n";
	struct config_disk d;
	struct try t;

	(void)state;
	try_text(&t, any, NULL);
	assert_int_equal(t.result, 0);
	config_disk(&t.config, "db", "xvda", &d);
	assert_int_equal(d.queues, 4);
	assert_int_equal(d.queue_size, 32);
	config_disk(&t.config, "db", "xvdb", &d);
	assert_int_equal(d.queues, 2);
	config_disk(&t.config, "web", "xvda", &d);
	assert_int_equal(d.queues, 3);
	assert_int_equal(d.queue_size, 32);
	config_fini(&t.config);
}

static void unknown_guest_and_disk_get_the_outer_scopes(void **state)
{
	(void)state;
	assert_int_equal(ask("other", "xvda").queues, 2);
	assert_int_equal(ask("web", "xvdz").queues, 3);
	assert_int_equal(ask("db", "xvdb").queue_size, 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disk_outranks_guest_outranks_defaults),
		cmocka_unit_test(false_is_a_value),
		cmocka_unit_test(cache_tells_its_scope),
		cmocka_unit_test(any_guest_is_below_its_own_entry),
		cmocka_unit_test(unknown_guest_and_disk_get_the_outer_scopes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
