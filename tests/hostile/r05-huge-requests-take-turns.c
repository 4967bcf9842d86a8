/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R5: chains and indirect tables of the greatest length, of 250 MiB each, one after the other.  A
 * round of the worker begins no more than 8 MiB and a request of them; seen by the interrupts, of
 * which each round raises one.
 */
#include "tests/hostile/frame/hostile.h"

#define REQUESTS 64
#define SEGMENTS 254
#define MIB	 (1u << 20)

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct drv_queue *q = &h->d.q[0];
	uint64_t table, before;
	uint32_t id, len;
	uint8_t *status;

	hostile_boot(h, BIT64(F_EVENT_IDX));
	/* Behind the end of the disk, so it is no more work than looking at it. */
	table = drv_alloc(&h->d, 16 * (SEGMENTS + 2));
	drv_put_desc(&h->d, table, 0, hostile_header(h, T_IN, 1 << 20), 16, DESC_NEXT, 1);
	for (unsigned i = 1; i <= SEGMENTS; i++)
		drv_put_desc(&h->d, table, i, HYP_RAM0_BASE, MIB, DESC_NEXT | DESC_WRITE, i + 1);
	drv_put_desc(&h->d, table, SEGMENTS + 1, drv_alloc(&h->d, 1), 1, DESC_WRITE, 0);
	status = drv_ram(&h->d, h->d.heap - 17, 1);
	for (unsigned i = 0; i < REQUESTS; i++) {
		drv_desc(q, i, table, 16 * (SEGMENTS + 2), DESC_INDIRECT, 0);
		drv_avail(q, i);
	}
	before = guest_disk_state(h->g, 0)->virtio.interrupts;
	drv_kick(q);
	for (unsigned i = 0; i < REQUESTS; i++)
		drv_wait_used(q, &id, &len);
	sim_check(*status == BLK_IOERR, "status %u", *status);
	sim_check(guest_disk_state(h->g, 0)->virtio.interrupts - before >= REQUESTS,
		  "only %llu rounds for %u huge requests",
		  (unsigned long long)(guest_disk_state(h->g, 0)->virtio.interrupts - before),
		  REQUESTS);
	hostile_end(h);
	return 0;
}
