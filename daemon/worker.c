/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Two things wake the loop besides completions: the event channels (a vCPU did something in one of
 * our windows) and the link to the watcher (attach, detach, stop).  Both only note what to do; the
 * rounds do it (daemon/worker_round.c).
 *
 * The order of closing is law: take no more requests, drain, unmap guest memory (as much as time
 * allows), destroy the ioreq server.  The kernel may write to guest memory for a request in flight,
 * and a page that is still mapped keeps a dead domain as a zombie.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/link.h"
#include "daemon/sandbox.h"
#include "daemon/worker_private.h"

/* SQEs prepared between two submissions; one that needs more submits early. */
#define LOOP_ENTRIES 256

/*
 * Before the last disk is let go memory is unmapped, so that Xen has it back when libxl believes
 * so; but not for longer than that, as libxl waits 10 s in all.
 */
#define UNMAP_MS 2000

static void reply(struct worker *w, enum link_type type, uint32_t slot, int result)
{
	struct link_message m = { .type = type, .slot = slot, .result = result };
	int r;

	if (result)
		snprintf(m.why, sizeof(m.why), "%s", log_last_error());
	r = link_send(WORKER_LINK_FD, &m, NULL);
	/* EPIPE: the watcher is gone; the end of file says the same, and is dealt with. */
	if (r && r != -EPIPE)
		fail(r, &w->subject, "cannot answer the watcher");
}

static bool serves_nothing(const struct worker *w)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (w->disks[i].attached)
			return false;
	return true;
}

void worker_start_stop(struct worker *w)
{
	w->stopping = true;
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (w->disks[i].attached)
			disk_stop(&w->disks[i].disk);
}

/* The first disk brings the ioreq server, the last one takes it away. */
static int open_server(struct worker *w)
{
	int r;

	if (w->xen.server.created)
		return 0;
	/* What is left of before: nobody said what the guest has given back meanwhile. */
	guest_mem_invalidate(&w->foreign);
	r = xen_server_create(&w->xen);
	if (r)
		return r;
	w->events.ready = worker_events_ready;
	r = loop_add(&w->loop, &w->events, w->xen.evtchn_fd);
	if (r) {
		xen_server_destroy(&w->xen);
		return r;
	}
	w->state->server = w->xen.server.id;
	w->state->has_server = 1;
	return 0;
}

static void close_server(struct worker *w)
{
	guest_mem_unmap_until(&w->foreign, clock_ms() + UNMAP_MS);
	if (w->foreign.mapped_pages)
		log_notice(&w->subject, "%llu MiB of the guest's memory take longer to unmap",
			   (unsigned long long)(w->foreign.mapped_pages >> (20 - XEN_PAGE_SHIFT)));
	ioreq_answer_invalidates(&w->ioreq);
	loop_remove(&w->loop, &w->events);
	xen_server_destroy(&w->xen);
	w->state->has_server = 0;
}

static int open_backend(struct worker *w, const struct link_message *m, struct image *image,
			const struct log_subject *subject, struct backend **ret)
{
	const struct backend_ops *ops = backend_find(m->backend);

	if (!ops)
		return fail(-EINVAL, subject, "there is no backend \"%.16s\"", m->backend);
	return ops->open(ret, image, &w->loop, m->params.grants, subject);
}

/* Can this kind of memory be had?  0 or -errno, logged with what to do. */
static int check_memory(struct worker *w, bool grants, const struct log_subject *subject)
{
	if (!grants)
		return xen_map_check(&w->xen);
	if (w->grants.ops)
		return 0;
	return refuse(subject, w->may_grant ? "there is no grant interface (load the kernel's "
					      "module xen_gntdev)"
					    : "the guest's worker was started without grants, for "
					      "another disk: say guest_memory = \"grants\" for "
					      "this disk in the configuration file, so that this "
					      "is known in time");
}

/* What the kernel can do for the disk.  It goes on to do it after our end, if it is not told. */
static void open_eventfds(struct worker *w, struct worker_disk *wd)
{
	xen_irqfd_open(&w->xen, wd->disk.mmio.irq);
	kicks_open(&wd->kicks, &w->loop, &wd->disk.mmio);
}

static void close_eventfds(struct worker *w, struct worker_disk *wd)
{
	kicks_close(&wd->kicks);
	xen_irqfd_close(&w->xen, wd->disk.mmio.irq);
}

static int attach(struct worker *w, const struct link_message *m, struct image *image)
{
	struct worker_disk *wd = &w->disks[m->slot];
	struct state_disk *st = &w->state->disks[m->slot];
	struct disk_params params = m->params;
	struct guest_mem *mem = params.grants ? &w->grants : &w->foreign;
	struct backend *backend;
	int r;

	if (!params.nr_queues)
		params.nr_queues = MIN(w->xen.nr_vcpus, (unsigned)VIRTIO_QUEUES_MAX);
	memset(st, 0, sizeof(*st));
	log_subject_set(&wd->disk.mmio.dev.subject, w->subject.guest, m->params.vdev);
	r = check_memory(w, params.grants, &wd->disk.mmio.dev.subject);
	if (r)
		return r;
	r = open_backend(w, m, image, &wd->disk.mmio.dev.subject, &backend);
	if (r)
		return r;
	r = disk_init(&wd->disk, &params, st, backend, &w->xen, mem);
	if (r) {
		backend->ops->close(backend);
		return r;
	}
	r = open_server(w);
	if (!r)
		r = ioreq_add_window(&w->ioreq, &wd->disk.mmio);
	if (r) {
		disk_fini(&wd->disk);
		st->attached = 0;
	} else {
		wd->attached = true;
		open_eventfds(w, wd);
	}
	if (serves_nothing(w) && w->xen.server.created)
		close_server(w);
	return r;
}

static void start_attach(struct worker *w, const struct link_message *m, struct image *image)
{
	int r;

	if (m->slot >= STATE_DISKS_MAX || w->disks[m->slot].attached)
		r = fail(-EINVAL, &w->subject, "slot %u is not free for a disk", m->slot);
	else
		r = attach(w, m, image);
	if (r)
		image_close(image);
	reply(w, LINK_ATTACHED, m->slot, r);
}

static void start_detach(struct worker *w, const struct link_message *m)
{
	if (m->slot >= STATE_DISKS_MAX || !w->disks[m->slot].attached) {
		reply(w, LINK_DETACHED, m->slot, 0);
		return;
	}
	w->disks[m->slot].detaching = true;
	disk_abandon(&w->disks[m->slot].disk);
}

void worker_finish_detach(struct worker *w, unsigned slot)
{
	struct worker_disk *wd = &w->disks[slot];

	close_eventfds(w, wd);
	ioreq_remove_window(&w->ioreq, &wd->disk.mmio);
	disk_fini(&wd->disk);
	wd->attached = wd->detaching = false;
	w->state->disks[slot].attached = 0;
	if (serves_nothing(w))
		close_server(w);
	else
		ioreq_pump(&w->ioreq); /* a kick may have been left to the kernel */
	reply(w, LINK_DETACHED, slot, 0);
}

static void start_resize(struct worker *w, const struct link_message *m)
{
	/* The disk may have failed to attach, which the watcher had yet to hear. */
	if (m->slot < STATE_DISKS_MAX && w->disks[m->slot].attached)
		disk_check_size(&w->disks[m->slot].disk);
}

static void link_ready(struct loop_source *src)
{
	struct worker *w = container_of(src, struct worker, link);
	struct link_message m;
	struct image image;
	int r = link_receive(WORKER_LINK_FD, &m, &image);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		if (r < 0)
			fail(r, &w->subject, "cannot hear the watcher");
		loop_remove(&w->loop, &w->link);
		worker_start_stop(w);
		return;
	}
	switch (m.type) {
	case LINK_ATTACH:
		start_attach(w, &m, &image);
		return;
	case LINK_DETACH:
		start_detach(w, &m);
		return;
	case LINK_RESIZE:
		start_resize(w, &m);
		return;
	default:
		image_close(&image);
		log_err(&w->subject, "strange message %d from the watcher", m.type);
	}
}

/*
 * The service's protection from the kernel's shortage of memory is not for what a guest can make
 * grow.  Failure is harmless.
 */
static void expose_to_oom_killer(void)
{
	_cleanup_(closep) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) < 0)
		log_debug(NULL, "cannot set oom_score_adj");
}

/* Both kinds of guest memory; only what is opened here can be used in the sandbox. */
static int open_memory(struct worker *w, bool grants)
{
	int r = guest_mem_init_foreign(&w->foreign, &w->xen);

	/* A disk that wants grants and can't have them fails by itself. */
	if (!r && grants && xen_grants_open(&w->xen) == 0)
		r = guest_mem_init_grants(&w->grants, &w->xen);
	return r;
}

static int worker_init(struct worker *w, uint16_t domid, const struct worker_options *o)
{
	int r;

	expose_to_oom_killer();
	r = state_map(WORKER_STATE_FD, &w->subject, &w->state);
	if (r)
		return r;
	close(WORKER_STATE_FD);
	r = xen_domain_init(&w->xen, domid, &w->subject);
	if (!r)
		r = open_memory(w, o->grants);
	w->may_grant = o->grants;
	if (!r)
		r = loop_init_disabled(&w->loop, LOOP_ENTRIES);
	if (r)
		return r;
	xen_eventfds_init(&w->xen, o->eventfds, &w->loop);
	w->ioreq.xen = &w->xen;
	w->loop.round = worker_round;
	w->loop.round_arg = w;
	w->loop.idle = &worker_idle;
	spin_init(&w->loop.spin, o->poll_us * 1000ull);
	w->link.ready = link_ready;
	r = loop_add(&w->loop, &w->link, WORKER_LINK_FD);
	/* Guest data is not touched before this point. */
	if (!r)
		r = sandbox_enter(&w->loop, &w->xen, &w->subject);
	return r;
}

/* Only reached with nothing in flight, or when the loop itself has failed. */
static void worker_fini(struct worker *w)
{
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (w->disks[i].attached)
			close_eventfds(w, &w->disks[i]);
	/* A vCPU in the kicker's page would not come back with its server gone. */
	if (w->xen.kicker.created)
		ioreq_pump(&w->ioreq);
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (w->disks[i].attached)
			virtio_mmio_fini(&w->disks[i].disk.mmio);
	guest_mem_fini(&w->grants);
	guest_mem_fini(&w->foreign);
	ioreq_answer_invalidates(&w->ioreq);
	if (w->xen.server.created)
		log_notice(
			&w->subject,
			"left with disks attached: ioreq server %u of domain %u stays in Xen, and "
			"the guest waits at its next disk access",
			w->xen.server.id, w->xen.domid);
	xen_domain_fini(&w->xen);
	loop_fini(&w->loop);
	state_unmap(w->state);
}

int worker_main(uint16_t domid, const char *guest, const struct worker_options *o)
{
	static struct worker w;
	int r;

	w = (struct worker){ .xen = XEN_DOMAIN_NULL };
	log_subject_set(&w.subject, guest, "");
	/* The watcher decides what they mean; a terminal sends them to the whole process group. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);

	r = worker_init(&w, domid, o);
	if (r)
		reply(&w, LINK_FAILED, 0, r);
	else
		r = loop_run(&w.loop);
	worker_fini(&w);
	return r || w.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
