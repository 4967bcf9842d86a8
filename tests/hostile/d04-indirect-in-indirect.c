/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D4: an indirect table that leads to another one, or to itself. */
#include "tests/hostile/frame/hostile.h"

static void attack(struct hostile *h, bool itself)
{
	uint64_t table, inner;

	hostile_boot(h, 0);
	table = drv_alloc(&h->d, 2 * 16);
	inner = itself ? table : drv_alloc(&h->d, 2 * 16);
	drv_put_desc(&h->d, table, 0, inner, 2 * 16, DESC_INDIRECT, 0);
	if (!itself) {
		drv_put_desc(&h->d, inner, 0, hostile_header(h, T_IN, 0), 16, DESC_NEXT, 1);
		drv_put_desc(&h->d, inner, 1, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	}
	drv_desc(&h->d.q[0], 0, table, 2 * 16, DESC_INDIRECT, 0);
	drv_avail(&h->d.q[0], 0);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, itself ? "a table in itself" : "a table in a table");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	attack(h, false);
	attack(h, true);
	hostile_end(h);
	return 0;
}
