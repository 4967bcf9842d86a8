/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations that a rule holds, delays or reorders end when and in the order that faults_shm.h
 * says, each once, and with its own data; meanwhile the others go on.
 */
#include "tests/sim/t/faults-bench.h"

static void hold_first(struct bench *b, unsigned what, unsigned rule)
{
	struct batch batch = many(what, 2);
	struct ended e;

	batch.task[1].what = IORING_OP_READ;
	ask(b, &batch);
	faults_wait_held(&b->f, rule, 1);
	e = next(b);
	sim_check(e.index == 1 && e.result == LEN, "%u: %d", e.index, e.result);
	sim_check(one(b, TELL_IF_STRAIGHT, 0) == 0, "no shadow");
	sim_check(faults_held(&b->f, rule) == 1, "held");
	check_silence(b);
}

static void holds(struct bench *b)
{
	static const struct {
		unsigned what;
		bool remove; /* instead of releasing */
		int error, result;
	} cases[] = {
		{ IORING_OP_WRITE, false, 0, LEN },    { IORING_OP_WRITE, true, 0, LEN },
		{ IORING_OP_WRITEV, false, 0, LEN },   { IORING_OP_WRITE_FIXED, false, 0, LEN },
		{ IORING_OP_WRITE, false, EIO, -EIO }, { IORING_OP_FSYNC, false, 0, 0 },
		{ IORING_OP_FALLOCATE, false, 0, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned rule = faults_add(&b->f,
					   &(struct fault_rule){
						   .ops = FAULT_BITS_IO & ~FAULT_BIT(FAULT_READ),
						   .file = image_file(b),
						   .action = FAULT_HOLD,
						   .error = cases[i].error,
					   });
		struct ended e;

		wipe(b);
		hold_first(b, cases[i].what, rule);
		sim_check(filled(b, 0, 0, LEN) == LEN, "case %u: it was written", i);
		if (!cases[i].remove)
			faults_release(&b->f, rule, 1);
		else
			faults_remove(&b->f, rule);
		e = next(b);
		sim_check(e.index == 0 && e.result == cases[i].result, "case %u: %d", i, e.result);
		sim_check(faults_held(&b->f, rule) == 0, "held");
		if (e.result == LEN)
			sim_check(filled(b, 0, 'a', LEN) == LEN, "case %u: other data", i);
		if (!cases[i].remove)
			faults_remove(&b->f, rule);
	}
}

static void releases_in_order(struct bench *b)
{
	unsigned rule = faults_add(&b->f, &(struct fault_rule){
						  .ops = FAULT_BIT(FAULT_FSYNC),
						  .action = FAULT_HOLD,
						  .error = EIO,
					  });
	struct batch batch = many(IORING_OP_FSYNC, 5);

	ask(b, &batch);
	faults_wait_held(&b->f, rule, 5);
	faults_release(&b->f, rule, 2);
	sim_check(next(b).index == 0 && next(b).index == 1, "not the oldest first");
	check_silence(b);
	sim_check(faults_held(&b->f, rule) == 3, "held");
	faults_release(&b->f, rule, FAULTS_ALL);
	for (unsigned i = 2; i < 5; i++)
		sim_check(next(b).index == i, "not in order");
	/* Nothing was held any more: this releases nothing. */
	faults_release(&b->f, rule, FAULTS_ALL);
	batch.n = 1;
	ask(b, &batch);
	faults_wait_held(&b->f, rule, 1);
	check_silence(b);
	faults_remove(&b->f, rule);
	next(b);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000) + t.tv_nsec / 1000000;
}

static void delays(struct bench *b)
{
	unsigned rule = faults_add(&b->f, &(struct fault_rule){
						  .ops = FAULT_BIT(FAULT_WRITE),
						  .action = FAULT_DELAY,
						  .amount = 30,
					  });
	uint64_t start = now_ms();

	sim_check(one(b, IORING_OP_WRITE, LEN) == LEN, "failed");
	sim_check(now_ms() - start >= 29, "after %d ms", (int)(now_ms() - start));
	faults_remove(&b->f, rule);
}

static void run_reordered(struct bench *b, unsigned seed, unsigned n, unsigned *ret_order)
{
	unsigned rule = faults_add(&b->f, &(struct fault_rule){
						  .ops = FAULT_BITS_IO,
						  .action = FAULT_REORDER,
						  .amount = seed,
					  });
	struct batch batch = many(IORING_OP_WRITE, n);

	ask(b, &batch);
	for (unsigned i = 0; i < n; i++) {
		struct ended e = next(b);

		sim_check(e.result == LEN, "%u: %d", e.index, e.result);
		ret_order[i] = e.index;
	}
	faults_remove(&b->f, rule);
}

static void reorders(struct bench *b)
{
	unsigned order[3][6], seen = 0;

	run_reordered(b, 0, 6, order[0]);
	for (unsigned i = 0; i < 6; i++)
		sim_check(order[0][i] == 5 - i, "%u. is %u", i, order[0][i]);
	run_reordered(b, 1, 6, order[0]);
	run_reordered(b, 1, 6, order[1]);
	run_reordered(b, 2, 6, order[2]);
	sim_check(!memcmp(order[0], order[1], sizeof(order[0])), "one seed, two orders");
	sim_check(memcmp(order[0], order[2], sizeof(order[0])), "two seeds, one order");
	for (unsigned i = 0; i < 6; i++)
		seen |= 1u << order[2][i];
	sim_check(seen == 0x3f, "%#x", seen);
}

static void loses_nothing(struct bench *b, bool recorded)
{
	const struct fault_rule rules[] = {
		{ .ops = FAULT_BITS_IO,
		  .skip = 5,
		  .count = 20,
		  .action = FAULT_REORDER,
		  .amount = 3 },
		{ .ops = FAULT_BITS_IO, .count = 70, .action = FAULT_HOLD },
		{ .ops = FAULT_BITS_IO,
		  .skip = 10,
		  .count = 40,
		  .action = FAULT_FAIL,
		  .error = EIO },
		{ .ops = FAULT_BITS_IO, .count = 10, .action = FAULT_DELAY, .amount = 2 },
	};
	struct batch batch = many(IORING_OP_WRITE, NR_MAX);
	unsigned rule[ARRAY_SIZE(rules)], failed = 0;
	bool seen[NR_MAX] = { false };

	if (recorded)
		faults_record_start(&b->f, image_file(b));
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		rule[i] = faults_add(&b->f, &rules[i]);
	ask(b, &batch);
	faults_wait_held(&b->f, rule[1], 70);
	for (unsigned i = 0; i < NR_MAX; i++) {
		struct ended e;

		if (i == NR_MAX - 70) {
			check_silence(b);
			faults_release(&b->f, rule[1], FAULTS_ALL);
		}
		e = next(b);
		sim_check(!seen[e.index], "%u has ended twice", e.index);
		seen[e.index] = true;
		failed += e.result == -EIO;
		sim_check(e.result == -EIO || e.result == LEN, "%u: %d", e.index, e.result);
		if (e.result == LEN)
			sim_check(filled(b, e.index * LEN, 'a' + e.index % 26, LEN) == LEN,
				  "%u: other data", e.index);
	}
	sim_check(failed == 40, "%u have failed", failed);
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
		sim_check(faults_hits(&b->f, rule[i]) == rules[i].count, "rule %u", i);
		faults_remove(&b->f, rule[i]);
	}
	if (recorded)
		faults_record_stop(&b->f, image_file(b));
	faults_forget_records(&b->f);
}

static void test(struct bench *b)
{
	holds(b);
	releases_in_order(b);
	delays(b);
	reorders(b);
	loses_nothing(b, true);
	loses_nothing(b, false);
}

int main(int argc, char **argv)
{
	return bench_main(argc, argv, test);
}
