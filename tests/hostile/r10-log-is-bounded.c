/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R10: each kind of line that a guest can provoke, hundreds of times: faults, mistakes, features
 * that are refused, drivers that are ready, errors of the storage.  Ten of a kind come in a minute,
 * which the frame counts.
 */
#include <errno.h>

#include "tests/hostile/frame/hostile.h"

#define TIMES 200

static void fault(struct hostile *h)
{
	hostile_boot(h, 0);
	drv_avail(&h->d.q[0], 0xfff);
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "a head outside the table");
}

static void refused_features(struct hostile *h)
{
	drv_reset(&h->d);
	sim_check(!drv_negotiate(&h->d, BIT64(F_INDIRECT_DESC)), "features without VERSION_1");
}

static void storage_error(struct hostile *h)
{
	uint8_t data[DRV_SECTOR];

	sim_check(drv_io(&h->d, T_IN, 0, NULL, 0, data, sizeof(data)) == BLK_IOERR, "a read");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	struct fault_rule rule = { .ops = FAULT_BITS_IO,
				   .action = FAULT_FAIL,
				   .error = EIO,
				   .file = faults_file(h->image) };
	unsigned n;

	for (unsigned i = 0; i < TIMES; i++) {
		fault(h);
		refused_features(h);
		drv_read(&h->d, R_QUEUE_NOTIFY); /* a mistake */
	}
	hostile_boot(h, 0);
	n = faults_add(&sim.faults, &rule);
	for (unsigned i = 0; i < TIMES; i++)
		storage_error(h);
	faults_remove(&sim.faults, n);
	sim_check(sim_log_count("attacker xvda:", "cannot read") >= LOG_LIMIT_PER_MINUTE,
		  "nothing is said about the storage");
	hostile_end(h);
	return 0;
}
