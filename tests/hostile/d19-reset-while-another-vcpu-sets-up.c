/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D19: one vCPU writes status 0 at any moment, while another one sets the device up and uses it. */
#include "tests/hostile/frame/hostile.h"

static void *reset(void *arg)
{
	struct hostile *h = arg;
	struct machine *m = &h->g->machine;
	uint64_t seed = 19;

	while (hostile_goes_on(h)) {
		/* An access takes as long as one of the other vCPU's, which needs some twenty. */
		for (unsigned n = drv_random(&seed) % 64; n; n--)
			m->ops->read(m, 1, h->d.base + R_STATUS, 4);
		m->ops->write(m, 1, h->d.base + R_STATUS, 4, 0);
	}
	return NULL;
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = 2 });
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	pthread_t thread;

	hostile_boot(h, 0);
	drv_blk_add(&h->d.q[0], &r); /* there to be taken whenever the queue is ready */
	hostile_storm(h);
	thread = guest_run(reset, h);
	for (unsigned n = 0; n < 100 || hostile_goes_on(h); n++)
		hostile_set_up(h, 1);
	guest_join(thread);
	sim_check(guest_disk_state(h->g, 0)->counters.reads > 0, "no request has ever begun");
	sim_check(drv_blk_poison_intact(&h->d, &r), "bytes around the request were written");
	hostile_end(h);
	return 0;
}
