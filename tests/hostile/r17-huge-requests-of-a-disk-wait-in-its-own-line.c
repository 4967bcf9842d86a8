/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R17, fairness: a disk with 128 requests of 1 MiB, on slow storage, has all bounce buffers but the
 * others' shares, and waits for more.  Requests of the guest's other disk, more at a time than its
 * share, wait for none of those, nor does its reset.
 */
#include <stdio.h>

#include "tests/hostile/frame/hostile.h"

#define MIB    (1u << 20)
#define SIZE   128
#define TAKEN  7 /* of such requests: BOUNCE_POOL_SIZE but two shares */
#define OTHERS 8
#define BYTES  (LOAD_BLOCKS * 4096) /* the other disk */

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .quiet_neighbour = true });
	struct fault_rule hold = { .ops = FAULT_BIT(FAULT_READ),
				   .file = faults_file(h->image),
				   .action = FAULT_HOLD };
	unsigned rule = faults_add(&sim.faults, &hold);
	uint64_t data = h->g->machine.ops->alloc(&h->g->machine, MIB);
	struct drv_blk r[OTHERS];
	uint32_t id, len;
	struct drv other;

	if (!sim_log_count("attacker xvda", "direct")) {
		fprintf(stderr, "*** SKIPPED: no O_DIRECT, and so no bounce buffers ***\n");
		faults_remove(&sim.faults, rule);
		hostile_end(h);
		return 0;
	}
	guest_driver(h->g, 1, OTHERS * 2 * BYTES, &other);
	drv_boot(&other, 0);
	hostile_boot(h, 0);
	hostile_fill(&h->d.q[0], hostile_table(&h->d, T_IN, data, MIB));
	drv_kick(&h->d.q[0]);
	faults_wait_held(&sim.faults, rule, TAKEN);
	for (unsigned i = 0; i < OTHERS; i++) {
		r[i] = drv_blk_usual(T_IN, 0, NULL, 0, BYTES);
		drv_blk_add(&other.q[0], &r[i]);
	}
	drv_kick(&other.q[0]);
	for (unsigned i = 0; i < OTHERS; i++)
		drv_wait_used(&other.q[0], &id, &len);
	for (unsigned i = 0; i < OTHERS; i++)
		sim_check(drv_blk_status(&other, &r[i]) == BLK_OK, "request %u", i);
	sim_check(faults_held(&sim.faults, rule) == TAKEN, "the attacker has %u bounce buffers",
		  faults_held(&sim.faults, rule));
	drv_reset(&other);
	printf("fairness: %u requests of %u KiB were served while a disk waited with %u of 1 MiB\n",
	       OTHERS, BYTES >> 10, SIZE);
	faults_remove(&sim.faults, rule);
	hostile_end(h);
	return 0;
}
