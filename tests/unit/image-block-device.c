/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices, by way of loop devices with blocks of 512 and of 4096 bytes: facts come from the
 * kernel, a writable one is claimed, one in use is refused and says by whom, and requests do what
 * they do on files.  Needs root and loop devices; skipped loudly without.
 */
#include "tests/unit/storage.h"

#include <sys/mount.h>

#define SIZE KIB(4096)

static char device[64], backing[64];

static int losetup(unsigned block_size)
{
	char cmd[256];
	FILE *f;
	int r;

	make_file(backing, "/var/tmp", SIZE, 0x11);
	snprintf(cmd, sizeof(cmd), "losetup -f --show -b %u %s 2>&1", block_size, backing);
	f = popen(cmd, "r");
	assert_non_null(f);
	if (!fgets(device, sizeof(device), f))
		device[0] = '\0';
	device[strcspn(device, "\n")] = '\0';
	r = pclose(f);
	if (r)
		fprintf(stderr, "*** SKIPPED: no loop device: %s ***\n", device);
	return r;
}

static void detach(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "losetup -d %s", device);
	assert_int_equal(system(cmd), 0);
	unlink(backing);
}

static void check_data(struct storage *s, unsigned block)
{
	static unsigned char model[SIZE], back[SIZE];

	for (unsigned i = 0; i < SIZE; i++)
		model[i] = i / 512 + i;
	assert_int_equal(run(s, BLK_WRITE, BLK_FUA, 0, SIZE, model), 0);
	/* Aligned to the device's blocks, and (4096) not. */
	for (unsigned flags = 0; flags < 4; flags++) {
		uint64_t offset = (flags + 1) * KIB(128);

		memset(model + offset, 0, KIB(64));
		assert_int_equal(run(s, BLK_WRITE_ZEROES, flags, offset, KIB(64), NULL), 0);
		memset(model + offset + KIB(96) + 512, 0, 1024);
		assert_int_equal(
			run(s, BLK_WRITE_ZEROES, flags, offset + KIB(96) + 512, 1024, NULL), 0);
	}
	memset(model + 1536, 0x77, 4096);
	assert_int_equal(run(s, BLK_WRITE, 0, 1536, 4096, model + 1536), 0);
	assert_int_equal(run(s, BLK_READ, 0, 0, SIZE, back), 0);
	assert_memory_equal(back, model, SIZE);

	/* Less than a block can't be discarded, and is no error. */
	assert_int_equal(run(s, BLK_DISCARD, 0, KIB(1024) + 512, block - 512, NULL), 0);
	assert_int_equal(run(s, BLK_READ, 0, 0, SIZE, back), 0);
	assert_memory_equal(back, model, SIZE);
	assert_int_equal(run(s, BLK_DISCARD, 0, KIB(1024), KIB(512), NULL), 0);
	assert_int_equal(run(s, BLK_FLUSH, 0, 0, 0, NULL), 0);
	memset(model + KIB(1024), 0, KIB(512)); /* what loop devices do */
	assert_int_equal(run(s, BLK_READ, 0, 0, SIZE, back), 0);
	assert_memory_equal(back, model, SIZE);
}

static void check_device(unsigned block, enum image_cache cache)
{
	struct image_params p = { .path = device, .discard = true, .cache = cache };
	struct storage s = { .loop = &loop };
	struct image second;
	char why[512], who[256];

	assert_int_equal(open_image(&s.image, &p, why, sizeof(why)), 0);
	assert_int_equal(s.image.info.size, SIZE);
	assert_int_equal(s.image.info.block_size, block);
	assert_int_equal(s.image.info.caps,
			 IMAGE_BLOCK_DEVICE | IMAGE_DISCARD | IMAGE_ZERO_RANGE | IMAGE_PUNCH_HOLE);
	assert_int_equal(s.image.info.direct_align, cache == IMAGE_CACHE_DIRECT ? block : 0);
	assert_int_equal(open_image(&second, &p, why, sizeof(why)), -EBUSY);
	snprintf(who, sizeof(who), "in use by %s (pid %d)", program_invocation_name, getpid());
	assert_non_null(strstr(why, who));

	open_backend(&s);
	check_data(&s, block);
	s.b->ops->close(s.b);

	/* O_DIRECT that is wrong about its alignment: refused by the kernel, done buffered. */
	assert_int_equal(open_image(&s.image, &p, why, sizeof(why)), 0);
	if (cache == IMAGE_CACHE_DIRECT)
		s.image.info.direct_align = 512;
	open_backend(&s);
	check_data(&s, block);
	s.b->ops->close(s.b);
}

static void like_a_file(void **state)
{
	(void)state;
	for (unsigned block = 512; block <= 4096; block *= 8) {
		if (losetup(block))
			skip();
		check_device(block, IMAGE_CACHE_BUFFERED);
		check_device(block, IMAGE_CACHE_DIRECT);
		detach();
	}
}

static void mounted_is_refused(void **state)
{
	struct image_params p = { .path = device };
	char cmd[256], dir[] = "/var/tmp/xvirtiod-mnt-XXXXXX", why[512], expected[512];
	struct image image = IMAGE_NULL;

	(void)state;
	if (losetup(512))
		skip();
	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd), "mkfs.ext4 -q %s >/dev/null 2>&1", device);
	if (system(cmd) || mount(device, dir, "ext4", 0, NULL)) {
		fprintf(stderr, "*** SKIPPED: no mkfs.ext4, or no mount ***\n");
	} else {
		assert_int_equal(open_image(&image, &p, why, sizeof(why)), -EBUSY);
		snprintf(expected, sizeof(expected), "%s: cannot open for writing: mounted on %s",
			 device, dir);
		umount(dir);
		assert_string_equal(why, expected);
	}
	rmdir(dir);
	detach();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_a_file),
		cmocka_unit_test(mounted_is_refused),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
