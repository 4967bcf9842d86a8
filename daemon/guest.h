/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guest as the watcher sees it: its worker process, its disks, and how far each of them has
 * come in the handshake with libxl.  A guest that reboots is another guest: it has a new domid.
 */
#ifndef DAEMON_GUEST_H
#define DAEMON_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "config/config.h"
#include "daemon/discover.h"
#include "daemon/link.h"
#include "daemon/spawn.h"
#include "daemon/state.h"
#include "transport/xenstore.h"

/* What the guests share; owned by the watcher. */
struct guest_context {
	struct loop *loop;
	struct xenstore *xenstore;
	const struct config *config;
	struct worker_options worker; /* but for grants, which depend on the guest */
	bool driver_domain;	      /* closed disks' directories are ours to remove */
};

enum guest_disk_phase {
	GUEST_DISK_NEW,	      /* not looked at, or some nodes are missing still */
	GUEST_DISK_ATTACHING, /* the worker was told */
	GUEST_DISK_SERVED,    /* state 2 */
	GUEST_DISK_FAILED,    /* cannot be served; the error node says why */
	GUEST_DISK_DETACHING, /* the worker was told */
	GUEST_DISK_CLOSED,    /* state 6, or nothing left to do */
};

struct guest_disk {
	enum guest_disk_phase phase;
	bool known; /* this slot is in use */
	/*
	 * ms of CLOCK_MONOTONIC when the worker is killed if it still has this disk; 0: it may keep
	 * it.  An ATTACHING disk with that is to be detached once it is attached.
	 */
	uint64_t leave_by;
	uint64_t remove_at; /* CLOSED: ms, when the directory is to be removed; 0: it is not ours */
	uint64_t tried;	    /* FAILED: discover_fingerprint() of what failed */
	struct disk_id id;
	char dir[XENSTORE_PATH_MAX]; /* backend directory */
	struct log_subject subject;
};

struct guest {
	struct guest *next;
	struct guest_context *ctx; /* borrowed */
	uint16_t domid;
	char name[CONFIG_NAME_MAX + 1]; /* as in xenstore */
	struct log_subject subject;
	struct worker_process worker; /* pid 0: none */
	struct loop_source exit_source, link_source;
	bool worker_heard;					  /* it has said something */
	char worker_why[sizeof(((struct link_message *)0)->why)]; /* it could not start; or "" */
	uint64_t leave_by;	       /* as a disk's, for the worker itself */
	struct log_limit worker_limit; /* for lines that a worker can provoke */
	int state_fd;	     /* of the state; kept, like the state, when a worker is lost */
	struct state *state; /* shared with the worker */
	bool worker_lost;    /* it ended before its time: its disks can't be served any more */
	bool stopping;	     /* guest_stop() */
	bool had_disks;	     /* that were ours to serve */
	struct guest_disk disks[STATE_DISKS_MAX]; /* by slot, as in the state */
};

/* A guest without disks and without a worker.  NULL with -ENOMEM logged. */
struct guest *guest_new(struct guest_context *ctx, uint16_t domid, const char *name);

/* Free a guest; a worker that still runs is let go, as by guest_stop().  NULL is fine. */
void guest_free(struct guest *g);

/* Look at the backend directory of a disk and do what it asks for. */
void guest_check_disk(struct guest *g, struct disk_id id);

/*
 * When the worker must have detached a disk, or have left: ms of CLOCK_MONOTONIC.  0: it may go on,
 * or there is none.
 */
uint64_t guest_deadline(const struct guest *g);

/*
 * End a worker that has not done by now what it had to: the guest's memory and images must not
 * depend on its good will.
 */
void guest_check_deadline(struct guest *g, uint64_t now_ms);

/*
 * In a driver domain: ms when the first directory of a closed disk is to be removed (0: there is
 * none), and remove those whose time has come.
 */
uint64_t guest_removal_due(const struct guest *g);
void guest_remove_closed(struct guest *g, uint64_t now_ms);

/* A disk is in state 6; for guest.c. */
void guest_plan_removal(struct guest *g, struct guest_disk *d);

/* The images of its disks may have been resized: have the worker look. */
void guest_check_sizes(struct guest *g);

/* The domain is gone, without a handshake: let go of all its disks. */
void guest_release(struct guest *g);

/*
 * The daemon ends: say what is left behind, and let the worker go.  It finishes the requests in
 * flight and ends; its ioreq server stays in Xen, so the guest waits rather than crashes.
 */
void guest_stop(struct guest *g);

/* Does its worker process still run? */
static inline bool guest_has_worker(const struct guest *g)
{
	return g->worker.pid != 0;
}

/* Nothing is left of it: no disks, no worker. */
bool guest_is_over(const struct guest *g);

/* Disks served now. */
unsigned guest_disks_served(const struct guest *g);

#endif
