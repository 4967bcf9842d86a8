/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state memfd is mapped by another process and shows the same numbers; one with another magic,
 * version or size is refused, and one of our own cannot be resized under us.
 */
#include <errno.h>
#include <sys/mman.h>

#include "daemon/state.h"
#include "tests/fake/test.h"

static const struct log_subject subject = { .guest = "test" };
static struct state *s;
static int fd;

static int set_up(void **state)
{
	(void)state;
	return state_create(42, &subject, &s, &fd);
}

static int tear_down(void **state)
{
	(void)state;
	state_unmap(s);
	state_unmap(NULL);
	close(fd);
	return 0;
}

static void expect_refused(int f)
{
	struct state *got = (struct state *)&got;

	assert_int_equal(state_map(f, &subject, &got), -EINVAL);
	assert_ptr_equal(got, &got);
}

static void shows_the_same(void **state)
{
	struct state *other;

	(void)state;
	assert_int_equal(s->domid, 42);
	assert_int_equal(state_map(fd, &subject, &other), 0);
	assert_ptr_not_equal(other, s);
	s->disks[STATE_DISKS_MAX - 1].counters.reads = 7;
	assert_int_equal(other->disks[STATE_DISKS_MAX - 1].counters.reads, 7);
	assert_int_equal(other->domid, 42);
	state_unmap(other);
}

static void starts_with_zeroes(void **state)
{
	static const struct state_disk zero[STATE_DISKS_MAX];

	(void)state;
	assert_memory_equal(s->disks, zero, sizeof(zero));
	assert_int_equal(s->has_server, 0);
}

static void another_header(void **state)
{
	struct state *other;

	(void)state;
	s->magic ^= 1;
	expect_refused(fd);
	s->magic ^= 1;
	s->version++;
	expect_refused(fd);
	s->version -= 2;
	expect_refused(fd);
	s->version++;
	s->size--;
	expect_refused(fd);
	s->size++;
	assert_int_equal(state_map(fd, &subject, &other), 0);
	state_unmap(other);
}

static void another_size(void **state)
{
	static const size_t sizes[] = { 0, 1, sizeof(struct state) - 1, sizeof(struct state) + 1 };
	int f = memfd_create("state", MFD_CLOEXEC);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(ftruncate(f, 0), 0);
		assert_int_equal(ftruncate(f, sizes[i]), 0);
		if (sizes[i])
			assert_true(pwrite(f, s, MIN(sizes[i], sizeof(*s)), 0) > 0);
		expect_refused(f);
	}
	close(f);
}

static void cannot_be_resized(void **state)
{
	(void)state;
	assert_true(ftruncate(fd, 0) < 0);
	assert_true(ftruncate(fd, sizeof(struct state) + 4096) < 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shows_the_same), TEST(starts_with_zeroes), TEST(another_header),
		TEST(another_size),   TEST(cannot_be_resized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
