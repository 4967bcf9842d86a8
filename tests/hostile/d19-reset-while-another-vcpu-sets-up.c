/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D19: one vCPU writes status 0 all the time, while another one sets the device up and uses it. */
#include "tests/hostile/frame/hostile.h"

static void *reset(void *arg)
{
	struct hostile *h = arg;

	while (hostile_goes_on(h))
		h->g->machine.ops->write(&h->g->machine, 1, h->d.base + R_STATUS, 4, 0);
	return NULL;
}

/* As drv_boot() does it, whatever the device says meanwhile. */
static void set_up(struct hostile *h)
{
	struct drv *d = &h->d;

	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	drv_write_features(d, d->features);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_SIZE, d->q[0].size);
	drv_write64(d, R_QUEUE_DESC, d->q[0].desc);
	drv_write64(d, R_QUEUE_DRIVER, d->q[0].avail);
	drv_write64(d, R_QUEUE_DEVICE, d->q[0].used);
	drv_write(d, R_QUEUE_READY, 1);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
	drv_kick(&d->q[0]);
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
		set_up(h);
	guest_join(thread);
	sim_check(drv_blk_poison_intact(&h->d, &r), "bytes around the request were written");
	hostile_end(h);
	return 0;
}
