/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk takes the size that its image has now (E20), and tells the driver (A22), which never reads
 * halves of two sizes with one ConfigGeneration (A21, B6).  Beyond the end nothing is served.
 */
#include <errno.h>

#include "tests/fake/machine.h"

static struct drv d;
static unsigned interrupts; /* seen by told() */

static uint64_t capacity(void)
{
	return drv_read_sized(&d, R_CONFIG, 8);
}

static void resize(uint64_t bytes)
{
	vm.backend.new_size = bytes;
	disk_check_size(&vm.disk);
}

/* Was the driver told since the last time? */
static bool told(void)
{
	bool config = drv_read(&d, R_INTERRUPT_STATUS) & INT_CONFIG;
	bool raised = fake_interrupts(FAKE_LINE) != interrupts;

	assert_int_equal(config, raised);
	interrupts = fake_interrupts(FAKE_LINE);
	drv_write(&d, R_INTERRUPT_ACK, INT_CONFIG);
	return config;
}

static int set_up(void **state)
{
	interrupts = 0;
	return vm_set_up(state); /* 128 sectors */
}

static void driver_is_told(void **state)
{
	static const uint64_t sizes[] = { 32768, 65536, 512, 1ull << 42 };

	(void)state;
	drv_boot(&d, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t generation = drv_read(&d, R_CONFIG_GENERATION);

		resize(sizes[i]);
		assert_int_equal(capacity(), sizes[i] / 512);
		assert_int_not_equal(drv_read(&d, R_CONFIG_GENERATION), generation);
		assert_true(told());
	}
	drv_write(&d, R_STATUS, 0);
	assert_int_equal(capacity(), (1ull << 42) / 512);
}

static void nothing_new(void **state)
{
	(void)state;
	drv_boot(&d, 0);
	resize(65536);
	resize(65536 + 511);
	resize(0);
	resize(511);
	vm.backend.size_result = -EIO;
	resize(4096);
	assert_int_equal(capacity(), 128);
	assert_int_equal(drv_read(&d, R_CONFIG_GENERATION), 0);
	assert_false(told());
	assert_int_equal(drv_io(&d, T_IN, 127, NULL, 0, NULL, 512), BLK_OK);
}

static void whole_blocks(void **state)
{
	(void)state;
	vm.backend.b.info.block_size = 4096;
	resize(40960 + 4095);
	assert_int_equal(capacity(), 80);
}

/* No notification before DRIVER_OK (2.5), but none is lost; a reset starts from the beginning. */
static void told_when_ready(void **state)
{
	(void)state;
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	resize(32768);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);
	assert_int_equal(drv_read(&d, R_CONFIG_GENERATION), 1);
	drv_write(&d, R_STATUS, 0xf);
	assert_true(told());

	drv_write(&d, R_STATUS, 0);
	resize(65536);
	drv_boot(&d, 0);
	assert_false(told());
}

static void not_told_while_resetting(void **state)
{
	struct drv_blk r;

	(void)state;
	drv_boot(&d, 0);
	vm_hold_reads(&d.q[0], &r, 1);
	drv_write(&d, R_STATUS, 0);
	resize(32768);
	assert_int_not_equal(drv_status(&d), 0);
	assert_false(told());
	fake_backend_complete_all(&vm.backend, 0);
	drv_boot(&d, 0);
	assert_false(told());
	assert_int_equal(capacity(), 64);
}

/* A resize before each of the driver's four reads, to sizes that differ in both halves. */
static void never_mixed(void **state)
{
	static const uint64_t sizes[2] = { 0x1234567800000200, 0x7654321000000400 };

	(void)state;
	drv_boot(&d, 0);
	for (unsigned when = 0; when < 3 * 3 * 3 * 3; when++) {
		uint32_t reads[4];
		static const unsigned regs[4] = { R_CONFIG_GENERATION, R_CONFIG, R_CONFIG + 4,
						  R_CONFIG_GENERATION };
		uint64_t read, times = when;

		for (unsigned i = 0; i < 4; i++, times /= 3) {
			for (unsigned n = 0; n < times % 3; n++)
				resize(sizes[vm.backend.new_size == sizes[0]]);
			reads[i] = drv_read(&d, regs[i]);
		}
		read = (uint64_t)reads[2] << 32 | reads[1];
		if (reads[0] == reads[3])
			assert_int_equal(read, capacity());
	}
}

static void nothing_beyond_the_end(void **state)
{
	static const uint8_t out[512];

	(void)state;
	drv_boot(&d, 0);
	resize(32768);
	assert_int_equal(drv_io(&d, T_OUT, 63, out, 512, NULL, 0), BLK_OK);
	assert_int_equal(drv_io(&d, T_OUT, 64, out, 512, NULL, 0), BLK_IOERR);
	assert_int_equal(drv_io(&d, T_IN, 63, NULL, 0, NULL, 1024), BLK_IOERR);
	resize(65536);
	assert_int_equal(drv_io(&d, T_OUT, 127, out, 512, NULL, 0), BLK_OK);
	assert_int_equal(drv_io(&d, T_IN, 128, NULL, 0, NULL, 512), BLK_IOERR);
}

/* Ranges were checked when the request came; the second one no longer is part of the disk. */
static void between_two_ranges(void **state)
{
	struct drv_range ranges[] = { drv_range(0, 8, 0), drv_range(100, 8, 0) };
	struct drv_blk r = { .type = T_WRITE_ZEROES, .out = ranges, .out_len = sizeof(ranges) };

	(void)state;
	drv_boot(&d, 0);
	vm.backend.hold = true;
	drv_blk_add(&d.q[0], &r);
	vm_go(&d.q[0]);
	resize(32768);
	fake_backend_complete(&vm.backend, 0, 0);
	vm_round();
	assert_int_equal(vm.backend.calls, 1);
	assert_int_equal(drv_blk_status(&d, &r), BLK_IOERR);
}

#define TEST(f) VM_TEST_WITH(set_up, vm_tear_down, f, .untouched = true)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(driver_is_told),
		TEST(nothing_new),
		TEST(whole_blocks),
		TEST(told_when_ready),
		TEST(not_told_while_resetting),
		TEST(never_mixed),
		TEST(nothing_beyond_the_end),
		TEST(between_two_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
