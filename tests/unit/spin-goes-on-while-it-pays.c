/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Polling begins after a few short sleeps in a row, ends with the first look in vain, and takes
 * longer to come back each time, until it has paid for a while.
 */
#include "base/spin.h"
#include "tests/fake/test.h"

#define MAX_NS	  1000
#define SHORT_NS  (2 * MAX_NS)
#define LONG_NS	  (10 * MAX_NS)
#define FIRST	  4
#define MOST	  256
#define PAID_BACK 64

static struct spin s;

static int set_up(void **state)
{
	(void)state;
	spin_init(&s, MAX_NS);
	return 0;
}

/* How many short sleeps switch it on? */
static unsigned sleep_until_on(void)
{
	unsigned n = 0;

	while (!s.on) {
		spin_slept(&s, SHORT_NS);
		assert_true(++n <= MOST);
	}
	return n;
}

static void short_sleeps_begin_it(void **state)
{
	(void)state;
	assert_false(s.on);
	assert_int_equal(sleep_until_on(), FIRST);
}

static void long_sleeps_do_not(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned k = 1; k < FIRST; k++)
			spin_slept(&s, SHORT_NS);
		spin_slept(&s, LONG_NS);
		assert_false(s.on);
	}
}

static void a_look_in_vain_ends_it(void **state)
{
	(void)state;
	for (unsigned need = FIRST; need < MOST; need *= 2) {
		assert_int_equal(sleep_until_on(), need);
		spin_looked(&s, true, 0);
		assert_true(s.on);
		spin_looked(&s, false, MAX_NS);
		assert_false(s.on);
	}
	/* It never takes longer than this. */
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(sleep_until_on(), MOST);
		spin_looked(&s, false, MAX_NS);
	}
}

static void what_pays_comes_back_soon(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		sleep_until_on();
		spin_looked(&s, false, MAX_NS);
	}
	assert_int_equal(sleep_until_on(), MOST);
	for (unsigned i = 0; i < PAID_BACK; i++)
		spin_looked(&s, true, 0);
	spin_looked(&s, false, MAX_NS);
	assert_int_equal(sleep_until_on(), 2 * FIRST);
}

/* Something comes each time, but only just. */
static void what_costs_too_much_ends(void **state)
{
	unsigned n = 0;

	(void)state;
	sleep_until_on();
	while (s.on) {
		spin_looked(&s, true, MAX_NS - 1);
		assert_true(++n < 100);
	}
	assert_true(n > 1);
	sleep_until_on();
	for (n = 0; n < 1000; n++)
		spin_looked(&s, true, MAX_NS / 4);
	assert_true(s.on);
}

/* 0 is the switch. */
static void never(void **state)
{
	(void)state;
	spin_init(&s, 0);
	for (unsigned i = 0; i < 1000; i++)
		spin_slept(&s, 0);
	assert_false(s.on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(short_sleeps_begin_it, set_up),
		cmocka_unit_test_setup(long_sleeps_do_not, set_up),
		cmocka_unit_test_setup(a_look_in_vain_ends_it, set_up),
		cmocka_unit_test_setup(what_pays_comes_back_soon, set_up),
		cmocka_unit_test_setup(what_costs_too_much_ends, set_up),
		cmocka_unit_test(never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
