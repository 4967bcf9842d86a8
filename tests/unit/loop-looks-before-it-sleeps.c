/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where polling pays, a round finds what is only seen by looking, and nobody is asked to wake the
 * loop.  Before each sleep somebody is, and what came just before is not slept over.  While
 * operations are pending there is no looking.
 */
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/loop.h"
#include "tests/fake/test.h"

static struct loop loop;
static struct loop_source src;
static int fd;
static unsigned looks, looks_in_vain, settled;
static bool late, pending;

static bool peek(void *arg)
{
	(void)arg;
	return looks++ == looks_in_vain;
}

/* Who is asked to wake the loop does so at once. */
static bool settle(void *arg)
{
	(void)arg;
	settled++;
	if (!late)
		eventfd_write(fd, 1);
	return late;
}

static bool is_pending(void *arg)
{
	(void)arg;
	return pending;
}

static const struct loop_idle idle = { peek, settle, is_pending };

static void woken(struct loop_source *s)
{
	eventfd_t v;

	(void)s;
	assert_int_equal(eventfd_read(fd, &v), 0);
}

static int set_up(void **state)
{
	(void)state;
	looks = settled = 0;
	late = pending = false;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	src = (struct loop_source){ .ready = woken };
	assert_int_equal(loop_init(&loop, 16), 0);
	assert_int_equal(loop_add(&loop, &src, fd), 0);
	assert_int_equal(loop_run_round(&loop, false), 0);
	loop.idle = &idle;
	spin_init(&loop.spin, 1000000000);
	loop.spin.on = true;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	loop_fini(&loop);
	close(fd);
	return 0;
}

static void finds_what_comes(void **state)
{
	(void)state;
	looks_in_vain = 1000;
	assert_int_equal(loop_run_round(&loop, true), 0);
	assert_int_equal(looks, 1001);
	assert_int_equal(settled, 0);
	assert_true(loop.spin.on);
}

static void sleeps_after_a_look_in_vain(void **state)
{
	(void)state;
	loop.spin.max_ns = 1000;
	looks_in_vain = UINT_MAX;
	assert_int_equal(loop_run_round(&loop, true), 0);
	assert_true(looks > 0);
	assert_int_equal(settled, 1);
	assert_false(loop.spin.on);
	/* It has slept until it was woken. */
	assert_int_equal(loop_run_round(&loop, true), 0);
	assert_int_equal(settled, 2);
}

static void does_not_sleep_over_what_came_late(void **state)
{
	(void)state;
	loop.spin.on = false;
	late = true;
	assert_int_equal(loop_run_round(&loop, true), 0);
	assert_int_equal(settled, 1);
}

static void leaves_the_cpu_to_pending_operations(void **state)
{
	(void)state;
	pending = true;
	looks_in_vain = 5;
	assert_int_equal(loop_run_round(&loop, true), 0);
	assert_int_equal(settled, 1);
	assert_false(loop.spin.on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_what_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sleeps_after_a_look_in_vain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(does_not_sleep_over_what_came_late, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(leaves_the_cpu_to_pending_operations, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
