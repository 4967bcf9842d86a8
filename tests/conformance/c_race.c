/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where notifications get lost: one side decides that it needs none, while the other one decides to
 * sleep.  The status byte of a request tells the driver when the device is about to: it is written
 * just before the device looks for more, asks for notifications, and shows the used element.  The
 * driver watches it on a CPU of its own, and acts then, a little sooner or later each time.
 *
 * Whether something was lost is not a matter of time: the device has answered what was written to
 * its registers later, so it has nothing left to do.
 */
#include <endian.h>
#include <semaphore.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define ROUNDS	  1000
#define IN_A_ROW  32
#define DELAY_MAX 300 /* turns of an empty loop: some 100 ns */
#define SPINS_MAX (1u << 20)

static struct {
	struct drv_queue *q;
	/* Rings: the driver's part of the available ring is filled in for ever. */
	uint16_t *avail_flags, *avail_idx, *used_event;
	const uint16_t *used_flags, *used_idx, *avail_event;
	uint8_t *status[2]; /* of the requests at even and odd indices */
	uint64_t seed;
	/* Another vCPU notifies, since one that does so has to wait. */
	sem_t ask, done;
	unsigned asked; /* and not yet waited for */
	bool stop;
} r;

static uint16_t load(const uint16_t *p)
{
	return le16toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));
}

static void store(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, htole16(v), __ATOMIC_RELEASE);
}

static bool has_event_idx(void)
{
	return r.q->d->features & BIT64(F_EVENT_IDX);
}

/* What the driver does, but it does not wait for the end of it. */
static void notify(void)
{
	r.asked++;
	sem_post(&r.ask);
}

/* Notifications have ended; none will wake the device by chance later. */
static void wait_notified(void)
{
	for (; r.asked; r.asked--)
		sem_wait(&r.done);
}

/* All was used.  If it does not look so, the device gets the time that it needs. */
static bool all_used(void)
{
	wait_notified();
	if (load(r.used_idx) != r.q->avail_idx)
		let_run(r.q->d);
	return load(r.used_idx) == r.q->avail_idx;
}

static bool was_interrupted(unsigned before)
{
	if (interrupts(r.q->d) == before)
		let_run(r.q->d);
	return interrupts(r.q->d) != before;
}

static void make_available(uint16_t idx)
{
	*r.status[idx % 2] = BLK_PENDING;
	r.q->avail_idx = idx + 1;
	store(r.avail_idx, idx + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Until the device has almost done the request at idx, and then a little.  False if that does not
 * come for long: who waits has to find out whether anything was lost.
 */
static bool wait_for_moment(uint16_t idx)
{
	unsigned n = 0, delay = drv_random(&r.seed) % DELAY_MAX;

	while (__atomic_load_n(r.status[idx % 2], __ATOMIC_ACQUIRE) == BLK_PENDING) {
		spin(&n);
		if (n > SPINS_MAX)
			return false;
	}
	while (delay--)
		__asm__ volatile("");
	return true;
}

static void want_interrupt(bool yes)
{
	if (has_event_idx())
		store(r.used_event, yes ? r.q->used_seen : r.q->used_seen - 1);
	else
		store(r.avail_flags, !yes);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bool wants_notification(uint16_t idx)
{
	return has_event_idx() ? load(r.avail_event) == idx : !load(r.used_flags);
}

/*
 * The device is about to sleep when one more request comes.  Either it has seen that one, then
 * there can be another, or it has to be told.
 */
static void one_more_request(void)
{
	uint16_t first = r.q->avail_idx, idx = first;

	want_interrupt(false);
	make_available(idx);
	notify();
	while (wait_for_moment(idx) && (uint16_t)(idx - first) < IN_A_ROW) {
		make_available(++idx);
		if (wants_notification(idx)) {
			notify();
			break;
		}
	}
	sim_check(all_used(), "a notification was lost at %u", idx);
	r.q->used_seen = r.q->avail_idx;
}

/* The driver goes to sleep, while the device shows what it would wait for. */
static void interrupt_wanted(void)
{
	unsigned before = interrupts(r.q->d);
	uint16_t idx = r.q->avail_idx;
	bool asleep;

	want_interrupt(false);
	make_available(idx);
	notify();
	wait_for_moment(idx);
	want_interrupt(true);
	asleep = load(r.used_idx) == r.q->used_seen;
	sim_check(all_used(), "the request at %u was not used", idx);
	sim_check(!asleep || was_interrupted(before), "an interrupt was lost at %u", idx);
	r.q->used_seen = r.q->avail_idx;
}

static void *driver(void *arg)
{
	(void)arg;
	race_take_cpu();
	for (unsigned i = 0; i < ROUNDS; i++) {
		one_more_request();
		/* That is one try, where the other often has several. */
		for (unsigned k = 0; k < 3; k++)
			interrupt_wanted();
	}
	r.stop = true;
	sem_post(&r.ask);
	return NULL;
}

/* Two requests that need no storage, at even and at odd indices. */
static void prepare(struct drv *d)
{
	struct drv_queue *q = &d->q[0];
	static struct pool pool;

	pool_init(&pool, q, 2);
	for (unsigned i = 0; i < q->size; i++)
		drv_set_avail_ring(q, i, pool.r[i % 2].head);
	r.q = q;
	r.avail_flags = drv_ram(d, q->avail, 4);
	r.avail_idx = r.avail_flags + 1;
	r.used_event = drv_ram(d, q->avail + 4 + 2 * q->size, 2);
	r.used_flags = drv_ram(d, q->used, 4);
	r.used_idx = r.used_flags + 1;
	r.avail_event = drv_ram(d, q->used + 4 + 8 * q->size, 2);
	for (unsigned i = 0; i < 2; i++)
		r.status[i] = drv_ram(d, pool.r[i].seg[2].gpa, 1);
	r.seed = 3;
	r.stop = false;
	sem_init(&r.ask, 0, 0);
	sem_init(&r.done, 0, 0);
}

void race(struct drv *d, uint64_t without)
{
	pthread_t vcpu;

	drv_boot(d, without);
	prepare(d);
	vcpu = guest_run(driver, NULL);
	for (sem_wait(&r.ask); !r.stop; sem_wait(&r.ask)) {
		drv_kick(r.q);
		sem_post(&r.done);
	}
	guest_join(vcpu);
}
