/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each head that was popped comes back exactly once, whatever is in its chain, in whichever order
 * the backend finishes, and never before it is finished.
 */
#include <errno.h>

#include "tests/fake/machine.h"

#define SIZE 64

/* The other bank than that of the rings. */
#define BUFFERS FAKE_RAM1_BASE

static struct drv d;
static struct drv_blk reqs[SIZE];
static unsigned out_there[SIZE]; /* made available and not yet back */

static int set_up(void **state)
{
	memset(out_there, 0, sizeof(out_there));
	return vm_set_up(state);
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
	vm.backend.hold = true;
	for (unsigned i = 0; i < 20000; i++) {
		if (waiting < 20 && drv_random(&seed) % 2) {
			/* All indirect: one descriptor each. */
			struct drv_blk *r = &reqs[d.q[0].next_desc % SIZE];

			if (out_there[d.q[0].next_desc % SIZE]) {
				d.q[0].next_desc++;
				continue;
			}
			*r = (struct drv_blk){ .type = T_IN,
					       .sector = drv_random(&seed) % 128,
					       .in_len = 512 };
			if (!waiting)
				drv_free_all(&d);
			drv_blk_add(&d.q[0], r);
			out_there[r->head]++;
			waiting++;
			if (drv_random(&seed) % 3)
				drv_kick(&d.q[0]);
		} else if (vm.backend.nr_held) {
			unsigned k = drv_random(&seed) % vm.backend.nr_held;

			fake_backend_complete(&vm.backend, k, drv_random(&seed) % 4 ? 0 : -EIO);
		}
		vm_round();
		waiting -= take_back();
		assert_int_equal(disk_inflight(&vm.disk), vm.backend.nr_held);
		if (d.heap_end - d.heap < 1u << 20) {
			fake_backend_complete_all(&vm.backend, 0);
			vm_go(&d.q[0]);
			fake_backend_complete_all(&vm.backend, 0);
			vm_round();
			waiting -= take_back();
			assert_int_equal(waiting, 0);
			drv_free_all(&d);
		}
	}
	assert_int_equal(vm.st->virtio.faults, 0);
}

static void random_descriptor(uint64_t *seed, uint64_t table, unsigned i)
{
	static const uint16_t flags[] = { 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7 };
	uint64_t gpa = BUFFERS + drv_random(seed) % 0x10000;

	if (drv_random(seed) % 16 == 0)
		gpa = (uint64_t)drv_random(seed) << 33 | drv_random(seed);
	drv_put_desc(&d, table, i, gpa,
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

		vm.backend.hold = turn % 2;
		for (unsigned i = 0; i < SIZE; i++) {
			random_descriptor(&seed, q->desc, i);
			random_descriptor(&seed, BUFFERS, i);
		}
		memset(out_there, 0, sizeof(out_there));
		for (unsigned i = 0; i < n; i++) {
			uint16_t head = (turn + i * 7) % SIZE;

			out_there[head]++;
			drv_avail(q, head);
		}
		vm_go(&d.q[0]);
		popped = vm.st->virtio.queues[0].last_avail;
		while (vm.backend.nr_held)
			fake_backend_complete(&vm.backend, drv_random(&seed) % vm.backend.nr_held,
					      -EIO);
		vm_round();
		assert_int_equal(disk_inflight(&vm.disk), 0);
		assert_int_equal(popped, vm.st->virtio.queues[0].used);
		/* The rings themselves are out of the reach of the buffers above. */
		while (drv_used(q, &id, &len)) {
			assert_true(id < SIZE && out_there[id]);
			out_there[id]--;
			popped--;
		}
		assert_int_equal(popped, 0);
		drv_boot(&d, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST_WITH(set_up, vm_tear_down, out_of_order),
		VM_TEST_WITH(set_up, vm_tear_down, garbage, .faulty = true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
