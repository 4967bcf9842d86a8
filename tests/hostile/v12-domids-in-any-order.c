/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V12: guests come while others are served, several at once, with domids that are lower than ones
 * that were seen before, as after 32751: each is served.
 */
#include "tests/hostile/frame/hostile.h"

#define GUESTS 4

static struct guest *guests[GUESTS];
static const char *images[GUESTS];

static void *create(void *arg)
{
	struct guest **g = arg;
	unsigned i = g - guests;

	*g = guest_create(
		&(struct guest_spec){ .nr_disks = 1, .disk = { toolstack_disk(0, images[i]) } });
	return NULL;
}

static void use(struct guest *g)
{
	uint8_t data[DRV_SECTOR], expected[DRV_SECTOR];
	struct drv d;

	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_IN, 5, NULL, 0, data, sizeof(data)) == BLK_OK, "%s reads", g->name);
	sim_pattern(5, expected);
	sim_check(!memcmp(data, expected, sizeof(data)), "what %s reads", g->name);
}

static void several_from(uint16_t domid)
{
	pthread_t thread[GUESTS];

	hyp_set_next_domid(domid);
	for (unsigned i = 0; i < GUESTS; i++)
		thread[i] = guest_run(create, &guests[i]);
	for (unsigned i = 0; i < GUESTS; i++)
		guest_join(thread[i]);
	for (unsigned i = 0; i < GUESTS; i++)
		use(guests[i]);
	for (unsigned i = 0; i < GUESTS; i++)
		guest_destroy(guests[i]);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);

	for (unsigned i = 0; i < GUESTS; i++)
		images[i] = sim_image((const char *[]){ "0", "1", "2", "3" }[i], 64 << 10, true);
	several_from(32752 - GUESTS);
	several_from(h->g->domid + 1); /* Xen has begun anew */
	several_from(200);
	several_from(100);
	hostile_end(h);
	return 0;
}
