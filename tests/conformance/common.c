/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define RAM_BYTES (16u << 20) /* of device()'s guest */

unsigned hold(uint64_t ops)
{
	return faults_hold(&sim.faults, the_image, ops);
}

void device_variants(struct drv ret[VARIANTS])
{
	struct guest_spec g = { .nr_disks = VARIANTS, .vcpus = 2 };

	sim_start("guests = ( { name = \"guest1\"; disks = ("
		  "{ vdev = \"xvdc\"; cache = \"buffered\"; },"
		  "{ vdev = \"xvde\"; backend = \"null\"; null_size = \"1M\"; }); } );\n");
	for (unsigned i = 0; i < VARIANTS; i++) {
		char name[2] = { 'a' + i, '\0' };

		g.disk[i] = toolstack_disk(i, sim_image(name, 1 << 20, true));
		g.disk[i].discard = i == DISCARDS || i == BUFFERED;
		g.disk[i].read_only = i == READ_ONLY;
	}
	the_guest = guest_create(&g);
	for (unsigned i = 0; i < VARIANTS; i++)
		guest_driver(the_guest, i, 2 << 20, &ret[i]);
}

void device_variants_without(unsigned bit, struct drv ret[VARIANTS])
{
	device_variants(ret);
	for (unsigned i = 0; i < VARIANTS; i++) {
		uint64_t offered = drv_offered(&ret[i]);

		sim_check(!(offered & BIT64(bit)), "bit %u is offered", bit);
		sim_check(!drv_negotiate(&ret[i], offered | BIT64(bit)), "bit %u is accepted", bit);
		sim_check(drv_negotiate(&ret[i], offered), "the same without bit %u", bit);
	}
}

void resize_image(uint64_t bytes)
{
	sim_check(truncate(the_image, bytes) == 0, "truncate to %llu bytes: %s",
		  (unsigned long long)bytes, strerror(errno));
	kill(sim.daemon, SIGHUP);
}

void wait_interrupt_status(struct drv *d, uint32_t bits)
{
	unsigned n = 0;

	while ((drv_read(d, R_INTERRUPT_STATUS) & bits) != bits)
		sim_step(&n, "an interrupt");
}

void let_run(struct drv *d)
{
	/* The vCPU is answered before the work of a round is done. */
	for (unsigned i = 0; i < 20; i++)
		drv_status(d);
}

unsigned interrupts(struct drv *d)
{
	return d->m->ops->interrupts(d->m, d->line);
}

void boot_queues(struct drv *d, unsigned n)
{
	drv_reset(d);
	drv_ready(d, drv_offered(d), n);
}

uint8_t *ram_copy(void)
{
	uint8_t *copy = malloc(RAM_BYTES);

	sim_check(copy, "out of memory");
	return memcpy(copy, hyp_ram(the_guest->dom, HYP_RAM0_BASE, RAM_BYTES), RAM_BYTES);
}

bool ram_is(const uint8_t *copy)
{
	return !memcmp(copy, hyp_ram(the_guest->dom, HYP_RAM0_BASE, RAM_BYTES), RAM_BYTES);
}

struct drv *device_with_queues(unsigned n)
{
	return device(&(struct device_spec){ .vcpus = n });
}

void read_sector(struct drv *d, unsigned queue, uint64_t sector)
{
	struct drv_blk r = drv_blk_usual(T_IN, sector, NULL, 0, 512);
	uint8_t data[512], expected[512];

	sim_check(drv_blk_run(&d->q[queue], &r) == BLK_OK, "a read through queue %u", queue);
	drv_blk_data(d, &r, data);
	sim_pattern(sector, expected);
	sim_check(!memcmp(data, expected, 512), "what queue %u has read", queue);
}

void start_slow_read(struct drv *d, unsigned queue, unsigned rule, struct drv_blk *r)
{
	*r = drv_blk_usual(T_IN, 0, NULL, 0, 512);
	drv_blk_add(&d->q[queue], r);
	drv_kick(&d->q[queue]);
	faults_wait_held(&sim.faults, rule, 1);
}

void wait_queue_reset(struct drv *d)
{
	unsigned n = 0;

	while (drv_read(d, R_QUEUE_RESET))
		sim_step(&n, "the end of a queue's reset");
}
