/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/mmio_check.h"

#include <string.h>

#include "base/util.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/libxen.h"
#include "tests/fuzz/worker_env.h"
#include "tests/guest/driver.h"

#define LOADS_MAX 20000000u /* of one round: its work is bounded */
#define MAPS_MAX  10000u

struct queue queues[DISKS][QUEUES];
bool tidy, detaching[DISKS];

/* Writes of the other vCPU. */
static struct write {
	unsigned after; /* loads since the one before */
	uint64_t gpa;
	uint16_t value;
} writes[16];
static unsigned nr_writes, next_write;
static bool raced; /* some have happened since the last round that was complete */

/* Guest memory while all disks are reset: nobody else writes to it. */
static uint8_t quiet_ram[2][HOT_PAGES * PAGE];
static bool quiet;

void guest_write(uint64_t gpa, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = libxen_ram(gpa + i);
		bool second = gpa >= LIBXEN_RAM1;
		uint64_t at = gpa + i - (second ? LIBXEN_RAM1 : LIBXEN_RAM0);

		if (!p)
			continue;
		*p = ((const uint8_t *)bytes)[i];
		if (at < sizeof(quiet_ram[0]))
			quiet_ram[second][at] = *p;
	}
}

void guest_write16(uint64_t gpa, uint16_t v)
{
	guest_write(gpa, &v, 2);
}

uint16_t guest_read16(uint64_t gpa)
{
	uint8_t *p = libxen_ram(gpa), *end = libxen_ram(gpa + 1);

	return p && end == p + 1 ? p[0] | p[1] << 8 : 0;
}

/* The other vCPU */

static void set_next_write(void)
{
	fuzz_loads_next = next_write < nr_writes ? fuzz_loads + 1 + writes[next_write].after : 0;
}

static void write_happens(void)
{
	const struct write *w = &writes[next_write++];

	guest_write16(w->gpa, w->value);
	raced = true;
	set_next_write();
}

void race_add(unsigned after, uint64_t gpa, uint16_t value)
{
	if (nr_writes == ARRAY_SIZE(writes))
		return;
	writes[nr_writes++] = (struct write){ after, gpa, value };
	if (next_write + 1 == nr_writes)
		set_next_write();
}

/* The worker */

/* Everything that the worker does is between these. */
void enter(void)
{
	fuzz_loads_on = true;
}

static void check_queue(unsigned slot, unsigned i)
{
	const struct virtq_state *s = &state_of(slot)->queues[i];
	struct queue *q = &queues[slot][i];
	uint32_t popped = s->serial - q->seen.serial;
	uint32_t given_back = popped + q->seen.inflight - s->inflight;

	fuzz_check(given_back <= popped + q->seen.inflight, "more given back than popped");
	if (q->seen.ready && s->ready)
		fuzz_check((uint16_t)(s->used - q->seen.used) <= given_back,
			   "%u used, %u given back", s->used - q->seen.used, given_back);
	fuzz_check((uint16_t)(s->used - s->published) <= VIRTQ_SIZE_MAX, "published %u, used %u",
		   s->published, s->used);
	fuzz_check(!s->ready || !s->resetting, "ready while it is reset");
	q->seen = (struct virtq_state){ .ready = s->ready,
					.used = s->used,
					.published = s->published,
					.inflight = s->inflight,
					.serial = s->serial };
}

static void check_disk(unsigned slot)
{
	const struct virtio_state *s = state_of(slot);
	struct fake_backend *f = env_backend(slot);
	unsigned inflight = 0;

	if (!f)
		return;
	for (unsigned i = 0; i < QUEUES; i++) {
		inflight += s->queues[i].inflight;
		check_queue(slot, i);
	}
	fuzz_check(inflight == f->nr_held, "%u in flight, %u in the backend", inflight, f->nr_held);
	if (s->status)
		return;
	fuzz_check(!inflight && !s->resetting, "status 0 with %u in flight", inflight);
	for (unsigned i = 0; i < QUEUES; i++)
		fuzz_check(!s->queues[i].ready, "status 0 with queue %u ready", i);
}

static bool ram_is_quiet(void)
{
	return !memcmp(quiet_ram[0], libxen_ram(LIBXEN_RAM0), sizeof(quiet_ram[0])) &&
	       !memcmp(quiet_ram[1], libxen_ram(LIBXEN_RAM1), sizeof(quiet_ram[1]));
}

/* now: look at memory in any case. */
static void check_quiet(bool now)
{
	bool all = true;

	for (unsigned i = 0; i < DISKS; i++)
		all &= !env_backend(i) || !state_of(i)->status;
	if (quiet && (now || !all))
		fuzz_check(ram_is_quiet(), "guest memory was written to after a reset");
	if (all && !quiet) {
		memcpy(quiet_ram[0], libxen_ram(LIBXEN_RAM0), sizeof(quiet_ram[0]));
		memcpy(quiet_ram[1], libxen_ram(LIBXEN_RAM1), sizeof(quiet_ram[1]));
	}
	quiet = all;
}

void leave(void)
{
	fuzz_loads_on = false;
	for (unsigned i = 0; i < DISKS; i++)
		check_disk(i);
	check_quiet(false);
}

/* Is the guest told of what was published, if it wants to be?  Nobody has interfered. */
static void check_interrupt(unsigned slot, const struct virtq_state *before, unsigned interrupts)
{
	const struct virtio_state *s = state_of(slot);
	bool wanted = false;

	for (unsigned i = 0; i < QUEUES; i++) {
		const struct virtq_state *q = &s->queues[i];
		bool event_idx = s->driver_features >> F_EVENT_IDX & 1;

		if (!q->ready || q->published == before[i].published)
			continue;
		fuzz_check(guest_read16(q->device + 2) == q->published, "used index %u, not %u",
			   guest_read16(q->device + 2), q->published);
		for (uint16_t at = before[i].published; at != q->published; at++)
			fuzz_check(guest_read16(q->device + 4 + 8 * (at % q->size)) < q->size,
				   "a head that is not in the table was used");
		if (event_idx)
			wanted |= virtq_event_crossed(guest_read16(q->driver + 4 + 2 * q->size),
						      q->published, before[i].published);
		else
			wanted |= !(guest_read16(q->driver) & 1);
	}
	fuzz_check(!wanted || libxen_interrupts(IRQ + slot) > interrupts, "an interrupt is lost");
}

/* The worker would sleep now: has it seen all that it was told of?  Nobody has interfered. */
static void check_kicks(unsigned slot)
{
	const struct virtio_state *s = state_of(slot);

	for (unsigned i = 0; i < QUEUES; i++) {
		const struct virtq_state *v = &s->queues[i];
		const struct queue *q = &queues[slot][i];

		if (q->kicked && v->ready && s->status == 0xf && !s->resetting &&
		    guest_read16(v->driver + 2) == q->kicked_at)
			fuzz_check((int16_t)(v->last_avail - q->kicked_at) >= 0,
				   "a kick is lost: popped %u of %u", v->last_avail, q->kicked_at);
	}
}

static bool all_vcpus_run(void)
{
	for (unsigned i = 0; i < LIBXEN_VCPUS; i++)
		if (!libxen_vcpu_runs(i))
			return false;
	return true;
}

/* One round of the worker. */
bool round_once(void)
{
	struct virtq_state before[DISKS][QUEUES];
	unsigned interrupts[DISKS], maps = libxen_maps();
	uint64_t loads = fuzz_loads;
	bool more;

	for (unsigned i = 0; i < DISKS; i++) {
		for (unsigned k = 0; k < QUEUES; k++)
			before[i][k] = queues[i][k].seen;
		interrupts[i] = libxen_interrupts(IRQ + i);
	}
	enter();
	more = env_round();
	leave();
	check_quiet(true);
	fuzz_check(fuzz_loads - loads < LOADS_MAX, "a round of %u loads",
		   (unsigned)(fuzz_loads - loads));
	fuzz_check(libxen_maps() - maps < MAPS_MAX, "a round that maps %u times",
		   libxen_maps() - maps);

	for (unsigned i = 0; i < DISKS && tidy && !raced; i++)
		if (env_backend(i))
			check_interrupt(i, before[i], interrupts[i]);
	if (more)
		return true;
	for (unsigned i = 0; i < DISKS && tidy && !raced && all_vcpus_run(); i++)
		if (env_backend(i) && !detaching[i] && !env_hung_up())
			check_kicks(i);
	for (unsigned i = 0; i < DISKS; i++)
		for (unsigned k = 0; k < QUEUES; k++)
			queues[i][k].kicked = false;
	raced = false;
	return false;
}

/* A vCPU asks, and is answered at once but for an INVALIDATE. */
bool ask(unsigned vcpu, const struct libxen_ask *a)
{
	if (!libxen_vcpu_runs(vcpu))
		return false;
	enter();
	libxen_ask(vcpu, a);
	env_event();
	leave();
	fuzz_check(a->kind == LIBXEN_INVALIDATE || libxen_vcpu_runs(vcpu), "no answer");
	return true;
}

void access_window(unsigned vcpu, unsigned slot, bool read, unsigned off, unsigned size,
		   uint64_t value)
{
	const struct libxen_ask a = { .kind = LIBXEN_ACCESS,
				      .read = read,
				      .addr = WINDOWS + slot * VIRTIO_MMIO_WINDOW + off,
				      .data = value,
				      .size = size };
	const struct virtio_state *s = state_of(slot);

	/* Kicks from before a reset are forgotten. */
	for (unsigned i = 0; i < QUEUES && !read && off == R_STATUS && !value && slot < DISKS; i++)
		queues[slot][i].kicked = false;
	if (!read && off == R_QUEUE_NOTIFY && value < QUEUES && slot < DISKS) {
		struct queue *q = &queues[slot][value];

		/* A kick counts if the device is alive by then. */
		q->kicked = s->status == 0xf;
		q->kicked_at = guest_read16(s->queues[value].driver + 2);
	}
	ask(vcpu, &a);
}

void check_start(void)
{
	memset(queues, 0, sizeof(queues));
	memset(detaching, 0, sizeof(detaching));
	nr_writes = next_write = 0;
	fuzz_loads = fuzz_loads_next = 0;
	fuzz_loads_event = write_happens;
	raced = quiet = false;
	tidy = true;
}
