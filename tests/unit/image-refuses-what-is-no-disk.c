/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Only files and block devices that can be disks are opened; looking at anything else
 * neither blocks nor does something to it, and the text says what is wrong.  Looking at a
 * good one changes nothing.
 */
#include "tests/unit/storage.h"

/* Blocks are counted once they are written. */
static void sync_file(const char *path)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void refused(const char *path, int err, const char *expected)
{
	struct image_params p = { .path = path };
	struct image image = IMAGE_NULL;
	char why[512], text[512];

	assert_int_equal(open_image(&image, &p, why, sizeof(why)), err);
	snprintf(text, sizeof(text), "%s: %s", path, expected);
	assert_string_equal(why, text);
	assert_int_equal(image.fd, -1);
}

static void no_disk(void **state)
{
	const char no_kind[] = "cannot open as a disk image: neither file nor block device";
	char path[64];

	(void)state;
	refused("/var/tmp", -EISDIR, "cannot open as a disk image: is a directory");
	refused("/dev/null", -EINVAL, no_kind);
	refused("/nowhere/a.img", -ENOENT, "cannot open for writing: No such file or directory");

	make_file(path, "/var/tmp", 1000, 0);
	refused(path, -EINVAL, "cannot use as a disk image: size 1000 is not a multiple of 512");
	assert_int_equal(truncate(path, 0), 0);
	refused(path, -EINVAL, "cannot use as a disk image: is empty");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, -EINVAL, no_kind); /* and is not waited for */
	unlink(path);
}

static void looking_changes_nothing(void **state)
{
	static unsigned char mem[KIB(8)], back[KIB(8)];
	struct image_params p = { .discard = true };
	struct stat before, after;
	struct image image;
	char path[64], link[72], why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(storage_kinds); i++) {
		make_file(path, storage_kinds[i].dir, sizeof(mem), 0x44);
		memset(mem, 0x44, sizeof(mem));
		snprintf(link, sizeof(link), "%s.link", path);
		assert_int_equal(symlink(path, link), 0);
		p.path = link;
		p.cache = storage_kinds[i].cache;
		sync_file(path);
		assert_int_equal(stat(path, &before), 0);
		assert_int_equal(open_image(&image, &p, why, sizeof(why)), 0);
		assert_int_equal(stat(path, &after), 0);
		assert_int_equal(after.st_size, before.st_size);
		assert_int_equal(after.st_blocks, before.st_blocks);
		assert_int_equal(pread(image.fd, back, sizeof(back), 0), sizeof(back));
		assert_memory_equal(back, mem, sizeof(mem));

		assert_int_equal(image.info.size, sizeof(mem));
		assert_int_equal(image.info.block_size, 512);
		assert_int_equal(image.info.physical_block_size, 4096);
		assert_int_equal(image.info.direct_align != 0, image.direct_fd >= 0);
		assert_true(image.info.caps & IMAGE_DISCARD);
		image_close(&image);
		unlink(link);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_disk),
		cmocka_unit_test(looking_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
