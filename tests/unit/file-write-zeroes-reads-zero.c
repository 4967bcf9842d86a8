/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WRITE_ZEROES leaves zeroes in its range and nothing else changed, whatever the file system can:
 * zero ranges (ext4), only punch holes (tmpfs), or nothing; with and without BLK_UNMAP and BLK_FUA,
 * for ranges of any size.  Without leave to discard it does not deallocate.  Zeroes that are
 * written go the disk's usual way.
 */
#include "tests/unit/storage.h"

#define SIZE KIB(1024)

static const struct storage_kind on_disk = { "/var/tmp", IMAGE_CACHE_DIRECT };

static void check(struct storage *s, unsigned flags, uint64_t offset, size_t len)
{
	static unsigned char model[SIZE], back[SIZE];

	memset(model, 0x33, SIZE);
	assert_int_equal(run(s, BLK_WRITE, 0, 0, SIZE, model), 0);
	memset(model + offset, 0, len);
	assert_int_equal(run(s, BLK_WRITE_ZEROES, flags, offset, len, NULL), 0);
	assert_int_equal(run(s, BLK_READ, 0, 0, SIZE, back), 0);
	assert_memory_equal(back, model, SIZE);
}

static void check_kind(const struct storage_kind *k, unsigned take_away)
{
	struct storage s;

	if (!storage_open(&s, &loop, k, SIZE))
		return;
	s.b->info.caps &= ~take_away;
	for (unsigned flags = 0; flags < 4; flags++) {
		check(&s, flags, 0, SIZE);
		check(&s, flags, 512, 512);
		check(&s, flags, 1536, KIB(200));
		check(&s, flags, SIZE - KIB(64), KIB(64));
	}
	storage_close(&s);
}

static void reads_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(storage_kinds); i++) {
		check_kind(&storage_kinds[i], 0);
		check_kind(&storage_kinds[i], IMAGE_ZERO_RANGE);
		check_kind(&storage_kinds[i], IMAGE_ZERO_RANGE | IMAGE_PUNCH_HOLE);
	}
}

/*
 * The page cache would meet direct writes to other sectors of a page: the kernel loses one of them,
 * or says EIO.
 */
static void is_written_as_data_is(void **state)
{
	struct test_request t;
	struct storage s;

	(void)state;
	if (!storage_open(&s, &loop, &on_disk, SIZE))
		skip();
	s.b->info.caps &= ~(IMAGE_ZERO_RANGE | IMAGE_PUNCH_HOLE);
	prepare(&t, BLK_WRITE_ZEROES, 0, 0, SIZE, NULL, 0);
	s.b->ops->submit(s.b, &t.req);
	assert_int_equal(last_sqe(&loop)->fd, s.image.direct_fd);
	wait_for(&s, &t);
	assert_int_equal(t.result, 0);

	/* But if the kernel refuses. */
	prepare(&t, BLK_WRITE_ZEROES, 0, 0, SIZE, NULL, 0);
	s.b->ops->submit(s.b, &t.req);
	last_sqe(&loop)->len = 1000;
	wait_for(&s, &t);
	assert_int_equal(t.result, 0);
	storage_close(&s);
}

static void keeps_blocks_without_discard(void **state)
{
	struct stat before, after;
	struct storage s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(storage_kinds); i++) {
		if (!storage_open(&s, &loop, &storage_kinds[i], SIZE))
			continue;
		s.b->info.caps &= ~IMAGE_DISCARD;
		assert_int_equal(run(&s, BLK_FLUSH, 0, 0, 0, NULL), 0); /* delayed allocation */
		assert_int_equal(stat(s.path, &before), 0);
		check(&s, BLK_UNMAP | BLK_FUA, 0, SIZE);
		assert_int_equal(stat(s.path, &after), 0);
		assert_true(after.st_blocks >= before.st_blocks);
		storage_close(&s);
	}
}

static void discard_deallocates(void **state)
{
	struct storage s;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(storage_kinds); i++) {
		if (!storage_open(&s, &loop, &storage_kinds[i], SIZE))
			continue;
		assert_true(s.b->info.caps & IMAGE_DISCARD);
		assert_int_equal(run(&s, BLK_FLUSH, 0, 0, 0, NULL), 0);
		assert_int_equal(run(&s, BLK_DISCARD, 0, 0, SIZE, NULL), 0);
		assert_int_equal(stat(s.path, &st), 0);
		assert_true(st.st_blocks <= 8);
		/* Where nothing works it is still no error. */
		s.b->info.caps &= ~IMAGE_PUNCH_HOLE;
		assert_int_equal(run(&s, BLK_DISCARD, 0, 0, SIZE, NULL), 0);
		storage_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_zero),
		cmocka_unit_test(is_written_as_data_is),
		cmocka_unit_test(keeps_blocks_without_discard),
		cmocka_unit_test(discard_deallocates),
	};

	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
