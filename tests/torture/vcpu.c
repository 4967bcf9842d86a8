/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/vcpu.h"

#include <stdlib.h>

#include "tests/torture/life.h"
#include "tests/torture/random.h"

void vcpu_init(struct vcpu *v, struct life *life, unsigned n, uint64_t seed)
{
	uint64_t rng = random_mix(seed, 0);
	uint32_t scratch = 0;

	*v = (struct vcpu){ .life = life, .n = n, .seed = seed };
	v->pages = memory_take(&life->memory, VCPU_PAGES * MEMORY_PAGE, &rng);
	for (unsigned i = 0; i < life->plan->nr_disks; i++) {
		struct device *dev = &life->device[i];

		for (unsigned k = 0; k < dev->nr_queues; k++) {
			struct queue *q = &dev->queue[k];

			if ((i + k) % life->plan->vcpus != n)
				continue;
			q->d.vcpu = n;
			v->queue[v->nr_queues++] = q;
			if (scratch < q->slot_bytes)
				scratch = q->slot_bytes;
		}
	}
	v->scratch = malloc(scratch);
	sim_check(!scratch || v->scratch, "out of memory");
	for (unsigned i = 0; i < v->nr_queues; i++)
		v->queue[i]->scratch = v->scratch;
}

void vcpu_fini(struct vcpu *v)
{
	free(v->scratch);
}

/* Memory that is given back */

static void note_out(struct vcpu *v, uint64_t gfn, struct slot *slot)
{
	v->out[v->nr_out].gfn = gfn;
	v->out[v->nr_out++].slot = slot;
}

/* Give back n frames, from gfn on; the access lock makes this vCPU's thread the vCPU. */
static void give_pages(struct vcpu *v, uint64_t gfn, unsigned n, struct slot *slot)
{
	pthread_mutex_t *access = &v->life->access[v->n];

	for (unsigned i = 0; i < n; i++)
		note_out(v, gfn + i, slot);
	pthread_mutex_lock(access);
	hyp_balloon_out_many(v->life->guest->dom, v->n, gfn, n, 1);
	pthread_mutex_unlock(access);
}

static bool is_out(const struct vcpu *v, uint64_t gfn)
{
	for (unsigned i = 0; i < v->nr_out; i++)
		if (v->out[i].gfn == gfn)
			return true;
	return false;
}

/* Of the pages that it does nothing else with. */
static void give_own_pages(struct vcpu *v, uint64_t *rng)
{
	uint64_t first = (v->pages >> 12) + random_below(rng, VCPU_PAGES);
	uint64_t end = (v->pages >> 12) + VCPU_PAGES;
	unsigned wanted = random_size(rng, VCPU_OUT - v->nr_out), n = 0;

	while (n < wanted && first + n < end && !is_out(v, first + n))
		n++;
	if (n)
		give_pages(v, first, n, NULL);
}

/* Of a slot that no request uses now; it is used again when all of it is back. */
static void give_slot(struct vcpu *v, struct queue *q, uint64_t *rng)
{
	struct slot *s = &q->slot[random_below(rng, q->nr_slots)];
	uint32_t pages = q->slot_bytes / MEMORY_PAGE, first = random_below(rng, pages);
	uint32_t n = random_size(rng, VCPU_OUT - v->nr_out);

	if (n > pages - first)
		n = pages - first;
	pthread_rwlock_rdlock(&q->dev->lock);
	if (!s->used && !s->out) {
		s->out = true;
		give_pages(v, (s->gpa >> 12) + first, n, s);
	}
	pthread_rwlock_unlock(&q->dev->lock);
}

/* Fetch one of them. */
static void fetch_page(struct vcpu *v, uint64_t *rng)
{
	unsigned i = random_below(rng, v->nr_out);
	struct slot *slot = v->out[i].slot;
	uint64_t gfn = v->out[i].gfn;

	v->out[i] = v->out[--v->nr_out];
	hyp_populate(v->life->guest->dom, gfn);
	if (!slot)
		return;
	memory_fill(&v->life->memory, gfn << 12, MEMORY_POISON, MEMORY_PAGE);
	for (i = 0; i < v->nr_out && v->out[i].slot != slot; i++)
		;
	slot->out = i < v->nr_out;
}

static void balloon(struct vcpu *v, struct queue *q, uint64_t *rng)
{
	if (v->nr_out == VCPU_OUT || (v->nr_out && !random_one_in(rng, 4)))
		for (unsigned n = random_size(rng, v->nr_out); n; n--)
			fetch_page(v, rng);
	else if (q && random_one_in(rng, 2))
		give_slot(v, q, rng);
	else
		give_own_pages(v, rng);
}

/* Steps */

static void look(struct vcpu *v, uint64_t *rng)
{
	struct device *dev = &v->life->device[random_below(rng, v->life->plan->nr_disks)];
	struct drv d;

	pthread_rwlock_rdlock(&dev->lock);
	d = dev->ctl;
	d.vcpu = v->n;
	device_look(dev, &d, rng);
	pthread_rwlock_unlock(&dev->lock);
}

static void reset_device(struct vcpu *v, uint64_t *rng)
{
	struct device *dev = &v->life->device[random_below(rng, v->life->plan->nr_disks)];

	pthread_rwlock_wrlock(&dev->lock);
	dev->ctl.vcpu = v->n;
	device_start(dev, rng);
	pthread_rwlock_unlock(&dev->lock);
}

static void reset_queue(struct queue *q, uint64_t *rng)
{
	pthread_rwlock_rdlock(&q->dev->lock);
	if (q->active && q->dev->features & BIT64(F_RING_RESET))
		queue_reset(q, rng);
	pthread_rwlock_unlock(&q->dev->lock);
}

static void reap(struct queue *q)
{
	pthread_rwlock_rdlock(&q->dev->lock);
	queue_reap(q);
	pthread_rwlock_unlock(&q->dev->lock);
}

static void load(struct queue *q, uint64_t *rng)
{
	unsigned n = random_size(rng, 16);

	pthread_rwlock_rdlock(&q->dev->lock);
	queue_reap(q);
	if (q->active)
		queue_submit(q, n, rng);
	pthread_rwlock_unlock(&q->dev->lock);
	if (random_one_in(rng, 4)) {
		queue_wait(q, rng);
		reap(q);
	}
}

static void step(struct vcpu *v, uint64_t *rng)
{
	unsigned dice = random_below(rng, 100);
	struct queue *q = v->nr_queues ? v->queue[random_below(rng, v->nr_queues)] : NULL;

	if (dice < 5)
		balloon(v, q, rng);
	else if (dice < 15)
		look(v, rng);
	else if (dice < 16)
		reset_device(v, rng);
	else if (q && dice < 18)
		reset_queue(q, rng);
	else if (q)
		load(q, rng);
}

void *vcpu_run(void *arg)
{
	struct vcpu *v = arg;
	atomic_bool *killed = &v->life->killed;
	uint64_t rng;

	for (unsigned i = 0; i < VCPU_STEPS && !atomic_load(killed); i++) {
		rng = random_mix(v->seed, i + 1);
		step(v, &rng);
		atomic_fetch_add(&v->life->steps, 1);
	}
	rng = random_mix(v->seed, VCPU_STEPS + 1);
	for (unsigned i = 0; i < v->nr_queues; i++) {
		struct queue *q = v->queue[i];

		while (!atomic_load(killed) && q->outstanding) {
			queue_wait(q, &rng);
			reap(q);
		}
	}
	atomic_fetch_sub(&v->life->running, 1);
	return NULL;
}
