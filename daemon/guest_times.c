/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest has to do by a time, or after one; see also guest_check_deadline(). */
#include "daemon/discover.h"
#include "daemon/guest.h"

/*
 * libxl reads state 6 when the watch event reaches it.  A directory that is gone by then is an
 * error that it prints; one that stays is waited for.
 */
#define REMOVE_MS 800

uint64_t guest_deadline(const struct guest *g)
{
	uint64_t first = g->leave_by;

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		first = clock_first(first, g->disks[i].leave_by);
	return g->worker.pid ? first : 0;
}

void guest_plan_removal(struct guest *g, struct guest_disk *d)
{
	if (!g->ctx->driver_domain || !d->known || d->remove_at ||
	    discover_state(g->ctx->xenstore, d->dir) != XENBUS_CLOSED)
		return;
	d->remove_at = clock_ms() + REMOVE_MS;
}

uint64_t guest_removal_due(const struct guest *g)
{
	uint64_t first = 0;

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].known)
			first = clock_first(first, g->disks[i].remove_at);
	return first;
}

void guest_remove_closed(struct guest *g, uint64_t now_ms)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
		struct guest_disk *d = &g->disks[i];

		if (!d->known || !d->remove_at || now_ms < d->remove_at)
			continue;
		d->remove_at = 0;
		/* The event of that tells that the disk is gone; or libxl has made it anew. */
		discover_remove(g->ctx->xenstore, d->dir, &d->subject);
	}
}
