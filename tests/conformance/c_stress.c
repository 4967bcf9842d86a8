/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No notification is lost, in either direction, with driver and device on CPUs of their own.  First
 * the two moments that matter are met on purpose, thousands of times (c_race.c).  Then drivers go
 * on as they do: they sleep for interrupts only, and notify only if they are asked to; a look at a
 * wrong moment, and they sleep for ever.
 */
#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define QUEUES	 4
#define REQUESTS 6000 /* of a queue */
#define DEPTH	 16
#define DESCS	 3 /* of a request */
#define HEAP	 (256u << 10)

/* Longer than any disk takes; a lost notification lasts for ever. */
#define FOR_EVER_MS 60000

/* A request that is given out again and again, on descriptors of its own: one of two. */
struct slot {
	struct drv_blk kinds[2];
	struct drv_blk *r; /* the one that is on its way, or NULL */
};

struct vcpu {
	struct drv d; /* its own, for accesses from this vCPU */
	struct drv_queue *q;
	struct slot slots[DEPTH];
	uint64_t seed;
	pthread_t thread;
};

static bool has_event_idx(const struct vcpu *v)
{
	return v->d.features & BIT64(F_EVENT_IDX);
}

/* Sleep until used.idx is not used_seen any more, as in 2.7.14. */
static void sleep_for_used(struct vcpu *v)
{
	struct machine *m = v->d.m;
	struct drv_queue *q = v->q;

	for (;;) {
		unsigned seen = m->ops->interrupts(m, v->d.line);

		if (has_event_idx(v))
			drv_set_used_event(q, q->used_seen);
		else
			drv_set_avail_flags(q, 0);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (drv_used_idx(q) != q->used_seen)
			break;
		sim_check(m->ops->interrupt_wait(m, v->d.line, seen, FOR_EVER_MS) != seen,
			  "queue %u: a notification was lost: used %u of %u available", q->index,
			  drv_used_idx(q), q->avail_idx);
		sim_check(!(drv_interrupt(&v->d) & 2), "status %#x", drv_status(&v->d));
	}
	if (!has_event_idx(v))
		drv_set_avail_flags(q, 1);
}

/* Most need no storage, and race with the device's last look; the others end later, one by one. */
static void give_out(struct vcpu *v, unsigned i)
{
	struct slot *s = &v->slots[i];

	s->r = &s->kinds[drv_random(&v->seed) % 8 == 0];
	v->q->next_desc = i * DESCS;
	s->r->head = drv_chain(v->q, s->r->seg, s->r->nr, DRV_SEGS);
	drv_avail(v->q, s->r->head);
}

static void take_back(struct vcpu *v, uint32_t id)
{
	struct slot *s = &v->slots[id / DESCS];

	sim_check(id < DEPTH * DESCS && s->r && s->r->head == id, "head %u was not given", id);
	sim_check(drv_blk_status(&v->d, s->r) == BLK_OK, "status %u", drv_blk_status(&v->d, s->r));
	s->r = NULL;
}

static void *stress(void *arg)
{
	struct vcpu *v = arg;
	unsigned given = 0, taken = 0;
	uint32_t id, len;

	if (v->q->index % 2 == 0)
		race_take_cpu();
	while (taken < REQUESTS) {
		uint16_t old = v->q->avail_idx;

		for (unsigned i = 0; i < DEPTH; i++) {
			if (v->slots[i].r || drv_random(&v->seed) % 4 == 0)
				continue;
			give_out(v, i);
			given++;
		}
		if (v->q->avail_idx != old && drv_kick_wanted(v->q, old))
			drv_kick(v->q);
		if (given == taken)
			continue;
		sleep_for_used(v);
		while (drv_used(v->q, &id, &len)) {
			take_back(v, id);
			taken++;
		}
	}
	return NULL;
}

static void prepare(struct vcpu *v, const struct drv *d, unsigned i)
{
	*v = (struct vcpu){ .d = *d, .seed = i + 1 };
	v->d.vcpu = i;
	v->d.heap_start = v->d.heap = d->heap_start + i * HEAP;
	v->d.heap_end = v->d.heap + HEAP;
	v->q = &v->d.q[i];
	v->q->d = &v->d;
	for (unsigned k = 0; k < DEPTH; k++) {
		struct slot *s = &v->slots[k];

		s->kinds[0] = drv_blk_usual(T_GET_ID, 0, NULL, 0, 20);
		s->kinds[1] = drv_blk_usual(T_IN, k, NULL, 0, 512);
		drv_blk_build(&v->d, &s->kinds[0]);
		drv_blk_build(&v->d, &s->kinds[1]);
	}
}

static void run_vcpus(struct drv *d, unsigned nr, uint64_t without)
{
	static struct vcpu vcpus[QUEUES];

	drv_ready(d, drv_offered(d) & ~without, nr);
	for (unsigned i = 0; i < nr; i++)
		prepare(&vcpus[i], d, i);
	for (unsigned i = 0; i < nr; i++)
		vcpus[i].thread = guest_run(stress, &vcpus[i]);
	for (unsigned i = 0; i < nr; i++)
		guest_join(vcpus[i].thread);
	sim_check(!(drv_status(d) & S_NEEDS_RESET), "status %#x", drv_status(d));
}

/* A queue alone, too: no interrupt of another queue's can hide that its own was lost. */
static void C26_no_notification_is_lost(void)
{
	struct drv *d;

	race_prepare();
	d = device(&(struct device_spec){ .vcpus = QUEUES });
	race(d, 0);
	race(d, BIT64(F_EVENT_IDX));
	run_vcpus(d, 1, 0);
	run_vcpus(d, 1, BIT64(F_EVENT_IDX));
	run_vcpus(d, QUEUES, 0);
	run_vcpus(d, QUEUES, BIT64(F_EVENT_IDX));
}

const struct clause clauses_c_stress[] = {
	CLAUSE(C26, IMPLIED, false, "2.7.13.4", no_notification_is_lost,
	       "No notification is lost in either direction, whoever looks when."),
	{ .id = NULL },
};
