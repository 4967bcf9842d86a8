/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue that the test pops and pushes by itself: nobody runs the disk behind it. */
#ifndef TESTS_UNIT_VIRTQ_TEST_H
#define TESTS_UNIT_VIRTQ_TEST_H

#include <errno.h>

#include "tests/fake/machine.h"

#define SIZE 64

static struct drv d;
static struct drv_queue *const dq = &d.q[0];
static struct virtq *q;

/* The driver has set the queue up; the disk has not looked at it. */
static inline void queue_start(const struct vm_options *o)
{
	vm_start(&d, o);
	drv_boot(&d, o->without);
	q = vm_virtq(0);
}

/* Heads that the test left in flight are given back. */
static inline void queue_stop(void)
{
	for (unsigned head = 0; head < SIZE; head++)
		if (q->state->heads[head])
			virtq_push(q, head, 0);
	vm.disk.marked = 0;
	vm_stop();
}

static inline int set_up(void **state)
{
	queue_start(*state);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	queue_stop();
	return 0;
}

static inline void expect_pop(uint16_t head)
{
	uint16_t got;

	assert_int_equal(virtq_pop(q, &got), 1);
	assert_int_equal(got, head);
}

static inline void expect_empty(void)
{
	uint16_t got;

	assert_int_equal(virtq_pop(q, &got), 0);
}

static inline void expect_fault(void)
{
	assert_true(drv_status(&d) & S_NEEDS_RESET);
	assert_int_equal(vm.st->virtio.faults, 1);
}

/* One buffer from the driver through the device and back; true: the device would interrupt. */
static inline bool pass_one(uint16_t head, uint32_t len)
{
	uint32_t id, got_len;
	bool interrupt;

	drv_avail(dq, head);
	expect_pop(head);
	virtq_push(q, head, len);
	interrupt = virtq_publish(q);
	assert_true(drv_used(dq, &id, &got_len));
	assert_int_equal(id, head);
	assert_int_equal(got_len, len);
	return interrupt;
}

#define TEST(f, ...) VM_TEST_WITH(set_up, tear_down, f, .untouched = true, __VA_ARGS__)

#endif
