/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record has what happened to a recorded image, and nothing else, in the order of the clock. */
#include "tests/sim/t/faults-bench.h"

static const struct {
	enum fault_event event;
	enum fault_op op;
	uint64_t offset, len;
	bool dsync;
	int mode, result;
} expected[] = {
	{ FAULT_SUBMIT, FAULT_WRITE, LEN, LEN, true, 0, 0 },
	{ FAULT_COMPLETE, FAULT_WRITE, LEN, LEN, true, 0, LEN },
	{ FAULT_SUBMIT, FAULT_WRITE, 0, LEN, false, 0, 0 },
	{ FAULT_COMPLETE, FAULT_WRITE, 0, LEN, false, 0, LEN },
	{ FAULT_SUBMIT, FAULT_FSYNC, 0, 0, false, 0, 0 },
	{ FAULT_COMPLETE, FAULT_FSYNC, 0, 0, false, 0, -EIO },
	{ FAULT_SUBMIT, FAULT_FALLOCATE, 0, LEN, false, FALLOC_FL_KEEP_SIZE, 0 },
	{ FAULT_COMPLETE, FAULT_FALLOCATE, 0, LEN, false, FALLOC_FL_KEEP_SIZE, 0 },
};

static void check_records(struct bench *b, uint64_t before, uint64_t between)
{
	struct fault_record *r;
	uint64_t last = before;
	size_t n;

	r = faults_records(&b->f, &n);
	sim_check(n == ARRAY_SIZE(expected), "%zu records", n);
	for (size_t i = 0; i < n; i++) {
		sim_check(r[i].event == expected[i].event && r[i].op == expected[i].op,
			  "%zu: event %u of %u", i, r[i].event, r[i].op);
		sim_check(r[i].offset == expected[i].offset && r[i].len == expected[i].len,
			  "%zu: %ju at %ju", i, (uintmax_t)r[i].len, (uintmax_t)r[i].offset);
		sim_check(r[i].dsync == expected[i].dsync && r[i].mode == expected[i].mode &&
				  r[i].result == expected[i].result,
			  "%zu: dsync %d, mode %d, result %d", i, r[i].dsync, r[i].mode,
			  r[i].result);
		sim_check(i % 2 == 0 || r[i].id == r[i - 1].id, "%zu: another id", i);
		sim_check(i % 2 || !i || r[i].id != r[i - 1].id, "%zu: the same id", i);
		sim_check(r[i].file.ino == image_file(b).ino, "%zu: another file", i);
		sim_check(r[i].seq > last, "%zu: seq", i);
		sim_check((r[i].seq > between) == (i >= 2), "%zu: clock", i);
		last = r[i].seq;
	}
	sim_check(faults_clock(&b->f) > last, "the clock stands");
	free(r);
}

static void records(struct bench *b)
{
	struct batch batch = many(IORING_OP_WRITE, 2);
	uint64_t before = faults_clock(&b->f), between;
	unsigned rule;
	size_t n;

	faults_record_start(&b->f, image_file(b));
	batch.task[0].image = 1; /* not recorded */
	batch.task[1].dsync = true;
	ask(b, &batch);
	next(b);
	next(b);
	between = faults_clock(&b->f);
	one(b, IORING_OP_READ, LEN);
	one(b, IORING_OP_WRITE, LEN);
	rule = faults_add(&b->f, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_FSYNC),
						       .action = FAULT_FAIL,
						       .error = EIO });
	one(b, IORING_OP_FSYNC, 0);
	faults_remove(&b->f, rule);
	one(b, IORING_OP_FALLOCATE, LEN);
	faults_record_stop(&b->f, image_file(b));
	one(b, IORING_OP_WRITE, LEN);
	check_records(b, before, between);
	faults_forget_records(&b->f);
	free(faults_records(&b->f, &n));
	sim_check(n == 0, "%zu records", n);
}

static void test(struct bench *b)
{
	records(b);
}

int main(int argc, char **argv)
{
	return bench_main(argc, argv, test);
}
