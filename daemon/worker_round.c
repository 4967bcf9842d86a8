/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * The round hook does all there is to do, once per round: pop and submit, publish and interrupt,
 * and what must wait until nothing is in flight, which is
 *
 *   - IOREQ_TYPE_INVALIDATE: unmap guest memory, let the waiting vCPUs go;
 *   - want of room for more guest memory: unmap what is there;
 *   - detaching a disk;
 *   - leaving.
 */
#include "daemon/worker_private.h"

/*
 * When there is no room at all for guest memory, others in this domain have it: ask again so many
 * milliseconds later.
 */
#define ROOM_MS 100

/* Requests in flight, of disks that use this memory; NULL: any. */
static unsigned inflight(const struct worker *w, const struct guest_mem *mem)
{
	unsigned n = 0;

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (w->disks[i].attached && (!mem || disk_uses(&w->disks[i].disk, mem)))
			n += disk_inflight(&w->disks[i].disk);
	return n;
}

/* What fails once would fail again, until the last request has ended. */
static void events_failed(struct worker *w)
{
	loop_remove(&w->loop, &w->events);
	w->failed = true;
	worker_start_stop(w);
}

void worker_events_ready(struct loop_source *src)
{
	struct worker *w = container_of(src, struct worker, events);

	if (xen_events_drain(&w->xen) < 0) {
		events_failed(w);
		return;
	}
	ioreq_pump(&w->ioreq);
	w->pumped = true;
}

/* Does foreign memory have to be unmapped before anything else is begun with it? */
static bool must_unmap(const struct worker *w)
{
	return w->ioreq.invalidate_pending || w->foreign.starved;
}

/* The next round has disks to run. */
static void room_timer_expired(struct loop_timer *t)
{
	(void)t;
}

static void unmap_foreign(struct worker *w)
{
	if (w->foreign.starved && !w->began && !w->room_timer.pending) {
		w->room_timer.expired = room_timer_expired;
		loop_timer_start(&w->loop, &w->room_timer, ROOM_MS);
	}
	/* Nobody looks at rings that are not mapped. */
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (w->disks[i].attached && disk_uses(&w->disks[i].disk, &w->foreign))
			disk_settle(&w->disks[i].disk);
	guest_mem_invalidate(&w->foreign);
	ioreq_answer_invalidates(&w->ioreq);
	w->began = false;
}

/* Things that wait until nothing is in flight. */
static bool finish_waiting(struct worker *w)
{
	bool more = false;

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
		if (w->disks[i].detaching && !disk_inflight(&w->disks[i].disk)) {
			worker_finish_detach(w, i);
			more = true; /* it looked at slots */
		}
	}
	if (must_unmap(w) && !inflight(w, &w->foreign)) {
		unmap_foreign(w);
		more = true; /* queues were left alone meanwhile */
	}
	if (w->stopping && !inflight(w, NULL))
		loop_stop(&w->loop);
	return more;
}

/* Can requests of the disk be begun now? */
static bool may_run(const struct worker *w, const struct worker_disk *wd)
{
	if (!wd->attached)
		return false;
	return !disk_uses(&wd->disk, &w->foreign) || !(must_unmap(w) || w->room_timer.pending);
}

static bool run_disk(struct worker *w, unsigned i)
{
	struct disk *d = &w->disks[i].disk;
	bool more;

	if (!may_run(w, &w->disks[i]))
		return false;
	more = disk_run(d);
	if (disk_uses(d, &w->foreign)) {
		w->began |= d->began;
		/* When there is room again, who has had none is the first. */
		if (w->foreign.starved)
			w->turn = d->began ? i + 1 : i;
	}
	return more;
}

bool worker_round(void *arg)
{
	struct worker *w = arg;
	unsigned turn = w->turn;
	bool more = false;

	/* Without an event, too: their channels may be masked.  But each has one turn a round. */
	if (!w->pumped && xen_ioreq_is_waiting(&w->xen))
		ioreq_pump(&w->ioreq);
	w->pumped = false;
	for (unsigned n = 0; n < STATE_DISKS_MAX; n++)
		more |= run_disk(w, (turn + n) % STATE_DISKS_MAX);
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (w->disks[i].attached)
			disk_publish(&w->disks[i].disk);
	more |= finish_waiting(w);

	w->state->invalidates = w->ioreq.invalidates;
	w->state->accesses = w->ioreq.accesses;
	w->state->mapped_pages = w->foreign.mapped_pages;
	w->state->mapped_grants = w->grants.mapped_pages;
	w->state->grant_copies = w->grants.copies;
	w->state->failed_grant_copies = w->grants.failed_copies;
	return more;
}

static bool worker_peek(void *arg)
{
	const struct worker *w = arg;

	if (xen_ioreq_is_waiting(&w->xen))
		return true;
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (may_run(w, &w->disks[i]) && disk_peek(&w->disks[i].disk))
			return true;
	return false;
}

/* What may not be run now is settled later: what it waits for wakes the loop. */
static bool worker_settle(void *arg)
{
	struct worker *w = arg;
	bool more = false;

	if (xen_events_unmask(&w->xen) < 0) {
		events_failed(w);
		more = true;
	}
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (may_run(w, &w->disks[i]))
			more |= disk_settle(&w->disks[i].disk);
	return more;
}

static bool worker_is_pending(void *arg)
{
	return inflight(arg, NULL);
}

const struct loop_idle worker_idle = { worker_peek, worker_settle, worker_is_pending };
