/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A descriptor that stays readable keeps calling ready(); one written to from inside ready(), from
 * the round hook, or from another process while nobody sleeps, is noticed; a loop that never sleeps
 * notices as well.  A signal ends the sleep without an error.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/loop.h"
#include "tests/fake/test.h"

static struct loop loop;
static struct loop_source src;
static int fd;
static unsigned calls, rounds;

static void count(struct loop_source *s)
{
	(void)s;
	calls++;
}

static void count_and_read(struct loop_source *s)
{
	eventfd_t v;

	(void)s;
	calls++;
	assert_int_equal(eventfd_read(fd, &v), 0);
}

static void read_and_write(struct loop_source *s)
{
	count_and_read(s);
	if (calls < 100)
		eventfd_write(fd, 1);
	else
		loop_stop(&loop);
}

static bool spin(void *arg)
{
	(void)arg;
	rounds++;
	assert_true(rounds < 1000000);
	if (rounds == 100)
		eventfd_write(fd, 1);
	if (calls)
		loop_stop(&loop);
	return true;
}

static int set_up(void **state)
{
	(void)state;
	calls = rounds = 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	src = LOOP_SOURCE_NULL;
	return loop_init(&loop, 16);
}

static int tear_down(void **state)
{
	(void)state;
	loop_fini(&loop);
	close(fd);
	return 0;
}

static void stays_readable(void **state)
{
	(void)state;
	src.ready = count;
	assert_int_equal(loop_add(&loop, &src, fd), 0);
	eventfd_write(fd, 1);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(loop_run_round(&loop, true), 0);
	assert_int_equal(calls, 10);
}

static void written_inside_ready(void **state)
{
	(void)state;
	src.ready = read_and_write;
	assert_int_equal(loop_add(&loop, &src, fd), 0);
	eventfd_write(fd, 1);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(calls, 100);
}

static void noticed_without_sleeping(void **state)
{
	(void)state;
	src.ready = count_and_read;
	loop.round = spin;
	assert_int_equal(loop_add(&loop, &src, fd), 0);
	assert_int_equal(loop_run(&loop), 0);
	assert_int_equal(calls, 1);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void signal_is_no_error(void **state)
{
	const struct itimerval ms5 = { .it_value.tv_usec = 5000 };
	const struct sigaction sa = { .sa_handler = on_alarm };

	(void)state;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &ms5, NULL);
	src.ready = count;
	assert_int_equal(loop_add(&loop, &src, fd), 0);
	assert_int_equal(loop_run_round(&loop, true), 0);
	assert_int_equal(calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stays_readable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(written_inside_ready, set_up, tear_down),
		cmocka_unit_test_setup_teardown(noticed_without_sleeping, set_up, tear_down),
		cmocka_unit_test_setup_teardown(signal_is_no_error, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
