/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With EVENT_IDX the driver is interrupted if and only if the element whose index it named is among
 * those just published (C12, C13).  The arithmetic is checked against the sentence of the
 * specification, walked step by step.
 *
 * It has three 16-bit arguments.  A window has at most as many elements as a queue, so these are
 * all that can occur: each width up to VIRTQ_SIZE_MAX, each event, and each old index.  The first
 * two are gone through with an old index of 0 (every_window); that the index makes no difference,
 * since only differences modulo 2^16 matter, is checked for all of them, at the edges
 * (old_is_only_a_shift).  Beyond that, all events for some windows of any width (all_events).
 */
#include "tests/unit/virtq-test.h"

static const uint16_t olds[] = { 0,	 1,	 2,	 63,	 64,	 100,	 0x7ffe, 0x7fff,
				 0x8000, 0x8001, 0xff00, 0xffbf, 0xffc0, 0xfffd, 0xfffe, 0xffff };
static const uint16_t widths[] = { 0, 1, 2, 3, 63, 64, 1023, 1024, 0x7fff, 0x8000, 0xffff };

static void all_events(void **state)
{
	static bool written[0x10000];

	(void)state;
	for (unsigned o = 0; o < ARRAY_SIZE(olds); o++) {
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			uint16_t old = olds[o], new = old + widths[w];

			memset(written, 0, sizeof(written));
			for (uint16_t i = old; i != new; i++)
				written[i] = true;
			for (unsigned event = 0; event < 0x10000; event++)
				sim_check(virtq_event_crossed(event, new, old) == written[event],
					  "event %u, from %u to %u", event, old, new);
		}
	}
}

static void every_window(void **state)
{
	(void)state;
	for (uint32_t width = 0; width <= VIRTQ_SIZE_MAX; width++) {
		uint32_t wrong = 0;

		for (uint32_t event = 0; event < 0x10000; event++)
			wrong += virtq_event_crossed(event, width, 0) != (event < width);
		assert_int_equal(wrong, 0);
	}
}

static void old_is_only_a_shift(void **state)
{
	static const uint16_t near[] = { 0xfffe, 0xffff, 0, 1, 2, 0x7fff, 0x8000 };

	(void)state;
	for (uint32_t old = 0; old < 0x10000; old++) {
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			uint16_t width = widths[w];
			uint32_t wrong = 0;

			for (unsigned i = 0; i < ARRAY_SIZE(near); i++) {
				/* Around the beginning of the window, and around its end. */
				uint16_t a = near[i], b = width + near[i];

				wrong += virtq_event_crossed(old + a, old + width, old) !=
					 virtq_event_crossed(a, width, 0);
				wrong += virtq_event_crossed(old + b, old + width, old) !=
					 virtq_event_crossed(b, width, 0);
			}
			assert_int_equal(wrong, 0);
		}
	}
}

/* The real ring, in batches, through the wrap: events around each batch. */
static void publish_asks_the_ring(void **state)
{
	static const unsigned batches[] = { 1, 2, 7, 31, 64, 64, 5 };
	uint16_t old = 0;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned n = batches[round % ARRAY_SIZE(batches)];
		int delta = (int)(round * 7 % (n + 6)) - 3;
		uint16_t event = old + delta;

		drv_set_used_event(dq, event);
		for (unsigned i = 0; i < n; i++)
			drv_avail(dq, i);
		for (unsigned i = 0; i < n; i++) {
			expect_pop(i);
			virtq_push(q, i, 0);
		}
		sim_check(virtq_publish(q) == (delta >= 0 && delta < (int)n),
			  "event at %d of a batch of %u", delta, n);
		assert_false(virtq_publish(q));
		old += n;
		dq->used_seen = old;
	}
}

/* C11: avail.flags means nothing then. */
static void avail_flags_ignored(void **state)
{
	(void)state;
	drv_set_avail_flags(dq, 1);
	drv_set_used_event(dq, 0);
	assert_true(pass_one(0, 0));
	drv_set_avail_flags(dq, 0);
	assert_false(pass_one(0, 0));
	drv_set_used_event(dq, 2);
	drv_set_avail_flags(dq, 0xffff);
	assert_true(pass_one(0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_events),
		cmocka_unit_test(every_window),
		cmocka_unit_test(old_is_only_a_shift),
		TEST(publish_asks_the_ring),
		TEST(avail_flags_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
