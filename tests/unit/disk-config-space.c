/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration space says what the disk is (E10), with zeroes in its unused bytes (E4) and
 * beyond its end; it can be read in any width, at any offset and status (A20, B22), and but for the
 * cache mode not written.
 */
#include "tests/fake/machine.h"

static struct drv d;

static uint64_t config(unsigned off, unsigned size)
{
	return drv_read_sized(&d, R_CONFIG + off, size);
}

/* Offsets and widths of 5.2.4, counted by hand. */
static void fields(void **state)
{
	(void)state;
	vm.backend.b.info.block_size = 1024;
	vm.backend.b.info.physical_block_size = 8192;
	vm.backend.b.info.optimal_io_size = 65536;
	vm.backend.b.info.discard_granularity = 4096;
	assert_int_equal(config(0, 8), 2048);
	assert_int_equal(config(8, 4), 1 << 20);
	assert_int_equal(config(12, 4), 128 - 2);
	assert_int_equal(config(16, 4), 0);
	assert_int_equal(config(20, 4), 1024);
	assert_int_equal(config(24, 1), 3); /* 8192 = 1024 << 3 */
	assert_int_equal(config(25, 1), 0);
	assert_int_equal(config(26, 2), 8);
	assert_int_equal(config(28, 4), 64);
	assert_int_equal(config(32, 1), 1);
	assert_int_equal(config(33, 1), 0);
	assert_int_equal(config(34, 2), 3);
	assert_int_equal(config(36, 4), 1 << 21);
	assert_int_equal(config(40, 4), 32);
	assert_int_equal(config(44, 4), 8);
	assert_int_equal(config(48, 4), 1 << 21);
	assert_int_equal(config(52, 4), 32);
	assert_int_equal(config(56, 1), 1);
	assert_int_equal(config(57, 1) | config(58, 2), 0);
	for (unsigned off = 60; off < 256; off++)
		assert_int_equal(config(off, 1), 0);
}

static void read_only(void **state)
{
	(void)state;
	for (unsigned off = 36; off < 60; off++)
		assert_int_equal(config(off, 1), 0);
}

static void without_discard(void **state)
{
	(void)state;
	for (unsigned off = 36; off < 48; off++)
		assert_int_equal(config(off, 1), 0);
	assert_int_equal(config(52, 4), 32);
	assert_int_equal(config(56, 1), 0);
}

/* A queue has room for header and status beside the data. */
static void seg_max_fits_the_queue(void **state)
{
	(void)state;
	for (unsigned size = 4; size <= 1024; size *= 2) {
		vm_start(&d, &(struct vm_options){ .queue_size = size });
		assert_int_equal(config(12, 4), size - 2);
		vm_stop();
	}
}

static void any_width_at_any_status(void **state)
{
	static const unsigned widths[] = { 1, 2, 4, 8 };
	static const uint8_t steps[] = { 0, 1, 3, 0xb, 0xf, 0x8f };
	uint8_t bytes[256 + 8] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = config(i, 1);
	for (unsigned s = 0; s < ARRAY_SIZE(steps); s++) {
		if (steps[s] == 0xb)
			drv_write_features(&d, drv_offered(&d));
		if (steps[s])
			drv_write(&d, R_STATUS, steps[s]);
		assert_int_equal(drv_status(&d), steps[s]);
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++)
			for (unsigned off = 0; off + widths[w] <= 256; off++) {
				uint64_t v = htole64(config(off, widths[w]));

				assert_memory_equal(&v, bytes + off, widths[w]);
			}
	}
	assert_int_equal(vm.st->virtio.bad_access, 0);
}

static void cannot_be_written(void **state)
{
	uint8_t before[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		before[i] = config(i, 1);
	for (unsigned i = 0; i < 256; i++)
		drv_write_sized(&d, R_CONFIG + i, 1, i == 32 ? 0x99 : 0);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(config(i, 1), before[i]);
	assert_int_equal(vm.st->virtio.bad_access, 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(fields, .untouched = true, .size = 1 << 20, .nr_queues = 3,
			.queue_size = 128, .caps = IMAGE_DISCARD | IMAGE_PUNCH_HOLE),
		VM_TEST(read_only, .untouched = true,
			.caps = IMAGE_READ_ONLY | IMAGE_DISCARD | IMAGE_PUNCH_HOLE),
		VM_TEST(without_discard, .untouched = true, .no_caps = true),
		cmocka_unit_test(seg_max_fits_the_queue),
		VM_TEST(any_width_at_any_status, .untouched = true),
		VM_TEST(cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
