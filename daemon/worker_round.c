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

void worker_events_ready(struct loop_source *src)
{
	struct worker *w = container_of(src, struct worker, events);

	if (xen_events_drain(&w->xen) < 0) {
		/* What fails once would fail again, until the last request has ended. */
		loop_remove(&w->loop, &w->events);
		w->failed = true;
		worker_start_stop(w);
		return;
	}
	ioreq_pump(&w->ioreq);
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

static bool run_disk(struct worker *w, unsigned i)
{
	struct disk *d = &w->disks[i].disk;
	bool foreign, more;

	if (!w->disks[i].attached)
		return false;
	foreign = disk_uses(d, &w->foreign);
	if (foreign && (must_unmap(w) || w->room_timer.pending))
		return false;
	more = disk_run(d);
	if (foreign) {
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
