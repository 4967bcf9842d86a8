/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S2: storage that does a part of what it is asked, on either path: requests are whole
 * nevertheless.
 */
#include "tests/hostile/frame/hostile.h"

static void attack(struct hostile *h, uint32_t amount)
{
	struct fault_rule rule = { .ops = FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE),
				   .file = faults_file(h->image),
				   .action = FAULT_SHORT,
				   .amount = amount };
	unsigned n = faults_add(&sim.faults, &rule);
	uint8_t data[8192], back[8192];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i * amount + i / 512;
	sim_check(drv_io(&h->d, T_OUT, 40, data, sizeof(data), NULL, 0) == BLK_OK,
		  "a write, %u bytes at a time", amount);
	sim_check(drv_io(&h->d, T_IN, 40, NULL, 0, back, sizeof(back)) == BLK_OK,
		  "a read, %u bytes at a time", amount);
	sim_check(!memcmp(data, back, sizeof(data)), "what is read, %u bytes at a time", amount);
	sim_check(faults_hits(&sim.faults, n) > 2, "nothing was short");
	faults_remove(&sim.faults, n);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	attack(h, 4096);
	attack(h, 512);
	attack(h, 100);
	attack(h, 777);
	hostile_end(h);
	return 0;
}
