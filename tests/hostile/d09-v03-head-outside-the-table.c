/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D9, V3: a head that is not in the queue's table, though it may be in a table of the largest size.
 */
#include "tests/hostile/frame/hostile.h"

static void attack(struct hostile *h, uint16_t head)
{
	struct drv_queue *q = &h->d.q[0];

	hostile_boot(h, 0);
	drv_avail(q, head);
	drv_kick(q);
	hostile_expect_fault(h, "a head outside the table");
	sim_check(drv_used_idx(q) == 0, "head %u came back", head);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	attack(h, 128);
	attack(h, 255);
	attack(h, 256);
	attack(h, 1024);
	attack(h, 0xffff);
	hostile_end(h);
	return 0;
}
