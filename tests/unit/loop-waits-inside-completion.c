/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_run_round() may be called from inside a completion and from inside the round hook (to
 * drain): nothing completes twice, nothing is lost, and the hook is not entered twice.
 */
#include "base/loop.h"
#include "tests/fake/test.h"

#define NR 32

static struct loop loop;
static struct loop_op ops[NR];
static unsigned done, depth;
static bool drain_in_round;

static void op_done(struct loop_op *op, int res)
{
	assert_int_equal(res, 0);
	assert_ptr_equal(op->done, op_done);
	done++;
	if (op == &ops[0])
		while (done < NR)
			assert_int_equal(loop_run_round(&loop, true), 0);
}

static bool round_hook(void *arg)
{
	(void)arg;
	assert_int_equal(depth++, 0);
	if (drain_in_round)
		while (done < NR)
			assert_int_equal(loop_run_round(&loop, true), 0);
	depth--;
	if (done == NR)
		loop_stop(&loop);
	return false;
}

static void prepare(unsigned i)
{
	ops[i].done = op_done;
	io_uring_prep_nop(loop_get_sqe(&loop, &ops[i]));
}

static void inside_completion(void **state)
{
	(void)state;
	done = 0;
	drain_in_round = false;
	for (unsigned i = 0; i < NR; i++)
		prepare(i);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(done, NR);
}

static void inside_round_hook(void **state)
{
	(void)state;
	done = 0;
	drain_in_round = true;
	for (unsigned i = 1; i < NR; i++)
		prepare(i);
	done++; /* ops[0] has no part in this */
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(done, NR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inside_completion),
		cmocka_unit_test(inside_round_hook),
	};
	int failed;

	assert_int_equal(loop_init(&loop, NR), 0);
	loop.round = round_hook;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	loop_fini(&loop);
	return failed;
}
