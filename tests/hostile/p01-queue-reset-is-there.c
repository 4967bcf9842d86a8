/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P1: RING_RESET is offered, so the register QueueReset works: the queue begins anew, the other
 * one goes on.
 */
#include "tests/hostile/frame/hostile.h"

static uint8_t flush(struct drv_queue *q)
{
	struct drv_blk r = drv_blk_usual(T_FLUSH, 0, NULL, 0, 0);

	return drv_blk_run(q, &r);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct drv *d = &h->d;

	drv_reset(d);
	sim_check(drv_offered(d) & BIT64(F_RING_RESET), "RING_RESET is not offered");
	drv_ready(d, drv_offered(d), 2);
	for (unsigned i = 0; i < 50; i++) {
		unsigned a = i % 2;

		sim_check(flush(&d->q[0]) == BLK_OK && flush(&d->q[1]) == BLK_OK, "flushes");
		drv_write(d, R_QUEUE_SEL, a);
		drv_write(d, R_QUEUE_RESET, 1);
		sim_check(drv_read(d, R_QUEUE_RESET) == 0 && drv_read(d, R_QUEUE_READY) == 0,
			  "queue %u is not reset", a);
		drv_kick(&d->q[a]);
		sim_check(flush(&d->q[!a]) == BLK_OK, "a flush of the other queue");
		sim_check(drv_setup_queue(d, a, 8 << i % 5), "queue %u, again", a);
		sim_check(flush(&d->q[a]) == BLK_OK, "a flush of the new queue");
	}
	hostile_end(h);
	return 0;
}
