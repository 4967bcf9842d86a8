/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop_remove() is safe from inside any ready(): the source's own or another's, with the other's
 * completion already there or not.  The source's memory is poisoned at once, and its descriptor
 * closed, as an owner may do.
 */
#include <sys/eventfd.h>

#include "base/loop.h"
#include "tests/fake/test.h"

#define NR 8

static struct loop loop;
static struct watched {
	struct loop_source src;
	int fd;
} * watched[NR];
static unsigned calls;

static void drop(unsigned i)
{
	if (!watched[i])
		return;
	loop_remove(&loop, &watched[i]->src);
	close(watched[i]->fd);
	memset(watched[i], 0xa5, sizeof(*watched[i]));
	free(watched[i]);
	watched[i] = NULL;
}

static void remove_all(struct loop_source *src)
{
	(void)src;
	calls++;
	for (unsigned i = 0; i < NR; i++)
		drop(i);
}

static void add_all(unsigned readable)
{
	for (unsigned i = 0; i < NR; i++) {
		watched[i] = calloc(1, sizeof(*watched[i]));
		watched[i]->src.ready = remove_all;
		watched[i]->fd = eventfd(i < readable, EFD_CLOEXEC);
		assert_true(watched[i]->fd >= 0);
		assert_int_equal(loop_add(&loop, &watched[i]->src, watched[i]->fd), 0);
	}
}

static void removes_itself_and_others(void **state)
{
	(void)state;
	for (unsigned readable = 1; readable <= NR; readable++) {
		calls = 0;
		add_all(readable);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(loop_run_round(&loop, false), 0);
		assert_int_equal(calls, 1);
	}
	assert_null(loop.polls); /* nothing is left behind once the kernel has let go */
}

static void removed_before_submission(void **state)
{
	(void)state;
	calls = 0;
	add_all(NR);
	for (unsigned i = 0; i < NR; i++)
		drop(i);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(loop_run_round(&loop, false), 0);
	assert_int_equal(calls, 0);
	assert_null(loop.polls);
}

static void left_to_fini(void **state)
{
	(void)state;
	add_all(0);
	assert_int_equal(loop_run_round(&loop, false), 0);
	drop(0);
	loop_fini(&loop);
	for (unsigned i = 1; i < NR; i++) {
		assert_null(watched[i]->src.poll);
		drop(i);
	}
	assert_int_equal(loop_init(&loop, 16), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removes_itself_and_others),
		cmocka_unit_test(removed_before_submission),
		cmocka_unit_test(left_to_fini),
	};
	int failed;

	assert_int_equal(loop_init(&loop, 16), 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	loop_fini(&loop);
	return failed;
}
