/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a reset the device is as new (A17, B5): status, InterruptStatus, every queue and every
 * choice of the driver's, from whichever state the reset came.
 */
#include "tests/fake/machine.h"

static struct drv d;

static void expect_new(void)
{
	const struct virtio_state *s = &vm.st->virtio;

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
	assert_int_equal(vm.disk.mmio.dev.features, 0);
	assert_int_equal(vm.disk.mmio.dev.inflight, 0);
}

static void from_the_beginning(void **state)
{
	(void)state;
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_write(&d, R_DEVICE_FEATURES_SEL, 1);
	drv_write(&d, R_DRIVER_FEATURES_SEL, 7);
	drv_write(&d, R_DRIVER_FEATURES, 7);
	drv_write(&d, R_QUEUE_SEL, 3);
	drv_write(&d, R_STATUS, 0);
	expect_new();
}

static void from_the_middle_of_set_up(void **state)
{
	(void)state;
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
}

static void from_work(void **state)
{
	(void)state;
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), INT_USED);
	drv_write(&d, R_STATUS, 0);
	expect_new();
}

static void from_failed_and_broken(void **state)
{
	(void)state;
	drv_avail(&d.q[2], 0xffff);
	vm_go(&d.q[2]);
	drv_write(&d, R_STATUS, 0xff);
	assert_int_equal(drv_status(&d), 0xcf);
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_ready(&d, drv_offered(&d), 4);
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
}

/* Popped, pushed, not yet published: the reset comes between, and the driver is quick. */
static void before_publishing(void **state)
{
	struct drv_blk r = { .type = T_IN, .in_len = 512, .direct = DRV_SEGS };

	(void)state;
	drv_blk_add(&d.q[0], &r);
	drv_kick(&d.q[0]);
	disk_run(&vm.disk);
	drv_write(&d, R_STATUS, 0);
	expect_new();
	drv_ready(&d, drv_offered(&d), 4);
	disk_publish(&vm.disk);
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
	assert_int_equal(drv_used_idx(&d.q[0]), 0);
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
}

#define TEST(f, ...) VM_TEST(f, .nr_queues = 4, __VA_ARGS__)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(from_the_beginning, .untouched = true),
		TEST(from_the_middle_of_set_up, .untouched = true),
		TEST(from_work),
		TEST(from_failed_and_broken, .faulty = true),
		TEST(before_publishing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
