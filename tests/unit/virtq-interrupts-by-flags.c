/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Without EVENT_IDX avail.flags alone says whether to interrupt (C9, C10), once for a batch, and
 * used_event is ignored (C8).
 */
#include "tests/unit/virtq-test.h"

static void flags_decide(void **state)
{
	(void)state;
	assert_true(pass_one(0, 0));
	assert_true(pass_one(1, 0));
	drv_set_avail_flags(dq, 1);
	assert_false(pass_one(2, 0));
	assert_false(pass_one(3, 0));
	drv_set_avail_flags(dq, 0);
	assert_true(pass_one(4, 0));
}

static void used_event_ignored(void **state)
{
	(void)state;
	for (unsigned event = 0; event < 0x10000; event += 17) {
		drv_set_used_event(dq, event);
		drv_set_avail_flags(dq, 0);
		assert_true(pass_one(0, 0));
		drv_set_avail_flags(dq, 1);
		assert_false(pass_one(0, 0));
	}
}

static void nothing_to_say(void **state)
{
	(void)state;
	assert_false(virtq_publish(q));
	drv_avail(dq, 0);
	expect_pop(0);
	assert_false(virtq_publish(q));
	virtq_push(q, 0, 0);
	assert_true(virtq_publish(q));
	assert_false(virtq_publish(q));
}

#define TEST_BY_FLAGS(f) TEST(f, .without = BIT64(F_EVENT_IDX))

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_BY_FLAGS(flags_decide),
		TEST_BY_FLAGS(used_event_ignored),
		TEST_BY_FLAGS(nothing_to_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
