/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D8: an available index that leaps further than the ring is long, or goes back. */
#include "tests/hostile/frame/hostile.h"

static void attack(struct hostile *h, uint16_t start, uint16_t jump, const char *what)
{
	struct drv_queue *q = &h->d.q[0];

	hostile_boot(h, 0);
	for (uint16_t i = 0; i < start; i++)
		hostile_expect_works(h, "before the jump");
	drv_set_avail_idx(q, q->avail_idx + jump);
	drv_kick(q);
	hostile_expect_fault(h, what);
	sim_check(drv_used_idx(q) == q->used_seen, "%s: heads came back", what);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	attack(h, 0, 129, "an index that jumps by one more than the ring");
	attack(h, 0, 0x8000, "an index that jumps by half of its numbers");
	attack(h, 0, 0xffff, "an index that goes back from 0");
	attack(h, 2, 0xffff, "an index that goes back by one");
	attack(h, 2, 0xfffc, "an index that goes back by four");
	hostile_end(h);
	return 0;
}
