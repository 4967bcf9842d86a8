/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a reset the device is as new (A17, B5): status, InterruptStatus, every queue and every
 * choice of the driver's, from whichever state the reset came.
 */
#include "tests/fake/driver.h"

static struct drv d;
static const struct drv_options four = { .nr_queues = 4 };

static void expect_new(void)
{
	const struct virtio_state *s = &d.st->virtio;

	assert_int_equal(drv_status(&d), 0);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);
	for (unsigned i = 0; i < 4; i++) {
		drv_write(&d, R_QUEUE_SEL, i);
		assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
		assert_int_equal(s->queues[i].size, 0);
		assert_int_equal(s->queues[i].desc | s->queues[i].driver | s->queues[i].device, 0);
		assert_int_equal(s->queues[i].inflight, 0);
	}
	drv_write(&d, R_QUEUE_SEL, 0);
	assert_int_equal(s->driver_features, 0);
	assert_int_equal(s->driver_features_excess, 0);
	assert_int_equal(s->driver_features_sel, 0);
	assert_int_equal(s->device_features_sel, 0);
	assert_int_equal(s->resetting, 0);
	assert_int_equal(d.disk.mmio.dev.features, 0);
	assert_int_equal(d.disk.mmio.dev.inflight, 0);
}

static void from_the_beginning(void **state)
{
	(void)state;
	drv_start(&d, &four);
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_write(&d, R_DEVICE_FEATURES_SEL, 1);
	drv_write(&d, R_DRIVER_FEATURES_SEL, 7);
	drv_write(&d, R_DRIVER_FEATURES, 7);
	drv_write(&d, R_QUEUE_SEL, 3);
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_stop(&d);
}

static void from_the_middle_of_set_up(void **state)
{
	(void)state;
	drv_start(&d, &four);
	for (unsigned n = 0; n <= 4; n++) {
		assert_true(drv_negotiate(&d, drv_offered(&d)));
		for (unsigned i = 0; i < n; i++)
			assert_true(drv_setup_queue(&d, i, 16));
		drv_write(&d, R_STATUS, 0);
		expect_new();
		/* Without FEATURES_OK a queue that was ready once isn't again. */
		drv_write(&d, R_QUEUE_READY, 1);
		expect_new();
	}
	drv_stop(&d);
}

static void from_work(void **state)
{
	(void)state;
	drv_boot(&d, &four, 0);
	assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 0, NULL, 0, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), VIRTIO_INTERRUPT_USED);
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_stop(&d);
}

static void from_failed_and_broken(void **state)
{
	(void)state;
	drv_boot(&d, &four, 0);
	drv_avail(&d.q[2], 0xffff);
	drv_go(&d, 2);
	drv_write(&d, R_STATUS, 0xff);
	assert_int_equal(drv_status(&d), 0xcf);
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_ready(&d, drv_offered(&d));
	assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 0, NULL, 0, 512), VIRTIO_BLK_S_OK);
	drv_stop(&d);
}

/* Popped, pushed, not yet published: the reset comes between, and the driver is quick. */
static void before_publishing(void **state)
{
	struct drv_blk r = { .type = VIRTIO_BLK_T_IN, .in_len = 512, .direct = DRV_SEGS };

	(void)state;
	drv_boot(&d, &four, 0);
	drv_blk_add(&d, 0, &r);
	drv_kick(&d, 0);
	disk_run(&d.disk);
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_ready(&d, drv_offered(&d));
	disk_publish(&d.disk);
	assert_int_equal(fake_interrupts(DRV_IRQ), 0);
	assert_int_equal(drv_used_idx(&d.q[0]), 0);
	assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 0, NULL, 0, 512), VIRTIO_BLK_S_OK);
	drv_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_beginning), cmocka_unit_test(from_the_middle_of_set_up),
		cmocka_unit_test(from_work),	      cmocka_unit_test(from_failed_and_broken),
		cmocka_unit_test(before_publishing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
