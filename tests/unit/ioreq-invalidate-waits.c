/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU that gave pages back waits until guest memory has been unmapped, and only then; the others
 * are served meanwhile.
 */
#include "tests/unit/ioreq-test.h"

static const struct xen_ioreq invalidate = { .type = XEN_IOREQ_INVALIDATE };

static void not_before_it_is_done(void **state)
{
	uint64_t answer;

	(void)state;
	fake_ioreq(2, &invalidate);
	for (unsigned i = 0; i < 3; i++) {
		ioreq_pump(&server);
		assert_false(fake_answered(2, &answer));
		assert_true(server.invalidate_pending);
		assert_int_equal(ask(0, XEN_IOREQ_READ, window_base(0) + 0x100, 1, 0), 1);
	}
	assert_int_equal(server.invalidates, 1);
	ioreq_answer_invalidates(&server);
	assert_true(fake_answered(2, &answer));
	assert_false(server.invalidate_pending);
	/* The vCPU goes on. */
	assert_int_equal(ask(2, XEN_IOREQ_READ, window_base(1) + 0x100, 1, 0), 2);
}

static void every_vcpu(void **state)
{
	uint64_t answer;

	(void)state;
	for (unsigned v = 0; v < FAKE_VCPUS; v++) {
		fake_ioreq(v, &invalidate);
		ioreq_pump(&server);
	}
	for (unsigned v = 0; v < FAKE_VCPUS; v++)
		assert_false(fake_answered(v, &answer));
	ioreq_answer_invalidates(&server);
	for (unsigned v = 0; v < FAKE_VCPUS; v++)
		assert_true(fake_answered(v, &answer));
	assert_int_equal(server.invalidates, FAKE_VCPUS);
	/* Nobody waits any more; answering twice would break the slot. */
	ioreq_answer_invalidates(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_before_it_is_done),
		TEST(every_vcpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
