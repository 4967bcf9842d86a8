/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status starts at 0 and goes forward only, but for the reset (A4, D15, B19); DRIVER_OK needs
 * FEATURES_OK (D17), and nothing is served before DRIVER_OK (A1).
 */
#include "tests/fake/machine.h"

static struct drv d;

static void as_linux_does(void **state)
{
	static const uint32_t steps[] = { 0, 1, 3, 0xb, 0xf };

	(void)state;
	assert_int_equal(drv_status(&d), 0);
	drv_write_features(&d, BIT64(F_VERSION_1));
	for (unsigned i = 1; i < ARRAY_SIZE(steps); i++) {
		drv_write(&d, R_STATUS, steps[i]);
		assert_int_equal(drv_status(&d), steps[i]);
	}
	drv_write(&d, R_STATUS, 0);
	assert_int_equal(drv_status(&d), 0);
	assert_int_equal(vm.st->virtio.bad_access, 0);
}

static void bits_cannot_be_cleared(void **state)
{
	(void)state;
	drv_ready(&d, BIT64(F_VERSION_1), 1);
	for (unsigned value = 1; value < 256; value++) {
		drv_write(&d, R_STATUS, value & ~S_FAILED);
		if (value & ~S_FAILED)
			assert_int_equal(drv_status(&d), 0xf);
		else
			drv_ready(&d, BIT64(F_VERSION_1), 1);
	}
	drv_write(&d, R_STATUS, S_FAILED);
	assert_int_equal(drv_status(&d), 0x8f);
}

static void bits_that_are_not_the_drivers(void **state)
{
	(void)state;
	drv_write(&d, R_STATUS, S_NEEDS_RESET | S_ACKNOWLEDGE);
	assert_int_equal(drv_status(&d), S_ACKNOWLEDGE);
	drv_write(&d, R_STATUS, 0xffffff31);
	assert_int_equal(drv_status(&d), S_ACKNOWLEDGE);
}

static void driver_ok_needs_features_ok(void **state)
{
	(void)state;
	drv_write(&d, R_STATUS, 7);
	assert_int_equal(drv_status(&d), 3);
	/* Without VERSION_1 FEATURES_OK is refused, and DRIVER_OK in the same write with it. */
	drv_write(&d, R_STATUS, 0xf);
	assert_int_equal(drv_status(&d), 3);
	assert_false(virtio_device_live(&vm.disk.mmio.dev));
}

/* What was made available before is served when DRIVER_OK comes, without another notification. */
static void nothing_before_driver_ok(void **state)
{
	struct drv_blk r = { .type = T_IN, .in_len = 512, .direct = DRV_SEGS };
	uint32_t id;

	(void)state;
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	assert_true(drv_setup_queue(&d, 0, 64));
	drv_blk_add(&d.q[0], &r);
	fake_ram_save();
	for (unsigned i = 0; i < 3; i++)
		vm_go(&d.q[0]);
	fake_ram_expect();
	assert_int_equal(vm.backend.calls, 0);
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);

	drv_write(&d, R_STATUS, 0xf);
	vm_round();
	assert_true(drv_used(&d.q[0], &id, &r.used_len));
	assert_int_equal(drv_blk_status(&d, &r), BLK_OK);
	assert_int_equal(fake_interrupts(FAKE_LINE), 1);
}

#define TEST(f) VM_TEST(f, .untouched = true)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_linux_does),
		TEST(bits_cannot_be_cleared),
		TEST(bits_that_are_not_the_drivers),
		TEST(driver_ok_needs_features_ok),
		TEST(nothing_before_driver_ok),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
