/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While QueueReady is 0 the device doesn't touch the queue (B7), though requests of it were in
 * flight; the other queues go on.
 */
#include "tests/fake/driver.h"

static struct drv d;
static struct drv_blk r = { .type = VIRTIO_BLK_T_OUT, .direct = DRV_SEGS };
static const uint8_t sector[512];

static int set_up(void **state)
{
	const struct drv_options two = { .nr_queues = 2 };

	(void)state;
	drv_boot(&d, &two, 0);
	r.out = sector;
	r.out_len = sizeof(sector);
	d.backend.hold = true;
	drv_blk_add(&d, 1, &r);
	drv_go(&d, 1);
	assert_int_equal(d.backend.nr_held, 1);
	drv_write(&d, R_QUEUE_SEL, 1);
	drv_write(&d, R_QUEUE_READY, 0);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
	return 0;
}

static void not_a_byte(void **state)
{
	(void)state;
	memset(fake_ram(DRV_RINGS(1)), 0x66, 0x8000);
	drv_ram_save();
	drv_go(&d, 1);
	fake_backend_complete_all(&d.backend, 0);
	drv_go(&d, 1);
	drv_ram_expect();
	assert_int_equal(fake_interrupts(DRV_IRQ), 0);
	assert_int_equal(disk_inflight(&d.disk), 0);
	assert_int_equal(d.st->virtio.faults, 0);
}

static void others_go_on(void **state)
{
	(void)state;
	d.backend.hold = false;
	assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 0, NULL, 0, 512), VIRTIO_BLK_S_OK);
}

/* Its slots are still in use: not before they are free. */
static void ready_again_after_the_last(void **state)
{
	(void)state;
	assert_false(drv_setup_queue(&d, 1, 64));
	fake_backend_complete_all(&d.backend, 0);
	assert_true(drv_setup_queue(&d, 1, 32));
	drv_round(&d);
	assert_int_equal(drv_used_idx(&d.q[1]), 0);
	d.backend.hold = false;
	assert_int_equal(drv_blk_run(&d, 1, &r), VIRTIO_BLK_S_OK);
}

#define TEST(f) DRV_TEST(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_a_byte),
		TEST(others_go_on),
		TEST(ready_again_after_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
