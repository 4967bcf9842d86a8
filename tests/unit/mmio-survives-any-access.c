/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses that no driver makes, of any width at any offset, do nothing (B23), and no sequence of
 * them takes the device away from a driver that resets it.
 */
#include "tests/fake/machine.h"

static struct drv d;

static const unsigned widths[] = { 1, 2, 4, 8, 0, 3, 5, 16 };
static const uint64_t values[] = { 0, 1, 0xff, 0xffffffff, UINT64_MAX, FAKE_RAM0_BASE };

/* The device's state without what counts such accesses. */
static struct virtio_state visible(void)
{
	struct virtio_state s = vm.st->virtio;

	s.bad_access = 0;
	return s;
}

static void wrong_widths_do_nothing(void **state)
{
	struct virtio_state before, after;

	(void)state;
	before = visible();
	for (unsigned off = 0; off < VIRTIO_MMIO_WINDOW; off++) {
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			if (off < R_CONFIG && off % 4 == 0 && widths[w] == 4)
				continue;
			for (unsigned v = 0; v < ARRAY_SIZE(values); v++)
				drv_write_sized(&d, off, widths[w], values[v]);
			if (off < R_CONFIG)
				assert_int_equal(drv_read_sized(&d, off, widths[w]), 0);
		}
	}
	after = visible();
	assert_memory_equal(&before, &after, sizeof(before));
	assert_true(vm.st->virtio.bad_access > 1000);
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
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
	before = visible();
	for (unsigned off = 0; off < VIRTIO_MMIO_WINDOW; off++)
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			uint64_t v = drv_read_sized(&d, off, widths[w]);

			if (off < R_CONFIG && !known[off])
				assert_int_equal(v, 0);
			if (widths[w] < 8)
				assert_int_equal(v >> 8 * widths[w], 0);
		}
	after = visible();
	assert_memory_equal(&before, &after, sizeof(before));
}

static void writes_to_what_is_read_only(void **state)
{
	static const unsigned regs[] = {
		R_MAGIC,	  R_VERSION,	      R_DEVICE_ID, R_VENDOR_ID, R_DEVICE_FEATURES,
		R_QUEUE_SIZE_MAX, R_INTERRUPT_STATUS, R_SHM_LEN,   R_SHM_BASE,	R_CONFIG_GENERATION
	};
	struct virtio_state before, after;

	(void)state;
	before = visible();
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
		for (unsigned v = 0; v < ARRAY_SIZE(values); v++)
			drv_write(&d, regs[i], values[v]);
	after = visible();
	assert_memory_equal(&before, &after, sizeof(before));
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
	ram = fake_ram(FAKE_RAM0_BASE);
	for (unsigned turn = 0; turn < 50; turn++) {
		for (unsigned i = 0; i < 0x10000; i++)
			ram[i] = drv_random(&seed) % (turn % 2 ? 256 : UINT32_MAX);
		vm.backend.hold = turn % 3 == 0;
		/* Without a start most turns would end before the first queue. */
		if (turn % 4 == 3)
			assert_true(drv_negotiate(&d, drv_offered(&d)));
		if (turn % 5 == 3)
			drv_boot(&d, 0);
		for (unsigned i = 0; i < 1000; i++) {
			unsigned off = drv_random(&seed) % VIRTIO_MMIO_WINDOW;
			unsigned w = drv_random(&seed) % 4;

			if (i % 2) {
				off &= ~3u;
				w = 2;
			}
			/* Seldom a reset. */
			drv_write_sized(&d, off, 1u << w, random_value(&seed));
			drv_read_sized(&d, off, 1u << w);
			if (i % 8 == 0)
				vm_round();
		}
		fake_backend_complete_all(&vm.backend, 0);
		vm_round();
		vm.backend.hold = false;
		drv_boot(&d, 0);
		assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(wrong_widths_do_nothing),
		VM_TEST(reads_change_nothing),
		VM_TEST(writes_to_what_is_read_only),
		VM_TEST(any_sequence, .untouched = true, .faulty = true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
