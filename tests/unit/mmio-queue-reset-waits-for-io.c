/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QueueReset takes one queue back to its beginning (B8-B11, C22-C24): it reads 1 while requests of
 * that queue are in flight, which get no answer; then 0, with QueueReady 0, and the queue can be
 * set up anew.  The other queues go on.
 */
#include "tests/fake/machine.h"

#define REQUESTS 3

static struct drv d;
static struct drv_blk r[REQUESTS];

/* Requests of queue 1 are with the backend, and queue 1 is selected. */
static int set_up(void **state)
{
	vm_set_up(state);
	vm_hold_reads(&d.q[1], r, REQUESTS);
	drv_write(&d, R_QUEUE_SEL, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);
	return 0;
}

static void expect_reset(void)
{
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
}

static void until_the_last_request(void **state)
{
	(void)state;
	drv_write(&d, R_QUEUE_RESET, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
	while (vm.backend.nr_held) {
		assert_int_equal(drv_read(&d, R_QUEUE_RESET), 1);
		/* Of the other queue: it is not its affair. */
		drv_write(&d, R_QUEUE_SEL, 0);
		assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);
		assert_int_equal(drv_read(&d, R_QUEUE_READY), 1);
		drv_write(&d, R_QUEUE_SEL, 1);
		fake_backend_complete(&vm.backend, 0, 0);
		vm_round();
	}
	expect_reset();
	assert_int_equal(vm.st->virtio.bad_access, 0);
}

/* Ring, status bytes and interrupts; the buffers may still change. */
static void nothing_is_answered(void **state)
{
	(void)state;
	memset(fake_ram(d.q[1].desc), 0x66, drv_queue_bytes(64));
	drv_write(&d, R_QUEUE_RESET, 1);
	fake_ram_save();
	fake_backend_complete_all(&vm.backend, -5);
	vm_go(&d.q[1]);
	fake_ram_expect();
	for (unsigned i = 0; i < REQUESTS; i++)
		assert_int_equal(drv_blk_status(&d, &r[i]), BLK_PENDING);
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), 0);
	assert_int_equal(vm.st->virtio.faults, 0);
}

static void done_but_not_published(void **state)
{
	(void)state;
	fake_backend_complete_all(&vm.backend, 0);
	drv_write(&d, R_QUEUE_RESET, 1);
	expect_reset();
	fake_ram_save();
	vm_round();
	fake_ram_expect();
	assert_int_equal(fake_interrupts(FAKE_LINE), 0);
}

/* Available and notified before the reset, and never looked at after it. */
static void nothing_new_is_begun(void **state)
{
	struct drv_blk late = { .type = T_IN, .in_len = 512, .direct = DRV_SEGS };

	(void)state;
	drv_blk_add(&d.q[1], &late);
	drv_kick(&d.q[1]);
	drv_write(&d, R_QUEUE_RESET, 1);
	vm_go(&d.q[1]);
	assert_int_equal(vm.backend.nr_held, REQUESTS);
	assert_int_equal(vm.st->virtio.queues[1].inflight, REQUESTS);
}

static void others_go_on(void **state)
{
	(void)state;
	drv_write(&d, R_QUEUE_RESET, 1);
	vm.backend.hold = false;
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 1);
}

/* While it lasts, and afterwards with other size and addresses; the indices begin at 0. */
static void enabled_again(void **state)
{
	struct drv_queue *q = &d.q[1];

	(void)state;
	drv_write(&d, R_QUEUE_RESET, 1);
	assert_false(drv_setup_queue(&d, 1, 16));
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 1);
	fake_backend_complete_all(&vm.backend, 0);
	expect_reset();
	/* What was written meanwhile does not count, nor what was there before. */
	drv_write(&d, R_QUEUE_READY, 1);
	expect_reset();

	vm.backend.hold = false;
	for (unsigned size = 64; size >= 4; size /= 2) {
		assert_true(drv_setup_queue(&d, 1, size));
		assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);
		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(drv_blk_run(&d.q[1], &r[0]), BLK_OK);
		assert_int_equal(drv_used_idx(q), 6);
		drv_write(&d, R_QUEUE_SEL, 1);
		drv_write(&d, R_QUEUE_RESET, 1);
		expect_reset();
	}
	/* Elsewhere. */
	assert_true(drv_setup_queue(&d, 1, 8));
	drv_write(&d, R_QUEUE_SEL, 1);
	drv_write(&d, R_QUEUE_RESET, 1);
	q->bytes_for = 0;
	assert_true(drv_setup_queue(&d, 1, 8));
	assert_int_equal(drv_blk_run(&d.q[1], &r[0]), BLK_OK);
	assert_int_equal(vm.st->virtio.faults, 0);
}

static void ended_by_a_device_reset(void **state)
{
	(void)state;
	drv_write(&d, R_QUEUE_RESET, 1);
	drv_write(&d, R_STATUS, 0);
	drv_write(&d, R_QUEUE_SEL, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);
	assert_int_not_equal(drv_status(&d), 0);
	fake_backend_complete_all(&vm.backend, 0);
	assert_int_equal(drv_status(&d), 0);
	assert_int_equal(vm.st->virtio.queues[1].resetting, 0);
	drv_ready(&d, drv_offered(&d), 2);
	vm.backend.hold = false;
	assert_int_equal(drv_blk_run(&d.q[1], &r[0]), BLK_OK);
}

/* Long requests need not be done to their end; those of other queues must be. */
static void only_its_requests_are_cut_short(void **state)
{
	struct drv_blk other;

	(void)state;
	vm_hold_reads(&d.q[0], &other, 1);
	for (unsigned i = 0; i < REQUESTS + 1; i++)
		assert_true(blk_request_wanted(vm.backend.held[i]));
	drv_write(&d, R_QUEUE_RESET, 1);
	for (unsigned i = 0; i < REQUESTS + 1; i++)
		assert_int_equal(blk_request_wanted(vm.backend.held[i]), i == REQUESTS);
	drv_write(&d, R_STATUS, 0);
	assert_false(blk_request_wanted(vm.backend.held[REQUESTS]));
}

/* B23: nothing happens, and it is counted. */
static void mistakes(void **state)
{
	uint64_t before = vm.st->virtio.bad_access;

	(void)state;
	drv_write(&d, R_QUEUE_RESET, 0);
	drv_write(&d, R_QUEUE_RESET, 2);
	drv_write(&d, R_QUEUE_SEL, 2);
	drv_write(&d, R_QUEUE_RESET, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);
	assert_int_equal(vm.st->virtio.bad_access, before + 3);
	drv_write(&d, R_QUEUE_SEL, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 1);
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);

	fake_backend_complete_all(&vm.backend, 0);
	drv_ready(&d, drv_offered(&d) & ~BIT64(F_RING_RESET), 2);
	before = vm.st->virtio.bad_access;
	drv_write(&d, R_QUEUE_RESET, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_RESET), 0);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 1);
	assert_int_equal(vm.st->virtio.bad_access, before + 2);
}

#define TEST(f) VM_TEST_WITH(set_up, vm_tear_down, f, .nr_queues = 2)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(until_the_last_request),
		TEST(nothing_is_answered),
		TEST(done_but_not_published),
		TEST(nothing_new_is_begun),
		TEST(others_go_on),
		TEST(enabled_again),
		TEST(ended_by_a_device_reset),
		TEST(only_its_requests_are_cut_short),
		TEST(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
