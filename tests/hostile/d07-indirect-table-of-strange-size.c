/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D7: an indirect table that is empty, not whole descriptors, longer than the limit, or not in
 * memory.
 */
#include "tests/hostile/frame/hostile.h"

#define RAM_END (HYP_RAM0_BASE + (16ull << 20)) /* of the attacker */

static void attack(struct hostile *h, uint64_t table, uint32_t bytes, const char *what)
{
	hostile_boot(h, 0);
	drv_desc(&h->d.q[0], 0, table, bytes, DESC_INDIRECT, 0);
	drv_avail(&h->d.q[0], 0);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, what);
}

/* A table that would be a request, but for its size. */
static void good_but_for(struct hostile *h, uint32_t bytes, const char *what)
{
	struct drv_queue *q = &h->d.q[0];
	uint64_t table;

	hostile_boot(h, 0);
	table = drv_alloc(&h->d, 3 * 16);
	drv_put_desc(&h->d, table, 0, hostile_header(h, T_FLUSH, 0), 16, DESC_NEXT, 1);
	drv_put_desc(&h->d, table, 1, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	drv_desc(q, 0, table, bytes, DESC_INDIRECT, 0);
	drv_avail(q, 0);
	drv_kick(q);
	hostile_expect_fault(h, what);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint32_t max = drv_queue_size_max(&h->d, 0);

	attack(h, HYP_RAM0_BASE, 0, "an empty table");
	attack(h, HYP_RAM0_BASE, 15, "a table of 15 bytes");
	attack(h, HYP_RAM0_BASE, 17, "a table of 17 bytes");
	good_but_for(h, 2 * 16 + 1, "a table with one byte too many");
	good_but_for(h, 3 * 16 - 1, "a table with one byte too few");
	attack(h, HYP_RAM0_BASE, 16 * max + 16, "a table with one descriptor too many");
	attack(h, HYP_RAM0_BASE, 16 * 65536, "a table of 65536 descriptors");
	attack(h, HYP_RAM0_BASE, 0xfffffff0, "a table of 4 GiB");
	attack(h, RAM_END, 32, "a table behind the guest's memory");
	attack(h, RAM_END - 16, 32, "a table that ends behind it");
	attack(h, 0x02000000, 32, "a table in the window of registers");
	attack(h, UINT64_MAX - 15, 32, "a table around the end of all addresses");
	hostile_end(h);
	return 0;
}
