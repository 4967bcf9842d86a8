/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V11, R4: queues of every wrong size, 32768 included, and with rings that are misaligned or far
 * away.  They do not become ready; one whose rings lie on top of each other may, and harms only
 * its own device.
 */
#include "tests/hostile/frame/hostile.h"

static void set(struct hostile *h, uint32_t size, uint64_t desc, uint64_t driver, uint64_t device)
{
	struct drv *d = &h->d;

	hostile_boot(h, 0);
	drv_write(d, R_QUEUE_READY, 0);
	drv_write(d, R_QUEUE_SIZE, size);
	drv_write64(d, R_QUEUE_DESC, desc);
	drv_write64(d, R_QUEUE_DRIVER, driver);
	drv_write64(d, R_QUEUE_DEVICE, device);
	drv_write(d, R_QUEUE_READY, 1);
}

static void refused(struct hostile *h, const char *what)
{
	sim_check(!drv_read(&h->d, R_QUEUE_READY), "%s: the queue is ready", what);
	hostile_expect_mistakes(h, 1, what);
	drv_kick(&h->d.q[0]);
	drv_status(&h->d);
}

int main(void)
{
	static const uint32_t sizes[] = { 0,   3,    5,	    100,   127,	  129,	      255,
					  512, 1024, 32768, 65535, 65536, 0x80000000, 0xffffffff };
	struct hostile *h = hostile_start(NULL);
	struct drv_queue *q = &h->d.q[0];

	sim_check(drv_queue_size_max(&h->d, 0) == 256, "QueueSizeMax");
	hostile_boot(h, 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		set(h, sizes[i], q->desc, q->avail, q->used);
		refused(h, "a queue of that size");
	}
	for (unsigned by = 1; by < 16; by++) {
		set(h, 128, q->desc + by, q->avail, q->used);
		refused(h, "a misaligned table");
		set(h, 128, q->desc, q->avail + by, q->used);
		if (by % 2)
			refused(h, "a misaligned available ring");
		set(h, 128, q->desc, q->avail, q->used + by);
		if (by % 4)
			refused(h, "a misaligned used ring");
	}
	for (unsigned bit = 40; bit < 64; bit++) {
		set(h, 128, q->desc | 1ull << bit, q->avail, q->used);
		refused(h, "an address with a high bit");
	}
	/* All three at one place: legal as far as a device can tell. */
	set(h, 128, q->desc, q->desc, q->desc);
	for (unsigned i = 0; i < 100; i++) {
		drv_desc(q, i, q->desc, i * 7, i, i + 1);
		drv_kick(q);
		drv_status(&h->d);
	}
	hostile_end(h);
	return 0;
}
