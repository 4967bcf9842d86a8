/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is notified when, with and without EVENT_IDX (VIRTIO 1.3, 2.7.7.2, 2.7.10.2). */
#include <stdatomic.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define WITHOUT_EVENT_IDX BIT64(F_EVENT_IDX)

static struct pool pool;
static uint64_t seed = 2;

static struct drv_queue *start_pool(uint64_t without)
{
	struct drv *d = running_device(without);

	pool_init(&pool, &d->q[0], POOL_MAX);
	return &d->q[0];
}

static void C8_used_event_is_ignored_without_event_idx(void)
{
	struct drv_queue *q = start_pool(WITHOUT_EVENT_IDX);

	for (unsigned i = 0; i < 400; i++) {
		uint16_t flags = i & 1, event = q->avail_idx - 3 + i / 2 % 8;

		drv_set_avail_flags(q, flags);
		drv_set_used_event(q, i % 5 ? event : drv_random(&seed));
		sim_check(pool_serve(&pool, 1 + i % 3) == !flags, "flags %u, used_event %u", flags,
			  event);
	}
}

static void C9_no_interrupt_with_flag(void)
{
	struct drv_queue *q = start_pool(WITHOUT_EVENT_IDX);

	drv_set_avail_flags(q, 1);
	for (unsigned i = 0; i < 200; i++)
		sim_check(pool_serve(&pool, 1 + i % POOL_MAX) == 0, "an interrupt");
}

static void C10_interrupt_without_flag(void)
{
	struct drv_queue *q = start_pool(WITHOUT_EVENT_IDX);
	unsigned rule, before;
	struct drv_blk slow;

	for (unsigned i = 0; i < 200; i++)
		sim_check(pool_serve(&pool, 1 + i % POOL_MAX) >= 1, "no interrupt");
	/* Also when it was suppressed before. */
	drv_set_avail_flags(q, 1);
	pool_serve(&pool, 5);
	drv_set_avail_flags(q, 0);
	sim_check(pool_serve(&pool, 1) == 1, "no interrupt");
	/* And while another request is in flight. */
	drv_boot(q->d, WITHOUT_EVENT_IDX);
	pool_init(&pool, q, 1);
	rule = hold(FAULT_BIT(FAULT_READ));
	start_slow_read(q->d, 0, rule, &slow);
	before = interrupts(q->d);
	pool_add(&pool, 1);
	drv_kick(q);
	settle(q, q->avail_idx - 1);
	pool_take(&pool, 1);
	sim_check(interrupts(q->d) == before + 1, "no interrupt before a slow request");
	faults_remove(&sim.faults, rule);
	settle(q, q->avail_idx);
}

static void C11_flag_is_ignored_with_event_idx(void)
{
	struct drv_queue *q = start_pool(0);

	for (unsigned i = 0; i < 200; i++) {
		uint16_t n = 1 + i % 5;
		bool within = i & 1;

		drv_set_avail_flags(q, i / 2 & 1);
		drv_set_used_event(q, q->avail_idx + (within ? n - 1 : n));
		sim_check(pool_serve(&pool, n) == within, "flags %u, %s", i / 2 & 1,
			  within ? "no interrupt" : "an interrupt");
	}
}

/* A batch of n elements with used_event at old + delta; the indices go once round and more. */
static void batches(bool (*within)(unsigned n, int *ret_delta), unsigned wanted)
{
	struct drv_queue *q = start_pool(0);

	for (uint32_t total = 0; total < 0x10000 + 1000;) {
		unsigned n = 1 + drv_random(&seed) % POOL_MAX;
		int delta;

		if (!within(n, &delta))
			continue;
		drv_set_used_event(q, q->avail_idx + delta);
		sim_check(pool_serve(&pool, n) == wanted, "used_event at %d of %u, from %u on",
			  delta, n, (uint16_t)(q->avail_idx - n));
		total += n;
	}
}

static bool inside(unsigned n, int *ret_delta)
{
	unsigned k = drv_random(&seed) % 4;

	*ret_delta = k == 0 ? 0 : k == 1 ? (int)n - 1 : (int)(drv_random(&seed) % n);
	return true;
}

static bool outside(unsigned n, int *ret_delta)
{
	unsigned k = drv_random(&seed) % 4;

	*ret_delta = k == 0 ? -1 : k == 1 ? (int)n : (int)(drv_random(&seed) % 0x10000);
	return *ret_delta < 0 || *ret_delta >= (int)n;
}

static void C12_interrupt_at_used_event(void)
{
	batches(inside, 1);
}

static void C13_no_other_interrupt(void)
{
	batches(outside, 0);
}

/* A vCPU that looks at used.flags all the time; bits: the values that it saw. */
static struct {
	struct drv_queue *q;
	atomic_bool stop;
	atomic_uint seen;
} watch;

static void *watch_flags(void *arg)
{
	(void)arg;
	while (!watch.stop)
		watch.seen |= 1u << (drv_used_flags(watch.q) < 2 ? drv_used_flags(watch.q) : 2);
	return NULL;
}

/* All values of used.flags that are seen while requests are served, and after. */
static unsigned flags_seen(struct drv_queue *q)
{
	pthread_t vcpu;

	watch.q = q;
	vcpu = guest_run(watch_flags, NULL);
	for (unsigned i = 0; i < 1000; i++)
		pool_serve(&pool, 1 + i % POOL_MAX);
	watch.stop = true;
	guest_join(vcpu);
	return watch.seen;
}

/*
 * The worker stands still in the middle of its round, since its interrupt does: a ringful
 * of requests is used, and it does not know yet whether there are more.  Returns the rule
 * that holds it.
 */
static unsigned stop_in_mid_round(struct drv_queue *q)
{
	struct fault_rule first = { .ops = FAULT_BIT(FAULT_DM_SET_IRQ_LEVEL),
				    .count = 1,
				    .action = FAULT_HOLD };
	unsigned rule = faults_add(&sim.faults, &first);

	pool_add(&pool, q->size);
	drv_kick(q);
	faults_wait_held(&sim.faults, rule, 1);
	sim_check(drv_used_idx(q) == q->size, "used.idx is %u", drv_used_idx(q));
	pool_take(&pool, q->size);
	return rule;
}

static struct drv_queue *ring_for_a_round(uint64_t without)
{
	struct drv *d;

	/* What stop_in_mid_round() holds is not there with irqfd. */
	sim_do_without_irqfd();
	d = device(&(struct device_spec){ .bytes = 0 });
	sim_check(drv_negotiate(d, drv_offered(d) & ~without) && drv_setup_queue(d, 0, POOL_MAX),
		  "the ring");
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	/*
	 * It has looked at the ring for the first time when it answers the next access, and looks
	 * there no more, unless it is kicked, when it sleeps.
	 */
	drv_status(d);
	sim_wait_asleep(sim_worker(the_guest->domid));
	pool_init(&pool, &d->q[0], POOL_MAX);
	return &d->q[0];
}

/* In mid-round the device wants no notification, and what comes then is served without. */
static void no_notification_in_mid_round(struct drv_queue *q)
{
	unsigned rule = stop_in_mid_round(q);
	uint16_t old = q->avail_idx;

	pool_add(&pool, 8);
	sim_check(!drv_kick_wanted(q, old), "it wants a notification");
	faults_release(&sim.faults, rule, 1);
	settle(q, q->avail_idx);
	pool_take(&pool, 8);
	/* And then it wants one. */
	settle_kicks(q);
	old = q->avail_idx;
	pool_add(&pool, 1);
	sim_check(drv_kick_wanted(q, old), "it wants no notification");
	drv_kick(q);
	settle(q, q->avail_idx);
	pool_take(&pool, 1);
}

static void C18_flag_saves_notifications(void)
{
	no_notification_in_mid_round(ring_for_a_round(WITHOUT_EVENT_IDX));
}

/* In mid-round, where it does not matter who runs when; and at any time. */
static unsigned flags_anywhere(uint64_t without)
{
	struct drv_queue *q = ring_for_a_round(without);
	unsigned rule = stop_in_mid_round(q), flags = drv_used_flags(q);

	sim_check(flags < 2, "used.flags is %#x", flags);
	faults_release(&sim.faults, rule, 1);
	drv_boot(q->d, without);
	pool_init(&pool, q, POOL_MAX);
	return flags_seen(q) | 1u << flags;
}

static void C17_flags_are_0_or_1(void)
{
	unsigned seen = flags_anywhere(WITHOUT_EVENT_IDX);

	sim_check(!(seen & ~3u), "used.flags has other bits");
	sim_check(seen & 1, "used.flags is never 0");
}

static void C19_flags_are_0_with_event_idx(void)
{
	sim_check(flags_anywhere(0) == 1, "used.flags is not always 0");
}

static void C20_avail_event_saves_notifications(void)
{
	no_notification_in_mid_round(ring_for_a_round(0));
}

static void notify_everything(struct drv *d)
{
	static const uint32_t queues[] = { 0,	 1,	 2,	  7,	      8,
					   0xff, 0xffff, 0x10000, 0x80000000, 0xffffffff };

	for (unsigned i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		drv_write(d, R_QUEUE_NOTIFY, queues[i]);
}

/* At each step of the initialisation, with nothing in the ring, and with a broken device. */
static void C21_spurious_notifications(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	struct drv_queue *q = &d->q[0];
	uint64_t features = drv_offered(d);

	notify_everything(d);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE);
	notify_everything(d);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	notify_everything(d);
	sim_check(drv_negotiate(d, features), "features");
	notify_everything(d);
	drv_setup_queue(d, 0, 64);
	notify_everything(d);
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	notify_everything(d);
	sim_check(drv_used_idx(q) == 0 && interrupts(d) == 0, "something came of it");
	pool_init(&pool, q, 4);
	sim_check(pool_serve(&pool, 4) == 1, "interrupts");
	notify_everything(d);
	sim_check(drv_used_idx(q) == 4 && interrupts(d) == 1, "something came of it");
	sim_check(!(drv_status(d) & S_NEEDS_RESET), "status %#x", drv_status(d));

	drv_set_avail_idx(q, q->avail_idx + 1000);
	drv_kick(q);
	/* If the kernel answers kicks the worker hears of it some time. */
	for (unsigned n = 0; !(drv_status(d) & S_NEEDS_RESET);)
		sim_step(&n, "the device to want a reset");
	notify_everything(d);
	drv_boot(d, 0);
	pool_init(&pool, q, 4);
	pool_serve(&pool, 4);
}

const struct clause clauses_c_notify[] = {
	CLAUSE(C8, MUST, true, "2.7.7.2", used_event_is_ignored_without_event_idx,
	       "Without EVENT_IDX it does not matter what lies where used_event would be."),
	CLAUSE(C9, SHOULD_NOT, false, "2.7.7.2", no_interrupt_with_flag,
	       "Without EVENT_IDX, with avail.flags 1: no interrupt for used buffers."),
	CLAUSE(C10, MUST, true, "2.7.7.2", interrupt_without_flag,
	       "Without EVENT_IDX, with avail.flags 0: an interrupt for used buffers."),
	CLAUSE(C11, MUST, true, "2.7.7.2", flag_is_ignored_with_event_idx,
	       "With EVENT_IDX the flag in the available ring does not matter."),
	CLAUSE(C12, MUST, true, "2.7.7.2", interrupt_at_used_event,
	       "With EVENT_IDX: an interrupt when the element is used whose index used_event is, "
	       "also past 65535 and in a batch."),
	CLAUSE(C13, SHOULD_NOT, false, "2.7.7.2", no_other_interrupt,
	       "With EVENT_IDX: no interrupt for other elements."),
	CLAUSE(C17, MUST, true, "2.7.10.2", flags_are_0_or_1,
	       "Without EVENT_IDX used.flags is 0 or 1 at any time."),
	CLAUSE(C18, MAY, false, "2.7.10.2", flag_saves_notifications,
	       "While the device looks anyway, it asks by used.flags for no notifications; what "
	       "comes then is served."),
	CLAUSE(C19, MUST, true, "2.7.10.2", flags_are_0_with_event_idx,
	       "With EVENT_IDX used.flags is 0 at any time."),
	CLAUSE(C20, MAY, false, "2.7.10.2", avail_event_saves_notifications,
	       "With EVENT_IDX it asks for none by an old avail_event; what comes then is served."),
	CLAUSE(C21, MUST, true, "2.7.10.2", spurious_notifications,
	       "Notifications without buffers, for queues that do not exist, at any time: no "
	       "harm."),
	{ .id = NULL },
};
