/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An available ring that cannot be right is a fault: a jump of its index (D8), a head outside the
 * table (D9), a head that is in flight already (D10), rings that are no longer in memory (D11).
 */
#include "tests/unit/virtq-test.h"

static const struct vm_options faulty = { .untouched = true, .faulty = true };

static void expect_broken(void)
{
	uint16_t head;

	assert_int_equal(virtq_pop(q, &head), -EBADMSG);
	expect_fault();
	assert_int_equal(drv_used_idx(dq), 0);
}

static void index_jumps(void **state)
{
	static const uint16_t jumps[] = { SIZE + 1, SIZE * 2, 0x7fff, 0x8000, 0xffff };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(jumps); i++) {
		queue_start(&faulty);
		drv_set_avail_idx(dq, jumps[i]);
		expect_broken();
		assert_int_equal(disk_inflight(&vm.disk), 0);
		queue_stop();
	}
}

/* After some traffic; the index steps back by one, or forth too far. */
static void index_jumps_later(void **state)
{
	static const int jumps[] = { -1, -SIZE, SIZE + 1 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(jumps); i++) {
		uint16_t head;

		queue_start(&faulty);
		for (unsigned k = 0; k < 5; k++)
			pass_one(k, 0);
		drv_set_avail_idx(dq, 5 + jumps[i]);
		assert_int_equal(virtq_pop(q, &head), -EBADMSG);
		expect_fault();
		queue_stop();
	}
}

static void head_outside_the_table(void **state)
{
	static const uint16_t heads[] = { SIZE, SIZE + 1, VIRTQ_SIZE_MAX, 0x8000, 0xffff };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
		queue_start(&faulty);
		drv_avail(dq, heads[i]);
		expect_broken();
		queue_stop();
	}
}

static void head_in_flight(void **state)
{
	uint16_t head;

	(void)state;
	drv_avail(dq, 9);
	drv_avail(dq, 8);
	drv_avail(dq, 9);
	expect_pop(9);
	expect_pop(8);
	assert_int_equal(virtq_pop(q, &head), -EBADMSG);
	expect_fault();
	assert_int_equal(disk_inflight(&vm.disk), 2);
}

/* Between pop and push, but not before and not after. */
static void head_again_after_its_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		pass_one(9, 0);
	assert_int_equal(vm.st->virtio.faults, 0);
}

static void rings_ballooned_out(void **state)
{
	uint16_t head;

	(void)state;
	for (unsigned part = 0; part < 3; part++) {
		queue_start(&faulty);
		drv_avail(dq, 1);
		expect_pop(1);
		fake_set_present((part == 0   ? dq->desc
				  : part == 1 ? dq->avail
					      : dq->used) >>
					 XEN_PAGE_SHIFT,
				 false);
		guest_mem_invalidate(&vm.mem);
		assert_true(virtq_pop(q, &head) <= 0);
		expect_fault();
		/* What is in flight ends all the same. */
		virtq_push(q, 1, 0);
		assert_false(virtq_publish(q));
		assert_int_equal(disk_inflight(&vm.disk), 0);
		queue_stop();
	}
}

/* Memory that was unmapped and is there: the rings are found again. */
static void rings_after_invalidation(void **state)
{
	uint32_t id, len;

	(void)state;
	drv_avail(dq, 1);
	drv_avail(dq, 2);
	expect_pop(1);
	guest_mem_invalidate(&vm.mem);
	expect_pop(2);
	virtq_push(q, 2, 0);
	guest_mem_invalidate(&vm.mem);
	virtq_push(q, 1, 0);
	guest_mem_invalidate(&vm.mem);
	virtq_publish(q);
	assert_true(drv_used(dq, &id, &len) && id == 2);
	assert_true(drv_used(dq, &id, &len) && id == 1);
	guest_mem_invalidate(&vm.mem);
	assert_false(virtq_want_kicks(q));
	expect_empty();
	assert_int_equal(vm.st->virtio.faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_jumps),
		cmocka_unit_test(index_jumps_later),
		cmocka_unit_test(head_outside_the_table),
		TEST(head_in_flight, .faulty = true),
		TEST(head_again_after_its_end),
		cmocka_unit_test(rings_ballooned_out),
		TEST(rings_after_invalidation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
