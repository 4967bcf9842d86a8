/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue becomes ready only when it can be used: it exists (B14, B16), FEATURES_OK is set (D16),
 * its size is a power of two within the limit, its parts are aligned and in memory (C25), and it
 * isn't ready already.
 */
#include "tests/fake/machine.h"

static struct drv d;

static int set_up(void **state)
{
	vm_set_up(state);
	assert_true(drv_negotiate(&d, drv_offered(&d)));
	return 0;
}

static bool try_queue(unsigned i, uint32_t size, uint64_t desc, uint64_t avail, uint64_t used)
{
	bool ready;

	ready = drv_write_queue(&d, i, size, desc, avail, used);
	drv_write(&d, R_QUEUE_READY, 0);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
	return ready;
}

#define A (FAKE_RAM0_BASE + 0x10000)
#define B (FAKE_RAM0_BASE + 0x20000)
#define C (FAKE_RAM0_BASE + 0x30000)

static void sizes(void **state)
{
	(void)state;
	for (uint32_t size = 0; size < 1100; size++)
		sim_check(try_queue(0, size, A, B, C) == (is_power_of_2(size) && size <= 128),
			  "size %u", size);
	assert_false(try_queue(0, 32768, A, B, C));
	assert_false(try_queue(0, 65536, A, B, C));
	assert_false(try_queue(0, 0x10040, A, B, C));
	assert_false(try_queue(0, 0x80000000, A, B, C));
	assert_false(try_queue(0, 0xffffffff, A, B, C));
}

static void alignment(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		sim_check(try_queue(1, 64, A + i, B, C) == (i % 16 == 0), "descriptors + %u", i);
		sim_check(try_queue(1, 64, A, B + i, C) == (i % 2 == 0), "available + %u", i);
		sim_check(try_queue(1, 64, A, B, C + i) == (i % 4 == 0), "used + %u", i);
	}
}

/* Bytes of each part for 128 descriptors. */
#define DESC_BYTES  (16 * 128)
#define AVAIL_BYTES (6 + 2 * 128)
#define USED_BYTES  (6 + 8 * 128)

static void addresses(void **state)
{
	const uint64_t end = FAKE_RAM1_BASE + FAKE_RAM_BYTES;
	static const uint64_t outside[] = { 0,
					    FAKE_WINDOWS,
					    FAKE_RAM0_BASE - 16,
					    FAKE_RAM1_BASE + FAKE_RAM_BYTES,
					    GUEST_MEM_SIZE - 16,
					    GUEST_MEM_SIZE,
					    GUEST_MEM_SIZE + FAKE_RAM0_BASE,
					    1ull << 63 | FAKE_RAM0_BASE,
					    UINT64_MAX - 15 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		assert_false(try_queue(0, 128, outside[i], B, C));
		assert_false(try_queue(0, 128, A, outside[i], C));
		assert_false(try_queue(0, 128, A, B, outside[i]));
	}
	assert_true(try_queue(0, 128, end - DESC_BYTES, B, C));
	assert_false(try_queue(0, 128, end - DESC_BYTES + 16, B, C));
	assert_true(try_queue(0, 128, A, end - AVAIL_BYTES, C));
	assert_false(try_queue(0, 128, A, end - AVAIL_BYTES + 2, C));
	assert_true(try_queue(0, 128, A, B, end - USED_BYTES - 2));
	assert_false(try_queue(0, 128, A, B, end - USED_BYTES + 2));
	assert_int_equal(vm.st->virtio.faults, 0);
	assert_int_equal(drv_status(&d), 0xb);
}

static void queues_that_do_not_exist(void **state)
{
	static const uint32_t none[] = { 3,  4,	     8,	      31,	  32,
					 64, 0xffff, 0x10000, 0x80000000, 0xffffffff };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
		assert_false(try_queue(none[i], 64, A, B, C));
		drv_write(&d, R_QUEUE_SEL, none[i]);
		assert_int_equal(drv_read(&d, R_QUEUE_SIZE_MAX), 0);
		assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
		drv_write(&d, R_QUEUE_NOTIFY, none[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		drv_write(&d, R_QUEUE_SEL, i);
		assert_int_equal(drv_read(&d, R_QUEUE_SIZE_MAX), 128);
		assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
	}
}

#define RINGS(i) (FAKE_RAM0_BASE + (i)*0x10000ull)

/* B15: the registers of several queues, written in turns. */
static void queue_sel_selects(void **state)
{
	(void)state;
	for (unsigned reg = R_QUEUE_DESC; reg <= R_QUEUE_DEVICE; reg += 16) {
		for (unsigned i = 0; i < 3; i++) {
			drv_write(&d, R_QUEUE_SEL, i);
			drv_write(&d, R_QUEUE_SIZE, 32 << i);
			drv_write64(&d, reg, RINGS(i) + (reg - R_QUEUE_DESC) * 0x400);
		}
	}
	for (unsigned i = 3; i--;) {
		drv_write(&d, R_QUEUE_SEL, i);
		drv_write(&d, R_QUEUE_READY, 1);
		assert_int_equal(drv_read(&d, R_QUEUE_READY), 1);
		assert_int_equal(vm.st->virtio.queues[i].size, 32 << i);
		assert_int_equal(vm.st->virtio.queues[i].desc, RINGS(i));
		assert_int_equal(vm.st->virtio.queues[i].driver, RINGS(i) + 0x4000);
		assert_int_equal(vm.st->virtio.queues[i].device, RINGS(i) + 0x8000);
	}
}

static void not_before_features_ok(void **state)
{
	(void)state;
	drv_write(&d, R_STATUS, 0);
	assert_false(try_queue(0, 64, A, B, C));
	drv_write(&d, R_STATUS, 3);
	assert_false(try_queue(0, 64, A, B, C));
	drv_write_features(&d, BIT64(F_VERSION_1));
	drv_write(&d, R_STATUS, 0xb);
	/* Nothing of the former attempts was kept. */
	drv_write(&d, R_QUEUE_READY, 1);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 0);
	assert_true(try_queue(0, 64, A, B, C));
}

static void fixed_while_ready(void **state)
{
	(void)state;
	assert_true(drv_setup_queue(&d, 0, 64));
	drv_write(&d, R_QUEUE_SIZE, 32);
	drv_write64(&d, R_QUEUE_DESC, A);
	drv_write64(&d, R_QUEUE_DRIVER, B);
	drv_write64(&d, R_QUEUE_DEVICE, C);
	drv_write(&d, R_QUEUE_READY, 1);
	assert_int_equal(vm.st->virtio.queues[0].size, 64);
	assert_int_equal(vm.st->virtio.queues[0].desc, d.q[0].desc);
	assert_int_equal(vm.st->virtio.queues[0].driver, d.q[0].avail);
	assert_int_equal(vm.st->virtio.queues[0].device, d.q[0].used);
	assert_int_equal(drv_read(&d, R_QUEUE_READY), 1);
}

#define TEST(f) \
	VM_TEST_WITH(set_up, vm_tear_down, f, .untouched = true, .nr_queues = 3, .queue_size = 128)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sizes),
		TEST(alignment),
		TEST(addresses),
		TEST(queue_sel_selects),
		TEST(queues_that_do_not_exist),
		TEST(not_before_features_ok),
		TEST(fixed_while_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
