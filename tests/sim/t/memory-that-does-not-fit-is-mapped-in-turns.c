/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver domain has room to map a part of the guest's memory: each request is served all the
 * same.
 */
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define CHUNK	 (2ull << 20)
#define CHUNKS	 20
#define ROOM	 (4 * CHUNK) /* of which the rings take one */
#define REQUESTS 12
#define ROUNDS	 5

static uint64_t chunk(const struct guest *g, unsigned i)
{
	return HYP_RAM0_BASE + g->ram0 - (i + 1) * CHUNK;
}

/* A read of n sectors from the i-th on, one into each chunk from the i-th on. */
static uint16_t read_into(struct guest *g, struct drv *d, unsigned i, unsigned n, uint64_t *status)
{
	struct drv_seg segs[CHUNKS + 2];
	uint64_t header = drv_alloc(d, 16);

	*status = drv_alloc(d, 1);
	*(uint64_t *)drv_ram(d, header + 8, 8) = i;
	segs[0] = (struct drv_seg){ header, 16, false };
	for (unsigned s = 0; s < n; s++)
		segs[1 + s] = (struct drv_seg){ chunk(g, i + s), 512, true };
	segs[n + 1] = (struct drv_seg){ *status, 1, true };
	return drv_chain(&d->q[0], segs, n + 2, 0);
}

static void check_data(struct guest *g, struct drv *d, unsigned i)
{
	void *data = drv_ram(d, chunk(g, i), 512);
	uint8_t expected[512];

	sim_pattern(i, expected);
	sim_check(!memcmp(data, expected, 512), "data in chunk %u", i);
	memset(data, 0, 512);
}

/* More than there is room for, at a time. */
static void many(struct guest *g, struct drv *d)
{
	uint64_t status[REQUESTS];
	uint32_t id, len;

	drv_free_all(d);
	for (unsigned i = 0; i < REQUESTS; i++)
		drv_avail(&d->q[0], read_into(g, d, i, 1, &status[i]));
	drv_kick(&d->q[0]);
	for (unsigned i = 0; i < REQUESTS; i++)
		drv_wait_used(&d->q[0], &id, &len);
	for (unsigned i = 0; i < REQUESTS; i++) {
		sim_check(*(uint8_t *)drv_ram(d, status[i], 1) == BLK_OK, "request %u", i);
		check_data(g, d, i);
	}
}

static uint8_t one(struct guest *g, struct drv *d, unsigned i, unsigned n)
{
	uint64_t status;
	uint32_t id, len;

	drv_free_all(d);
	drv_avail(&d->q[0], read_into(g, d, i, n, &status));
	drv_kick(&d->q[0]);
	drv_wait_used(&d->q[0], &id, &len);
	return *(uint8_t *)drv_ram(d, status, 1);
}

int main(void)
{
	struct guest_spec spec = { .nr_disks = 1, .ram0 = 64 << 20 };
	struct guest *g;
	struct drv d;

	sim_start(NULL);
	spec.disk[0] = toolstack_disk(0, sim_image("disk", 1 << 20, true));
	g = guest_create(&spec);
	hyp_limit_mapping(g->dom, ROOM >> 12);
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	for (unsigned n = 0; n < ROUNDS; n++) {
		many(g, &d);
		sim_check(one(g, &d, n % 8, 3) == BLK_OK, "a request that needs it all");
		for (unsigned i = n % 8; i < n % 8 + 3; i++)
			check_data(g, &d, i);
		sim_check(one(g, &d, n % 8, 8) == BLK_OK, "a request with more chunks");
	}
	sim_check(sim_log_count("give it more shadow_memory", "") > 0, "advice");
	guest_destroy(g);
	sim_stop();
	return 0;
}
