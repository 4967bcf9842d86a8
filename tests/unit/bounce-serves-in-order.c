/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spans never overlap, and lie within the pool; who waits in a line is served in order, and nobody before the
 * first in line; lines are served in turn, however long they are; the pool is whole again in the end,
 * however fragmented it was.
 */
#include "tests/unit/storage.h"

#define UNITS 150 /* not a multiple of the bitmap's words */
#define NR    64

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

static void get_in(struct client *c, struct bounce_line *l, size_t want, size_t need)
{
	c->wait = (struct bounce_waiter){ .granted = granted };
	c->line = l;
	c->waiting = !bounce_get(l, &c->wait, want, need);
	if (!c->waiting)
		check_span(c, true);
}

static void get(struct client *c, size_t want, size_t need)
{
	get_in(c, &line, want, need);
}

static void put(struct client *c)
{
	check_span(c, false);
	bounce_put(c->line, &c->wait);
}

static void in_order(void **state)
{
	(void)state;
	nr_granted = 0;
	get(&clients[0], UNITS * BOUNCE_UNIT, UNITS * BOUNCE_UNIT);
	assert_int_equal(clients[0].wait.span.len, UNITS * BOUNCE_UNIT);
	for (unsigned i = 1; i < NR; i++) {
		/* A big one in the middle: those behind it must not overtake it. */
		size_t n = i == NR / 2 ? UNITS : 1;

		get(&clients[i], n * BOUNCE_UNIT, n * BOUNCE_UNIT);
		assert_true(clients[i].waiting);
	}
	assert_true(bounce_is_contended(&line));
	put(&clients[0]);
	assert_int_equal(nr_granted, NR / 2 - 1);
	for (unsigned i = 1; i < NR; i++)
		put(&clients[i]);
	for (unsigned i = 0; i < NR - 1; i++)
		assert_int_equal(order[i], i + 1);
	assert_false(bounce_is_contended(&line));
}

/* One who comes late to an empty line waits for one of the other line, and then they alternate. */
static void lines_take_turns(void **state)
{
	static const unsigned expected[] = { 1, 10, 2, 11, 3, 4, 5, 6, 7, 8, 9 };
	size_t all = UNITS * BOUNCE_UNIT;

	(void)state;
	nr_granted = 0;
	get(&clients[0], all, all);
	for (unsigned i = 1; i < 12; i++)
		get_in(&clients[i], i < 10 ? &line : &other, all, all);
	put(&clients[0]);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(nr_granted, i + 1);
		assert_int_equal(order[i], expected[i]);
		put(&clients[order[i]]);
	}
	assert_false(bounce_is_contended(&other));
}

static void random_use(void **state)
{
	(void)state;
	memset(clients, 0, sizeof(clients));
	for (unsigned i = 0; i < 20000; i++) {
		struct client *c = &clients[rand() % NR];

		nr_granted = 0;
		if (c->wait.span.mem)
			put(c);
		else if (!c->waiting)
			get_in(c, rand() % 4 ? &line : &other, 1 + rand() % (20 * BOUNCE_UNIT), 1);
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
	in_order(state);
}

static int start(void **state)
{
	struct bounce_waiter all;

	start_loop(state);
	assert_int_equal(bounce_attach(&line, &loop, UNITS * BOUNCE_UNIT, &test_subject), 0);
	assert_int_equal(bounce_attach(&other, &loop, 0, &test_subject), 0);
	assert_true(bounce_get(&line, &all, UNITS * BOUNCE_UNIT, 1));
	base = all.span.mem;
	bounce_put(&line, &all);
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
		cmocka_unit_test(in_order),
		cmocka_unit_test(lines_take_turns),
		cmocka_unit_test(random_use),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
