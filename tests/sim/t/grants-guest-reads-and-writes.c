/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest reads and writes over grants, which it makes for each request as Linux does, on a direct
 * and a buffered disk: all kinds of requests, any size.  Of its memory only rings are mapped;
 * everything else is copied, in as few hypercalls as promised (docs/design.md).
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define BIG (3u << 20)

static uint8_t big[BIG], back[BIG];

/* Copies since before, of which none has failed. */
static uint64_t copies(struct guest *g, const struct hyp_grant_counts *before)
{
	struct hyp_grant_counts now = hyp_grant_counts(g->dom);

	sim_check(now.failed_copies == before->failed_copies, "copies have failed");
	return now.copy_hypercalls - before->copy_hypercalls;
}

/* A request of one segment that is whole pages, as page caches make them.  Returns its status. */
static uint64_t add(struct guest *g, struct drv *d, uint32_t type, uint32_t bytes)
{
	uint64_t data = g->machine.ops->alloc(&g->machine, bytes);
	uint64_t header = drv_alloc(d, 16), status = drv_alloc(d, 1);
	const struct drv_seg s[] = { { header, 16, false },
				     { data, bytes, type == T_IN },
				     { status, 1, true } };

	*(uint32_t *)drv_ram(d, header, 4) = type;
	drv_avail(&d->q[0], drv_chain(&d->q[0], s, 3, 0));
	return status;
}

static void wait_for(struct drv *d, const uint64_t *status, unsigned n)
{
	uint32_t id, len;

	for (unsigned i = 0; i < n; i++)
		drv_wait_used(&d->q[0], &id, &len);
	for (unsigned i = 0; i < n; i++)
		sim_check(*(uint8_t *)drv_ram(d, status[i], 1) == BLK_OK, "request %u of %u", i, n);
}

/* Hypercalls for one. */
static uint64_t pages(struct guest *g, struct drv *d, uint32_t type, uint32_t bytes)
{
	struct hyp_grant_counts before = hyp_grant_counts(g->dom);
	uint64_t status = add(g, d, type, bytes);

	drv_kick(&d->q[0]);
	wait_for(d, &status, 1);
	return copies(g, &before);
}

/* Hypercalls for the first half of many reads that come at once. */
static uint64_t many(struct guest *g, struct drv *d, unsigned n)
{
	struct fault_rule hold = { .ops = FAULT_BIT(FAULT_READ),
				   .file = faults_file(g->disk[0].path),
				   .action = FAULT_HOLD };
	unsigned rule = faults_add(&sim.faults, &hold);
	struct hyp_grant_counts before = hyp_grant_counts(g->dom);
	uint64_t status[32], hypercalls;

	for (unsigned i = 0; i < n; i++)
		status[i] = add(g, d, T_IN, 4096);
	drv_kick(&d->q[0]);
	faults_wait_held(&sim.faults, rule, n);
	hypercalls = copies(g, &before);
	faults_remove(&sim.faults, rule);
	wait_for(d, status, n);
	return hypercalls;
}

static void requests(struct guest *g, unsigned disk, struct drv *d)
{
	const struct toolstack_disk *td = &g->disk[disk];
	uint8_t id[21] = "", range[16] = { 8, [8] = 8 }, zeroes[4096] = "";
	struct hyp_grant_counts before = hyp_grant_counts(g->dom);

	guest_driver(g, disk, 12 << 20, d);
	drv_boot(d, 0);
	for (unsigned i = 0; i < BIG; i++)
		big[i] = i * 2654435761u >> 24 ^ disk;
	sim_check(drv_io(d, T_OUT, 3, big, BIG, NULL, 0) == BLK_OK, "a big write");
	sim_check(drv_io(d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	sim_image_read(td->path, 3 * 512, back, BIG);
	sim_check(!memcmp(big, back, BIG), "what was written");
	memset(back, 0, BIG);
	sim_check(drv_io(d, T_IN, 3, NULL, 0, back, BIG) == BLK_OK, "a big read");
	sim_check(!memcmp(big, back, BIG), "what was read");
	sim_check(drv_io(d, T_GET_ID, 0, NULL, 0, id, 20) == BLK_OK &&
			  !strcmp((char *)id, td->vdev),
		  "the serial is %s", id);
	sim_check(drv_io(d, T_WRITE_ZEROES, 0, range, 16, NULL, 0) == BLK_OK, "zeroes");
	sim_check(drv_io(d, T_IN, 8, NULL, 0, back, 4096) == BLK_OK && !memcmp(back, zeroes, 4096),
		  "what was zeroed");
	sim_check(drv_io(d, T_DISCARD, 0, range, 16, NULL, 0) == BLK_OK, "a discard");
	copies(g, &before);

	/* The indirect table, the header, the data, the status byte. */
	sim_check(pages(g, d, T_IN, 4096) == 4, "hypercalls for a read of 4 KiB");
	sim_check(pages(g, d, T_OUT, 4096) == 4, "hypercalls for a write of 4 KiB");
	sim_check(pages(g, d, T_IN, 65536) == 4, "hypercalls for a read of 64 KiB");
	sim_check(pages(g, d, T_OUT, 65536) == 4, "hypercalls for a write of 64 KiB");
}

int main(void)
{
	struct guest_spec spec = { .ram0 = 64 << 20, .nr_disks = 2 };
	struct hyp_grant_counts counts;
	struct drv d[2];
	struct guest *g;

	sim_start("guests = ( { name = \"guest1\"; disks = ( { vdev = \"xvdb\"; cache = "
		  "\"buffered\"; } ); } );\n");
	for (unsigned i = 0; i < 2; i++) {
		spec.disk[i] = toolstack_disk(i,
					      sim_image(i ? "buffered" : "direct", 8 << 20, true));
		spec.disk[i].grants = TOOLSTACK_GRANTS_YES;
	}
	g = guest_create(&spec);
	sim_check(sim_log_count(", direct, by grants,", "xvda") == 1 &&
			  sim_log_count(", buffered, by grants,", "xvdb") == 1,
		  "how the disks are served");
	requests(g, 0, &d[0]);
	requests(g, 1, &d[1]);
	/* An indirect table each, and 16 headers at a time. */
	sim_check(many(g, &d[0], 20) == 20 + 2, "hypercalls for 20 reads");

	/* Each part of a queue of 128 lies within a page. */
	counts = hyp_grant_counts(g->dom);
	sim_check(counts.mapped == 2 * 3 && hyp_pages_mapped(g->dom) == 2 * 3,
		  "%llu grants are mapped, %llu pages in all", (unsigned long long)counts.mapped,
		  (unsigned long long)hyp_pages_mapped(g->dom));
	sim_check(guest_state(g)->mapped_grants == counts.mapped && guest_state(g)->grant_copies &&
			  /* Xen's stop at the end of our pages, too. */
			  guest_state(g)->grant_copies <= counts.copies &&
			  guest_state(g)->failed_grant_copies == 0 &&
			  guest_state(g)->mapped_pages == 0,
		  "counters");
	guest_destroy(g);
	sim_stop();
	return 0;
}
