/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R17, fairness: a disk with 128 requests of 1 MiB, on slow storage, has all bounce buffers, and waits for more.  A
 * request of the guest's other disk waits until two of those have ended, and not for all that came before it.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define MIB	 (1u << 20)
#define SIZE	 128
#define POOL	 8 /* of such requests: BOUNCE_POOL_SIZE */
#define REQUESTS 20

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .quiet_neighbour = true });
	struct fault_rule hold = { .ops = FAULT_BIT(FAULT_READ),
				   .file = faults_file(h->image),
				   .action = FAULT_HOLD };
	unsigned rule = faults_add(&sim.faults, &hold);
	uint64_t data = h->g->machine.ops->alloc(&h->g->machine, MIB);
	uint8_t block[8 * DRV_SECTOR];
	struct drv other;

	if (!sim_log_count("attacker xvda", "direct")) {
		fprintf(stderr, "*** SKIPPED: no O_DIRECT, and so no bounce buffers ***\n");
		faults_remove(&sim.faults, rule);
		hostile_end(h);
		return 0;
	}
	guest_driver(h->g, 1, 0, &other);
	drv_boot(&other, 0);
	hostile_boot(h, 0);
	hostile_fill(&h->d.q[0], hostile_table(&h->d, T_IN, data, MIB));
	drv_kick(&h->d.q[0]);
	faults_wait_held(&sim.faults, rule, POOL);
	for (unsigned i = 0; i < REQUESTS; i++) {
		struct drv_blk r = drv_blk_usual(T_IN, 8 * i, NULL, 0, sizeof(block));
		uint32_t id, len;

		drv_free_all(&other);
		drv_blk_add(&other.q[0], &r);
		drv_kick(&other.q[0]);
		drv_status(&other); /* answered in a later round: the request has been taken */
		faults_wait_held(&sim.faults, rule, 2);
		faults_release(&sim.faults, rule, 2);
		drv_wait_used(&other.q[0], &id, &len);
		sim_check(drv_blk_status(&other, &r) == BLK_OK, "request %u", i);
	}
	printf("fairness: %u requests were served while a disk with %u of 1 MiB had %u pieces\n",
	       REQUESTS, SIZE, 2 * REQUESTS);
	faults_remove(&sim.faults, rule);
	drv_reset(&other);
	hostile_end(h);
	return 0;
}
