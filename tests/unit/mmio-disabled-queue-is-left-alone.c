/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While QueueReady is 0 the device doesn't touch the queue (B7), though requests of it were in
 * flight; the other queues go on.
 */
#include "tests/fake/machine.h"

static struct drv d;
static struct drv_blk r = { .type = T_OUT, .direct = DRV_SEGS };
static const uint8_t sector[512];

static int set_up(void **state)
{
	vm_set_up(state);
	r.out = sector;
	r.out_len = sizeof(sector);
	vm.backend.hold = true;
	drv_blk_add(&d.q[1], &r);
	vm_go(&d.q[1]);
	assert_int_equal(vm.backend.nr_held, 1);
	drv_write(&d, R_QUEUE_SEL, 1);
	drv_write(&d, R_QUEUE_READY, 0);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
	return 0;
}

static void not_a_byte(void **state)
{
	(void)state;
	memset(fake_ram(d.q[1].desc), 0x66, drv_queue_bytes(64));
	fake_ram_save();
	vm_go(&d.q[1]);
	fake_backend_complete_all(&vm.backend, 0);
	vm_go(&d.q[1]);
	fake_ram_expect();
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
	assert_int_equal(disk_inflight(&vm.disk), 0);
	assert_int_equal(vm.st->virtio.faults, 0);
}

static void others_go_on(void **state)
{
	(void)state;
	vm.backend.hold = false;
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
}

/* Its slots are still in use: not before they are free. */
static void ready_again_after_the_last(void **state)
{
	(void)state;
	assert_false(drv_setup_queue(&d, 1, 64));
	fake_backend_complete_all(&vm.backend, 0);
	assert_true(drv_setup_queue(&d, 1, 32));
	vm_round();
	assert_int_equal(drv_used_idx(&d.q[1]), 0);
	vm.backend.hold = false;
	assert_int_equal(drv_blk_run(&d.q[1], &r), BLK_OK);
}

#define TEST(f) VM_TEST_WITH(set_up, vm_tear_down, f, .nr_queues = 2)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_a_byte),
		TEST(others_go_on),
		TEST(ready_again_after_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
