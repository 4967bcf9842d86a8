/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest fault sets DEVICE_NEEDS_RESET (A2), with a configuration interrupt if and only if
 * DRIVER_OK was set (A3), once; what was in flight is still answered, nothing new is taken, and a
 * reset makes all good.
 */
#include <errno.h>

#include "tests/fake/machine.h"

static struct drv d;

static void break_ring(void)
{
	drv_avail(&d.q[0], 0xffff);
	vm_go(&d.q[0]);
}

static void with_driver_ok(void **state)
{
	(void)state;
	break_ring();
	assert_int_equal(drv_status(&d), 0x4f);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), INT_CONFIG);
	assert_int_equal(fake_interrupts(FAKE_LINE), 1);
	/* It is broken already: nobody needs to hear it twice. */
	guest_fault(&vm.disk.mmio.dev, "another one");
	vm_go(&d.q[0]);
	assert_int_equal(fake_interrupts(FAKE_LINE), 1);
}

static void without_driver_ok(void **state)
{
	(void)state;
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	assert_int_equal(guest_fault(&vm.disk.mmio.dev, "made up"), -EBADMSG);
	assert_int_equal(drv_status(&d), 0x4b);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
	/* No set-up goes on behind it. */
	drv_write(&d, R_QUEUE_SIZE, 64);
	assert_int_equal(vm.st->virtio.queues[0].size, 0);
	drv_write(&d, R_STATUS, 0xf);
	assert_false(virtio_device_live(&vm.disk.mmio.dev));
}

static void takes_nothing_new(void **state)
{
	struct drv_blk r = { .type = T_IN, .in_len = 512 };

	(void)state;
	break_ring();
	d.q[0].avail_idx--;
	drv_blk_add(&d.q[0], &r);
	vm_go(&d.q[0]);
	assert_int_equal(vm.backend.calls, 0);
	assert_int_equal(drv_used_idx(&d.q[0]), 0);
}

static void answers_what_is_in_flight(void **state)
{
	struct drv_blk r;
	uint32_t id, len;

	(void)state;
	vm_hold_reads(&d.q[0], &r, 1);
	break_ring();
	fake_backend_complete_all(&vm.backend, 0);
	vm_round();
	assert_true(drv_used(&d.q[0], &id, &len));
	assert_int_equal(id, r.head);
	assert_int_equal(drv_blk_status(&d, &r), BLK_OK);
}

static void reset_recovers(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 100; i++) {
		break_ring();
		assert_int_equal(vm.st->virtio.faults, i);
		drv_boot(&d, 0);
		assert_int_equal(drv_io(&d, T_IN, 1, NULL, 0, NULL, 512), BLK_OK);
	}
}

#define TEST(f, ...) VM_TEST(f, .faulty = true, __VA_ARGS__)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_driver_ok),	 TEST(without_driver_ok, .untouched = true),
		TEST(takes_nothing_new), TEST(answers_what_is_in_flight),
		TEST(reset_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
