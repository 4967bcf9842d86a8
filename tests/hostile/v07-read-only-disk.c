/* SPDX-License-Identifier: GPL-2.0-or-later */
/* V7: a read-only disk gives away nothing but its own bytes, and takes none. */
#include "tests/hostile/frame/hostile.h"

static void reads_nothing(struct hostile *h, uint64_t sector)
{
	uint8_t data[4096], pending[4096];

	memset(pending, BLK_PENDING, sizeof(pending));
	sim_check(drv_io(&h->d, T_IN, sector, NULL, 0, data, sizeof(data)) == BLK_IOERR,
		  "a read of sector %llu", (unsigned long long)sector);
	sim_check(!memcmp(data, pending, sizeof(data)), "sector %llu holds something",
		  (unsigned long long)sector);
}

/* The status byte where the device must not write. */
static void status_is_readable(struct hostile *h)
{
	struct drv_seg s[] = { { hostile_header(h, T_IN, 0), 16, false },
			       { drv_alloc(&h->d, 1), 1, false } };
	uint8_t *status = drv_ram(&h->d, s[1].gpa, 1);

	drv_avail(&h->d.q[0], drv_chain(&h->d.q[0], s, 2, 2));
	drv_kick(&h->d.q[0]);
	hostile_expect_fault(h, "a request without a writable byte");
	sim_check(*status == 0, "a readable byte was written");
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .read_only = true });
	uint64_t end;

	hostile_boot(h, 0);
	sim_check(h->d.features & BIT64(F_RO), "the disk does not say that it is read-only");
	end = drv_capacity(&h->d);
	reads_nothing(h, end);
	reads_nothing(h, end - 1);
	reads_nothing(h, end + 1000000);
	reads_nothing(h, 1ull << 54);
	reads_nothing(h, UINT64_MAX);
	hostile_expect_status(h, T_OUT, 0, 4096, 0, BLK_IOERR, "a write");
	hostile_expect_status(h, T_OUT, end, 4096, 0, BLK_IOERR, "a write past the end");
	hostile_expect_status(h, T_DISCARD, 0, 16, 0, BLK_IOERR, "a discard");
	hostile_expect_status(h, T_WRITE_ZEROES, 0, 16, 0, BLK_IOERR, "zeroes");
	hostile_expect_status(h, T_FLUSH, 0, 0, 0, BLK_OK, "a flush");
	status_is_readable(h);

	for (unsigned s = 0; s < h->bytes / DRV_SECTOR; s++) {
		uint8_t data[DRV_SECTOR], expected[DRV_SECTOR];

		sim_image_read(h->image, s * DRV_SECTOR, data, DRV_SECTOR);
		sim_pattern(s, expected);
		sim_check(!memcmp(data, expected, DRV_SECTOR), "sector %u has changed", s);
	}
	hostile_end(h);
	return 0;
}
