/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings are little-endian, as this machine has to be. */
#include "tests/bench/rings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/guest/driver.h"
#include "tests/sim/check.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a little-endian machine");

#define PAGE   4096u
#define SLEEPS 60 /* in vain, before it gives up */

/* 2.7.5 */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* What a request has beside its data; each on cache lines of its own. */
struct slot {
	struct desc table[3];
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} header;
	uint8_t status;
} __attribute__((aligned(128)));

static uint64_t slots_bytes(const struct run_options *o)
{
	return (o->depth * sizeof(struct slot) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static uint64_t data_bytes(const struct run_options *o)
{
	return (o->block + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

uint64_t rings_bytes(const struct run_options *o)
{
	return slots_bytes(o) + o->depth * data_bytes(o);
}

uint64_t rings_pieces(const struct run_options *o)
{
	return (o->memory << 20) / RINGS_PIECE;
}

void rings_wait_touched(struct rings_queue *q)
{
	while (__atomic_load_n(&q->touched, __ATOMIC_RELAXED) < rings_pieces(q->options))
		usleep(1000);
}

unsigned rings_queue_size(const struct run_options *o)
{
	unsigned size = 128;

	while (size < o->depth)
		size *= 2;
	return size;
}

static struct slot *slot_of(struct rings_queue *q, unsigned i)
{
	return (struct slot *)q->memory + i;
}

static uint64_t gpa_of(const struct rings_queue *q, const void *p)
{
	return q->memory_gpa + ((const uint8_t *)p - q->memory);
}

static uint16_t *avail_field(struct rings_queue *q, unsigned i)
{
	return (uint16_t *)q->avail + i;
}

/* What stays the same in all requests of a slot. */
static void prepare(struct rings_queue *q, unsigned i)
{
	const struct run_options *o = q->options;
	struct slot *s = slot_of(q, i);
	uint64_t data = q->memory_gpa + slots_bytes(o) + i * data_bytes(o);

	s->table[0] = (struct desc){ gpa_of(q, &s->header), sizeof(s->header), DESC_NEXT, 1 };
	s->table[1] = (struct desc){ data, o->block, DESC_NEXT, 2 };
	s->table[2] = (struct desc){ gpa_of(q, &s->status), 1, DESC_WRITE, 0 };
	((struct desc *)q->desc)[i] = (struct desc){ gpa_of(q, s->table), sizeof(s->table),
						     DESC_INDIRECT, 0 };
}

/* All in turn, then any.  Two requests may have the same: nobody looks at what they read. */
static uint64_t piece(struct rings_queue *q)
{
	uint64_t pieces = rings_pieces(q->options), i = q->touched;

	if (i < pieces)
		__atomic_store_n(&q->touched, i + 1, __ATOMIC_RELAXED);
	else
		i = run_random(&q->pattern.random) % pieces;
	return q->spread_gpa + i * RINGS_PIECE;
}

/* The next request of a slot; the device does not see it yet. */
static void fill(struct rings_queue *q, unsigned i, uint64_t now)
{
	struct slot *s = slot_of(q, i);
	bool read = run_is_read(&q->pattern);

	s->header.type = read ? T_IN : T_OUT;
	s->header.sector = run_offset(&q->pattern) / DRV_SECTOR;
	if (q->options->memory)
		s->table[1].addr = piece(q);
	s->table[1].flags = DESC_NEXT | (read ? DESC_WRITE : 0);
	s->status = BLK_PENDING;
	q->started[i] = now;
	*avail_field(q, 2 + q->avail_idx++ % q->size) = i;
}

/* Show all that was filled since the index was old, and notify the device if it wants that. */
static void publish(struct rings_queue *q, uint16_t old)
{
	uint16_t event;

	__atomic_store_n(avail_field(q, 1), q->avail_idx, __ATOMIC_RELEASE);
	/* 2.7.13.4.1: between writing idx and reading what the device wants. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n((uint16_t *)(q->used + 4 + 8 * q->size), __ATOMIC_RELAXED);
	if ((uint16_t)(q->avail_idx - event - 1) < (uint16_t)(q->avail_idx - old))
		q->port->kick(q->port, q->index);
}

static uint16_t used_idx(struct rings_queue *q)
{
	return __atomic_load_n((uint16_t *)q->used + 1, __ATOMIC_ACQUIRE);
}

static void set_used_event(struct rings_queue *q, uint16_t event)
{
	__atomic_store_n(avail_field(q, 2 + q->size), event, __ATOMIC_RELAXED);
}

/* A driver that polls wants no interrupt: the event stays half of all numbers ahead. */
static void want_no_interrupt(struct rings_queue *q)
{
	if ((int16_t)(q->quiet_until - q->used_seen) > 0)
		return;
	set_used_event(q, q->used_seen + 0x8000);
	q->quiet_until = q->used_seen + 0x1000;
}

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}

/* Nothing has come: wait. */
static void wait(struct rings_queue *q)
{
	if (!q->options->sleeping) {
		relax();
		return;
	}
	set_used_event(q, q->used_seen);
	/* 2.7.7.2: between writing used_event and the last look. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (used_idx(q) == q->used_seen)
		q->port->sleep(q->port, q->index);
}

/* Take back all that has come up to the index end; a new request for each, unless it is over. */
static void turn(struct rings_queue *q, uint16_t end)
{
	enum run_phase phase = run_phase_now();
	uint16_t old = q->avail_idx;
	uint64_t now = meter_now();

	while (q->used_seen != end) {
		const uint32_t *elem = (uint32_t *)(q->used + 4 + 8 * (q->used_seen++ % q->size));
		uint32_t i = elem[0];

		sim_check(i < q->options->depth && slot_of(q, i)->status == BLK_OK,
			  "queue %u: slot %u has ended badly", q->index, i);
		if (phase == RUN_MEASURED)
			meter_add(&q->latency, now - q->started[i]);
		if (phase != RUN_OVER)
			fill(q, i, now);
	}
	if (!q->options->sleeping)
		want_no_interrupt(q);
	if (q->avail_idx != old)
		publish(q, old);
}

static void *run(void *arg)
{
	struct rings_queue *q = arg;
	unsigned in_vain = 0;

	for (unsigned i = 0; i < q->options->depth; i++) {
		prepare(q, i);
		fill(q, i, meter_now());
	}
	if (!q->options->sleeping)
		want_no_interrupt(q);
	publish(q, 0);
	/* After the end all that was made available has come back. */
	while (run_phase_now() != RUN_OVER || q->used_seen != q->avail_idx) {
		uint16_t end = used_idx(q);

		if (end != q->used_seen) {
			turn(q, end);
			in_vain = 0;
			continue;
		}
		wait(q);
		in_vain += q->options->sleeping;
		sim_check(in_vain < SLEEPS,
			  "queue %u: nothing comes back: available %u, its event %u, used %u, its "
			  "event %u",
			  q->index, q->avail_idx, *(uint16_t *)(q->used + 4 + 8 * q->size),
			  used_idx(q), *avail_field(q, 2 + q->size));
	}
	return NULL;
}

void rings_start(struct rings_queue *q)
{
	q->pattern = (struct run_pattern){ .o = q->options,
					   .random = 0x9e3779b97f4a7c15ull * (q->index + 1) };
	q->started = calloc(q->options->depth, sizeof(*q->started));
	sim_check(q->started && pthread_create(&q->thread, NULL, run, q) == 0, "a thread");
}

void rings_join(struct rings_queue *q)
{
	sim_check(pthread_join(q->thread, NULL) == 0, "join a thread");
	free(q->started);
}
