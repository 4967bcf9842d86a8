/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D11: addresses that wrap, are not RAM, lie in a window of registers, or in a page that was given
 * back.  As data or header: the request is answered IOERR.  As status byte, indirect table or
 * rings: a fault, for there is nowhere to answer to.  With grants nothing that is no reference is
 * taken for something else.
 */
#include "tests/hostile/frame/hostile.h"

#define RAM_END (HYP_RAM0_BASE + (16ull << 20)) /* of the attacker */

static const uint64_t nowhere[] = {
	0,
	0x02000000, /* its own registers */
	HYP_RAM0_BASE - 1,
	RAM_END,
	RAM_END - 1, /* longer ones end behind it */
	HYP_RAM1_BASE,
	(1ull << 40) - 1,
	1ull << 40,
	1ull << 63,
	UINT64_MAX - 511,
	UINT64_MAX,
};

/* A read with its parts at these addresses; its head is available then. */
static void read_at(struct hostile *h, uint64_t header, uint64_t data, uint64_t status)
{
	const struct drv_seg s[] = { { header, 16, false },
				     { data, DRV_SECTOR, true },
				     { status, 1, true } };

	hostile_boot(h, 0);
	drv_avail(&h->d.q[0], drv_chain(&h->d.q[0], s, 3, 3));
	drv_kick(&h->d.q[0]);
}

static void expect_ioerr(struct hostile *h, uint64_t status, const char *what)
{
	uint32_t id, len;

	drv_wait_used(&h->d.q[0], &id, &len);
	sim_check(*(uint8_t *)drv_ram(&h->d, status, 1) == BLK_IOERR && len <= 1,
		  "%s: status %u, %u bytes", what, *(uint8_t *)drv_ram(&h->d, status, 1), len);
	hostile_expect_works(h, what);
}

static void requests(struct hostile *h, uint64_t bad)
{
	/*
	 * At the end of the heap, of which nothing else needs so much; a header of zeroes
	 * is a read.
	 */
	uint64_t header = h->d.heap_end - 2048, data = header + 512, status = data + 1024;

	read_at(h, header, bad, status);
	expect_ioerr(h, status, "data that are nowhere");
	read_at(h, bad, data, status);
	expect_ioerr(h, status, "a header that is nowhere");
	if (bad == RAM_END - 1)
		return; /* a byte fits there */
	if (bad == 1ull << 63 && h->d.grants)
		return; /* a reference, which nobody looks at before it is used */
	read_at(h, header, data, bad);
	hostile_expect_fault(h, "a status byte that is nowhere");
}

/* The rings: ready does not stick. */
static void rings(struct hostile *h, unsigned reg, uint64_t bad)
{
	hostile_boot(h, 0);
	drv_write(&h->d, R_QUEUE_READY, 0);
	drv_write64(&h->d, reg, bad);
	drv_write(&h->d, R_QUEUE_READY, 1);
	sim_check(!drv_read(&h->d, R_QUEUE_READY), "a ring at %#llx is accepted",
		  (unsigned long long)bad);
	hostile_expect_mistakes(h, 1, "a ring that is nowhere");
	drv_kick(&h->d.q[0]);
}

static void ballooned(struct hostile *h)
{
	uint64_t page = h->g->machine.ops->alloc(&h->g->machine, 4096), gfn = page >> 12;
	struct drv_queue *q = &h->d.q[0];
	uint32_t id, len;

	sim_check(hyp_balloon_out(h->g->dom, 0, gfn) == HYP_OK, "give a page back");
	requests(h, page);
	rings(h, R_QUEUE_DESC, page);
	hyp_populate(h->g->dom, gfn);
	read_at(h, h->d.heap_end - 2048, page, page + 1024);
	drv_wait_used(q, &id, &len);
	sim_check(len == DRV_SECTOR + 1 && *(uint8_t *)drv_ram(&h->d, page + 1024, 1) == BLK_OK,
		  "a read into the page when it is back: %u bytes", len);

	if (h->d.grants)
		return; /* a guest that gives away what it has granted harms itself alone */
	/* The table of a queue that is in use. */
	gfn = q->desc >> 12;
	sim_check(hyp_balloon_out(h->g->dom, 0, gfn) == HYP_OK, "give a ring back");
	drv_kick(q);
	hostile_expect_fault(h, "a ring that was given back");
	hyp_populate(h->g->dom, gfn);
	/* Its memory is in two pieces now, for drv_ram(): take another. */
	q->bytes_for = 0;
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	hostile_boot(h, 0);
	for (unsigned i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		requests(h, nowhere[i]);
		if (nowhere[i] % 16)
			continue; /* refused for another reason */
		rings(h, R_QUEUE_DESC, nowhere[i]);
		rings(h, R_QUEUE_DRIVER, nowhere[i]);
		rings(h, R_QUEUE_DEVICE, nowhere[i]);
	}
	rings(h, R_QUEUE_DESC, RAM_END - 16);
	ballooned(h);
	hostile_end(h);
	return 0;
}
