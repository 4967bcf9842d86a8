/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * guest_check_disk() compares what xenstore says (state 1, 2, 5, or no directory) with the phase of
 * the disk, and takes the next step; the worker's answers take the one after that.  Both are safe
 * to repeat, for watches fire for our own writes, too.
 *
 *   NEW --ATTACH--> ATTACHING --ATTACHED--> SERVED --DETACH--> DETACHING --DETACHED--> CLOSED
 *    |                  |
 *    +-----> FAILED <---+     tried again when a node changes; closed at once
 *
 * The worker is started for the first disk and ends after the last one: it unmaps guest memory and
 * destroys the ioreq server before it answers the last DETACH, so state 6, written then, tells
 * libxl the truth.
 */
#include "daemon/guest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "daemon/discover.h"
#include "daemon/plan.h"

/* To detach a disk or to leave; libxl waits 10 s for state 6, which comes after unmapping. */
#define LEAVE_MS 5000

struct guest *guest_new(struct guest_context *ctx, uint16_t domid, const char *name)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g) {
		fail(-ENOMEM, NULL, "cannot serve domain %u", domid);
		return NULL;
	}
	g->ctx = ctx;
	g->domid = domid;
	g->worker = WORKER_PROCESS_NULL;
	g->state_fd = -1;
	snprintf(g->name, sizeof(g->name), "%s", name);
	log_subject_set(&g->subject, name, "");
	return g;
}

/* Asking again, for any reason, gives no more time: libxl waits since it asked first. */
static void set_deadline(uint64_t *leave_by)
{
	if (!*leave_by)
		*leave_by = clock_ms() + LEAVE_MS;
}

/* The worker sees the end of file, and leaves. */
static void close_link(struct guest *g)
{
	if (g->worker.link_fd >= 0 && !g->stopping)
		set_deadline(&g->leave_by);
	loop_remove(g->ctx->loop, &g->link_source);
	closep(&g->worker.link_fd);
	g->worker.link_fd = -1;
}

static void forget_worker(struct guest *g)
{
	close_link(g);
	loop_remove(g->ctx->loop, &g->exit_source);
	closep(&g->worker.pidfd);
	g->worker = WORKER_PROCESS_NULL;
	g->worker_heard = false;
	g->worker_why[0] = 0;
	g->leave_by = 0;
}

static void forget_state(struct guest *g)
{
	state_unmap(g->state);
	g->state = NULL;
	closep(&g->state_fd);
	g->state_fd = -1;
}

void guest_free(struct guest *g)
{
	if (!g)
		return;
	forget_worker(g);
	forget_state(g);
	free(g);
}

static unsigned count(const struct guest *g, enum guest_disk_phase phase)
{
	unsigned n = 0;

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		n += g->disks[i].known && g->disks[i].phase == phase;
	return n;
}

unsigned guest_disks_served(const struct guest *g)
{
	return count(g, GUEST_DISK_SERVED);
}

/* Does the worker have, or will it have, anything to do? */
static bool worker_needed(const struct guest *g)
{
	return count(g, GUEST_DISK_ATTACHING) || count(g, GUEST_DISK_SERVED) ||
	       count(g, GUEST_DISK_DETACHING);
}

bool guest_is_over(const struct guest *g)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].known)
			return false;
	return !g->worker.pid;
}

/* The disk is closed, as far as we are concerned. */
static void disk_closed(struct guest *g, struct guest_disk *d)
{
	d->phase = GUEST_DISK_CLOSED;
	d->leave_by = 0;
	discover_set_state(g->ctx->xenstore, d->dir, XENBUS_CLOSING, XENBUS_CLOSED, &d->subject);
	if (!xenstore_exists(g->ctx->xenstore, d->dir))
		d->known = false;
	guest_plan_removal(g, d);
	if (!worker_needed(g))
		close_link(g);
}

static void disk_failed(struct guest *g, struct guest_disk *d, const char *why)
{
	d->phase = GUEST_DISK_FAILED;
	d->tried = discover_fingerprint(g->ctx->xenstore, d->dir);
	discover_set_error(g->ctx->xenstore, d->dir, why);
	if (d->leave_by)
		disk_closed(g, d);
}

/* A worker without a link is leaving, and has no need to be told. */
static void tell(struct guest *g, enum link_type type, unsigned slot, const char *what)
{
	const struct link_message m = { .type = type, .slot = slot };
	int r = g->worker.link_fd < 0 ? 0 : link_send(g->worker.link_fd, &m, NULL);

	if (r)
		fail(r, &g->disks[slot].subject, "cannot tell the worker to %s", what);
}

static void send_detach(struct guest *g, unsigned slot)
{
	g->disks[slot].phase = GUEST_DISK_DETACHING;
	set_deadline(&g->disks[slot].leave_by);
	tell(g, LINK_DETACH, slot, "detach");
}

static void attach_answered(struct guest *g, const struct link_message *m)
{
	struct guest_disk *d = &g->disks[m->slot];

	if (m->result) {
		disk_failed(g, d, m->why);
		if (!worker_needed(g))
			close_link(g);
		return;
	}
	d->phase = GUEST_DISK_SERVED;
	if (d->leave_by) {
		send_detach(g, m->slot);
		return;
	}
	discover_set_error(g->ctx->xenstore, d->dir, NULL);
	discover_set_state(g->ctx->xenstore, d->dir, XENBUS_INITIALISING, XENBUS_INIT_WAIT,
			   &d->subject);
}

/* The worker cannot go on. */
static void worker_gone(struct guest *g, const char *why)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
		struct guest_disk *d = &g->disks[i];

		if (d->phase == GUEST_DISK_DETACHING)
			disk_closed(g, d);
		else if (d->phase == GUEST_DISK_ATTACHING || d->phase == GUEST_DISK_SERVED)
			disk_failed(g, d, why);
	}
}

static void detach_answered(struct guest *g, unsigned slot)
{
	struct guest_disk *d = &g->disks[slot];

	state_log_counters(g->state, slot, &d->subject);
	disk_closed(g, d);
	/* libxl may have made the directory anew meanwhile. */
	if (d->known)
		guest_check_disk(g, d->id);
}

/* A worker that a guest has taken over must not get further than its own disks. */
static void hear(struct guest *g, const struct link_message *m)
{
	struct guest_disk *d = m->slot < STATE_DISKS_MAX ? &g->disks[m->slot] : NULL;
	uint64_t suppressed;

	if (m->type == LINK_FAILED && !g->worker_heard) {
		/* It holds images until it has ended. */
		memcpy(g->worker_why, m->why, sizeof(m->why));
		close_link(g);
	} else if (m->type == LINK_ATTACHED && d && d->known && d->phase == GUEST_DISK_ATTACHING) {
		attach_answered(g, m);
	} else if (m->type == LINK_DETACHED && d && d->known && d->phase == GUEST_DISK_DETACHING) {
		detach_answered(g, m->slot);
	} else if (log_limit_pass(&g->worker_limit, &suppressed)) {
		log_err(&g->subject, "strange message %d about slot %u from the worker", m->type,
			m->slot);
	} else {
		/* It would keep this process busy. */
		close_link(g);
	}
	g->worker_heard = true;
}

/* True if there was a message. */
static bool receive(struct guest *g)
{
	struct link_message m;
	int r;

	if (g->worker.link_fd < 0)
		return false;
	r = link_receive(g->worker.link_fd, &m, NULL);
	if (r == -EAGAIN)
		return false;
	if (r < 0)
		fail(r, &g->subject, "cannot understand the worker (pid %d)", g->worker.pid);
	if (r <= 0) {
		/* What became of it, its exit will tell, which must come. */
		close_link(g);
		return false;
	}
	hear(g, &m);
	return true;
}

static void link_readable(struct loop_source *src)
{
	receive(container_of(src, struct guest, link_source));
}

void guest_check_deadline(struct guest *g, uint64_t now_ms)
{
	uint64_t deadline = guest_deadline(g);

	if (!deadline || now_ms < deadline)
		return;
	log_warn(&g->subject, "the worker (pid %d) has not let go in %d s and is killed",
		 g->worker.pid, LEAVE_MS / 1000);
	pidfd_send_signal(g->worker.pidfd, SIGKILL, NULL, 0);
	close_link(g);
	/* A process that waits for a dead disk takes its time: no line every second. */
	g->leave_by = now_ms + 60ull * LEAVE_MS;
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].leave_by)
			g->disks[i].leave_by = g->leave_by;
}

static void worker_exited(struct loop_source *src)
{
	struct guest *g = container_of(src, struct guest, exit_source);
	int status = 0;

	if (waitpid(g->worker.pid, &status, WNOHANG) == 0)
		return;
	/* Answers that it gave before it ended. */
	while (receive(g))
		;
	spawn_log_exit(&g->worker, status, &g->subject);
	if (worker_needed(g) && !g->stopping) {
		g->worker_lost = !g->worker_why[0];
		worker_gone(g, g->worker_lost ? "the process that served this guest has ended"
					      : g->worker_why);
	}
	forget_worker(g);
	/* Disks that came while it was leaving. */
	for (unsigned i = 0; i < STATE_DISKS_MAX && !g->stopping; i++)
		if (g->disks[i].known && g->disks[i].phase == GUEST_DISK_NEW)
			guest_check_disk(g, g->disks[i].id);
}

static int start_worker(struct guest *g, bool grants)
{
	struct worker_options o = g->ctx->worker;
	int r;

	o.grants = grants;
	forget_state(g);
	r = state_create(g->domid, &g->subject, &g->state, &g->state_fd);
	if (r)
		return r;
	r = spawn_worker(&g->worker, g->domid, &g->subject, g->state_fd, &o);
	if (r) {
		forget_worker(g);
		return r;
	}
	g->exit_source.ready = worker_exited;
	g->link_source.ready = link_readable;
	r = loop_add(g->ctx->loop, &g->exit_source, g->worker.pidfd);
	if (!r)
		r = loop_add(g->ctx->loop, &g->link_source, g->worker.link_fd);
	if (r) {
		spawn_kill(&g->worker);
		forget_worker(g);
		return r;
	}
	log_info(&g->subject, "domain %u is served by worker %d", g->domid, g->worker.pid);
	return 0;
}

/* state 1: everything that is needed may be there. */
static void try_attach(struct guest *g, struct guest_disk *d)
{
	struct discovered want = DISCOVERED_NULL;
	struct image image = IMAGE_NULL;
	const char *missing = "";
	struct link_message m;
	int r;

	/* A worker that is leaving has no link any more; its exit brings us here again. */
	if (g->worker.pid && g->worker.link_fd < 0) {
		d->phase = GUEST_DISK_NEW;
		return;
	}
	r = discover_read(g->ctx->xenstore, d->dir, g->domid, d->id, &d->subject, &want, &missing);
	if (r == -EAGAIN) {
		log_debug(&d->subject, "waiting for %s/%s", d->dir, missing);
		d->phase = GUEST_DISK_NEW;
		return;
	}
	if (!r) {
		log_subject_set(&d->subject, g->subject.guest, want.vdev);
		r = plan_disk(g->ctx->config, g->name, &want, &d->subject, &m, &image);
	}
	if (!r && g->worker_lost)
		r = fail(-ESRCH, &d->subject, "the process that served this guest has ended");
	if (!r && !g->worker.pid)
		r = start_worker(g, g->ctx->driver_domain ||
					    plan_may_use_grants(g->ctx->config, g->name, &m));
	if (!r) {
		m.slot = d - g->disks;
		m.params.devid = d->id.devid;
		r = link_send(g->worker.link_fd, &m, &image);
		if (r)
			fail(r, &d->subject, "cannot hand the disk to its worker");
	}
	if (r) {
		disk_failed(g, d, log_last_error());
	} else {
		d->phase = GUEST_DISK_ATTACHING;
		d->remove_at = 0;
		log_info(&d->subject, "%s, %s, %s%s, %llu bytes, window at %#llx, interrupt %u",
			 want.path ? want.path : m.backend,
			 m.image.caps & IMAGE_READ_ONLY ? "read-only" : "writable",
			 image.fd < 0		? m.backend
			 : image.direct_fd >= 0 ? "direct"
						: "buffered",
			 m.params.grants ? ", by grants" : "", (unsigned long long)m.image.size,
			 (unsigned long long)want.base, want.irq);
	}
	/* From here on only the worker has it open, and its lock ends with the worker. */
	image_close(&image);
	discovered_free(&want);
}

/* state 5, or the directory is gone. */
static void want_closed(struct guest *g, struct guest_disk *d)
{
	switch (d->phase) {
	case GUEST_DISK_NEW:
	case GUEST_DISK_FAILED:
	case GUEST_DISK_CLOSED:
		disk_closed(g, d);
		break;
	case GUEST_DISK_ATTACHING:
	case GUEST_DISK_DETACHING:
		set_deadline(&d->leave_by);
		break;
	case GUEST_DISK_SERVED:
		send_detach(g, d - g->disks);
		break;
	}
}

static struct guest_disk *find_disk(struct guest *g, struct disk_id id)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].known && disk_id_equal(g->disks[i].id, id))
			return &g->disks[i];
	return NULL;
}

static struct guest_disk *add_disk(struct guest *g, struct disk_id id)
{
	char vdev[24];

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
		struct guest_disk *d = &g->disks[i];

		if (d->known)
			continue;
		*d = (struct guest_disk){ .known = true, .id = id };
		g->had_disks = true;
		discover_dir(d->dir, g->domid, id);
		discover_name(g->ctx->xenstore, d->dir, id, vdev, sizeof(vdev));
		log_subject_set(&d->subject, g->subject.guest, vdev);
		return d;
	}
	log_err(&g->subject, "device %u is one too many: %u are served at most", id.devid,
		STATE_DISKS_MAX);
	return NULL;
}

void guest_check_disk(struct guest *g, struct disk_id id)
{
	struct guest_disk *d = find_disk(g, id);
	char dir[XENSTORE_PATH_MAX];
	enum xenbus_state state;

	discover_dir(dir, g->domid, id);
	state = discover_state(g->ctx->xenstore, dir);
	if (!d) {
		if (!xenstore_exists(g->ctx->xenstore, dir) ||
		    (id.generic &&
		     !plan_is_ours(g->ctx->config, g->name, id, g->ctx->xenstore, dir)))
			return;
		d = add_disk(g, id);
		if (!d)
			return;
	}

	if (state == XENBUS_CLOSING || !xenstore_exists(g->ctx->xenstore, dir)) {
		want_closed(g, d);
	} else if (state == XENBUS_INITIALISING) {
		/* The same nodes would fail again. */
		if (d->phase == GUEST_DISK_NEW || d->phase == GUEST_DISK_CLOSED ||
		    (d->phase == GUEST_DISK_FAILED &&
		     discover_fingerprint(g->ctx->xenstore, d->dir) != d->tried))
			try_attach(g, d);
	} else if (state == XENBUS_CLOSED && d->phase == GUEST_DISK_NEW) {
		/* An earlier xvirtiod wrote that. */
		disk_closed(g, d);
	} else if (state == XENBUS_INIT_WAIT && d->phase == GUEST_DISK_NEW) {
		refuse(&d->subject,
		       "an earlier xvirtiod served this disk and left; the guest can't be "
		       "served again before it is created anew");
		disk_failed(g, d, log_last_error());
	}
}

void guest_stop(struct guest *g)
{
	g->stopping = true;
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].phase == GUEST_DISK_SERVED)
			log_warn(&g->disks[i].subject,
				 "left attached to domain %u: the guest will wait at its next "
				 "access, until it is destroyed",
				 g->domid);
	close_link(g);
}

void guest_release(struct guest *g)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].known)
			want_closed(g, &g->disks[i]);
}

void guest_check_sizes(struct guest *g)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
		const struct guest_disk *d = &g->disks[i];

		if (d->known && (d->phase == GUEST_DISK_ATTACHING || d->phase == GUEST_DISK_SERVED))
			tell(g, LINK_RESIZE, i, "look at the image's size");
	}
}
