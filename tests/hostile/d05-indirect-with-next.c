/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D5: an indirect descriptor that has a next one as well. */
#include "tests/hostile/frame/hostile.h"

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint64_t table;

	hostile_boot(h, 0);
	/* Either half would do as a request. */
	table = drv_alloc(&h->d, 2 * 16);
	drv_put_desc(&h->d, table, 0, hostile_header(h, T_FLUSH, 0), 16, DESC_NEXT, 1);
	drv_put_desc(&h->d, table, 1, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	drv_desc(&h->d.q[0], 0, table, 2 * 16, DESC_INDIRECT | DESC_NEXT, 1);
	drv_desc(&h->d.q[0], 1, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	drv_avail(&h->d.q[0], 0);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "an indirect descriptor with a next one");
	hostile_end(h);
	return 0;
}
