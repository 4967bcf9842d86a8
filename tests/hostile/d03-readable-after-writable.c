/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D3: a device-readable descriptor behind a device-writable one; no byte of the chain is written.
 */
#include "tests/hostile/frame/hostile.h"

static void attack(struct hostile *h, unsigned direct, bool status_first)
{
	struct drv_seg s[4];
	uint8_t *data;

	hostile_boot(h, 0);
	s[0] = (struct drv_seg){ hostile_header(h, T_IN, 0), 16, false };
	s[1] = (struct drv_seg){ drv_alloc(&h->d, DRV_SECTOR), DRV_SECTOR, true };
	s[2] = (struct drv_seg){ drv_alloc(&h->d, 16), 16, false };
	s[3] = (struct drv_seg){ drv_alloc(&h->d, 1), 1, true };
	if (status_first) {
		struct drv_seg swap = s[0];

		s[0] = s[3];
		s[3] = swap;
	}
	drv_avail(&h->d.q[0], drv_chain(&h->d.q[0], s, 4, direct));
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "a readable descriptor after a writable one");
	data = drv_ram(&h->d, s[1].gpa, DRV_SECTOR);
	for (unsigned i = 0; i < DRV_SECTOR; i++)
		sim_check(!data[i], "byte %u of its data was written", i);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	attack(h, 4, false);
	attack(h, 0, false);
	attack(h, 2, false);
	attack(h, 4, true);
	hostile_end(h);
	return 0;
}
