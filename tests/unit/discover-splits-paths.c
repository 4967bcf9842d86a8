/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which xenstore paths name a guest, a disk or something below one, and which name nothing of ours.
 */
#include "daemon/discover.h"
#include "tests/fake/test.h"

#define ROOT	"backend/virtio_disk"
#define GENERIC "backend/virtio"

static const struct {
	const char *path;
	int parts;
	uint16_t domid;
	uint32_t devid;
} table[] = {
	{ ROOT, 0, 0, 0 },
	{ ROOT "/1", 1, 1, 0 },
	{ ROOT "/0", 1, 0, 0 },
	{ ROOT "/32751", 1, 32751, 0 },
	{ ROOT "/1/51712", 2, 1, 51712 },
	{ ROOT "/7/0", 2, 7, 0 },
	{ ROOT "/7/4294967295", 2, 7, 4294967295u },
	{ ROOT "/1/51712/state", 2, 1, 51712 },
	{ ROOT "/1/51712/a/b", 2, 1, 51712 },

	{ GENERIC, 0, 0, 0 },
	{ GENERIC "/3", 1, 3, 0 },
	{ GENERIC "/3/0", 2, 3, 0 },
	{ GENERIC "/3/10/base", 2, 3, 10 },

	{ "", -1, 0, 0 },
	{ GENERIC "/", -1, 0, 0 },
	{ GENERIC "_/3/0", -1, 0, 0 },
	{ GENERIC "0/3/0", -1, 0, 0 },
	{ "backend", -1, 0, 0 },
	{ "backend/virtio_dis", -1, 0, 0 },
	{ "backend/virtio_disks", -1, 0, 0 },
	{ "backend/virtio_disk2/1", -1, 0, 0 },
	{ "backend/vbd/1/51712", -1, 0, 0 },
	{ "/" ROOT "/1/51712", -1, 0, 0 },
	{ "/local/domain/0/" ROOT "/1", -1, 0, 0 },
	{ "device/virtio_disk/1", -1, 0, 0 },
	{ ROOT "/", -1, 0, 0 },
	{ ROOT "//1", -1, 0, 0 },
	{ ROOT "/1/", -1, 0, 0 },
	{ ROOT "/1//51712", -1, 0, 0 },
	{ ROOT "/x", -1, 0, 0 },
	{ ROOT "/1x", -1, 0, 0 },
	{ ROOT "/x1", -1, 0, 0 },
	{ ROOT "/ 1", -1, 0, 0 },
	{ ROOT "/-1", -1, 0, 0 },
	{ ROOT "/+1", -1, 0, 0 },
	{ ROOT "/0x1", -1, 0, 0 },
	{ ROOT "/01", -1, 0, 0 },
	{ ROOT "/00", -1, 0, 0 },
	{ ROOT "/1/01", -1, 0, 0 },
	{ ROOT "/32752", -1, 0, 0 },
	{ ROOT "/65537", -1, 0, 0 },
	{ ROOT "/4294967297", -1, 0, 0 },
	{ ROOT "/18446744073709551617", -1, 0, 0 },
	{ ROOT "/1/4294967296", -1, 0, 0 },
	{ ROOT "/1/18446744073709551616", -1, 0, 0 },
	{ ROOT "/1/99999999999999999999999999999999", -1, 0, 0 },
	{ ROOT "/1/51712x", -1, 0, 0 },
	{ ROOT "/1/51712 ", -1, 0, 0 },
	{ ROOT "/1/state", -1, 0, 0 },
	{ ROOT "/../1", -1, 0, 0 },
};

static void good_and_bad(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		uint16_t domid = 0xabcd;
		struct disk_id id = { false, 0xabcdef01 };
		int parts = discover_split(table[i].path, &domid, &id);

		sim_check(parts == table[i].parts, "\"%s\" has %d numbers", table[i].path, parts);
		sim_check(domid == (parts >= 1 ? table[i].domid : 0xabcd), "\"%s\": domain %u",
			  table[i].path, domid);
		sim_check(id.devid == (parts >= 2 ? table[i].devid : 0xabcdef01),
			  "\"%s\": device %u", table[i].path, id.devid);
		sim_check(id.generic == (parts >= 2 && !strstr(table[i].path, "_disk")),
			  "\"%s\": the wrong kind", table[i].path);
	}
}

/* The directory that a split path came from. */
static void dir_is_the_inverse(void **state)
{
	static const char *const dirs[] = { ROOT "/32751/4294967295", GENERIC "/32751/4294967295" };
	char dir[XENSTORE_PATH_MAX];
	struct disk_id id;
	uint16_t domid;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++) {
		discover_dir(dir, 32751, (struct disk_id){ i, 4294967295u });
		assert_string_equal(dir, dirs[i]);
		assert_int_equal(discover_split(dir, &domid, &id), 2);
		assert_int_equal(domid, 32751);
		assert_int_equal(id.devid, 4294967295u);
		assert_int_equal(id.generic, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_and_bad),
		cmocka_unit_test(dir_is_the_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
