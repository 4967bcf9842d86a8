/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/watcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include <systemd/sd-daemon.h>

#include "daemon/discover.h"
#include "daemon/guest.h"
#include "transport/xen.h"
#include "transport/xen_access.h"

#define LOOP_ENTRIES 64

/* How long workers may take to finish what is in flight when the daemon ends. */
#define STOP_MS 10000

/* A disk whose directory has changed. */
struct change {
	uint16_t domid;
	struct disk_id id;
};

struct watcher {
	const struct watcher_options *options;
	struct loop loop;
	struct loop_source xenstore_source, signal_source;
	struct loop_timer stop_timer, deadline_timer, removal_timer;
	int signal_fd;
	struct xenstore xenstore;
	struct guest_context ctx;
	struct guest *guests;
	struct change *changes; /* gathered from the events of one wake-up */
	size_t nr_changes, max_changes;
	bool stopping;
	bool told_of_no_name; /* the log has said why --domain with a name finds nobody */
};

static void notify_status(const struct watcher *w)
{
	unsigned guests = 0, disks = 0;

	for (const struct guest *g = w->guests; g; g = g->next) {
		guests++;
		disks += guest_disks_served(g);
	}
	sd_notifyf(0, "STATUS=%u disks of %u guests are served", disks, guests);
}

static bool is_wanted(const struct watcher *w, uint16_t domid, const char *name)
{
	const char *only = w->options->domain;
	char id[8];

	snprintf(id, sizeof(id), "%u", domid);
	return !only || !strcmp(only, id) || (name && !strcmp(only, name));
}

/* A driver domain may not read the names of guests, unless somebody lets it. */
static void note_no_name(struct watcher *w, uint16_t domid, const char *name)
{
	const char *only = w->options->domain;

	if (!w->ctx.driver_domain || name || only[strspn(only, "0123456789")] == '\0' ||
	    w->told_of_no_name)
		return;
	w->told_of_no_name = true;
	log_warn(NULL,
		 "domain %u is not served: this is not domain 0, so that the names of guests can't "
		 "be read; say --domain %u, if that is the guest \"%s\"",
		 domid, domid, only);
}

/* The guest with this domid; a new one if there is none yet.  NULL: not ours to serve. */
static struct guest *find_guest(struct watcher *w, uint16_t domid)
{
	_cleanup_(freep) char *name = NULL;
	char dir[32], unnamed[16];
	struct guest *g;

	for (g = w->guests; g; g = g->next)
		if (g->domid == domid)
			return g;

	snprintf(dir, sizeof(dir), "/local/domain/%u", domid);
	snprintf(unnamed, sizeof(unnamed), "domain %u", domid);
	name = xenstore_read(&w->xenstore, dir, "name");
	if (!is_wanted(w, domid, name)) {
		note_no_name(w, domid, name);
		return NULL;
	}
	g = guest_new(&w->ctx, domid, name ? name : unnamed);
	if (g) {
		g->next = w->guests;
		w->guests = g;
	}
	return g;
}

/* Many nodes of a disk change at once: look at each disk once. */
static void note_change(struct watcher *w, uint16_t domid, struct disk_id id)
{
	struct change *c;

	for (size_t i = 0; i < w->nr_changes; i++) {
		c = &w->changes[i];
		if (c->domid == domid && disk_id_equal(c->id, id))
			return;
	}
	if (w->nr_changes == w->max_changes) {
		size_t max = w->max_changes ? 2 * w->max_changes : 64;

		c = reallocarray(w->changes, max, sizeof(*c));
		if (!c) {
			fail(-ENOMEM, NULL, "cannot note that a disk has changed");
			return;
		}
		w->changes = c;
		w->max_changes = max;
	}
	w->changes[w->nr_changes++] = (struct change){ domid, id };
}

static bool parse_id(const char *s, unsigned long max, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && *ret <= max;
}

static void scan_dir(struct watcher *w, uint16_t domid, bool generic)
{
	_cleanup_(freep) char **devids = NULL;
	char path[XENSTORE_PATH_MAX];
	unsigned long devid;
	unsigned n;

	snprintf(path, sizeof(path), "%s/%u", discover_root(generic), domid);
	n = xenstore_list(&w->xenstore, path, &devids);
	for (unsigned i = 0; i < n; i++)
		if (parse_id(devids[i], UINT32_MAX, &devid))
			note_change(w, domid, (struct disk_id){ generic, devid });
}

static void scan_guest(struct watcher *w, uint16_t domid)
{
	scan_dir(w, domid, false);
	scan_dir(w, domid, true);
	/* Disks that we know and that are gone. */
	for (struct guest *g = w->guests; g; g = g->next)
		for (unsigned i = 0; g->domid == domid && i < STATE_DISKS_MAX; i++)
			if (g->disks[i].known)
				note_change(w, domid, g->disks[i].id);
}

static void scan_root(struct watcher *w, const char *root)
{
	_cleanup_(freep) char **domids = NULL;
	unsigned n = xenstore_list(&w->xenstore, root, &domids);
	unsigned long domid;

	for (unsigned i = 0; i < n; i++)
		if (parse_id(domids[i], UINT16_MAX, &domid))
			scan_guest(w, domid);
}

static void scan_all(struct watcher *w)
{
	scan_root(w, DISCOVER_ROOT);
	scan_root(w, DISCOVER_GENERIC_ROOT);
	for (struct guest *g = w->guests; g; g = g->next)
		scan_guest(w, g->domid);
}

/* A domain has gone, or is going: does any of ours no longer exist? */
static void release_dead(struct watcher *w)
{
	for (struct guest *g = w->guests; g; g = g->next)
		if (!xenstore_domain_exists(&w->xenstore, g->domid))
			guest_release(g);
}

static void handle_event(struct watcher *w, const char *path)
{
	struct disk_id id;
	uint16_t domid;

	if (!strcmp(path, "@releaseDomain")) {
		release_dead(w);
		return;
	}
	switch (discover_split(path, &domid, &id)) {
	case 0:
		scan_all(w);
		break;
	case 1:
		scan_guest(w, domid);
		break;
	case 2:
		note_change(w, domid, id);
		break;
	}
}

static void xenstore_ready(struct loop_source *src)
{
	struct watcher *w = container_of(src, struct watcher, xenstore_source);
	char *path;

	while ((path = xenstore_next_event(&w->xenstore))) {
		handle_event(w, path);
		free(path);
	}
	for (size_t i = 0; i < w->nr_changes && !w->stopping; i++) {
		const struct change *c = &w->changes[i];
		struct guest *g = find_guest(w, c->domid);

		if (g)
			guest_check_disk(g, c->id);
	}
	w->nr_changes = 0;
}

static void stop_expired(struct loop_timer *t)
{
	struct watcher *w = container_of(t, struct watcher, stop_timer);

	for (struct guest *g = w->guests; g; g = g->next)
		if (guest_has_worker(g))
			log_warn(&g->subject,
				 "the worker still waits for its requests; not waiting "
				 "any longer");
	loop_stop(&w->loop);
}

/* Once a second while some worker has something to do by a deadline. */
static void deadline_expired(struct loop_timer *t)
{
	struct watcher *w = container_of(t, struct watcher, deadline_timer);

	for (struct guest *g = w->guests; g; g = g->next)
		guest_check_deadline(g, clock_ms());
}

static void watch_deadlines(struct watcher *w)
{
	for (struct guest *g = w->guests; g && !w->deadline_timer.pending; g = g->next) {
		if (!guest_deadline(g))
			continue;
		w->deadline_timer.expired = deadline_expired;
		loop_timer_start(&w->loop, &w->deadline_timer, 1000);
	}
}

static void removal_expired(struct loop_timer *t)
{
	struct watcher *w = container_of(t, struct watcher, removal_timer);

	for (struct guest *g = w->guests; g; g = g->next)
		guest_remove_closed(g, clock_ms());
}

static void watch_removals(struct watcher *w)
{
	uint64_t now = clock_ms(), first = 0;

	for (struct guest *g = w->guests; g; g = g->next)
		first = clock_first(first, guest_removal_due(g));
	if (!first || w->removal_timer.pending)
		return;
	w->removal_timer.expired = removal_expired;
	loop_timer_start(&w->loop, &w->removal_timer, first > now ? first - now : 1);
}

/* SIGHUP */
static void check_sizes(struct watcher *w)
{
	if (w->stopping)
		return;
	log_notice(NULL, "looking at the sizes of all images");
	for (struct guest *g = w->guests; g; g = g->next)
		guest_check_sizes(g);
}

/* SIGTERM, SIGINT */
static void stop(struct watcher *w)
{
	if (w->stopping) {
		log_notice(NULL, "asked to stop again: not waiting for workers");
		loop_stop(&w->loop);
		return;
	}
	log_notice(NULL, "stopping");
	sd_notify(0, "STOPPING=1");
	w->stopping = true;
	for (struct guest *g = w->guests; g; g = g->next)
		guest_stop(g);
	w->stop_timer.expired = stop_expired;
	loop_timer_start(&w->loop, &w->stop_timer, STOP_MS);
}

static void signal_ready(struct loop_source *src)
{
	struct watcher *w = container_of(src, struct watcher, signal_source);
	struct signalfd_siginfo info;

	if (read(w->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		check_sizes(w);
	else
		stop(w);
}

/* Once per wake-up, when no callback of a guest is running: drop what is over. */
static bool watcher_round(void *arg)
{
	struct watcher *w = arg;
	bool workers = false;

	for (struct guest **p = &w->guests; *p;) {
		struct guest *g = *p;

		workers |= guest_has_worker(g);
		if (guest_is_over(g)) {
			if (g->had_disks)
				log_info(&g->subject, "domain %u has left", g->domid);
			*p = g->next;
			guest_free(g);
		} else {
			p = &g->next;
		}
	}
	watch_deadlines(w);
	watch_removals(w);
	/* libxl would wait for directories that are not removed. */
	if (w->stopping && !workers && !w->removal_timer.pending)
		loop_stop(&w->loop);
	notify_status(w);
	return false;
}

static int open_signals(struct watcher *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Before xenstore_open(): libxenstore's thread inherits the mask. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return fail(-errno, NULL, "cannot block signals");
	w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signal_fd < 0)
		return fail(-errno, NULL, "cannot make a signalfd");
	w->signal_source.ready = signal_ready;
	return loop_add(&w->loop, &w->signal_source, w->signal_fd);
}

static int watcher_init(struct watcher *w)
{
	int r = loop_init(&w->loop, LOOP_ENTRIES);

	if (!r)
		r = open_signals(w);
	if (!r)
		r = xenstore_open(&w->xenstore);
	if (!r)
		r = xenstore_watch(&w->xenstore, DISCOVER_ROOT);
	if (!r)
		r = xenstore_watch(&w->xenstore, DISCOVER_GENERIC_ROOT);
	if (!r)
		r = xenstore_watch(&w->xenstore, "@releaseDomain");
	if (r)
		return r;
	w->ctx.driver_domain = discover_driver_domain(&w->xenstore);
	if (w->ctx.driver_domain)
		xen_access_check_grants();
	w->xenstore_source.ready = xenstore_ready;
	w->loop.round = watcher_round;
	w->loop.round_arg = w;
	return loop_add(&w->loop, &w->xenstore_source, w->xenstore.fd);
}

static void watcher_fini(struct watcher *w)
{
	while (w->guests) {
		struct guest *g = w->guests;

		w->guests = g->next;
		guest_free(g);
	}
	xenstore_close(&w->xenstore);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
	loop_fini(&w->loop);
	free(w->changes);
}

static unsigned wanted_eventfds(const struct config *c)
{
	return (c->irqfd == CONFIG_BOOL_TRUE ? XEN_IRQFD : 0) |
	       (c->ioeventfd == CONFIG_BOOL_TRUE ? XEN_IOEVENTFD : 0);
}

int watcher_main(const struct watcher_options *o)
{
	static struct watcher w;
	int r;

	w = (struct watcher){
		.options = o,
		.signal_fd = -1,
		.loop = LOOP_NULL,
		.xenstore = XENSTORE_NULL,
		.ctx = {
			.loop = &w.loop,
			.xenstore = &w.xenstore,
			.config = o->config,
			.worker = {
				.eventfds = wanted_eventfds(o->config),
				.poll_us = o->config->poll_us,
				.log_level = o->log_level,
				.foreground = o->foreground,
			},
		},
	};

	r = watcher_init(&w);
	if (!r) {
		log_notice(NULL, "xvirtiod %s is ready to serve %s%s", XVIRTIOD_VERSION,
			   o->domain ? "guest " : "all guests", o->domain ? o->domain : "");
		sd_notify(0, "READY=1");
		r = loop_run(&w.loop);
	}
	watcher_fini(&w);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
