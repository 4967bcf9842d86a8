/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spans never overlap, and lie within the pool; who waits in a line is served in order, and nobody
 * before the first in line; lines are served in turn, however long they are; a line that gives
 * nothing back leaves each other one its share, however small the spans are that it has; the pool
 * is whole again in the end, however fragmented it was.
 */
#include "tests/unit/storage.h"

#define UNITS 152 /* not a multiple of the bitmap's words */
#define SHARE (UNITS / 16)
#define MOST  (UNITS - 2 * SHARE) /* for one line of two */
#define ALL   (UNITS * BOUNCE_UNIT)
#define NR    160
#define LINES 64

static struct bounce_line line, other;
static struct client {
	struct bounce_waiter wait;
	struct bounce_line *line;
	bool waiting;
} clients[NR];
static unsigned order[NR], nr_granted;
static unsigned owner[UNITS];
static unsigned char *base;

static void check_span(const struct client *c, bool take)
{
	size_t first = ((unsigned char *)c->wait.span.mem - base) / BOUNCE_UNIT;
	size_t n = c->wait.span.len / BOUNCE_UNIT;
	unsigned me = c - clients + 1;

	assert_true(n && first + n <= UNITS);
	for (size_t i = first; i < first + n; i++) {
		assert_int_equal(owner[i], take ? 0 : me);
		owner[i] = take ? me : 0;
	}
}

static void granted(struct bounce_waiter *w)
{
	struct client *c = container_of(w, struct client, wait);

	assert_true(c->waiting);
	c->waiting = false;
	order[nr_granted++] = c - clients;
	check_span(c, true);
}

static void get(struct client *c, struct bounce_line *l, size_t want)
{
	c->wait = (struct bounce_waiter){ .granted = granted };
	c->line = l;
	c->waiting = !bounce_get(l, &c->wait, want);
	if (!c->waiting)
		check_span(c, true);
}

static void check_got(const struct client *c, size_t units)
{
	assert_false(c->waiting);
	assert_int_equal(c->wait.span.len, units * BOUNCE_UNIT);
}

static void put(struct client *c)
{
	check_span(c, false);
	bounce_put(c->line, &c->wait);
}

static void in_order(void **state)
{
	unsigned nr = 64;

	(void)state;
	get(&clients[0], &line, ALL);
	check_got(&clients[0], MOST);
	for (unsigned i = 1; i < nr; i++) {
		/* A big one in the middle: those behind it must not overtake it. */
		get(&clients[i], &line, i == nr / 2 ? ALL : BOUNCE_UNIT);
		assert_true(clients[i].waiting);
	}
	assert_true(bounce_is_contended(&other));
	put(&clients[0]);
	assert_int_equal(nr_granted, nr / 2);
	for (unsigned i = 1; i < nr; i++)
		put(&clients[i]);
	for (unsigned i = 0; i < nr - 1; i++)
		assert_int_equal(order[i], i + 1);
	assert_false(bounce_is_contended(&line));
}

/*
 * What is beyond the shares: one who comes late waits for one of the other line, and then they
 * alternate.
 */
static void lines_take_turns(void **state)
{
	static const unsigned expected[] = { 1, 10, 2, 11, 3, 4, 5, 6, 7, 8, 9 };

	(void)state;
	get(&clients[0], &line, ALL);
	get(&clients[12], &other, ALL);
	check_got(&clients[12], SHARE);
	for (unsigned i = 1; i < 12; i++)
		get(&clients[i], i < 10 ? &line : &other, ALL);
	assert_int_equal(nr_granted, 0);
	put(&clients[0]);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_true(nr_granted > i);
		assert_int_equal(order[i], expected[i]);
		put(&clients[order[i]]);
	}
	put(&clients[12]);
	assert_false(bounce_is_contended(&other));
}

/*
 * One line has all that it can get, and more of it waits; so does the other.  The next one to come
 * has a share.
 */
static void shares_are_kept(void **state)
{
	struct bounce_line third;

	(void)state;
	get(&clients[0], &line, ALL);
	get(&clients[1], &line, ALL);
	for (unsigned i = 0; i < 100; i++) {
		get(&clients[2], &other, ALL);
		check_got(&clients[2], SHARE);
		get(&clients[3], &other, BOUNCE_UNIT);
		assert_true(clients[3].waiting);
		put(&clients[2]);
		check_got(&clients[3], 1);
		put(&clients[3]);
	}
	get(&clients[2], &other, ALL);
	assert_int_equal(bounce_attach(&third, &loop, 0, BOUNCE_UNIT, &test_subject), 0);
	get(&clients[4], &third, ALL);
	check_got(&clients[4], SHARE);
	put(&clients[4]);
	bounce_detach(&third, &loop);
	assert_true(clients[1].waiting);
	put(&clients[0]);
	check_got(&clients[1], MOST);
	put(&clients[1]);
	put(&clients[2]);
}

/* Every second span comes back: what is free then is of use to who needs more than a unit. */
static void granules(void **state)
{
	struct bounce_line coarse;
	size_t need = 4 * BOUNCE_UNIT;
	unsigned n = 0;

	(void)state;
	assert_int_equal(bounce_attach(&coarse, &loop, 0, need, &test_subject), 0);
	do
		get(&clients[n], &line, 1);
	while (!clients[n++].waiting);
	for (unsigned i = 0; i < n; i += 2)
		if (!clients[i].waiting)
			put(&clients[i]);
	get(&clients[NR - 1], &other, ALL);
	get(&clients[NR - 2], &coarse, ALL);
	for (unsigned i = NR - 2; i < NR; i++) {
		assert_false(clients[i].waiting);
		assert_int_equal(
			(uintptr_t)((unsigned char *)clients[i].wait.span.mem - base) % need, 0);
		assert_int_equal(clients[i].wait.span.len % need, 0);
		put(&clients[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (clients[i].wait.span.mem)
			put(&clients[i]);
	bounce_detach(&coarse, &loop);
}

static void served(struct bounce_waiter *w)
{
	assert_non_null(w->span.mem);
}

/* As many disks as a guest can have, of the largest alignment: all but one give nothing back. */
static void many_lines(void **state)
{
	static struct bounce_line lines[LINES];
	static struct bounce_waiter w[2 * LINES];
	size_t need = IMAGE_DIRECT_ALIGN_MAX;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < LINES; i++)
		assert_int_equal(
			bounce_attach(&lines[i], &loop, BOUNCE_POOL_SIZE, need, &test_subject), 0);
	w[0].granted = served;
	while (bounce_get(&lines[0], &w[n], 1))
		w[++n].granted = served;
	assert_true(n >= BOUNCE_POOL_SIZE / 2 / need);
	for (unsigned i = 1; i < LINES; i++) {
		assert_true(bounce_get(&lines[i], &w[n + i], 1 << 20));
		assert_int_equal(w[n + i].span.len, need);
	}
	for (unsigned i = 1; i < LINES; i++)
		bounce_put(&lines[i], &w[n + i]);
	for (unsigned i = 0; i <= n; i++)
		bounce_put(&lines[0], &w[i]);
	for (unsigned i = 0; i < LINES; i++)
		bounce_detach(&lines[i], &loop);
	assert_null(loop.bounce);
}

static void random_use(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct client *c = &clients[rand() % 64];

		nr_granted = 0;
		if (c->wait.span.mem)
			put(c);
		else if (!c->waiting)
			get(c, rand() % 4 ? &line : &other, 1 + rand() % (20 * BOUNCE_UNIT));
	}
	for (bool any = true; any;) {
		any = false;
		nr_granted = 0;
		for (unsigned i = 0; i < NR; i++)
			if (clients[i].wait.span.mem) {
				put(&clients[i]);
				any = true;
			}
	}
	for (unsigned i = 0; i < NR; i++)
		assert_false(clients[i].waiting);
	nr_granted = 0;
	in_order(state);
}

static int start(void **state)
{
	struct bounce_waiter all;

	start_loop(state);
	memset(clients, 0, sizeof(clients));
	nr_granted = 0;
	assert_int_equal(bounce_attach(&line, &loop, ALL, 1, &test_subject), 0);
	/* A pool that is new gives its beginning. */
	assert_true(bounce_get(&line, &all, ALL));
	base = all.span.mem;
	bounce_put(&line, &all);
	assert_int_equal(bounce_attach(&other, &loop, 0, 512, &test_subject), 0);
	return 0;
}

static int stop(void **state)
{
	bounce_detach(&other, &loop);
	bounce_detach(&line, &loop);
	return stop_loop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, start, stop),
		cmocka_unit_test_setup_teardown(lines_take_turns, start, stop),
		cmocka_unit_test_setup_teardown(shares_are_kept, start, stop),
		cmocka_unit_test_setup_teardown(granules, start, stop),
		cmocka_unit_test_setup_teardown(random_use, start, stop),
		cmocka_unit_test_setup_teardown(many_lines, start_loop, stop_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
