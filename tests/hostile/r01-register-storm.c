/* SPDX-License-Identifier: GPL-2.0-or-later */
/* R1: three vCPUs do nothing but access registers, right ones and wrong ones, of all widths. */
#include "tests/hostile/frame/hostile.h"

#define VCPUS 3

struct storm {
	struct hostile *h;
	unsigned vcpu;
	uint64_t accesses;
};

static void *storm(void *arg)
{
	struct storm *s = arg;
	struct machine *m = &s->h->g->machine;
	uint64_t seed = s->vcpu + 1;

	for (; s->accesses < 1000 || hostile_goes_on(s->h); s->accesses++) {
		uint32_t random = drv_random(&seed);
		unsigned size = 1u << random % 4, off = random / 4 % (0x200 - size + 1);
		uint64_t addr = s->h->d.base + off;

		if (random >> 20 & 1)
			m->ops->read(m, s->vcpu, addr, size);
		else
			m->ops->write(m, s->vcpu, addr, size, drv_random(&seed));
	}
	return NULL;
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = VCPUS });
	uint64_t before = guest_state(h->g)->accesses, accesses = 0;
	struct storm s[VCPUS];
	pthread_t thread[VCPUS];

	hostile_boot(h, 0);
	hostile_storm(h);
	for (unsigned i = 0; i < VCPUS; i++) {
		s[i] = (struct storm){ h, i, 0 };
		thread[i] = guest_run(storm, &s[i]);
	}
	for (unsigned i = 0; i < VCPUS; i++) {
		guest_join(thread[i]);
		accesses += s[i].accesses;
	}
	hostile_check_others(h); /* and so the round that counts is over */
	sim_check(guest_state(h->g)->accesses >= before + accesses, "accesses are not counted");
	hostile_end(h);
	return 0;
}
