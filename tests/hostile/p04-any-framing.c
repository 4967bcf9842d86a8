/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P4: header, data and status cut into descriptors anywhere, each byte in one of its own included,
 * data and status in one, header and data in one: all of them are served.
 */
#include "tests/hostile/frame/hostile.h"

static void cut(struct hostile *h, uint32_t first, uint32_t step, unsigned direct)
{
	uint8_t data[DRV_SECTOR], back[DRV_SECTOR];
	struct drv_blk w, r;

	drv_free_all(&h->d);
	for (unsigned i = 0; i < DRV_SECTOR; i++)
		data[i] = i * step + first;
	w = drv_blk_usual(T_OUT, 9, data, DRV_SECTOR, 0);
	r = drv_blk_usual(T_IN, 9, NULL, 0, DRV_SECTOR);
	w.nr_cuts_out = r.nr_cuts_out = r.nr_cuts_in = 0;
	w.nr_cuts_in = 0;
	for (unsigned i = 0; i < 40; i++) {
		uint32_t at = first + i * step;

		if (at < 16 + DRV_SECTOR)
			w.cuts_out[w.nr_cuts_out++] = at;
		if (at < 16)
			r.cuts_out[r.nr_cuts_out++] = at;
		if (at < DRV_SECTOR + 1)
			r.cuts_in[r.nr_cuts_in++] = at;
	}
	w.direct = r.direct = direct;
	sim_check(drv_blk_run(&h->d.q[0], &w) == BLK_OK, "a write cut at %u, each %u", first, step);
	sim_check(drv_blk_run(&h->d.q[0], &r) == BLK_OK, "a read cut at %u, each %u", first, step);
	drv_blk_data(&h->d, &r, back);
	sim_check(!memcmp(data, back, DRV_SECTOR), "cut at %u, each %u", first, step);
	sim_check(r.used_len == DRV_SECTOR + 1, "used.len is %u", r.used_len);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	for (uint32_t first = 1; first < 20; first++) {
		cut(h, first, 1, DRV_SEGS);
		cut(h, first, 1, 0);
		cut(h, first, 13, 3);
		cut(h, first, 513, DRV_SEGS);
	}
	/* The status byte in the same descriptor as the end of the data, or alone. */
	for (uint32_t first = DRV_SECTOR - 3; first <= DRV_SECTOR; first++)
		cut(h, first, 1, DRV_SEGS);
	hostile_end(h);
	return 0;
}
