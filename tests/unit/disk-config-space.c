/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration space says what the disk is (E10), with zeroes in its unused bytes (E4) and
 * beyond its end; it can be read in any width, at any offset and status (A20, B22), and but for the
 * cache mode not written.
 */
#include "tests/fake/driver.h"

static struct drv d;

static uint64_t config(unsigned off, unsigned size)
{
	return virtio_mmio_read(&d.disk.mmio, R_CONFIG + off, size);
}

/* Offsets and widths of 5.2.4, counted by hand. */
static void fields(void **state)
{
	const struct drv_options o = { .size = 1 << 20,
				       .nr_queues = 3,
				       .queue_size = 128,
				       .caps = IMAGE_DISCARD | IMAGE_PUNCH_HOLE };

	(void)state;
	drv_start(&d, &o);
	d.backend.b.info.block_size = 1024;
	d.backend.b.info.physical_block_size = 8192;
	d.backend.b.info.optimal_io_size = 65536;
	d.backend.b.info.discard_granularity = 4096;
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
	drv_stop(&d);
}

static void what_is_not_offered_is_zero(void **state)
{
	const struct drv_options ro = { .caps = IMAGE_READ_ONLY | IMAGE_DISCARD |
						IMAGE_PUNCH_HOLE };
	const struct drv_options no_discard = { .no_caps = true };

	(void)state;
	drv_start(&d, &ro);
	for (unsigned off = 36; off < 60; off++)
		assert_int_equal(config(off, 1), 0);
	drv_stop(&d);
	drv_start(&d, &no_discard);
	for (unsigned off = 36; off < 48; off++)
		assert_int_equal(config(off, 1), 0);
	assert_int_equal(config(52, 4), 32);
	assert_int_equal(config(56, 1), 0);
	drv_stop(&d);
}

/* A queue has room for header and status beside the data. */
static void seg_max_fits_the_queue(void **state)
{
	(void)state;
	for (unsigned size = 4; size <= 1024; size *= 2) {
		const struct drv_options o = { .queue_size = size };

		drv_start(&d, &o);
		assert_int_equal(config(12, 4), size - 2);
		drv_stop(&d);
	}
}

static void any_width_at_any_status(void **state)
{
	static const unsigned widths[] = { 1, 2, 4, 8 };
	static const uint8_t steps[] = { 0, 1, 3, 0xb, 0xf, 0x8f };
	uint8_t bytes[256 + 8] = { 0 };

	(void)state;
	drv_start(&d, NULL);
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
	assert_int_equal(d.st->virtio.bad_access, 0);
	drv_stop(&d);
}

static void cannot_be_written(void **state)
{
	uint8_t before[256];

	(void)state;
	drv_boot(&d, NULL, 0);
	for (unsigned i = 0; i < 256; i++)
		before[i] = config(i, 1);
	for (unsigned i = 0; i < 256; i++)
		virtio_mmio_write(&d.disk.mmio, R_CONFIG + i, 1, i == 32 ? 0x99 : 0);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(config(i, 1), before[i]);
	assert_int_equal(d.st->virtio.bad_access, 256);
	drv_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(what_is_not_offered_is_zero),
		cmocka_unit_test(seg_max_fits_the_queue),
		cmocka_unit_test(any_width_at_any_status),
		cmocka_unit_test(cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
