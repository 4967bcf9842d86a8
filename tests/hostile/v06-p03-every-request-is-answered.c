/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V6, P3: a request that can't be done is answered, whatever is wrong with it, and the next
 * one is served.
 */
#include "tests/hostile/frame/hostile.h"

/* A header of only so many bytes, or more than one header's. */
static void header_of(struct hostile *h, uint32_t bytes)
{
	struct drv_seg s[] = { { hostile_header(h, T_IN, 0), bytes, false },
			       { drv_alloc(&h->d, DRV_SECTOR), DRV_SECTOR, true },
			       { drv_alloc(&h->d, 1), 1, true } };
	struct drv_queue *q = &h->d.q[0];
	uint8_t *status = drv_ram(&h->d, s[2].gpa, 1);
	uint32_t id, len;

	*status = BLK_PENDING;
	drv_avail(q, bytes ? drv_chain(q, s, 3, 3) : drv_chain(q, s + 1, 2, 2));
	drv_kick(q);
	drv_wait_used(q, &id, &len);
	sim_check(*status == BLK_IOERR && !len, "a header of %u bytes: status %u, %u bytes", bytes,
		  *status, len);
	hostile_expect_works(h, "after a short header");
}

int main(void)
{
	static const uint32_t types[] = {
		2,  3,		5,	    6,	       7, 9, T_GET_LIFETIME, 12, T_SECURE_ERASE,
		15, 0x80000000, 0x7fffffff, 0xffffffff
	};
	struct hostile *h = hostile_start(NULL);
	uint64_t end;

	hostile_boot(h, 0);
	end = drv_capacity(&h->d);
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++) {
		hostile_expect_status(h, types[i], 0, 0, 0, BLK_UNSUPP, "an unknown type");
		hostile_expect_status(h, types[i], 0, DRV_SECTOR, 0, BLK_UNSUPP, "with data");
		hostile_expect_status(h, types[i], 0, 0, DRV_SECTOR, BLK_UNSUPP, "with room");
	}
	for (uint32_t bytes = 0; bytes < 16; bytes++)
		header_of(h, bytes);

	hostile_expect_status(h, T_IN, end, 0, DRV_SECTOR, BLK_IOERR, "a read past the end");
	hostile_expect_status(h, T_IN, end - 1, 0, 1024, BLK_IOERR, "a read over the end");
	hostile_expect_status(h, T_IN, 0, 0, 100, BLK_IOERR, "a read of a part of a sector");
	hostile_expect_status(h, T_DISCARD, 0, 0, 0, BLK_IOERR, "a discard of nothing");
	hostile_expect_status(h, T_DISCARD, 0, 15, 0, BLK_IOERR, "a discard of half a range");
	hostile_expect_status(h, T_DISCARD, 0, 33 * 16, 0, BLK_IOERR, "a discard of 33 ranges");
	hostile_expect_status(h, T_WRITE_ZEROES, 0, 24, 0, BLK_IOERR, "zeroes, one range and half");
	hostile_expect_works(h, "after all of them");

	/* What was not negotiated is unknown. */
	hostile_boot(h, BIT64(F_DISCARD) | BIT64(F_WRITE_ZEROES));
	hostile_expect_status(h, T_DISCARD, 0, 16, 0, BLK_UNSUPP, "a discard");
	hostile_expect_status(h, T_WRITE_ZEROES, 0, 16, 0, BLK_UNSUPP, "zeroes");
	hostile_end(h);
	return 0;
}
