/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far more direct requests than there are bounce buffers, from two images at once: all complete,
 * with the right data, and a small request of one image gets its turn while the other one keeps the
 * pool busy.  The same without registered buffers.
 */
#include "tests/unit/storage.h"

#define POOL  KIB(64)
#define NR    48
#define CHUNK KIB(96) /* more than the pool has */
#define SIZE  (NR * CHUNK)

static struct bounce_line line;
static const struct storage_kind on_disk = { "/var/tmp", IMAGE_CACHE_DIRECT };
static struct test_request requests[2][NR];
static unsigned char data[2][SIZE], back[SIZE];

static void all_complete(void **state)
{
	struct storage s[2];

	(void)state;
	assert_int_equal(bounce_attach(&line, &loop, POOL, BOUNCE_UNIT, &test_subject), 0);
	if (!storage_open(&s[0], &loop, &on_disk, SIZE))
		skip();
	assert_true(storage_open(&s[1], &loop, &on_disk, SIZE));
	for (unsigned i = 0; i < SIZE; i++) {
		data[0][i] = i / CHUNK + i;
		data[1][i] = ~data[0][i];
	}
	for (unsigned n = 0; n < NR; n++)
		for (unsigned i = 0; i < 2; i++) {
			prepare(&requests[i][n], BLK_WRITE, 0, n * CHUNK, CHUNK,
				data[i] + n * CHUNK, CHUNK);
			s[i].b->ops->submit(s[i].b, &requests[i][n].req);
		}
	for (unsigned n = 0; n < NR; n++)
		for (unsigned i = 0; i < 2; i++) {
			wait_for(&s[i], &requests[i][n]);
			assert_int_equal(requests[i][n].result, 0);
		}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(run(&s[i], BLK_READ, 0, 0, SIZE, back), 0);
		assert_memory_equal(back, data[i], SIZE);
		storage_close(&s[i]);
	}
	bounce_detach(&line, &loop);
	assert_null(loop.bounce);
}

/* A guest that asks again as soon as it is answered. */
static struct storage greedy;

static void again(struct blk_request *req, int result)
{
	struct test_request *t = container_of(req, struct test_request, req);

	assert_int_equal(result, 0);
	if (t->done++ >= 1000)
		return;
	t->req.iov = t->iov;
	t->req.nr_iov = 1;
	t->iov[0] = (struct iovec){ back, CHUNK };
	greedy.b->ops->submit(greedy.b, &t->req);
}

static void nobody_starves(void **state)
{
	struct storage modest;
	unsigned sum = 0;

	(void)state;
	assert_int_equal(bounce_attach(&line, &loop, POOL, BOUNCE_UNIT, &test_subject), 0);
	if (!storage_open(&greedy, &loop, &on_disk, SIZE))
		skip();
	assert_true(storage_open(&modest, &loop, &on_disk, SIZE));
	for (unsigned n = 0; n < NR; n++) {
		prepare(&requests[0][n], BLK_READ, 0, n * CHUNK, CHUNK, back, CHUNK);
		requests[0][n].req.done = again;
		greedy.b->ops->submit(greedy.b, &requests[0][n].req);
	}
	assert_int_equal(run(&modest, BLK_READ, 0, 0, KIB(4), data[0]), 0);
	for (unsigned n = 0; n < NR; n++)
		sum += requests[0][n].done;
	assert_true(sum <= 2 * NR); /* it stood in line once */

	for (unsigned n = 0; n < NR; n++)
		requests[0][n].done = 1000;
	for (unsigned n = 0; n < NR; n++)
		while (requests[0][n].done < 1001)
			assert_int_equal(loop_run_round(&loop, true), 0);
	storage_close(&modest);
	storage_close(&greedy);
	bounce_detach(&line, &loop);
}

/* What RLIMIT_MEMLOCK does, for root as well: the ring's table is taken. */
static int set_up_taken(void **state)
{
	struct iovec other = { back, KIB(4) };

	return start_loop(state) || io_uring_register_buffers(&loop.ring, &other, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_complete, start_loop, stop_loop),
		cmocka_unit_test_setup_teardown(nobody_starves, start_loop, stop_loop),
		cmocka_unit_test_setup_teardown(all_complete, set_up_taken, stop_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
