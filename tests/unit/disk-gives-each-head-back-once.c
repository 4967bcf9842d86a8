/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each head that was popped comes back exactly once, whatever is in its chain, in whichever order
 * the backend finishes, and never before it is finished.
 */
#include <errno.h>

#include "tests/fake/driver.h"

#define SIZE 64

static struct drv d;
static struct drv_blk reqs[SIZE];
static unsigned out_there[SIZE]; /* made available and not yet back */

static int set_up(void **state)
{
	(void)state;
	memset(out_there, 0, sizeof(out_there));
	drv_boot(&d, NULL, 0);
	return 0;
}

static unsigned take_back(void)
{
	uint32_t id, len;
	unsigned n = 0;

	while (drv_used(&d.q[0], &id, &len)) {
		assert_true(id < SIZE);
		assert_int_equal(out_there[id], 1);
		out_there[id] = 0;
		n++;
	}
	return n;
}

static void out_of_order(void **state)
{
	uint64_t seed = 5;
	unsigned waiting = 0;

	(void)state;
	d.backend.hold = true;
	for (unsigned i = 0; i < 20000; i++) {
		if (waiting < 20 && drv_random(&seed) % 2) {
			/* All indirect: one descriptor each. */
			struct drv_blk *r = &reqs[d.q[0].next_desc % SIZE];

			if (out_there[d.q[0].next_desc % SIZE]) {
				d.q[0].next_desc++;
				continue;
			}
			*r = (struct drv_blk){ .type = VIRTIO_BLK_T_IN,
					       .sector = drv_random(&seed) % 128,
					       .in_len = 512 };
			if (!waiting)
				drv_free_all(&d);
			drv_blk_add(&d, 0, r);
			out_there[r->head]++;
			waiting++;
			if (drv_random(&seed) % 3)
				drv_kick(&d, 0);
		} else if (d.backend.nr_held) {
			unsigned k = drv_random(&seed) % d.backend.nr_held;

			fake_backend_complete(&d.backend, k, drv_random(&seed) % 4 ? 0 : -EIO);
		}
		drv_round(&d);
		waiting -= take_back();
		assert_int_equal(disk_inflight(&d.disk), d.backend.nr_held);
		if (d.heap > FAKE_RAM0_BASE + FAKE_RAM_BYTES / 2) {
			fake_backend_complete_all(&d.backend, 0);
			drv_go(&d, 0);
			fake_backend_complete_all(&d.backend, 0);
			drv_round(&d);
			waiting -= take_back();
			assert_int_equal(waiting, 0);
			drv_free_all(&d);
		}
	}
	assert_int_equal(d.st->virtio.faults, 0);
}

static void random_descriptor(uint64_t *seed, uint64_t table, unsigned i)
{
	static const uint16_t flags[] = { 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7 };
	uint64_t gpa = FAKE_RAM0_BASE + 0x200000 + drv_random(seed) % 0x10000;

	if (drv_random(seed) % 16 == 0)
		gpa = (uint64_t)drv_random(seed) << 33 | drv_random(seed);
	drv_put_desc(table, i, gpa,
		     drv_random(seed) % 16 ? drv_random(seed) % 2048 : drv_random(seed),
		     flags[drv_random(seed) % ARRAY_SIZE(flags)],
		     drv_random(seed) % (drv_random(seed) % 32 ? SIZE : 0x10000));
}

/* Garbage in rings, tables and data.  A popped head is on its way back or with the backend. */
static void garbage(void **state)
{
	uint64_t seed = 6;

	(void)state;
	for (unsigned turn = 0; turn < 3000; turn++) {
		struct drv_queue *q = &d.q[0];
		unsigned n = 1 + drv_random(&seed) % 8;
		uint32_t popped, id, len;

		d.backend.hold = turn % 2;
		for (unsigned i = 0; i < SIZE; i++) {
			random_descriptor(&seed, q->desc, i);
			random_descriptor(&seed, FAKE_RAM0_BASE + 0x200000, i);
		}
		memset(out_there, 0, sizeof(out_there));
		for (unsigned i = 0; i < n; i++) {
			uint16_t head = (turn + i * 7) % SIZE;

			out_there[head]++;
			drv_avail(q, head);
		}
		drv_go(&d, 0);
		popped = d.st->virtio.queues[0].last_avail;
		while (d.backend.nr_held)
			fake_backend_complete(&d.backend, drv_random(&seed) % d.backend.nr_held,
					      -EIO);
		drv_round(&d);
		assert_int_equal(disk_inflight(&d.disk), 0);
		assert_int_equal(popped, d.st->virtio.queues[0].used);
		/* The rings themselves are out of the reach of the buffers above. */
		while (drv_used(q, &id, &len)) {
			assert_true(id < SIZE && out_there[id]);
			out_there[id]--;
			popped--;
		}
		assert_int_equal(popped, 0);
		drv_ready(&d, drv_offered(&d));
	}
}

#define TEST(f) DRV_TEST(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(out_of_order),
		TEST(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
