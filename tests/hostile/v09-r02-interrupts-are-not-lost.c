/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V9, R2: two vCPUs acknowledge all interrupts but the one that a third waits for, as fast as they
 * can; the bit that it needs is set whenever it looks, and no interrupt is missing.
 */
#include "tests/hostile/frame/hostile.h"

struct acks {
	struct hostile *h;
	unsigned vcpu;
	uint32_t bits;
};

static void *acknowledge(void *arg)
{
	struct acks *a = arg;
	struct machine *m = &a->h->g->machine;

	while (hostile_goes_on(a->h))
		m->ops->write(m, a->vcpu, a->h->d.base + R_INTERRUPT_ACK, 4, a->bits);
	return NULL;
}

static void request(struct hostile *h)
{
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, DRV_SECTOR);
	struct machine *m = &h->g->machine;
	unsigned seen = m->ops->interrupts(m, h->d.line), n = 0;
	uint64_t heap = h->d.heap;
	uint32_t id, len;

	drv_blk_add(&h->d.q[0], &r);
	drv_kick(&h->d.q[0]);
	/* By nothing but interrupts. */
	while (m->ops->interrupt_wait(m, h->d.line, seen, 1) == seen)
		sim_step(&n, "an interrupt");
	sim_check(drv_interrupt(&h->d) == 1, "the reason for the interrupt was taken away");
	sim_check(drv_used(&h->d.q[0], &id, &len) && id == r.head, "nothing came back");
	h->d.heap = heap;
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = 3 });
	struct acks a[2] = { { h, 1, 2 }, { h, 2, 0xfffffffe } };
	pthread_t thread[2];

	hostile_boot(h, BIT64(F_EVENT_IDX));
	hostile_storm(h);
	for (unsigned i = 0; i < 2; i++)
		thread[i] = guest_run(acknowledge, &a[i]);
	for (unsigned n = 0; n < 200 || hostile_goes_on(h); n++)
		request(h);
	for (unsigned i = 0; i < 2; i++)
		guest_join(thread[i]);
	hostile_end(h);
	return 0;
}
