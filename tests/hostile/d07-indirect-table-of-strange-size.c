/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D7: an indirect table that is empty, not whole descriptors, longer than the limit, or not in memory. */
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

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint32_t max = drv_queue_size_max(&h->d, 0);

	attack(h, HYP_RAM0_BASE, 0, "an empty table");
	attack(h, HYP_RAM0_BASE, 15, "a table of 15 bytes");
	attack(h, HYP_RAM0_BASE, 17, "a table of 17 bytes");
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
