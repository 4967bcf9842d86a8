/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bit of InterruptStatus is set from its event until the driver acknowledges that bit (B3), and
 * at no other time (B4); each event raises the line, which is edge-triggered.
 */
#include "tests/fake/machine.h"

static struct drv d;

static void expect(uint32_t bits, unsigned interrupts)
{
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS), bits);
	assert_int_equal(fake_interrupts(FAKE_LINE), interrupts);
	assert_int_equal(vm.st->virtio.interrupts, interrupts);
}

static void io(void)
{
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
}

static void used_bit(void **state)
{
	(void)state;
	expect(0, 0);
	io();
	expect(1, 1);
	drv_write(&d, R_INTERRUPT_ACK, 0);
	expect(1, 1);
	drv_write(&d, R_INTERRUPT_ACK, 0xfffffffe);
	expect(1, 1);
	drv_write(&d, R_INTERRUPT_ACK, 1);
	expect(0, 1);
	drv_write(&d, R_INTERRUPT_ACK, 1);
	expect(0, 1);
	io();
	expect(1, 2);
	/* A second event before the first is acknowledged: an edge of its own. */
	io();
	expect(1, 3);
	drv_write(&d, R_INTERRUPT_ACK, 1);
	expect(0, 3);
}

static void both_bits(void **state)
{
	(void)state;
	io();
	drv_avail(&d.q[0], 0xffff);
	vm_go(&d.q[0]);
	expect(3, 2);
	drv_write(&d, R_INTERRUPT_ACK, 1);
	expect(2, 2);
	drv_write(&d, R_INTERRUPT_ACK, 2);
	expect(0, 2);
}

static void none_if_not_wanted(void **state)
{
	(void)state;
	drv_set_avail_flags(&d.q[0], 1);
	io();
	expect(0, 0);
	drv_set_avail_flags(&d.q[0], 0);
	io();
	expect(1, 1);
}

/* One for all that completed in a round, whatever the number of queues. */
static void one_for_a_batch(void **state)
{
	struct drv_blk r[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		r[i] = (struct drv_blk){ .type = T_IN, .in_len = 512, .direct = 0 };
		drv_blk_add(&d.q[i % 4], &r[i]);
		drv_kick(&d.q[i % 4]);
	}
	vm_round();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(drv_used_idx(&d.q[i]), 2);
	expect(1, 1);
}

#define TEST(f, ...) VM_TEST(f, .without = BIT64(F_EVENT_IDX), __VA_ARGS__)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(used_bit),
		TEST(both_bits, .faulty = true),
		TEST(none_if_not_wanted),
		TEST(one_for_a_batch, .nr_queues = 4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
