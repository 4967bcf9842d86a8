/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * R9, R11, R12: vCPUs reset the device, reset its queues, disable them, and flip the cache mode,
 * all at once, while requests are in flight and storage is slow.  A reset ends when they do.
 */
#include "tests/hostile/frame/hostile.h"

#define VCPUS	 3
#define REQUESTS 20
#define READS	 50 /* begun in the storm, at least */

struct storm {
	struct hostile *h;
	unsigned vcpu;
	atomic_bool *stop;
};

static void *storm(void *arg)
{
	struct storm *s = arg;
	struct machine *m = &s->h->g->machine;
	uint64_t base = s->h->d.base, seed = s->vcpu;

	while (!*s->stop) {
		uint32_t random = drv_random(&seed);

		/* The other vCPU needs some thirty accesses to set up. */
		for (unsigned n = random >> 16 & 63; n; n--)
			m->ops->read(m, s->vcpu, base + R_STATUS, 4);
		m->ops->write(m, s->vcpu, base + R_QUEUE_SEL, 4, random >> 8 & 1);
		switch (random % 16) {
		case 0:
			m->ops->write(m, s->vcpu, base + R_STATUS, 4, 0);
			break;
		case 1 ... 5:
			m->ops->write(m, s->vcpu, base + R_QUEUE_RESET, 4, 1);
			break;
		case 6 ... 9:
			m->ops->write(m, s->vcpu, base + R_QUEUE_READY, 4, random >> 9 & 1);
			break;
		default:
			m->ops->write(m, s->vcpu, base + R_CONFIG + C_WRITEBACK, 1,
				      random >> 9 & 1);
		}
	}
	return NULL;
}

static uint64_t reads(struct hostile *h)
{
	return guest_disk_state(h->g, 0)->counters.reads;
}

/* All requests are in flight, and the storage hangs. */
static void reset_while_held(struct hostile *h)
{
	unsigned rule = faults_hold(&sim.faults, h->image, FAULT_BITS_IO), n = 0;

	for (unsigned i = 0; i < 2; i++)
		drv_kick(&h->d.q[i]);
	faults_wait_held(&sim.faults, rule, REQUESTS);
	drv_write(&h->d, R_STATUS, 0);
	sim_check(drv_status(&h->d), "the reset ends before the requests do");
	faults_remove(&sim.faults, rule);
	while (drv_status(&h->d))
		sim_step(&n, "the end of the reset");
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = VCPUS });
	static const uint8_t data[4096];
	struct fault_rule slow = { .ops = FAULT_BITS_IO, .action = FAULT_DELAY, .amount = 1 };
	struct storm s[VCPUS];
	pthread_t thread[VCPUS];
	struct drv_blk r[REQUESTS];
	atomic_bool stop = false;
	uint64_t before;
	unsigned rule;

	drv_reset(&h->d);
	drv_ready(&h->d, drv_offered(&h->d), 2);
	for (unsigned i = 0; i < REQUESTS; i++) {
		r[i] = i % 4 < 2 ? drv_blk_usual(T_IN, i, NULL, 0, 4096)
				 : drv_blk_usual(T_OUT, i, data, 4096, 0);
		drv_blk_add(&h->d.q[i % 2], &r[i]);
	}
	reset_while_held(h);
	before = reads(h);
	slow.file = faults_file(h->image);
	rule = faults_add(&sim.faults, &slow);
	hostile_storm(h);
	for (unsigned i = 1; i < VCPUS; i++) {
		s[i] = (struct storm){ h, i, &stop };
		thread[i] = guest_run(storm, &s[i]);
	}
	while (hostile_goes_on(h) || reads(h) < before + READS)
		hostile_set_up(h, 2);
	stop = true;
	for (unsigned i = 1; i < VCPUS; i++)
		guest_join(thread[i]);
	drv_reset(&h->d);
	faults_remove(&sim.faults, rule);
	for (unsigned i = 0; i < REQUESTS; i++)
		sim_check(drv_blk_poison_intact(&h->d, &r[i]), "beside request %u", i);
	hostile_end(h);
	return 0;
}
