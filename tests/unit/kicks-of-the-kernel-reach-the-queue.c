/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kick that the kernel has answered comes by its queue's eventfd, is counted, and has the queue
 * looked at; one that comes when the queue is off, in a reset, or of a window that is closed, is
 * harmless.
 */
#include "tests/fake/machine.h"
#include "transport/kicks.h"

static struct drv d;
static struct loop loop;
static struct kicks kicks;
static struct drv_blk r = { .type = T_FLUSH, .direct = DRV_SEGS };

static int set_up(void **state)
{
	vm_set_up(state);
	assert_int_equal(loop_init(&loop, 8), 0);
	vm.xen.eventfds = XEN_IOEVENTFD;
	kicks_open(&kicks, &loop, &vm.disk.mmio);
	assert_int_equal(kicks.nr, 2);
	return 0;
}

static int tear_down(void **state)
{
	kicks_close(&kicks);
	loop_fini(&loop);
	return vm_tear_down(state);
}

static void kick(unsigned q, uint64_t n)
{
	fake_kick(q, n);
	assert_int_equal(loop_run_round(&loop, true), 0);
	vm_round();
}

static void queue_is_looked_at(void **state)
{
	uint64_t before = vm.st->virtio.kicks;

	(void)state;
	drv_blk_add(&d.q[1], &r);
	vm_round();
	assert_int_equal(drv_used_idx(&d.q[1]), 0);
	kick(1, 3);
	assert_int_equal(drv_used_idx(&d.q[1]), 1);
	assert_int_equal(vm.st->virtio.kicks, before + 3);
}

static void late_kick_is_harmless(void **state)
{
	uint64_t before;

	(void)state;
	drv_write(&d, R_QUEUE_SEL, 1);
	drv_write(&d, R_QUEUE_READY, 0);
	kick(1, 1);
	vm.backend.hold = true;
	drv_blk_add(&d.q[0], &r);
	kick(0, 1);
	assert_int_equal(vm.backend.nr_held, 1);
	drv_write(&d, R_STATUS, 0);
	assert_true(drv_status(&d) != 0);
	before = vm.st->virtio.kicks;
	kick(0, 1);
	assert_int_equal(vm.backend.nr_held, 1);
	assert_int_equal(vm.st->virtio.kicks, before);
	fake_backend_complete_all(&vm.backend, 0);
	vm_round();
	assert_int_equal(drv_status(&d), 0);
	kick(0, 1);
	assert_int_equal(vm.st->virtio.faults, 0);
}

static void closed_is_closed(void **state)
{
	(void)state;
	kicks_close(&kicks);
	assert_int_equal(kicks.nr, 0);
	assert_int_equal(loop_run_round(&loop, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST_WITH(set_up, tear_down, queue_is_looked_at, .nr_queues = 2),
		VM_TEST_WITH(set_up, tear_down, late_kick_is_harmless, .nr_queues = 2),
		VM_TEST_WITH(set_up, tear_down, closed_is_closed, .nr_queues = 2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
