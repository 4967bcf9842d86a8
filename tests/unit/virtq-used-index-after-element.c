/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An element is written before the index that shows it (C14): pushing moves nothing that the driver
 * may look at, publishing shows all at once, and a driver on another CPU never sees an index whose
 * element is not there.
 */
#include <pthread.h>
#include <sched.h>

#include "tests/unit/virtq-test.h"

#define PASSES 5000

static void push_shows_nothing(void **state)
{
	uint32_t id, len;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		drv_avail(dq, i);
	for (unsigned i = 0; i < 5; i++) {
		expect_pop(i);
		virtq_push(q, i, 100 + i);
		assert_false(drv_used(dq, &id, &len));
	}
	virtq_publish(q);
	assert_int_equal(drv_used_idx(dq), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(drv_used(dq, &id, &len));
		assert_int_equal(id, i);
		assert_int_equal(len, 100 + i);
	}
}

/* The driver's side; returns how many elements were not what their index promised. */
static void *watch(void *arg)
{
	uintptr_t wrong = 0;
	uint32_t id, len;

	(void)arg;
	for (uint32_t i = 0; i < PASSES; i++) {
		while (!drv_used(dq, &id, &len))
			sched_yield();
		wrong += id != i % SIZE || len != i;
		/* Permission to go on. */
		drv_avail(dq, (i + 1) % SIZE);
	}
	return (void *)wrong;
}

static void another_cpu_sees_it_whole(void **state)
{
	pthread_t driver;
	uint16_t head;
	void *wrong;

	(void)state;
	drv_avail(dq, 0);
	assert_int_equal(pthread_create(&driver, NULL, watch, NULL), 0);
	for (uint32_t i = 0; i < PASSES; i++) {
		while (!virtq_pop(q, &head))
			sched_yield();
		virtq_push(q, head, i);
		virtq_publish(q);
	}
	pthread_join(driver, &wrong);
	assert_null(wrong);
	assert_int_equal(vm.st->virtio.faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(push_shows_nothing),
		TEST(another_cpu_sees_it_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
