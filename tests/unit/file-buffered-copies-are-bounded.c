/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * However many huge requests a buffered disk has, what one round hands to the kernel to copy is
 * bounded.  All requests go on, in turn, and small ones as they come.
 */
#include "tests/unit/storage.h"

#define MIB	 (1u << 20)
#define BOUND	 (8 * MIB)
#define REQUESTS 20

static int start_large_loop(void **state)
{
	(void)state;
	return loop_init(&loop, 4096);
}

static size_t bytes_of(const struct io_uring_sqe *sqe)
{
	const struct iovec *iov = (const struct iovec *)(uintptr_t)sqe->addr;
	size_t sum = 0;

	if (sqe->opcode == IORING_OP_READ || sqe->opcode == IORING_OP_WRITE)
		return sqe->len;
	assert_true(sqe->opcode == IORING_OP_READV || sqe->opcode == IORING_OP_WRITEV);
	for (unsigned i = 0; i < sqe->len; i++)
		sum += iov[i].iov_len;
	return sum;
}

/* Prepared, and not yet submitted. */
static size_t bytes_prepared(void)
{
	const struct io_uring_sq *sq = &loop.ring.sq;
	size_t sum = 0;

	for (unsigned i = sq->sqe_head; i != sq->sqe_tail; i++)
		sum += bytes_of(&sq->sqes[i & sq->ring_mask]);
	return sum;
}

static void huge(enum blk_op op, size_t chunk)
{
	static struct test_request t[REQUESTS];
	unsigned char *mem = calloc(1, 16 * MIB);
	struct storage s;
	unsigned done = 0;

	assert_non_null(mem);
	assert_true(storage_open(&s, &loop, &storage_kinds[2], 16 * MIB));
	for (unsigned i = 0; i < REQUESTS; i++) {
		prepare(&t[i], op, 0, 0, 16 * MIB, mem, chunk);
		s.b->ops->submit(s.b, &t[i].req);
	}
	while (done < REQUESTS) {
		assert_in_range(bytes_prepared(), 0, BOUND);
		assert_int_equal(loop_run_round(&loop, true), 0);
		done = 0;
		for (unsigned i = 0; i < REQUESTS; i++)
			done += t[i].done;
	}
	for (unsigned i = 0; i < REQUESTS; i++)
		assert_int_equal(t[i].result, 0);
	if (op == BLK_READ)
		assert_int_equal(mem[16 * MIB - 1], 0x11);
	storage_close(&s);
	free(mem);
}

static void huge_requests(void **state)
{
	(void)state;
	for (unsigned op = BLK_READ; op <= BLK_WRITE; op++) {
		huge(op, 16 * MIB);
		huge(op, MIB);
		huge(op, 7 * MIB);
	}
}

/* Nobody is passed by, and those that fit do not wait. */
static void in_turn(void **state)
{
	static struct test_request large[4], small[1000];
	unsigned char *mem = malloc(4 * MIB);
	struct storage s;

	(void)state;
	assert_non_null(mem);
	assert_true(storage_open(&s, &loop, &storage_kinds[2], 4 * MIB));
	for (unsigned i = 0; i < 1000; i++) {
		prepare(&small[i], BLK_READ, 0, 0, 4096, mem, 4096);
		s.b->ops->submit(s.b, &small[i].req);
	}
	assert_int_equal(io_uring_sq_ready(&loop.ring), 1000);
	for (unsigned i = 0; i < 1000; i++)
		wait_for(&s, &small[i]);

	for (unsigned i = 0; i < 4; i++) {
		prepare(&large[i], BLK_READ, 0, 0, 4 * MIB, mem, 4 * MIB);
		s.b->ops->submit(s.b, &large[i].req);
	}
	prepare(&small[0], BLK_READ, 0, 0, 4096, mem, 4096);
	s.b->ops->submit(s.b, &small[0].req);
	assert_int_equal(bytes_prepared(), BOUND);
	wait_for(&s, &small[0]);
	assert_true(large[0].done || large[1].done);
	for (unsigned i = 0; i < 4; i++)
		wait_for(&s, &large[i]);
	storage_close(&s);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(huge_requests),
		cmocka_unit_test(in_turn),
	};

	return cmocka_run_group_tests(tests, start_large_loop, stop_loop);
}
