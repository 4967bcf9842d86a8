/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R19: two vCPUs do nothing but kick a disk that comes and goes, and another one does nothing but
 * access registers, before, while and after the disk is there.  Every access is answered, once; the
 * disk works whenever it is there, and the others do not notice.
 */
#include "tests/hostile/frame/hostile.h"

#define SLOT   2 /* behind the attacker's two disks */
#define TIMES  40
#define VCPUS  4 /* the first one uses the disk */
#define QUEUES 4 /* more than it has */

struct storm {
	struct hostile *h;
	const struct toolstack_disk *disk;
	unsigned vcpu;
	atomic_bool *stop;
};

/* As hyp_access(), whether there is a disk or none. */
static void *kick(void *arg)
{
	struct storm *s = arg;

	for (uint64_t n = 0; !*s->stop; n++) {
		uint64_t queue = n % QUEUES;

		sim_check(hyp_access(s->h->g->dom, s->vcpu, s->disk->base + R_QUEUE_NOTIFY, 4, true,
				     &queue) != HYP_DEAD,
			  "a kick");
	}
	return NULL;
}

static void *look(void *arg)
{
	struct storm *s = arg;
	struct machine *m = &s->h->g->machine;

	while (!*s->stop)
		m->ops->read(m, s->vcpu, s->h->d.base + R_STATUS, 4);
	return NULL;
}

static void come_and_go(struct hostile *h, struct toolstack_disk *disk)
{
	struct sim_error err = { "" };
	uint8_t data[DRV_SECTOR], expected[DRV_SECTOR];
	unsigned domid = h->g->domid;
	struct drv d;

	sim_check(toolstack_add_disks(&sim.toolstack, domid, disk, 1, &err) == 0, "it comes: %s",
		  err.text);
	drv_init(&d, &h->g->machine, disk->base, disk->irq, 4096);
	d.grants = toolstack_uses_grants(disk);
	drv_boot(&d, 0);
	for (unsigned i = 0; i < 5; i++) {
		sim_check(drv_io(&d, T_IN, i, NULL, 0, data, sizeof(data)) == BLK_OK, "a read");
		sim_pattern(i, expected);
		sim_check(!memcmp(data, expected, sizeof(data)), "what sector %u has", i);
	}
	sim_check(toolstack_remove_disks(&sim.toolstack, domid, disk, 1, true, &err) == 0,
		  "it goes: %s", err.text);
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = VCPUS });
	struct toolstack_disk disk = toolstack_disk(SLOT, sim_image("guest", 64 << 10, true));
	atomic_bool stop = false;
	struct storm s[VCPUS];
	pthread_t thread[VCPUS];

	hostile_boot(h, 0);
	for (unsigned i = 1; i < VCPUS; i++) {
		s[i] = (struct storm){ h, &disk, i, &stop };
		thread[i] = guest_run(i == 1 ? look : kick, &s[i]);
	}
	hostile_storm(h);
	for (unsigned n = 0; n < TIMES || hostile_goes_on(h); n++)
		come_and_go(h, &disk);
	stop = true;
	for (unsigned i = 1; i < VCPUS; i++)
		guest_join(thread[i]);
	hostile_expect_works(h, "among the kicks");
	hostile_end(h);
	return 0;
}
