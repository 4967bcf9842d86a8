/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P5, P6: sectors whose byte offset needs more than 64 bits, counts whose bytes need more than
 * 32: IOERR, and the beginning of the disk, where they would land, stays as it is.  Ranges may
 * be cut anywhere.
 */
#include "tests/hostile/frame/hostile.h"

static void ranges(struct hostile *h, uint32_t type, uint64_t sector, uint32_t sectors)
{
	/* The first one is right; it is not done, either. */
	struct drv_range r[] = { drv_range(8, 1, 0), drv_range(sector, sectors, 0) };
	struct drv_blk b = drv_blk_usual(type, 0, r, sizeof(r), 0);

	b.nr_cuts_out = 3;
	b.cuts_out[1] = 16 + 5;
	b.cuts_out[2] = 16 + 21;
	drv_free_all(&h->d);
	sim_check(drv_blk_run(&h->d.q[0], &b) == BLK_IOERR, "%u: %u sectors at %#llx", type,
		  sectors, (unsigned long long)sector);
}

static void attack(struct hostile *h, uint64_t sector)
{
	hostile_expect_status(h, T_OUT, sector, 4096, 0, BLK_IOERR, "a write");
	hostile_expect_status(h, T_IN, sector, 0, 4096, BLK_IOERR, "a read");
	ranges(h, T_DISCARD, sector, 8);
	ranges(h, T_WRITE_ZEROES, sector, 8);
}

int main(void)
{
	static const uint64_t sectors[] = { 1ull << 55,	   (1ull << 55) + 8, 1ull << 56,
					    1ull << 63,	   (1ull << 63) + 3, UINT64_MAX,
					    UINT64_MAX - 7 };
	static const uint32_t counts[] = { 0,	       2049,	   0x800000,   0x800001,
					   0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
	uint8_t data[DRV_SECTOR], expected[DRV_SECTOR];
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	for (unsigned i = 0; i < sizeof(sectors) / sizeof(*sectors); i++)
		attack(h, sectors[i]);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		ranges(h, T_DISCARD, 0, counts[i]);
		ranges(h, T_WRITE_ZEROES, 0, counts[i]);
	}
	for (unsigned s = 0; s < 2048; s++) {
		sim_image_read(h->image, s * DRV_SECTOR, data, DRV_SECTOR);
		sim_pattern(s, expected);
		sim_check(!memcmp(data, expected, DRV_SECTOR), "sector %u was written", s);
	}
	hostile_end(h);
	return 0;
}
