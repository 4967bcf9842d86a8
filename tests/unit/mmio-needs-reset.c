/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest fault sets DEVICE_NEEDS_RESET (A2), with a configuration interrupt if and only if
 * DRIVER_OK was set (A3), once; what was in flight is still answered, nothing new is taken, and a
 * reset makes all good.
 */
#include <errno.h>

#include "tests/fake/driver.h"

static struct drv d;

static void break_ring(void)
{
	drv_avail(&d.q[0], 0xffff);
	drv_go(&d, 0);
}

static void with_driver_ok(void **state)
{
	(void)state;
	drv_boot(&d, NULL, 0);
	break_ring();
	assert_int_equal(drv_status(&d), 0x4f);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), VIRTIO_INTERRUPT_CONFIG);
	assert_int_equal(fake_interrupts(DRV_IRQ), 1);
	/* It is broken already: nobody needs to hear it twice. */
	guest_fault(&d.disk.mmio.dev, "another one");
	drv_go(&d, 0);
	assert_int_equal(fake_interrupts(DRV_IRQ), 1);
	drv_stop(&d);
}

static void without_driver_ok(void **state)
{
	(void)state;
	drv_start(&d, NULL);
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	assert_int_equal(guest_fault(&d.disk.mmio.dev, "made up"), -EBADMSG);
	assert_int_equal(drv_status(&d), 0x4b);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);
	assert_int_equal(fake_interrupts(DRV_IRQ), 0);
	/* No set-up goes on behind it. */
	drv_write(&d, R_QUEUE_SIZE, 64);
	assert_int_equal(d.st->virtio.queues[0].size, 0);
	drv_write(&d, R_STATUS, 0xf);
	assert_false(virtio_device_live(&d.disk.mmio.dev));
	drv_stop(&d);
}

static void takes_nothing_new(void **state)
{
	struct drv_blk r = { .type = VIRTIO_BLK_T_IN, .in_len = 512 };

	(void)state;
	drv_boot(&d, NULL, 0);
	break_ring();
	d.q[0].avail_idx--;
	drv_blk_add(&d, 0, &r);
	drv_go(&d, 0);
	assert_int_equal(d.backend.calls, 0);
	assert_int_equal(drv_used_idx(&d.q[0]), 0);
	drv_stop(&d);
}

static void answers_what_is_in_flight(void **state)
{
	struct drv_blk r = { .type = VIRTIO_BLK_T_IN, .in_len = 512 };
	uint32_t id, len;

	(void)state;
	drv_boot(&d, NULL, 0);
	d.backend.hold = true;
	drv_blk_add(&d, 0, &r);
	drv_go(&d, 0);
	break_ring();
	fake_backend_complete_all(&d.backend, 0);
	drv_round(&d);
	assert_true(drv_used(&d.q[0], &id, &len));
	assert_int_equal(id, r.head);
	assert_int_equal(drv_blk_status(&r), VIRTIO_BLK_S_OK);
	drv_stop(&d);
}

static void reset_recovers(void **state)
{
	(void)state;
	drv_boot(&d, NULL, 0);
	for (unsigned i = 1; i <= 100; i++) {
		break_ring();
		assert_int_equal(d.st->virtio.faults, i);
		drv_ready(&d, drv_offered(&d));
		assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 1, NULL, 0, 512), VIRTIO_BLK_S_OK);
	}
	drv_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_driver_ok),    cmocka_unit_test(without_driver_ok),
		cmocka_unit_test(takes_nothing_new), cmocka_unit_test(answers_what_is_in_flight),
		cmocka_unit_test(reset_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
