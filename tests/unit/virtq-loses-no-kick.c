/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While a queue is drained its driver need not notify; after that it must, and what came in between
 * is reported (C17 to C20, C26).  used.flags is 0 or 1, and always 0 with EVENT_IDX.
 */
#include "tests/unit/virtq-test.h"

/* Would a driver that has just made heads available, from index old on, notify? */
static bool driver_notifies(uint16_t old, bool event_idx)
{
	uint16_t event = drv_avail_event(dq);

	if (!event_idx)
		return !drv_used_flags(dq);
	for (uint16_t i = old; i != dq->avail_idx; i++)
		if (i == event)
			return true;
	return false;
}

static bool make_available(bool event_idx)
{
	uint16_t old = dq->avail_idx;

	drv_avail(dq, old % SIZE);
	return driver_notifies(old, event_idx);
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

static void suppressed_and_asked_again(bool event_idx)
{
	assert_false(virtq_want_kicks(q));
	for (unsigned i = 0; i < 0x10000 / 3 + 100; i++) {
		assert_true(make_available(event_idx));
		virtq_suppress_kicks(q);
		expect_pop(i * 3 % SIZE);
		virtq_push(q, i * 3 % SIZE, 0);
		/* While it is drained: no notification is needed ... */
		assert_false(make_available(event_idx));
		assert_false(make_available(event_idx));
		drain(2);
		assert_false(virtq_want_kicks(q));
		/* ... and now one is. */
		if (event_idx)
			assert_int_equal(drv_used_flags(dq), 0);
		assert_int_equal(dq->avail_idx, (uint16_t)((i + 1) * 3));
	}
	assert_true(make_available(event_idx));
}

static void with_event_idx(void **state)
{
	(void)state;
	suppressed_and_asked_again(true);
}

static void with_flags(void **state)
{
	(void)state;
	suppressed_and_asked_again(false);
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
	uint8_t before[0x8000];

	(void)state;
	drv_write(&d, R_QUEUE_READY, 0);
	memset(fake_ram(dq->desc), 0x77, sizeof(before));
	memcpy(before, fake_ram(dq->desc), sizeof(before));
	virtq_suppress_kicks(q);
	assert_false(virtq_want_kicks(q));
	expect_empty();
	assert_false(virtq_publish(q));
	assert_memory_equal(before, fake_ram(dq->desc), sizeof(before));
	assert_int_equal(d.st->virtio.faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_event_idx),
		TEST_WITHOUT_EVENT_IDX(with_flags),
		TEST(race_is_seen),
		TEST_WITHOUT_EVENT_IDX(race_is_seen),
		TEST_WITHOUT_EVENT_IDX(flags_are_0_or_1),
		TEST(disabled_queue_is_not_touched),
		TEST_WITHOUT_EVENT_IDX(disabled_queue_is_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
