/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chain comes in the driver's order, whether it is in the table, in an indirect table, or in both
 * (C6, C7), up to as many elements as the queue is long.
 */
#include "tests/unit/virtq-test.h"

static struct drv_seg segs[SIZE];

static void make_segs(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		segs[i] = (struct drv_seg){ FAKE_RAM0_BASE + i * 4096 + i, i * 7, i >= n / 2 };
}

static void expect_chain(uint16_t head, unsigned n)
{
	struct virtq_chain c;
	struct virtq_segment s;

	expect_pop(head);
	virtq_chain_init(&c, q, head);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(virtq_chain_next(&c, &s), 1);
		assert_int_equal(s.addr, segs[i].gpa);
		assert_int_equal(s.len, segs[i].len);
		assert_int_equal(s.write, segs[i].write);
	}
	assert_int_equal(virtq_chain_next(&c, &s), 0);
	assert_int_equal(virtq_chain_next(&c, &s), 0);
	assert_int_equal(vm.st->virtio.faults, 0);
	virtq_push(q, head, 0);
	virtq_publish(q);
}

/* Every length, with the border between direct and indirect everywhere. */
static void direct_indirect_mixed(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= SIZE; n++) {
		make_segs(n);
		for (unsigned direct = 0; direct <= n; direct++) {
			uint16_t head;

			drv_free_all(&d);
			head = drv_chain(dq, segs, n, direct);
			drv_avail(dq, head);
			expect_chain(head, n);
		}
	}
}

static void descriptors_in_any_order(void **state)
{
	(void)state;
	make_segs(SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		drv_desc(dq, (5 + i * 11) % SIZE, segs[i].gpa, segs[i].len,
			 (segs[i].write ? DESC_WRITE : 0) | (i + 1 < SIZE ? DESC_NEXT : 0),
			 (5 + (i + 1) * 11) % SIZE);
	drv_avail(dq, 5);
	expect_chain(5, SIZE);
}

static void indirect_table_in_any_order(void **state)
{
	uint64_t table = drv_alloc(&d, 16 * SIZE);

	(void)state;
	make_segs(SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		drv_put_desc(&d, table, i * 11 % SIZE, segs[i].gpa, segs[i].len,
			     (segs[i].write ? DESC_WRITE : 0) | (i + 1 < SIZE ? DESC_NEXT : 0),
			     (i + 1) * 11 % SIZE);
	drv_desc(dq, 0, table, 16 * SIZE, DESC_INDIRECT, 0);
	drv_avail(dq, 0);
	expect_chain(0, SIZE);
}

/* C6, and where the table lies: anywhere, also across pages. */
static void write_flag_and_alignment_of_the_table(void **state)
{
	uint64_t area = (drv_alloc(&d, 16384) + 4095) & ~4095ull;

	(void)state;
	make_segs(4);
	for (unsigned shift = 0; shift < 64; shift++) {
		uint64_t table = area + 4096 - shift;

		for (unsigned i = 0; i < 4; i++)
			drv_put_desc(&d, table, i, segs[i].gpa, segs[i].len,
				     (segs[i].write ? DESC_WRITE : 0) | (i < 3 ? DESC_NEXT : 0),
				     i + 1);
		drv_desc(dq, 3, table, 64, DESC_INDIRECT | DESC_WRITE, 0xffff);
		drv_avail(dq, 3);
		expect_chain(3, 4);
	}
}

/* next means nothing without its flag, nor do flags that don't exist. */
static void garbage_beside(void **state)
{
	(void)state;
	make_segs(1);
	drv_desc(dq, 0, segs[0].gpa, segs[0].len, DESC_WRITE | 0xfff8, 0xffff);
	drv_avail(dq, 0);
	expect_chain(0, 1);
}

/* The device never writes to a descriptor (C5). */
static void table_is_left_alone(void **state)
{
	uint8_t before[16 * SIZE];

	memcpy(before, fake_ram(dq->desc), sizeof(before));
	make_segs(8);
	for (unsigned i = 0; i < 3; i++) {
		uint16_t head = drv_chain(dq, segs, 8, 8);

		memcpy(before, fake_ram(dq->desc), sizeof(before));
		drv_avail(dq, head);
		expect_chain(head, 8);
		assert_memory_equal(before, fake_ram(dq->desc), sizeof(before));
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(direct_indirect_mixed),
		TEST(descriptors_in_any_order),
		TEST(indirect_table_in_any_order),
		TEST(write_flag_and_alignment_of_the_table),
		TEST(garbage_beside),
		TEST(table_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
