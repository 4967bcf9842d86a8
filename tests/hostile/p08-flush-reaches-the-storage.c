/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P8: FLUSH is always offered, and makes the storage flush; without it, or with writeback 0, each
 * write is stable when it is answered.
 */
#include <stdlib.h>

#include "tests/hostile/frame/hostile.h"

/* What happens to the image while the driver makes one request. */
static void recorded(struct hostile *h, uint32_t type, unsigned *ret_syncs, unsigned *ret_dsyncs)
{
	struct fault_file file = faults_file(h->image);
	struct fault_record *all;
	size_t n;

	faults_forget_records(&sim.faults);
	faults_record_start(&sim.faults, file);
	hostile_expect_status(h, type, 0, type == T_OUT ? 4096 : 0, 0, BLK_OK, "a request");
	faults_record_stop(&sim.faults, file);
	all = faults_records(&sim.faults, &n);
	*ret_syncs = *ret_dsyncs = 0;
	for (size_t i = 0; i < n; i++) {
		*ret_syncs += all[i].event == FAULT_COMPLETE && all[i].op == FAULT_FSYNC;
		*ret_dsyncs += all[i].event == FAULT_COMPLETE && all[i].op == FAULT_WRITE &&
			       all[i].dsync;
	}
	free(all);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	unsigned syncs, dsyncs;

	sim_check(drv_offered(&h->d) & BIT64(F_FLUSH), "FLUSH is not offered");
	hostile_boot(h, 0);
	recorded(h, T_FLUSH, &syncs, &dsyncs);
	sim_check(syncs == 1, "a flush made the storage flush %u times", syncs);
	recorded(h, T_OUT, &syncs, &dsyncs);
	sim_check(!syncs && !dsyncs, "a write in write-back mode is stable");
	drv_write_sized(&h->d, R_CONFIG + C_WRITEBACK, 1, 0);
	recorded(h, T_OUT, &syncs, &dsyncs);
	sim_check(syncs + dsyncs, "a write in write-through mode is not stable");
	hostile_boot(h, BIT64(F_FLUSH) | BIT64(F_CONFIG_WCE));
	recorded(h, T_OUT, &syncs, &dsyncs);
	sim_check(syncs + dsyncs, "a write without FLUSH is not stable");
	hostile_end(h);
	return 0;
}
