/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D2: a descriptor whose next one is not in the table, direct or indirect. */
#include "tests/hostile/frame/hostile.h"

static void direct(struct hostile *h, uint16_t next)
{
	hostile_boot(h, 0);
	drv_desc(&h->d.q[0], 0, hostile_header(h, T_IN, 0), 16, DESC_NEXT, next);
	drv_avail(&h->d.q[0], 0);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "a next descriptor outside the queue's table");
}

static void indirect(struct hostile *h, uint16_t next)
{
	uint64_t table;

	hostile_boot(h, 0);
	table = drv_alloc(&h->d, 3 * 16);
	drv_put_desc(&h->d, table, 0, hostile_header(h, T_IN, 0), 16, DESC_NEXT, next);
	/* What would be used is there, but not in the table of two. */
	drv_put_desc(&h->d, table, 2, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	drv_desc(&h->d.q[0], 0, table, 2 * 16, DESC_INDIRECT, 0);
	drv_avail(&h->d.q[0], 0);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "a next descriptor outside an indirect table");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	direct(h, 128); /* the first one that is not in it */
	direct(h, 129);
	direct(h, 0xffff);
	indirect(h, 2);
	indirect(h, 0xffff);
	hostile_end(h);
	return 0;
}
