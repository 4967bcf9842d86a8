/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P12, S1: what the storage can't do (ENOSPC, EIO ...) is answered IOERR, for each kind of
 * request; it is counted, the log has a bounded number of lines of it, and the disk goes on when
 * the storage does.
 */
#include <errno.h>

#include "tests/hostile/frame/hostile.h"

static const struct {
	uint32_t type;
	enum fault_op op;
} kinds[] = {
	{ T_IN, FAULT_READ },
	{ T_OUT, FAULT_WRITE },
	{ T_FLUSH, FAULT_FSYNC },
	{ T_DISCARD, FAULT_FALLOCATE },
	{ T_WRITE_ZEROES, FAULT_FALLOCATE },
};

static uint8_t request(struct hostile *h, uint32_t type)
{
	static const uint8_t data[4096];
	const struct drv_range range = drv_range(0, 8, 0);
	uint8_t in[4096];

	switch (type) {
	case T_IN:
		return drv_io(&h->d, type, 0, NULL, 0, in, sizeof(in));
	case T_OUT:
		return drv_io(&h->d, type, 0, data, sizeof(data), NULL, 0);
	case T_FLUSH:
		return drv_io(&h->d, type, 0, NULL, 0, NULL, 0);
	default:
		return drv_io(&h->d, type, 0, &range, sizeof(range), NULL, 0);
	}
}

static void attack(struct hostile *h, unsigned kind, int error)
{
	struct fault_rule rule = { .ops = FAULT_BIT(kinds[kind].op),
				   .file = faults_file(h->image),
				   .action = FAULT_FAIL,
				   .error = error };
	uint64_t errors = guest_disk_state(h->g, 0)->counters.errors;
	unsigned n = faults_add(&sim.faults, &rule);

	for (unsigned i = 0; i < 10; i++)
		sim_check(request(h, kinds[kind].type) == BLK_IOERR, "request %u with error %d",
			  kinds[kind].type, error);
	faults_remove(&sim.faults, n);
	sim_check(guest_disk_state(h->g, 0)->counters.errors == errors + 10, "counters");
	sim_check(request(h, kinds[kind].type) == BLK_OK, "request %u after error %d",
		  kinds[kind].type, error);
}

int main(void)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EFBIG, EROFS, ENODATA, EREMOTEIO };
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++)
		for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++)
			attack(h, kind, errors[i]);
	hostile_end(h);
	return 0;
}
