/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D13: data, header, status or an indirect table in the memory of the rings, so that the device
 * overwrites what it works with.  The device may break; nothing else does.
 */
#include "tests/hostile/frame/hostile.h"

/* Let the device work on what it has: a few notifications, each answered. */
static void let_work(struct hostile *h)
{
	for (unsigned i = 0; i < 4; i++) {
		drv_kick(&h->d.q[0]);
		drv_status(&h->d);
	}
}

static void put(struct hostile *h, const struct drv_seg *s, unsigned n, unsigned direct)
{
	drv_avail(&h->d.q[0], drv_chain(&h->d.q[0], s, n, direct));
	let_work(h);
}

static void attack(struct hostile *h, uint64_t ring)
{
	uint64_t header, data, status;

	hostile_boot(h, 0);
	header = hostile_header(h, T_IN, 0);
	data = drv_alloc(&h->d, 4096);
	status = drv_alloc(&h->d, 1);
	/* An image full of ones: indices, heads, lengths and flags are at their largest. */
	put(h,
	    (struct drv_seg[]){ { header, 16, false }, { ring, 4096, true }, { status, 1, true } },
	    3, 3);
	hostile_boot(h, 0);
	put(h,
	    (struct drv_seg[]){ { header, 16, false }, { ring, 512, true }, { status, 1, true } },
	    3, 0);
	/* The status byte over what is behind it. */
	for (unsigned at = 0; at < 8; at++) {
		hostile_boot(h, 0);
		header = hostile_header(h, T_FLUSH, 0);
		put(h, (struct drv_seg[]){ { header, 16, false }, { ring + at, 1, true } }, 2, 2);
	}
	/* The rings as what is written to the disk, and as a header. */
	hostile_boot(h, 0);
	header = hostile_header(h, T_OUT, 8);
	put(h,
	    (struct drv_seg[]){ { header, 16, false }, { ring, 4096, false }, { status, 1, true } },
	    3, 3);
	hostile_boot(h, 0);
	put(h, (struct drv_seg[]){ { ring, 16, false }, { data, 512, true }, { status, 1, true } },
	    3, 3);
	/* As an indirect table. */
	hostile_boot(h, 0);
	drv_desc(&h->d.q[0], 0, ring, 4096, DESC_INDIRECT, 0);
	drv_avail(&h->d.q[0], 0);
	let_work(h);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint8_t ones[4096];

	memset(ones, 0xff, sizeof(ones));
	sim_image_write(h->image, 0, ones, sizeof(ones));
	hostile_boot(h, 0);
	attack(h, h->d.q[0].desc);
	attack(h, h->d.q[0].avail);
	attack(h, h->d.q[0].used);
	hostile_end(h);
	return 0;
}
