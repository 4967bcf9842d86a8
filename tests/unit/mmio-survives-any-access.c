/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses that no driver makes, of any width at any offset, do nothing (B23), and no sequence of
 * them takes the device away from a driver that resets it.
 */
#include "tests/fake/driver.h"

static struct drv d;

static const unsigned widths[] = { 1, 2, 4, 8, 0, 3, 5, 16 };
static const uint64_t values[] = { 0, 1, 0xff, 0xffffffff, UINT64_MAX, FAKE_RAM0_BASE };

/* The device's state without what counts such accesses. */
static struct virtio_state visible(void)
{
	struct virtio_state s = d.st->virtio;

	s.bad_access = 0;
	return s;
}

static void wrong_widths_do_nothing(void **state)
{
	struct virtio_state before, after;

	(void)state;
	drv_boot(&d, NULL, 0);
	before = visible();
	for (unsigned off = 0; off < VIRTIO_MMIO_WINDOW; off++) {
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			if (off < R_CONFIG && off % 4 == 0 && widths[w] == 4)
				continue;
			for (unsigned v = 0; v < ARRAY_SIZE(values); v++)
				virtio_mmio_write(&d.disk.mmio, off, widths[w], values[v]);
			if (off < R_CONFIG)
				assert_int_equal(virtio_mmio_read(&d.disk.mmio, off, widths[w]), 0);
		}
	}
	after = visible();
	assert_memory_equal(&before, &after, sizeof(before));
	assert_true(d.st->virtio.bad_access > 1000);
	assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 0, NULL, 0, 512), VIRTIO_BLK_S_OK);
	drv_stop(&d);
}

/* Reading never changes anything; what is write-only or nothing reads as 0. */
static void reads_change_nothing(void **state)
{
	static const unsigned readable[] = {
		R_MAGIC,	   R_VERSION,	     R_DEVICE_ID,	 R_VENDOR_ID,
		R_DEVICE_FEATURES, R_QUEUE_SIZE_MAX, R_QUEUE_READY,	 R_INTERRUPT_STATUS,
		R_STATUS,	   R_SHM_LEN,	     R_SHM_LEN + 4,	 R_SHM_BASE,
		R_SHM_BASE + 4,	   R_QUEUE_RESET,    R_CONFIG_GENERATION
	};
	struct virtio_state before, after;
	bool known[R_CONFIG] = { false };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(readable); i++)
		known[readable[i]] = true;
	drv_boot(&d, NULL, 0);
	before = visible();
	for (unsigned off = 0; off < VIRTIO_MMIO_WINDOW; off++)
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			uint64_t v = virtio_mmio_read(&d.disk.mmio, off, widths[w]);

			if (off < R_CONFIG && !known[off])
				assert_int_equal(v, 0);
			if (widths[w] < 8)
				assert_int_equal(v >> 8 * widths[w], 0);
		}
	after = visible();
	assert_memory_equal(&before, &after, sizeof(before));
	drv_stop(&d);
}

static void writes_to_what_is_read_only(void **state)
{
	static const unsigned regs[] = {
		R_MAGIC,	  R_VERSION,	      R_DEVICE_ID, R_VENDOR_ID, R_DEVICE_FEATURES,
		R_QUEUE_SIZE_MAX, R_INTERRUPT_STATUS, R_SHM_LEN,   R_SHM_BASE,	R_CONFIG_GENERATION
	};
	struct virtio_state before, after;

	(void)state;
	drv_boot(&d, NULL, 0);
	before = visible();
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
		for (unsigned v = 0; v < ARRAY_SIZE(values); v++)
			drv_write(&d, regs[i], values[v]);
	after = visible();
	assert_memory_equal(&before, &after, sizeof(before));
	drv_stop(&d);
}

static uint64_t random_value(uint64_t *seed)
{
	switch (drv_random(seed) % 6) {
	case 0:
		return drv_random(seed) % 16;
	case 1:
		return FAKE_RAM0_BASE + (drv_random(seed) % FAKE_RAM_BYTES & ~15ull);
	case 2:
		return 1ull << drv_random(seed) % 64;
	case 3:
		return drv_offered(&d);
	case 4:
		return drv_status(&d) | 1 << drv_random(seed) % 8;
	default:
		return (uint64_t)drv_random(seed) << 32 | drv_random(seed);
	}
}

/* A driver that has lost its mind, in RAM full of garbage; then one that hasn't. */
static void any_sequence(void **state)
{
	uint64_t seed = 1;
	uint32_t *ram;

	(void)state;
	drv_start(&d, NULL);
	ram = fake_ram(FAKE_RAM0_BASE);
	for (unsigned turn = 0; turn < 50; turn++) {
		for (unsigned i = 0; i < 0x10000; i++)
			ram[i] = drv_random(&seed) % (turn % 2 ? 256 : UINT32_MAX);
		d.backend.hold = turn % 3 == 0;
		/* Without a start most turns would end before the first queue. */
		if (turn % 4 == 3)
			assert_true(drv_negotiate(&d, drv_offered(&d)));
		if (turn % 5 == 3)
			drv_ready(&d, drv_offered(&d));
		for (unsigned i = 0; i < 1000; i++) {
			unsigned off = drv_random(&seed) % VIRTIO_MMIO_WINDOW;
			unsigned w = drv_random(&seed) % 4;

			if (i % 2) {
				off &= ~3u;
				w = 2;
			}
			/* Seldom a reset. */
			virtio_mmio_write(&d.disk.mmio, off, 1u << w, random_value(&seed));
			virtio_mmio_read(&d.disk.mmio, off, 1u << w);
			if (i % 8 == 0)
				drv_round(&d);
		}
		fake_backend_complete_all(&d.backend, 0);
		drv_round(&d);
		d.backend.hold = false;
		drv_ready(&d, drv_offered(&d));
		assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 0, NULL, 0, 512), VIRTIO_BLK_S_OK);
	}
	drv_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_widths_do_nothing),
		cmocka_unit_test(reads_change_nothing),
		cmocka_unit_test(writes_to_what_is_read_only),
		cmocka_unit_test(any_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
