/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D18: descriptors of length 0 are no bytes: a request with some between is served, one of nothing
 * else is not.
 */
#include "tests/hostile/frame/hostile.h"

/* The segments of a read, with an empty one before each; addresses of empty ones mean nothing. */
static void read_with_empty_ones(struct hostile *h, unsigned direct, uint64_t nowhere)
{
	struct drv_queue *q = &h->d.q[0];
	uint8_t expected[DRV_SECTOR];
	uint64_t data, status;
	uint32_t id, len;

	hostile_boot(h, 0);
	data = drv_alloc(&h->d, DRV_SECTOR);
	status = drv_alloc(&h->d, 1);
	const struct drv_seg s[] = {
		{ nowhere, 0, false },	    { hostile_header(h, T_IN, 7), 16, false },
		{ nowhere, 0, false },	    { nowhere, 0, true },
		{ data, DRV_SECTOR, true }, { nowhere, 0, true },
		{ status, 1, true },	    { nowhere, 0, true },
	};

	drv_avail(q, drv_chain(q, s, 8, direct));
	drv_kick(q);
	drv_wait_used(q, &id, &len);
	sim_pattern(7, expected);
	sim_check(len == DRV_SECTOR + 1 && *(uint8_t *)drv_ram(&h->d, status, 1) == BLK_OK &&
			  !memcmp(drv_ram(&h->d, data, DRV_SECTOR), expected, DRV_SECTOR),
		  "a read with empty descriptors: %u bytes", len);
}

static void nothing(struct hostile *h, unsigned n, bool write)
{
	struct drv_seg s[100];

	hostile_boot(h, 0);
	for (unsigned i = 0; i < n; i++)
		s[i] = (struct drv_seg){ HYP_RAM0_BASE, 0, write };
	drv_avail(&h->d.q[0], drv_chain(&h->d.q[0], s, n, n));
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "a request of no bytes");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	read_with_empty_ones(h, 8, 0);
	read_with_empty_ones(h, 0, UINT64_MAX);
	read_with_empty_ones(h, 3, 0x02000000);
	nothing(h, 1, false);
	nothing(h, 1, true);
	nothing(h, 100, true);
	hostile_end(h);
	return 0;
}
