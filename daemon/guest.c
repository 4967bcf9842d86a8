/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * guest_check_disk() compares what xenstore says (state 1, 2, 5, or no directory) with the phase of
 * the disk, and takes the next step; the worker's answers take the one after that.  Both are safe to
 * repeat, for watches fire for our own writes, too.
 *
 *   NEW --ATTACH--> ATTACHING --ATTACHED--> SERVED --DETACH--> DETACHING --DETACHED--> CLOSED
 *    |                  |
 *    +-----> FAILED <---+     tried again when a node changes; closed at once
 *
 * The worker is started for the first disk and ends after the last one: it unmaps guest memory and
 * destroys the ioreq server before it answers the last DETACH, so state 6, written then, tells libxl
 * the truth.
 */
#include "daemon/guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "backends/backend.h"
#include "daemon/discover.h"

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
	log_subject_set(&g->subject, name, "");
	return g;
}

static void close_link(struct guest *g)
{
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
	state_unmap(g->state);
	g->state = NULL;
}

void guest_free(struct guest *g)
{
	if (!g)
		return;
	forget_worker(g);
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

static void disk_failed(struct guest *g, struct guest_disk *d, const char *why)
{
	d->phase = GUEST_DISK_FAILED;
	d->tried = discover_fingerprint(g->ctx->xenstore, d->dir);
	discover_set_error(g->ctx->xenstore, d->dir, why);
}

/* What the disk did in its life, in one line. */
static void log_counters(const struct guest *g, unsigned slot)
{
	const struct state_disk *s = &g->state->disks[slot];

#define U(n) ((unsigned long long)(n))
	log_info(&g->disks[slot].subject,
		 "served %llu reads (%llu bytes), %llu writes (%llu bytes), %llu flushes, %llu "
		 "discards, %llu write-zeroes; %llu errors, %llu unsupported, %llu guest faults; "
		 "%llu "
		 "kicks, %llu interrupts, %llu invalidates",
		 U(s->counters.reads), U(s->counters.read_bytes), U(s->counters.writes),
		 U(s->counters.written_bytes), U(s->counters.flushes), U(s->counters.discards),
		 U(s->counters.write_zeroes), U(s->counters.errors), U(s->counters.unsupported),
		 U(s->virtio.faults), U(s->virtio.kicks), U(s->virtio.interrupts),
		 U(g->state->invalidates));
#undef U
}

/* The disk is closed, as far as we are concerned. */
static void disk_closed(struct guest *g, struct guest_disk *d)
{
	d->phase = GUEST_DISK_CLOSED;
	if (discover_state(g->ctx->xenstore, d->dir) == XENBUS_CLOSING)
		discover_set_state(g->ctx->xenstore, d->dir, XENBUS_CLOSED, &d->subject);
	if (!xenstore_exists(g->ctx->xenstore, d->dir))
		d->known = false;
	if (!worker_needed(g))
		close_link(g);
}

static void send_detach(struct guest *g, unsigned slot)
{
	struct link_message m = { .type = LINK_DETACH, .slot = slot };
	struct guest_disk *d = &g->disks[slot];
	int r = link_send(g->worker.link_fd, &m, NULL);

	d->phase = GUEST_DISK_DETACHING;
	if (r)
		fail(r, &d->subject, "cannot tell the worker to detach");
}

static void attach_answered(struct guest *g, const struct link_message *m)
{
	struct guest_disk *d = &g->disks[m->slot];

	if (m->result) {
		disk_failed(g, d, m->why);
		if (d->close_next)
			disk_closed(g, d);
		else if (!worker_needed(g))
			close_link(g);
		return;
	}
	d->phase = GUEST_DISK_SERVED;
	if (d->close_next) {
		send_detach(g, m->slot);
		return;
	}
	discover_set_state(g->ctx->xenstore, d->dir, XENBUS_INIT_WAIT, &d->subject);
}

/* The worker cannot go on. */
static void worker_gone(struct guest *g, const char *why)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
		struct guest_disk *d = &g->disks[i];

		if (!d->known)
			continue;
		if (d->phase == GUEST_DISK_DETACHING)
			disk_closed(g, d);
		else if (d->phase == GUEST_DISK_ATTACHING || d->phase == GUEST_DISK_SERVED)
			disk_failed(g, d, why);
	}
}

static void link_readable(struct loop_source *src)
{
	struct guest *g = container_of(src, struct guest, link_source);
	struct guest_disk *d;
	struct link_message m;
	struct image image;
	int r = link_receive(g->worker.link_fd, &m, &image);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		/* What became of the worker, its exit will tell. */
		loop_remove(g->ctx->loop, &g->link_source);
		return;
	}
	image_close(&image);
	if (m.slot >= STATE_DISKS_MAX) {
		log_err(&g->subject, "the worker names slot %u", m.slot);
		return;
	}
	m.why[sizeof(m.why) - 1] = '\0';
	/* A worker that a guest has taken over must not get further than its own disks. */
	d = &g->disks[m.slot];
	if (m.type == LINK_ATTACHED && d->known && d->phase == GUEST_DISK_ATTACHING) {
		attach_answered(g, &m);
	} else if (m.type == LINK_DETACHED && d->known && d->phase == GUEST_DISK_DETACHING) {
		log_counters(g, m.slot);
		disk_closed(g, d);
	} else if (m.type == LINK_FAILED) {
		worker_gone(g, m.why);
	} else {
		log_err(&g->subject, "strange message %d about slot %u from the worker", m.type,
			m.slot);
	}
}

static void worker_exited(struct loop_source *src)
{
	struct guest *g = container_of(src, struct guest, exit_source);
	int status = 0;

	if (waitpid(g->worker.pid, &status, WNOHANG) == 0)
		return;
	/* Answers that it gave before it ended. */
	while (g->link_source.poll && g->worker.link_fd >= 0)
		link_readable(&g->link_source);
	if (WIFSIGNALED(status))
		log_err(&g->subject, "the worker (pid %d) was ended by signal %d", g->worker.pid,
			WTERMSIG(status));
	else if (WEXITSTATUS(status))
		log_err(&g->subject, "the worker (pid %d) ended with status %d", g->worker.pid,
			WEXITSTATUS(status));
	if (worker_needed(g) && !g->stopping) {
		g->worker_lost = true;
		worker_gone(g, "the process that served this guest has ended");
	}
	forget_worker(g);
	/* Disks that came while it was leaving. */
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].known && g->disks[i].phase == GUEST_DISK_NEW)
			guest_check_disk(g, g->disks[i].devid);
}

static int start_worker(struct guest *g)
{
	_cleanup_(closep) int state_fd = -1;
	int r;

	r = state_create(g->domid, &g->subject, &g->state, &state_fd);
	if (r)
		return r;
	r = spawn_worker(&g->worker, g->domid, &g->subject, state_fd, g->ctx->log_level,
			 g->ctx->foreground);
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

/* Toolstack, configuration and image, put together. */
static int prepare(struct guest *g, struct guest_disk *d, const struct discovered *want,
		   struct link_message *m, struct image *ret_image)
{
	const struct backend_ops *ops;
	struct config_disk c;
	struct image_params ip;
	const char *serial;
	bool buffered;

	config_disk(g->ctx->config, g->subject.guest, want->vdev, &c);
	ops = backend_find(c.backend);
	/* direct-io-safe is about this disk: it outranks what the file says about all disks. */
	buffered = c.cache == CONFIG_CACHE_BUFFERED &&
		   !(want->direct_io_safe && c.from[CONFIG_KEY_CACHE] <= CONFIG_SCOPE_DEFAULTS);
	ip = (struct image_params){
		.path = want->path,
		.read_only = want->read_only || c.read_only == CONFIG_BOOL_TRUE,
		.discard = c.discard == CONFIG_BOOL_UNSET ? want->discard
							  : c.discard == CONFIG_BOOL_TRUE,
		.cache = buffered ? IMAGE_CACHE_BUFFERED : IMAGE_CACHE_DIRECT,
	};

	*m = (struct link_message){ .type = LINK_ATTACH, .slot = d - g->disks };
	snprintf(m->backend, sizeof(m->backend), "%s", ops->name);
	snprintf(m->params.vdev, sizeof(m->params.vdev), "%s", want->vdev);
	m->params.devid = d->devid;
	m->params.base = want->base;
	m->params.irq = want->irq;
	m->params.nr_queues = c.queues;
	m->params.queue_size = c.queue_size;
	/* A guest can tell its disks apart by their names, if by nothing else. */
	serial = c.from[CONFIG_KEY_SERIAL] ? c.serial : want->vdev;
	memcpy(m->params.serial, serial, strnlen(serial, sizeof(m->params.serial)));

	*ret_image = IMAGE_NULL;
	if (!ops->needs_image) {
		m->image = (struct image_info){ .size = c.null_size,
						.block_size = 512,
						.physical_block_size = 4096,
						.caps = ip.read_only ? IMAGE_READ_ONLY : 0 };
		return 0;
	}
	return image_open(ret_image, &ip, &d->subject);
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
	if (g->worker.pid && g->worker.link_fd < 0)
		return;
	r = discover_read(g->ctx->xenstore, d->dir, g->domid, &d->subject, &want, &missing);
	if (r == -EAGAIN) {
		log_debug(&d->subject, "waiting for %s/%s", d->dir, missing);
		d->phase = GUEST_DISK_NEW;
		return;
	}
	if (!r) {
		log_subject_set(&d->subject, g->subject.guest, want.vdev);
		r = prepare(g, d, &want, &m, &image);
	}
	if (!r && g->worker_lost)
		r = fail(-ESRCH, &d->subject, "the process that served this guest has ended");
	if (!r && !g->worker.pid)
		r = start_worker(g);
	if (!r) {
		m.image = image.fd >= 0 ? image.info : m.image;
		r = link_send(g->worker.link_fd, &m, &image);
		if (r)
			fail(r, &d->subject, "cannot hand the disk to its worker");
	}
	if (r) {
		disk_failed(g, d, log_last_error());
	} else {
		d->phase = GUEST_DISK_ATTACHING;
		log_info(&d->subject, "%s, %s, %s, %llu bytes, window at %#llx, interrupt %u",
			 want.path, m.image.caps & IMAGE_READ_ONLY ? "read-only" : "writable",
			 image.fd < 0		? m.backend
			 : image.direct_fd >= 0 ? "direct"
						: "buffered",
			 (unsigned long long)m.image.size, (unsigned long long)want.base, want.irq);
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
		disk_closed(g, d);
		break;
	case GUEST_DISK_ATTACHING:
		d->close_next = true;
		break;
	case GUEST_DISK_SERVED:
		send_detach(g, d - g->disks);
		break;
	case GUEST_DISK_DETACHING:
		break;
	case GUEST_DISK_CLOSED:
		if (!xenstore_exists(g->ctx->xenstore, d->dir))
			d->known = false;
		break;
	}
}

static struct guest_disk *find_disk(struct guest *g, uint32_t devid)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].known && g->disks[i].devid == devid)
			return &g->disks[i];
	return NULL;
}

static struct guest_disk *add_disk(struct guest *g, uint32_t devid)
{
	char vdev[24];

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++) {
		struct guest_disk *d = &g->disks[i];

		if (d->known)
			continue;
		*d = (struct guest_disk){ .known = true, .devid = devid };
		discover_dir(d->dir, g->domid, devid);
		discover_name(g->ctx->xenstore, d->dir, devid, vdev, sizeof(vdev));
		log_subject_set(&d->subject, g->subject.guest, vdev);
		return d;
	}
	log_err(&g->subject, "device %u is one too many: %u are served at most", devid,
		STATE_DISKS_MAX);
	return NULL;
}

void guest_check_disk(struct guest *g, uint32_t devid)
{
	struct guest_disk *d = find_disk(g, devid);
	char dir[XENSTORE_PATH_MAX];
	enum xenbus_state state;

	discover_dir(dir, g->domid, devid);
	state = discover_state(g->ctx->xenstore, dir);
	if (!d) {
		if (!xenstore_exists(g->ctx->xenstore, dir))
			return;
		d = add_disk(g, devid);
		if (!d)
			return;
	}

	if (state == XENBUS_CLOSING || !xenstore_exists(g->ctx->xenstore, dir)) {
		want_closed(g, d);
	} else if (state == XENBUS_INITIALISING) {
		/* The same nodes would fail again. */
		if (d->phase == GUEST_DISK_NEW ||
		    (d->phase == GUEST_DISK_FAILED &&
		     discover_fingerprint(g->ctx->xenstore, d->dir) != d->tried))
			try_attach(g, d);
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
		if (g->disks[i].known && g->disks[i].phase == GUEST_DISK_SERVED)
			log_warn(&g->disks[i].subject,
				 "left attached to domain %u: the guest will wait at its next "
				 "access, "
				 "until it is destroyed",
				 g->domid);
	close_link(g);
}

void guest_release(struct guest *g)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (g->disks[i].known)
			want_closed(g, &g->disks[i]);
}
