/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Indices run freely modulo 65536 (C25): every head comes once and every used element lands in its
 * place, through the wrap and with the ring full while it wraps.
 */
#include "tests/unit/virtq-test.h"

static void one_at_a_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 0x10000 + 1000; i++)
		pass_one(i % SIZE, i);
	expect_empty();
	assert_int_equal(drv_used_idx(dq), 1000);
}

static void full_ring(void **state)
{
	uint32_t id, len;

	(void)state;
	for (unsigned i = 0; i < 0x10000 / SIZE + 3; i++) {
		/* Two fewer than the size: the batches don't line up with the ring. */
		for (unsigned k = 0; k < SIZE - 2; k++)
			drv_avail(dq, (k * 5 + 1) % SIZE);
		for (unsigned k = 0; k < SIZE - 2; k++)
			expect_pop((k * 5 + 1) % SIZE);
		expect_empty();
		for (unsigned k = SIZE - 2; k--;)
			virtq_push(q, (k * 5 + 1) % SIZE, k);
		virtq_publish(q);
		for (unsigned k = SIZE - 2; k--;) {
			assert_true(drv_used(dq, &id, &len));
			assert_int_equal(id, (k * 5 + 1) % SIZE);
			assert_int_equal(len, k);
		}
		assert_false(drv_used(dq, &id, &len));
	}
}

/* All that the ring can hold is not a jump of the index. */
static void exactly_full(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZE; i++)
		drv_avail(dq, i);
	for (unsigned i = 0; i < SIZE; i++)
		expect_pop(i);
	expect_empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_at_a_time),
		TEST(one_at_a_time, .without = BIT64(F_EVENT_IDX)),
		TEST(full_ring),
		TEST(exactly_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
