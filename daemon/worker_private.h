/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two parts of the worker share: its life (worker.c) and its rounds (worker_round.c). */
#ifndef DAEMON_WORKER_PRIVATE_H
#define DAEMON_WORKER_PRIVATE_H

#include "daemon/disk.h"
#include "daemon/state.h"
#include "transport/ioreq.h"
#include "transport/kicks.h"

struct worker_disk {
	struct disk disk;
	struct kicks kicks;
	bool attached;
	bool detaching; /* the watcher waits for LINK_DETACHED */
};

struct worker {
	struct log_subject subject;
	struct loop loop;
	struct loop_source link;
	struct loop_source events;
	struct state *state;
	struct xen_domain xen;
	struct guest_mem foreign;
	struct guest_mem grants; /* GUEST_MEM_NULL: there are none */
	bool may_grant;
	struct ioreq_server ioreq;
	bool pumped; /* since the last round */
	struct worker_disk disks[STATE_DISKS_MAX];
	unsigned turn; /* the disk that a round begins with */
	bool began;    /* since foreign memory was unmapped, a request has been */
	struct loop_timer room_timer;
	bool stopping;
	bool failed; /* it stops by itself */
};

/* The event channels are readable (loop_source.ready). */
void worker_events_ready(struct loop_source *src);

/* loop.round of the worker. */
bool worker_round(void *arg);

/* loop.idle of the worker. */
extern const struct loop_idle worker_idle;

/* Take no more requests, and leave when nothing is in flight. */
void worker_start_stop(struct worker *w);

/* Close a disk with nothing in flight, and tell the watcher. */
void worker_finish_detach(struct worker *w, unsigned slot);

#endif
