/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chain that breaks the rules is a fault and its walk ends, whatever it does (D1 to D7): nothing
 * outside the tables is read, and no walk is longer than the queue.
 */
#include "tests/unit/virtq-test.h"

#define BUFFER d.heap_start
#define TABLE  (d.heap_start + 0x1000)

/* Prepares the rings; returns the head. */
struct broken {
	const char *what;
	uint16_t (*make)(void);
	bool without_indirect;
};

static uint16_t loop_to_itself(void)
{
	drv_desc(dq, 3, BUFFER, 16, DESC_NEXT, 3);
	return 3;
}

static uint16_t loop_through_all(void)
{
	for (unsigned i = 0; i < SIZE; i++)
		drv_desc(dq, i, BUFFER, 16, DESC_NEXT, (i + 1) % SIZE);
	return 7;
}

static uint16_t loop_of_empty_ones(void)
{
	drv_desc(dq, 0, 0, 0, DESC_NEXT, 1);
	drv_desc(dq, 1, 0, 0, DESC_NEXT, 0);
	return 0;
}

static uint16_t loop_in_indirect(void)
{
	drv_put_desc(&d, TABLE, 0, BUFFER, 16, DESC_NEXT, 1);
	drv_put_desc(&d, TABLE, 1, BUFFER, 16, DESC_NEXT, 0);
	drv_desc(dq, 0, TABLE, 32, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t next_is_size(void)
{
	drv_desc(dq, 0, BUFFER, 16, DESC_NEXT, SIZE);
	return 0;
}

static uint16_t next_is_huge(void)
{
	drv_desc(dq, 0, BUFFER, 16, DESC_NEXT, 0xffff);
	return 0;
}

static uint16_t next_outside_indirect(void)
{
	drv_put_desc(&d, TABLE, 0, BUFFER, 16, DESC_NEXT, 1);
	drv_put_desc(&d, TABLE, 1, BUFFER, 16, 0, 0);
	drv_desc(dq, 0, TABLE, 16, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t readable_after_writable(void)
{
	drv_desc(dq, 0, BUFFER, 16, DESC_NEXT | DESC_WRITE, 1);
	drv_desc(dq, 1, BUFFER, 16, 0, 0);
	return 0;
}

static uint16_t readable_in_indirect_after_writable(void)
{
	drv_desc(dq, 0, BUFFER, 16, DESC_NEXT | DESC_WRITE, 1);
	drv_put_desc(&d, TABLE, 0, BUFFER, 16, 0, 0);
	drv_desc(dq, 1, TABLE, 16, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t nested_indirect(void)
{
	drv_put_desc(&d, TABLE, 0, TABLE, 16, DESC_INDIRECT, 0);
	drv_desc(dq, 0, TABLE, 16, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t nested_later(void)
{
	drv_put_desc(&d, TABLE, 0, BUFFER, 16, DESC_NEXT, 1);
	drv_put_desc(&d, TABLE, 1, TABLE + 64, 16, DESC_INDIRECT, 0);
	drv_put_desc(&d, TABLE + 64, 0, BUFFER, 16, 0, 0);
	drv_desc(dq, 0, TABLE, 32, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t indirect_with_next(void)
{
	drv_put_desc(&d, TABLE, 0, BUFFER, 16, 0, 0);
	drv_desc(dq, 0, TABLE, 16, DESC_INDIRECT | DESC_NEXT, 1);
	drv_desc(dq, 1, BUFFER, 16, 0, 0);
	return 0;
}

static uint16_t indirect_len(uint32_t len)
{
	for (unsigned i = 0; i < 2 * SIZE; i++)
		drv_put_desc(&d, TABLE, i, BUFFER, 16, 0, 0);
	drv_desc(dq, 0, TABLE, len, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t indirect_empty(void)
{
	return indirect_len(0);
}

static uint16_t indirect_short(void)
{
	return indirect_len(15);
}

static uint16_t indirect_odd(void)
{
	return indirect_len(17);
}

static uint16_t indirect_long(void)
{
	return indirect_len(16 * (SIZE + 1));
}

/* 65537 descriptors: 1 in 16 bits. */
static uint16_t indirect_longer_than_16_bits(void)
{
	return indirect_len(16 * 0x10001);
}

static uint16_t indirect_4_gib(void)
{
	return indirect_len(0xfffffff0);
}

static uint16_t indirect_sane(void)
{
	return indirect_len(16);
}

static uint16_t indirect_outside_memory(void)
{
	drv_desc(dq, 0, FAKE_WINDOWS, 16, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t indirect_half_outside_memory(void)
{
	drv_desc(dq, 0, FAKE_RAM0_BASE + FAKE_RAM_BYTES - 8, 16, DESC_INDIRECT, 0);
	return 0;
}

static uint16_t indirect_wraps(void)
{
	drv_desc(dq, 0, UINT64_MAX - 7, 16, DESC_INDIRECT, 0);
	return 0;
}

static const struct broken table[] = {
	{ "D1 descriptor that is its own next", loop_to_itself, false },
	{ "D1 loop through all", loop_through_all, false },
	{ "D1 loop of empty descriptors", loop_of_empty_ones, false },
	{ "D1 loop in an indirect table", loop_in_indirect, false },
	{ "D2 next is the size", next_is_size, false },
	{ "D2 next is 65535", next_is_huge, false },
	{ "D2 next outside the indirect table", next_outside_indirect, false },
	{ "D3 readable after writable", readable_after_writable, false },
	{ "D3 readable in a table after writable", readable_in_indirect_after_writable, false },
	{ "D4 nested indirect", nested_indirect, false },
	{ "D4 nested after an ordinary one", nested_later, false },
	{ "D5 INDIRECT with NEXT", indirect_with_next, false },
	{ "D6 not negotiated", indirect_sane, true },
	{ "D7 empty table", indirect_empty, false },
	{ "D7 table of 15 bytes", indirect_short, false },
	{ "D7 table of 17 bytes", indirect_odd, false },
	{ "D7 table longer than the queue", indirect_long, false },
	{ "D7 table of 65537 descriptors", indirect_longer_than_16_bits, false },
	{ "D7 table of 4 GiB", indirect_4_gib, false },
	{ "D11 table outside memory", indirect_outside_memory, false },
	{ "D11 table half outside memory", indirect_half_outside_memory, false },
	{ "D11 table wraps", indirect_wraps, false },
};

static void walk(const struct broken *b)
{
	struct virtq_segment s;
	struct virtq_chain c;
	unsigned elements = 0;
	uint16_t head;
	int r;

	queue_start(
		&(struct vm_options){ .untouched = true,
				      .without = b->without_indirect ? BIT64(F_INDIRECT_DESC) : 0,
				      .faulty = true });
	head = b->make();
	drv_avail(dq, head);
	expect_pop(head);
	virtq_chain_init(&c, q, head);
	while ((r = virtq_chain_next(&c, &s)) > 0)
		sim_check(++elements <= SIZE, "%s: the walk goes on and on", b->what);
	sim_check(r == -EBADMSG, "%s: %d", b->what, r);
	expect_fault();
	queue_stop();
}

static void all_are_faults(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		walk(&table[i]);
}

/* One too many for the device, though every descriptor is good. */
static void longer_than_the_queue(void **state)
{
	struct virtq_segment s;
	struct virtq_chain c;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < SIZE; i++)
		drv_put_desc(&d, TABLE, i, BUFFER, 1, i + 1 < SIZE ? DESC_NEXT : 0, i + 1);
	drv_desc(dq, 0, BUFFER, 1, DESC_NEXT, 1);
	drv_desc(dq, 1, TABLE, 16 * SIZE, DESC_INDIRECT, 0);
	drv_avail(dq, 0);
	expect_pop(0);
	virtq_chain_init(&c, q, 0);
	while (virtq_chain_next(&c, &s) > 0)
		n++;
	assert_int_equal(n, SIZE);
	expect_fault();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_faults),
		TEST(longer_than_the_queue, .faulty = true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
