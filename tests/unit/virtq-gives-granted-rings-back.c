/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings of a queue with grants: what the device only reads may be granted read-only; when the
 * queue is disabled, status bytes that wait have been written, and nothing is mapped any more.
 * What could not be unmapped is bounded.
 */
#include "tests/unit/guest-mem-grants-test.h"
#include "transport/ioreq.h"
#include "transport/virtio.h"
#include "transport/virtq.h"

#define SIZE 256

static struct virtio_state state;
static struct virtio_device dev = { .state = &state, .nr_queues = 1, .queue_size_max = SIZE };

static bool enable(bool used_read_only)
{
	struct virtq_state *s = &state.queues[0];

	for (unsigned i = 0; i < 3; i++) {
		fake_revoke(REF0 + i);
		fake_grant(REF0 + i, FRAME + i, i < 2 || used_read_only);
	}
	memset(&state, 0, sizeof(state));
	memset(byte(0), 0, 3 * PAGE);
	virtq_init(&dev.queues[0], &dev, s, &mem);
	s->size = SIZE;
	s->desc = address(0);
	s->driver = address(PAGE);
	s->device = address(2 * PAGE);
	return virtq_enable(&dev.queues[0]);
}

static void read_only_where_it_is_read(void **unused)
{
	uint16_t head;

	(void)unused;
	assert_false(enable(true));
	assert_int_equal(mem.mapped_pages, 0);
	assert_true(enable(false));
	assert_int_equal(mem.mapped_pages, 3);
	assert_int_equal(virtq_pop(&dev.queues[0], &head), 0);
	virtq_fini(&dev.queues[0]);
	assert_int_equal(mem.mapped_pages, 0);
	virtq_fini(&dev.queues[0]);
}

static void disabled_after_answers(void **unused)
{
	void (*const ends[])(struct virtq * q) = { virtq_disable, virtq_reset };

	(void)unused;
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		uint64_t at = 4 * PAGE + i;

		assert_true(enable(false));
		*byte(at) = 0xff;
		guest_mem_store_byte(&mem, place(at, 1).iov_base, 1);
		assert_int_equal(*byte(at), 0xff);
		ends[i](&dev.queues[0]);
		assert_int_equal(*byte(at), 1);
		assert_int_equal(fake_grants_mapped(), 0);
	}
}

/* And before the used index shows them. */
static void published_after_answers(void **unused)
{
	struct virtq *q = &dev.queues[0];
	uint16_t head;

	(void)unused;
	assert_true(enable(false));
	*byte(4 * PAGE) = 0xff;
	*byte(PAGE + 2) = 1; /* head 0 is available */
	assert_int_equal(virtq_pop(q, &head), 1);
	guest_mem_store_byte(&mem, place(4 * PAGE, 1).iov_base, 1);
	virtq_push(q, head, 1);
	assert_int_equal(*byte(4 * PAGE), 0xff);
	virtq_publish(q);
	assert_int_equal(*byte(4 * PAGE), 1);
	assert_int_equal(*byte(2 * PAGE + 2), 1);
	virtq_disable(q);
}

/* What can't be unmapped counts as mapped, and there is a bound to it. */
static void bounded_when_stuck(void **unused)
{
	const unsigned bound = (5 + 2 + 4) * VIRTIO_QUEUES_MAX * IOREQ_WINDOWS_MAX;
	unsigned n = 0;

	(void)unused;
	fake_grants_stick();
	for (; enable(false); n++) {
		assert_true(n < bound);
		virtq_disable(&dev.queues[0]);
		assert_int_equal(mem.mapped_pages, 3 * (n + 1));
	}
	assert_in_range(mem.mapped_pages, bound - 2, bound);
	assert_int_equal(fake_grants_mapped(), mem.mapped_pages);
	fake_grants_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(read_only_where_it_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(disabled_after_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(published_after_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bounded_when_stuck, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
