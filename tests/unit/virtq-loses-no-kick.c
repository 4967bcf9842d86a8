/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While a queue is drained its driver need not notify; after that it must, and what came in between
 * is reported (C17 to C20, C26).  used.flags is 0 or 1, and always 0 with EVENT_IDX.
 */
#include "tests/unit/virtq-test.h"

/* One head more: would the driver notify? */
static bool make_available(void)
{
	uint16_t old = dq->avail_idx;

	drv_avail(dq, old % SIZE);
	return drv_kick_wanted(dq, old);
}

static void drain(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t head;

		assert_int_equal(virtq_pop(q, &head), 1);
		virtq_push(q, head, 0);
	}
	expect_empty();
	virtq_publish(q);
}

static void suppressed_and_asked_again(void **state)
{
	(void)state;
	assert_false(virtq_want_kicks(q));
	for (unsigned i = 0; i < 0x10000 / 3 + 100; i++) {
		assert_true(make_available());
		virtq_suppress_kicks(q);
		expect_pop(i * 3 % SIZE);
		virtq_push(q, i * 3 % SIZE, 0);
		/* While it is drained: no notification is needed ... */
		assert_false(make_available());
		assert_false(make_available());
		drain(2);
		assert_false(virtq_want_kicks(q));
		/* ... and now one is. */
		if (d.features & BIT64(F_EVENT_IDX))
			assert_int_equal(drv_used_flags(dq), 0);
		assert_int_equal(dq->avail_idx, (uint16_t)((i + 1) * 3));
	}
	assert_true(make_available());
}

/* A head that came after the last look and before kicks are wanted again is reported. */
static void race_is_seen(void **state)
{
	(void)state;
	virtq_suppress_kicks(q);
	expect_empty();
	drv_avail(dq, 0);
	assert_true(virtq_want_kicks(q));
	expect_pop(0);
	assert_false(virtq_want_kicks(q));
}

static void flags_are_0_or_1(void **state)
{
	(void)state;
	virtq_suppress_kicks(q);
	assert_int_equal(drv_used_flags(dq), 1);
	virtq_want_kicks(q);
	assert_int_equal(drv_used_flags(dq), 0);
	assert_int_equal(drv_avail_event(dq), 0);
}

static void disabled_queue_is_not_touched(void **state)
{
	(void)state;
	drv_write(&d, R_QUEUE_READY, 0);
	memset(fake_ram(dq->desc), 0x77, drv_queue_bytes(SIZE));
	fake_ram_save();
	virtq_suppress_kicks(q);
	assert_false(virtq_want_kicks(q));
	expect_empty();
	assert_false(virtq_publish(q));
	fake_ram_expect();
}

#define TEST_BY_FLAGS(f) TEST(f, .without = BIT64(F_EVENT_IDX))

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(suppressed_and_asked_again),
		TEST_BY_FLAGS(suppressed_and_asked_again),
		TEST(race_is_seen),
		TEST_BY_FLAGS(race_is_seen),
		TEST_BY_FLAGS(flags_are_0_or_1),
		TEST(disabled_queue_is_not_touched),
		TEST_BY_FLAGS(disabled_queue_is_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
