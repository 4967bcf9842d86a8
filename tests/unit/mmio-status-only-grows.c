/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status starts at 0 and goes forward only, but for the reset (A4, D15, B19); DRIVER_OK needs
 * FEATURES_OK (D17), and nothing is served before DRIVER_OK (A1).
 */
#include "tests/fake/driver.h"

static struct drv d;

static void as_linux_does(void **state)
{
	static const uint32_t steps[] = { 0, 1, 3, 0xb, 0xf };

	(void)state;
	assert_int_equal(drv_status(&d), 0);
	drv_write_features(&d, VIRTIO_F_VERSION_1);
	for (unsigned i = 1; i < ARRAY_SIZE(steps); i++) {
		drv_write(&d, R_STATUS, steps[i]);
		assert_int_equal(drv_status(&d), steps[i]);
	}
	drv_write(&d, R_STATUS, 0);
	assert_int_equal(drv_status(&d), 0);
	assert_int_equal(d.st->virtio.bad_access, 0);
}

static void bits_cannot_be_cleared(void **state)
{
	(void)state;
	drv_ready(&d, VIRTIO_F_VERSION_1);
	for (unsigned value = 1; value < 256; value++) {
		drv_write(&d, R_STATUS, value & ~VIRTIO_STATUS_FAILED);
		if (value & ~VIRTIO_STATUS_FAILED)
			assert_int_equal(drv_status(&d), 0xf);
		else
			drv_ready(&d, VIRTIO_F_VERSION_1);
	}
	drv_write(&d, R_STATUS, VIRTIO_STATUS_FAILED);
	assert_int_equal(drv_status(&d), 0x8f);
}

static void bits_that_are_not_the_drivers(void **state)
{
	(void)state;
	drv_write(&d, R_STATUS, VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_ACKNOWLEDGE);
	assert_int_equal(drv_status(&d), VIRTIO_STATUS_ACKNOWLEDGE);
	drv_write(&d, R_STATUS, 0xffffff31);
	assert_int_equal(drv_status(&d), VIRTIO_STATUS_ACKNOWLEDGE);
}

static void driver_ok_needs_features_ok(void **state)
{
	(void)state;
	drv_write(&d, R_STATUS, 7);
	assert_int_equal(drv_status(&d), 3);
	/* Without VERSION_1 FEATURES_OK is refused, and DRIVER_OK in the same write with it. */
	drv_write(&d, R_STATUS, 0xf);
	assert_int_equal(drv_status(&d), 3);
	assert_false(virtio_device_live(&d.disk.mmio.dev));
}

/* What was made available before is served when DRIVER_OK comes, without another notification. */
static void nothing_before_driver_ok(void **state)
{
	struct drv_blk r = { .type = VIRTIO_BLK_T_IN, .in_len = 512, .direct = DRV_SEGS };
	uint32_t id;

	(void)state;
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	assert_true(drv_setup_queue(&d, 0, 64));
	drv_blk_add(&d, 0, &r);
	drv_ram_save();
	for (unsigned i = 0; i < 3; i++)
		drv_go(&d, 0);
	drv_ram_expect();
	assert_int_equal(d.backend.calls, 0);
	assert_int_equal(fake_interrupts(DRV_IRQ), 0);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);

	drv_write(&d, R_STATUS, 0xf);
	drv_round(&d);
	assert_true(drv_used(&d.q[0], &id, &r.used_len));
	assert_int_equal(drv_blk_status(&r), VIRTIO_BLK_S_OK);
	assert_int_equal(fake_interrupts(DRV_IRQ), 1);
}

#define TEST(f) DRV_TEST(f, drv_set_up)

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
