/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More SQEs than the submission queue holds, and more completions than the completion queue holds,
 * between two rounds: each done() is called exactly once, and the loop goes on.  Also with more
 * SQEs made from inside done(), and with timers among them.
 */
#include "base/loop.h"
#include "tests/fake/test.h"

#define ENTRIES 8
#define NR	500 /* far more than ENTRIES * 4 CQEs */

static struct loop loop;
static struct nop {
	struct loop_op op;
	unsigned done, again;
} nops[NR];
static unsigned expired;

static void prepare(struct nop *n)
{
	io_uring_prep_nop(loop_get_sqe(&loop, &n->op));
}

static void nop_done(struct loop_op *op, int res)
{
	struct nop *n = container_of(op, struct nop, op);

	assert_int_equal(res, 0);
	n->done++;
	if (n->again) {
		n->again--;
		prepare(n);
	}
}

static void run(unsigned again)
{
	for (unsigned i = 0; i < NR; i++) {
		nops[i] = (struct nop){ .op.done = nop_done, .again = again };
		prepare(&nops[i]);
	}
	for (unsigned i = 0; i < NR * (again + 1); i++)
		assert_int_equal(loop_run_round(&loop, false), 0);
	for (unsigned i = 0; i < NR; i++)
		assert_int_equal(nops[i].done, again + 1);
}

static void each_completes_once(void **state)
{
	(void)state;
	run(0);
	run(3);
}

static void timer_expired(struct loop_timer *t)
{
	assert_false(t->pending);
	if (++expired == NR)
		loop_stop(&loop);
}

static void timers_too(void **state)
{
	static struct loop_timer timers[NR];

	(void)state;
	for (unsigned i = 0; i < NR; i++) {
		timers[i].expired = timer_expired;
		loop_timer_start(&loop, &timers[i], i % 3);
		assert_true(timers[i].pending);
	}
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(expired, NR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_completes_once),
		cmocka_unit_test(timers_too),
	};
	int failed;

	assert_int_equal(loop_init(&loop, ENTRIES), 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	loop_fini(&loop);
	return failed;
}
