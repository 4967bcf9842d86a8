/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random requests of all kinds against a model in memory: many at a time, on disjoint ranges, at
 * odd guest addresses, aligned for O_DIRECT or not, in one piece or many.  In the end the image and
 * the model are the same.
 */
#include "tests/unit/storage.h"

#define SIZE   KIB(4096)
#define LANES  8
#define LANE   (SIZE / LANES) /* each request in flight has a lane of its own */
#define ROUNDS 40
#define LONG   KIB(9 * 1024 + 4)

static unsigned char model[SIZE], guest[LANES][LANE + 1];
static struct test_request requests[LANES];
static enum blk_op ops[LANES];
static unsigned char *bases[LANES];

static uint64_t sectors(uint64_t max)
{
	return (uint64_t)rand() % max * 512;
}

static void start(struct storage *s, unsigned lane)
{
	static const enum blk_op kinds[] = { BLK_READ,	BLK_READ,    BLK_WRITE,	      BLK_WRITE,
					     BLK_FLUSH, BLK_DISCARD, BLK_WRITE_ZEROES };
	uint64_t offset = sectors(LANE / 512), len = 512 + sectors((LANE - offset) / 512);
	unsigned char *data = guest[lane] + rand() % 2;
	enum blk_op op = kinds[rand() % ARRAY_SIZE(kinds)];
	unsigned flags = rand() % 4;

	ops[lane] = op;
	bases[lane] = data;
	if (rand() % 2) {
		offset &= ~4095ull;
		len = MIN((len + 4095) & ~4095ull, LANE - offset);
	}
	offset += (uint64_t)lane * LANE;
	if (op == BLK_WRITE) {
		memset(data, rand(), len);
		memset(data, rand(), len / 2);
		memcpy(model + offset, data, len);
	} else if (op == BLK_DISCARD || op == BLK_WRITE_ZEROES) {
		memset(model + offset, 0, len); /* discarded files read as zeroes */
	}
	if (op != BLK_READ && op != BLK_WRITE)
		data = NULL;
	prepare(&requests[lane], op, flags, offset, op == BLK_FLUSH ? 0 : len, data,
		rand() % 2 ? len : len / 61 + 1);
	s->b->ops->submit(s->b, &requests[lane].req);
}

static void finish(struct storage *s, unsigned lane)
{
	struct test_request *t = &requests[lane];

	wait_for(s, t);
	assert_int_equal(t->result, 0);
	if (ops[lane] == BLK_READ)
		assert_memory_equal(bases[lane], model + t->req.offset, t->req.len);
}

static void check_kind(const struct storage_kind *k)
{
	_cleanup_(freep) unsigned char *back = malloc(SIZE);
	struct storage s;

	if (!storage_open(&s, &loop, k, SIZE))
		return;
	memset(model, 0x11, SIZE);
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned lane = 0; lane < LANES; lane++)
			start(&s, lane);
		for (unsigned lane = 0; lane < LANES; lane++)
			finish(&s, lane);
	}
	assert_int_equal(run(&s, BLK_READ, 0, 0, SIZE, back), 0);
	assert_memory_equal(back, model, SIZE);
	storage_close(&s);
}

/* Longer than what either path does in one step; cut into many buffers, few, or one. */
static void long_requests(void **state)
{
	static unsigned char data[LONG], back[LONG];
	static const size_t cuts[] = { LONG, KIB(5000), KIB(333), 512 * 601 };
	struct test_request t;
	struct storage s;

	(void)state;
	for (size_t kind = 0; kind < ARRAY_SIZE(storage_kinds); kind++) {
		if (!storage_open(&s, &loop, &storage_kinds[kind], LONG))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
			for (size_t at = 0; at < LONG; at++)
				data[at] = at / 509 * (i + 3) + kind;
			prepare(&t, BLK_WRITE, 0, 0, LONG, data, cuts[i]);
			s.b->ops->submit(s.b, &t.req);
			wait_for(&s, &t);
			assert_int_equal(t.result, 0);
			memset(back, 0, LONG);
			prepare(&t, BLK_READ, 0, 0, LONG, back, cuts[i]);
			s.b->ops->submit(s.b, &t.req);
			wait_for(&s, &t);
			assert_int_equal(t.result, 0);
			assert_memory_equal(back, data, LONG);
		}
		storage_close(&s);
	}
}

static void reads_what_was_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(storage_kinds); i++)
		check_kind(&storage_kinds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written),
		cmocka_unit_test(long_requests),
	};

	srand(1);
	return cmocka_run_group_tests(tests, start_loop, stop_loop);
}
