/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule does what faults_shm.h says, to the operations that it names and no others, in a process
 * like the watcher's and in a worker's sandbox; where there is no rule, nothing is in the way.
 */
#include "tests/sim/t/faults-bench.h"

static void fails_the_nth(struct bench *b)
{
	unsigned rule = faults_add(&b->f, &(struct fault_rule){
						  .ops = FAULT_BIT(FAULT_WRITE),
						  .file = image_file(b),
						  .skip = 1,
						  .count = 1,
						  .action = FAULT_FAIL,
						  .error = ENOSPC,
					  });
	struct batch batch = many(IORING_OP_WRITE, 3);
	int result[3];

	wipe(b);
	ask(b, &batch);
	for (unsigned i = 0; i < 3; i++) {
		struct ended e = next(b);

		result[e.index] = e.result;
	}
	sim_check(result[0] == LEN && result[1] == -ENOSPC && result[2] == LEN, "%d %d %d",
		  result[0], result[1], result[2]);
	sim_check(filled(b, LEN, 0, LEN) == LEN, "a failed write has written");
	sim_check(filled(b, 0, 'a', LEN) == LEN && filled(b, 2 * LEN, 'c', LEN) == LEN, "lost");
	sim_check(faults_hits(&b->f, rule) == 1, "hits");
	faults_remove(&b->f, rule);
}

static void leaves_others_alone(struct bench *b)
{
	const struct fault_rule rules[] = {
		{ .ops = FAULT_BIT(FAULT_WRITE), .file = image_file(b), .error = EIO },
		{ .ops = FAULT_BIT(FAULT_READ), .process = 8, .error = EIO },
	};
	struct batch batch = many(IORING_OP_WRITE, 1);
	unsigned rule[ARRAY_SIZE(rules)];

	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		rule[i] = faults_add(&b->f, &rules[i]);
	sim_check(one(b, IORING_OP_WRITE, LEN) == -EIO, "the rule is not there");
	batch.task[0].image = 1;
	ask(b, &batch);
	sim_check(next(b).result == LEN, "another file's write failed");
	sim_check(one(b, IORING_OP_READ, LEN) == LEN, "another process's rule");
	sim_check(one(b, IORING_OP_FSYNC, 0) == 0, "another operation");
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		faults_remove(&b->f, rule[i]);
	sim_check(one(b, IORING_OP_WRITE, LEN) == LEN, "a removed rule applies");
}

static void knows_its_process(struct bench *b)
{
	unsigned rule = faults_add(&b->f,
				   &(struct fault_rule){
					   .ops = FAULT_BITS_IO,
					   .process = b->sandboxed ? atoi(DOMID) : FAULT_NO_WORKER,
					   .error = EIO,
				   });

	sim_check(one(b, IORING_OP_FSYNC, 0) == -EIO, "not for this process");
	faults_remove(&b->f, rule);
}

static void shortens(struct bench *b)
{
	static const struct {
		unsigned what, amount;
	} cases[] = {
		{ IORING_OP_READ, 512 },	 { IORING_OP_WRITE, 1500 },
		{ IORING_OP_WRITEV, 1500 },	 { IORING_OP_WRITEV, 600 },
		{ IORING_OP_WRITE_FIXED, 2048 }, { IORING_OP_WRITEV, 0 },
		{ IORING_OP_READ, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned rule = faults_add(
			&b->f, &(struct fault_rule){
				       .ops = FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE),
				       .file = image_file(b),
				       .action = FAULT_SHORT,
				       .amount = cases[i].amount,
			       });
		int r;

		wipe(b);
		r = one(b, cases[i].what, LEN);
		sim_check(r == (int)cases[i].amount, "case %u: %d", i, r);
		if (cases[i].what != IORING_OP_READ)
			sim_check(filled(b, 0, 'a', LEN) == cases[i].amount, "case %u", i);
		/* What is not longer is not touched. */
		if (cases[i].amount)
			sim_check(one(b, IORING_OP_READ, 100) == 100, "case %u", i);
		faults_remove(&b->f, rule);
	}
	sim_check(one(b, IORING_OP_READ, LEN) == LEN, "a removed rule applies");
}

static void is_out_of_the_way(struct bench *b)
{
	unsigned rule;

	/* A loop that sleeps has to wake up first to notice that rules are gone. */
	one(b, TELL_IF_STRAIGHT, 0);
	sim_check(one(b, TELL_IF_STRAIGHT, 0) == 1, "in the way of nothing");
	rule = faults_add(&b->f, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_URING_CMD),
						       .action = FAULT_HOLD });
	one(b, IORING_OP_FSYNC, 0);
	sim_check(one(b, TELL_IF_STRAIGHT, 0) == 0, "a rule, and no shadow");
	faults_remove(&b->f, rule);
	one(b, IORING_OP_FSYNC, 0);
	sim_check(one(b, TELL_IF_STRAIGHT, 0) == 1, "in the way for ever");
}

static void covers_calls(struct bench *b)
{
	static const struct {
		unsigned what;
		enum fault_op op;
		int good;
		bool file;
	} cases[] = {
		{ CALL_OPEN, FAULT_OPEN, 0, true },
		{ CALL_STAT, FAULT_STAT, 0, true },
		{ CALL_LOCK, FAULT_LOCK, 0, true },
		{ CALL_PREAD, FAULT_PREAD, LEN, true },
		{ CALL_XEN, FAULT_DM_SET_IRQ_LEVEL, 0, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault_rule r = { .ops = FAULT_BIT(cases[i].op), .error = ENOLCK };
		struct batch batch = many(cases[i].what, 1);
		unsigned rule;

		if (cases[i].file)
			r.file = image_file(b);
		rule = faults_add(&b->f, &r);
		sim_check(one(b, cases[i].what, LEN) == -ENOLCK, "case %u", i);
		faults_remove(&b->f, rule);
		sim_check(one(b, cases[i].what, LEN) == cases[i].good, "case %u", i);

		r.action = FAULT_HOLD;
		r.error = 0;
		rule = faults_add(&b->f, &r);
		ask(b, &batch);
		faults_wait_held(&b->f, rule, 1);
		check_silence(b);
		faults_release(&b->f, rule, 1);
		sim_check(next(b).result == cases[i].good, "case %u", i);
		faults_remove(&b->f, rule);
	}
}

static void test(struct bench *b)
{
	is_out_of_the_way(b);
	fails_the_nth(b);
	leaves_others_alone(b);
	knows_its_process(b);
	shortens(b);
	/* The sandbox allows none of these; a worker makes them before. */
	if (!b->sandboxed)
		covers_calls(b);
	is_out_of_the_way(b);
}

int main(int argc, char **argv)
{
	return bench_main(argc, argv, test);
}
