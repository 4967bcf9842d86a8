/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/queue.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/torture/life.h"
#include "tests/torture/random.h"

/* Before a device that gives nothing back is one that hangs: less than sim_step() waits. */
#define WAIT_MS	   100
#define WAIT_TIMES 400

static uint32_t page_align(uint32_t n)
{
	return (n + MEMORY_PAGE - 1) & ~(MEMORY_PAGE - 1);
}

void queue_init(struct queue *q, struct device *dev, unsigned index, uint64_t memory_share,
		uint64_t seed)
{
	static const unsigned pages[] = { 2, 2, 4, 8, 16, 40, 300 };
	struct memory *m = &dev->life->memory;
	unsigned max = dev->queue_size_max;
	uint64_t rng = random_mix(seed, 0);

	*q = (struct queue){ .dev = dev, .index = index, .d = dev->ctl, .seed = seed };
	q->q = &q->d.q[index];
	q->q->d = &q->d;
	q->q->bytes_for = max;
	q->q->bytes_at = memory_take(
		m, page_align(16 * max) + page_align(6 + 2 * max) + page_align(6 + 8 * max), &rng);

	do {
		q->slot_bytes = MEMORY_PAGE * pages[random_below(&rng, 7)];
	} while (2 * q->slot_bytes > memory_share);
	q->nr_slots = memory_share / q->slot_bytes < QUEUE_SLOTS ? memory_share / q->slot_bytes
								 : QUEUE_SLOTS;
	q->nr_slots = random_between(&rng, 1, q->nr_slots);
	q->slot = calloc(q->nr_slots, sizeof(*q->slot));
	sim_check(q->slot, "out of memory");
	for (unsigned i = 0; i < q->nr_slots; i++)
		q->slot[i].gpa = memory_take(m, q->slot_bytes, &rng);
}

void queue_fini(struct queue *q)
{
	free(q->slot);
}

void queue_start(struct queue *q, uint64_t *rng)
{
	unsigned size = 2;

	while (size < q->dev->queue_size_max && !random_one_in(rng, 5))
		size *= 2;
	q->d.features = q->dev->features;
	life_check(q->dev->life, drv_setup_queue(&q->d, q->index, size),
		   "%s: queue %u can't be set up with %u descriptors", q->dev->plan->name, q->index,
		   size);
	q->active = true;
	q->outstanding = 0;
	q->polling = random_one_in(rng, 3);
	if (q->polling && !(q->d.features & BIT64(F_EVENT_IDX)))
		drv_set_avail_flags(q->q, 1);

	/* In any order: heads are no sequence. */
	q->nr_free = size;
	for (unsigned i = 0; i < size; i++) {
		unsigned k = random_between(rng, 0, i);

		q->free_desc[i] = q->free_desc[k];
		q->free_desc[k] = i;
		q->by_head[i] = NULL;
	}
}

/* What is in it from now on is nobody's business. */
static void give_slot_back(struct queue *q, struct slot *s)
{
	memory_fill(&q->dev->life->memory, s->gpa, MEMORY_POISON, s->req.bytes);
	if (s->poisoned < s->req.bytes)
		s->poisoned = s->req.bytes;
	s->used = false;
}

void queue_lose(struct queue *q)
{
	for (unsigned i = 0; i < q->nr_slots; i++) {
		struct slot *s = &q->slot[i];

		if (!s->used)
			continue;
		drv_ungrant_chain(q->q, s->req.desc[0]);
		request_lose(&s->req, q);
		give_slot_back(q, s);
		q->dev->lost++;
	}
	q->outstanding = 0;
	q->active = false;
}

static struct slot *free_slot(struct queue *q)
{
	for (unsigned i = 0; i < q->nr_slots; i++)
		if (!q->slot[i].used && !q->slot[i].out)
			return &q->slot[i];
	return NULL;
}

/* All of it is poison, and what was so before has been left alone. */
static void poison(struct queue *q, struct slot *s)
{
	const struct memory *m = &q->dev->life->memory;

	sim_check(memory_is_poison(m, s->gpa, s->poisoned),
		  "%s: queue %u: memory at %#llx was written after its request had ended",
		  q->dev->plan->name, q->index, (unsigned long long)s->gpa);
	memory_fill(m, s->gpa + s->poisoned, MEMORY_POISON, q->slot_bytes - s->poisoned);
	s->poisoned = q->slot_bytes;
}

/* The most data of a request. */
static uint32_t room(const struct queue *q)
{
	uint32_t bytes = q->slot_bytes;

	if (q->d.features & BIT64(F_SIZE_MAX) && bytes > 1u << 20)
		bytes = 1u << 20;
	return bytes - 512;
}

/* One more request; false if there is no room for it. */
static bool add(struct queue *q, uint16_t at)
{
	struct device *dev = q->dev;
	uint64_t number = random_mix(q->seed, ++q->number), rng = number;
	struct slot *s = free_slot(q);
	struct request *r;

	if (!s)
		return false;
	r = &s->req;
	request_decide(r, dev, room(q), number, &rng);
	if (r->accesses && !model_begin(dev->model, &r->access, random_one_in(&rng, 6)))
		return false;
	poison(q, s);
	if (!request_lay_out(r, q, s->gpa, q->slot_bytes, &rng)) {
		if (r->accesses)
			model_end(dev->model, &r->access, MODEL_NOT_WRITTEN);
		return false;
	}
	r->cache = atomic_load(&dev->cache);
	r->asked = stable_time();
	s->used = true;
	q->by_head[r->desc[0]] = s;
	q->outstanding++;
	drv_set_avail_ring(q->q, at, r->desc[0]);
	return true;
}

/* A moment: less than the device needs for a request, or as much. */
static void spin(uint64_t *rng)
{
	for (unsigned n = random_size(rng, 40000); n; n--)
		atomic_signal_fence(memory_order_seq_cst);
}

/* Show the device n requests that stand in the ring. */
static void publish(struct queue *q, unsigned n, bool spurious)
{
	uint16_t old = q->q->avail_idx;

	drv_set_avail_idx(q->q, old + n);
	if (spurious || drv_kick_wanted(q->q, old))
		drv_kick(q->q);
}

void queue_submit(struct queue *q, unsigned n, uint64_t *rng)
{
	bool at_once = random_one_in(rng, 2), spurious = random_one_in(rng, 40);
	uint16_t old = q->q->avail_idx;
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++)
		done += add(q, old + done);
	if (at_once && (done || spurious))
		publish(q, done, spurious);
	/* One by one, while the device looks for them. */
	for (unsigned i = 0; i < done && !at_once; i++) {
		publish(q, 1, spurious);
		spin(rng);
	}
}

static void take_back(struct queue *q, uint32_t id, uint32_t len)
{
	struct device *dev = q->dev;
	struct slot *s = id < q->q->size ? q->by_head[id] : NULL;

	sim_check(s, "%s: queue %u: head %u came back, which is not there", dev->plan->name,
		  q->index, id);
	q->by_head[id] = NULL;
	for (unsigned i = 0; i < s->req.nr_desc; i++)
		q->free_desc[q->nr_free++] = s->req.desc[i];
	request_finish(&s->req, q, len);
	give_slot_back(q, s);
	q->outstanding--;
}

void queue_reap(struct queue *q)
{
	uint32_t id, len;

	while (q->active && drv_used(q->q, &id, &len))
		take_back(q, id, len);
}

/* Ask for an interrupt when so many more are used than one; or for none. */
static void want_interrupt(struct queue *q, unsigned more)
{
	if (q->d.features & BIT64(F_EVENT_IDX))
		drv_set_used_event(q->q, q->q->used_seen + (q->polling ? -1 : (int)more));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* True if the wait is over.  The device's lock is held. */
static bool is_over(const struct queue *q)
{
	return !q->outstanding || atomic_load(&q->dev->life->killed) ||
	       drv_used_idx(q->q) != q->q->used_seen;
}

/*
 * No interrupt came for a while.  Have so many been used that there must be one?  Then it may be
 * late, but not for ever.
 */
static void look_for_interrupt(struct queue *q, unsigned line, unsigned seen, unsigned more)
{
	struct life *life = q->dev->life;

	for (unsigned i = 0; i < WAIT_TIMES; i++) {
		uint16_t used = 0;

		pthread_rwlock_rdlock(&q->dev->lock);
		if (q->outstanding)
			used = drv_used_idx(q->q) - q->q->used_seen;
		pthread_rwlock_unlock(&q->dev->lock);
		if (used <= more || atomic_load(&life->killed) ||
		    hyp_interrupt_wait(life->guest->dom, line, seen, WAIT_MS) != seen)
			return;
	}
	sim_check(false, "%s: queue %u: an interrupt was lost", q->dev->plan->name, q->index);
}

void queue_wait(struct queue *q, uint64_t *rng)
{
	unsigned more = random_one_in(rng, 3) ? random_below(rng, q->outstanding + 1) : 0;
	struct hyp_domain *dom = q->dev->life->guest->dom;
	unsigned in_vain = 0;
	bool over = false;

	while (!over) {
		unsigned seen = hyp_interrupts(dom, q->d.line);

		pthread_rwlock_rdlock(&q->dev->lock);
		if (more >= q->outstanding || !(q->d.features & BIT64(F_EVENT_IDX)))
			more = 0;
		if (q->outstanding)
			want_interrupt(q, more);
		over = is_over(q);
		life_check(
			q->dev->life, over || in_vain < WAIT_TIMES,
			"%s: queue %u: %u requests do not come back (available %u, used %u, flags "
			"%u, event %u)",
			q->dev->plan->name, q->index, q->outstanding, q->q->avail_idx,
			drv_used_idx(q->q), drv_used_flags(q->q), drv_avail_event(q->q));
		pthread_rwlock_unlock(&q->dev->lock);
		if (over)
			return;
		/*
		 * Who polls sleeps too, since there may be fewer CPUs than vCPUs; but not
		 * for an interrupt.
		 */
		if (q->polling) {
			usleep(in_vain++ < 100 ? 100 : 1000 * WAIT_MS);
		} else if (hyp_interrupt_wait(dom, q->d.line, seen, WAIT_MS) == seen) {
			in_vain++;
			look_for_interrupt(q, q->d.line, seen, more);
		}
	}
}

void queue_reset(struct queue *q, uint64_t *rng)
{
	struct device *dev = q->dev;
	uint32_t resetting;

	pthread_mutex_lock(&dev->select);
	drv_write(&q->d, R_QUEUE_SEL, q->index);
	drv_write(&q->d, R_QUEUE_RESET, 1);
	for (unsigned i = 0; (resetting = drv_read(&q->d, R_QUEUE_RESET)) == 1; i++) {
		life_check(dev->life, i < 1000 * WAIT_TIMES / WAIT_MS,
			   "%s: queue %u does not come out of its reset", dev->plan->name,
			   q->index);
		usleep(10000);
	}
	life_check(dev->life, resetting == 0 && drv_read(&q->d, R_QUEUE_READY) == 0,
		   "%s: queue %u after its reset", dev->plan->name, q->index);
	queue_lose(q);
	queue_start(q, rng);
	pthread_mutex_unlock(&dev->select);
}
