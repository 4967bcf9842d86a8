/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers that never change, whatever the driver does (B1, B2, A23, B20), and the features
 * offered in words of 32 bits (B12), none of them a bit that we would not keep (A5, A8, A10).
 */
#include "tests/fake/machine.h"

static struct drv d;

static void expect_identity(void)
{
	assert_int_equal(drv_read(&d, R_MAGIC), 0x74726976);
	assert_int_equal(drv_read(&d, R_VERSION), 2);
	assert_int_equal(drv_read(&d, R_DEVICE_ID), 2);
	assert_int_not_equal(drv_read(&d, R_VENDOR_ID), 0);
	for (unsigned region = 0; region < 3; region++) {
		drv_write(&d, R_SHM_SEL, region);
		for (unsigned i = 0; i < 8; i += 4) {
			assert_int_equal(drv_read(&d, R_SHM_LEN + i), 0xffffffff);
			assert_int_equal(drv_read(&d, R_SHM_BASE + i), 0xffffffff);
		}
	}
}

static void at_every_status(void **state)
{
	(void)state;
	expect_identity();
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	expect_identity();
	drv_boot(&d, 0);
	expect_identity();
	for (unsigned reg = 0; reg < R_DEVICE_FEATURES; reg += 4)
		drv_write(&d, reg, 0xffffffff);
	expect_identity();
}

static void feature_words(void **state)
{
	static const uint32_t beyond[] = { 2, 3, 4, 31, 32, 64, 0x80000000, 0xffffffff };
	uint32_t low, high;

	(void)state;
	drv_write(&d, R_DEVICE_FEATURES_SEL, 0);
	low = drv_read(&d, R_DEVICE_FEATURES);
	drv_write(&d, R_DEVICE_FEATURES_SEL, 1);
	high = drv_read(&d, R_DEVICE_FEATURES);
	assert_int_equal(high & 1, 1);
	assert_int_equal(low, (uint32_t)vm.disk.mmio.dev.offered);
	assert_int_equal(high, vm.disk.mmio.dev.offered >> 32);
	for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
		drv_write(&d, R_DEVICE_FEATURES_SEL, beyond[i]);
		assert_int_equal(drv_read(&d, R_DEVICE_FEATURES), 0);
	}
	drv_write(&d, R_DEVICE_FEATURES_SEL, 0);
	assert_int_equal(drv_read(&d, R_DEVICE_FEATURES), low);
}

/*
 * SIZE_MAX SEG_MAX BLK_SIZE FLUSH TOPOLOGY CONFIG_WCE, INDIRECT_DESC EVENT_IDX VERSION_1
 * RING_RESET: on every disk.
 */
#define ALWAYS                                                                           \
	(BIT64(1) | BIT64(2) | BIT64(6) | BIT64(9) | BIT64(10) | BIT64(11) | BIT64(28) | \
	 BIT64(29) | BIT64(32) | BIT64(40))

static const struct {
	struct vm_options o;
	uint64_t more;
} kinds[] = {
	{ { .untouched = true, .no_caps = true }, BIT64(14) },
	{ { .untouched = true, .caps = IMAGE_DISCARD }, BIT64(13) | BIT64(14) },
	{ { .untouched = true, .caps = IMAGE_READ_ONLY }, BIT64(5) },
	{ { .untouched = true, .caps = IMAGE_READ_ONLY | IMAGE_DISCARD }, BIT64(5) },
	{ { .untouched = true, .caps = IMAGE_DISCARD, .nr_queues = 2 },
	  BIT64(12) | BIT64(13) | BIT64(14) },
	{ { .untouched = true, .caps = IMAGE_READ_ONLY, .nr_queues = 8 }, BIT64(5) | BIT64(12) },
};

static void offered_by_the_image(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		vm_start(&d, &kinds[i].o);
		sim_check(drv_offered(&d) == (ALWAYS | kinds[i].more), "kind %u: %#llx", i,
			  (unsigned long long)drv_offered(&d));
		vm_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(at_every_status, .untouched = true),
		VM_TEST(feature_words, .untouched = true),
		cmocka_unit_test(offered_by_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
