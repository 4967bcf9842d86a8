/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D1, V4: chains that loop, have more elements than the queue, or more bytes than 32 bits can
 * count.
 */
#include "tests/hostile/frame/hostile.h"

/*
 * A chain of n descriptors in the queue's own table, from 0 on, of which the last one leads to
 * next.
 */
static void chain(struct hostile *h, unsigned n, uint32_t len, uint16_t flags, uint16_t next)
{
	uint64_t memory = drv_alloc(&h->d, 4096);
	struct drv_queue *q = &h->d.q[0];

	for (unsigned i = 0; i < n; i++)
		drv_desc(q, i, memory, len, flags | DESC_NEXT, i + 1 < n ? i + 1 : next);
	drv_avail(q, 0);
	drv_kick(q);
}

/* The same in an indirect table. */
static void indirect_chain(struct hostile *h, unsigned n, uint16_t next)
{
	uint64_t table = drv_alloc(&h->d, 16 * n), memory = drv_alloc(&h->d, 4096);
	struct drv_queue *q = &h->d.q[0];

	for (unsigned i = 0; i < n; i++)
		drv_put_desc(&h->d, table, i, memory, 8, DESC_NEXT, i + 1 < n ? i + 1 : next);
	drv_desc(q, 0, table, 16 * n, DESC_INDIRECT, 0);
	drv_avail(q, 0);
	drv_kick(q);
}

/* One direct descriptor, then an indirect table that is as long as the limit. */
static void one_too_many(struct hostile *h)
{
	unsigned max = drv_queue_size_max(&h->d, 0);
	uint64_t table = drv_alloc(&h->d, 16 * max), memory = drv_alloc(&h->d, 4096);
	struct drv_queue *q = &h->d.q[0];

	drv_desc(q, 0, memory, 16, DESC_NEXT, 1);
	drv_desc(q, 1, table, 16 * max, DESC_INDIRECT, 0);
	for (unsigned i = 0; i < max; i++)
		drv_put_desc(&h->d, table, i, memory, 8, DESC_WRITE | (i + 1 < max ? DESC_NEXT : 0),
			     i + 1);
	drv_avail(q, 0);
	drv_kick(q);
}

/*
 * 128 descriptors of 256 MiB less a byte each: no such memory, and used.len could not say so much.
 */
static void huge(struct hostile *h)
{
	struct drv_queue *q = &h->d.q[0];
	uint64_t status = drv_alloc(&h->d, 1);
	uint32_t id, len;

	drv_desc(q, 0, hostile_header(h, T_IN, 0), 16, DESC_NEXT, 1);
	for (unsigned i = 1; i < 127; i++)
		drv_desc(q, i, HYP_RAM0_BASE, 0x0fffffff, DESC_NEXT | DESC_WRITE, i + 1);
	drv_desc(q, 127, status, 1, DESC_WRITE, 0);
	drv_avail(q, 0);
	drv_kick(q);
	drv_wait_used(q, &id, &len);
	sim_check(id == 0 && len <= 1, "head %u came back with %u bytes", id, len);
	sim_check(*(uint8_t *)drv_ram(&h->d, status, 1) == BLK_IOERR, "its status");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	chain(h, 1, 16, 0, 0);
	hostile_expect_fault(h, "a descriptor that is its own next one");

	hostile_boot(h, 0);
	chain(h, 2, 16, 0, 0);
	hostile_expect_fault(h, "a loop of two");

	hostile_boot(h, 0);
	chain(h, 128, 0, DESC_WRITE, 7);
	hostile_expect_fault(h, "a loop of empty descriptors through the whole table");

	hostile_boot(h, 0);
	indirect_chain(h, 1, 0);
	hostile_expect_fault(h, "an indirect descriptor that is its own next one");

	hostile_boot(h, 0);
	indirect_chain(h, 100, 3);
	hostile_expect_fault(h, "a loop in an indirect table");

	hostile_boot(h, 0);
	one_too_many(h);
	hostile_expect_fault(h, "one element more than allowed");

	hostile_boot(h, 0);
	huge(h);
	hostile_expect_works(h, "after a request of 32 GiB");

	hostile_end(h);
	return 0;
}
