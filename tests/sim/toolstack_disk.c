/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks: what libxl writes, and what it waits for. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/sim/toolstack_tx.h"

/* GUEST_VIRTIO_MMIO_BASE and GUEST_VIRTIO_MMIO_SPI_FIRST (xen/include/public/arch-arm.h) */
#define WINDOW_BASE 0x02000000ull
#define WINDOW_SIZE 0x200
#define IRQ_FIRST   33

/* Device numbers as Linux had them for xvd: major 202, 16 partitions each. */
#define DEVID_XVDA ((202 << 8) + 0)
#define DEVID_STEP 16

enum state {
	STATE_INITIALISING = 1,
	STATE_INIT_WAIT = 2,
	STATE_CLOSING = 5,
	STATE_CLOSED = 6,
};

/* Where backends are; of the process, like the simulation. */
static unsigned backend_domid;

void toolstack_set_backend_domid(unsigned domid)
{
	backend_domid = domid;
}

bool toolstack_uses_grants(const struct toolstack_disk *disk)
{
	return disk->grants == TOOLSTACK_GRANTS_YES ||
	       (disk->grants == TOOLSTACK_GRANTS_UNSAID && backend_domid);
}

struct toolstack_disk toolstack_disk(unsigned n, const char *path)
{
	const char *memory = getenv("SIM_MEMORY");
	struct toolstack_disk d = {
		.vdev = { 'x', 'v', 'd', 'a' + n },
		.devid = DEVID_XVDA + n * DEVID_STEP,
		.path = path,
		.discard = true,
		.grants = memory && !strcmp(memory, "grants") ? TOOLSTACK_GRANTS_YES
							      : TOOLSTACK_GRANTS_UNSAID,
		.base = WINDOW_BASE + n * WINDOW_SIZE,
		.irq = IRQ_FIRST + n,
	};

	assert(n < TOOLSTACK_DISKS_MAX);
	return d;
}

struct toolstack_disk toolstack_generic(unsigned n, const char *type)
{
	struct toolstack_disk d = toolstack_disk(n, NULL);

	snprintf(d.vdev, sizeof(d.vdev), "virtio%u", n);
	d.devid = n;
	d.type = type;
	return d;
}

static const char *kind_of(unsigned devid)
{
	return devid < TOOLSTACK_DISKS_MAX ? "virtio" : "virtio_disk";
}

/* Where the nodes of a disk are, and what to do with them. */
struct device {
	unsigned domid;
	const struct toolstack_disk *disk;
	char back[TOOLSTACK_PATH_MAX];
	char front[TOOLSTACK_PATH_MAX];
	char libxl[TOOLSTACK_PATH_MAX]; /* libxl's own notes */
	bool waiting;			/* for its state to change */
	bool leaving;			/* for its directory to vanish */
	bool force;			/* how to remove it */
	bool retry;			/* with force */
};

void toolstack_backend_path(char ret[TOOLSTACK_PATH_MAX], unsigned domid, unsigned devid,
			    const char *key)
{
	snprintf(ret, TOOLSTACK_PATH_MAX, "/local/domain/%u/backend/%s/%u/%u%s%s", backend_domid,
		 kind_of(devid), domid, devid, *key ? "/" : "", key);
}

static struct device device(unsigned domid, const struct toolstack_disk *disk)
{
	struct device d = { .domid = domid, .disk = disk };

	toolstack_backend_path(d.back, domid, disk->devid, "");
	snprintf(d.front, sizeof(d.front), "/local/domain/%u/device/%s/%u", domid,
		 kind_of(disk->devid), disk->devid);
	snprintf(d.libxl, sizeof(d.libxl), "/libxl/%u/device/%s/%u", domid, kind_of(disk->devid),
		 disk->devid);
	return d;
}

/* libxl__device_add() and libxl__set_xenstore_virtio() of Xen 4.20 */
static void write_generic(struct tx *tx, const char *dir, const struct device *d)
{
	const struct toolstack_disk *disk = d->disk;

	tx_write(tx, dir, "frontend-id", "%u", d->domid);
	tx_write(tx, dir, "online", "1");
	tx_write(tx, dir, "state", "%d", STATE_INITIALISING);
	tx_write(tx, dir, "irq", "%u", disk->irq);
	tx_write(tx, dir, "base", "%#llx", (unsigned long long)disk->base);
	tx_write(tx, dir, "type", "%s", disk->type);
	tx_write(tx, dir, "transport", "mmio");
	tx_write(tx, dir, "grant_usage", "%d", toolstack_uses_grants(disk));
}

/* The backend's part in device_disk_add(); libxl keeps a copy for itself. */
static void write_backend(struct tx *tx, const char *dir, const struct device *d)
{
	const struct toolstack_disk *disk = d->disk;

	tx_write(tx, dir, "params", "%s", disk->path);
	tx_write(tx, dir, "frontend-id", "%u", d->domid);
	tx_write(tx, dir, "online", "1");
	tx_write(tx, dir, "removable", "0");
	tx_write(tx, dir, "bootable", "1");
	tx_write(tx, dir, "state", "%d", STATE_INITIALISING);
	tx_write(tx, dir, "dev", "%s", disk->vdev);
	tx_write(tx, dir, "type", "standalone");
	tx_write(tx, dir, "mode", "%s", disk->read_only ? "r" : "w");
	tx_write(tx, dir, "device-type", "disk");
	if (disk->direct_io_safe)
		tx_write(tx, dir, "direct-io-safe", "1");
	tx_write(tx, dir, "discard-enable", "%d", disk->discard);
	tx_write(tx, dir, "specification", "virtio");
	tx_write(tx, dir, "transport", "mmio");
	tx_write(tx, dir, "base", "%llu", (unsigned long long)disk->base);
	if (disk->grants != TOOLSTACK_GRANTS_UNSAID)
		tx_write(tx, dir, "grant_usage", "%d", disk->grants == TOOLSTACK_GRANTS_YES);
	tx_write(tx, dir, "irq", "%u", disk->irq);
}

/* A node that is the guest's, like its directory. */
static void write_frontend(struct tx *tx, const struct device *d, const char *key, unsigned value)
{
	char path[TOOLSTACK_PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", d->front, key);
	tx_write(tx, d->front, key, "%u", value);
	tx_set_perms(tx, path, tx_owner_reader(d->domid, backend_domid));
}

/* libxl__device_generic_add() */
static void write_device(struct tx *tx, void *arg)
{
	const struct device *d = arg;
	char path[TOOLSTACK_PATH_MAX + 32];

	tx_rm(tx, d->libxl);
	tx_write(tx, d->libxl, "frontend", "%s", d->front);
	tx_write(tx, d->libxl, "backend", "%s", d->back);

	tx_mkdir_anew(tx, d->front, tx_owner_reader(d->domid, backend_domid));
	tx_write(tx, d->front, "backend", "%s", d->back);
	write_frontend(tx, d, "backend-id", backend_domid);
	write_frontend(tx, d, "state", STATE_INITIALISING);
	if (!d->disk->type) {
		write_frontend(tx, d, "virtual-device", d->disk->devid);
		tx_write(tx, d->front, "device-type", "disk");
		snprintf(path, sizeof(path), "%s/device-type", d->front);
		tx_set_perms(tx, path, tx_owner_reader(d->domid, backend_domid));
		write_frontend(tx, d, "trusted", 1);
	}

	tx_mkdir_anew(tx, d->back, tx_owner_reader(backend_domid, d->domid));
	tx_write(tx, d->back, "frontend", "%s", d->front);
	(d->disk->type ? write_generic : write_backend)(tx, d->back, d);
	(d->disk->type ? write_generic : write_backend)(tx, d->libxl, d);
}

int toolstack_write_disk(struct toolstack *ts, unsigned domid, const struct toolstack_disk *disk,
			 struct sim_error *err)
{
	struct device d = device(domid, disk);

	return tx_run(ts, write_device, &d, err);
}

/* A wait for those devices that are waiting.  done(), if any, is called for each as it ends. */
struct wait {
	struct toolstack *ts;
	struct device *devices;
	unsigned nr;
	enum state wanted;
	void (*done)(struct toolstack *ts, struct device *d, int e);
	int e; /* of the first that failed */
	struct sim_error *err;
	uint64_t deadline;
};

/* It was not in time, or vanished: why, if the backend says it. */
static int explain(struct wait *w, const struct device *d, int e)
{
	char path[TOOLSTACK_PATH_MAX];
	_cleanup_(freep) char *state = NULL;
	_cleanup_(freep) char *error = NULL;

	toolstack_backend_path(path, d->domid, d->disk->devid, "state");
	state = toolstack_read(w->ts, path);
	toolstack_backend_path(path, d->domid, d->disk->devid, "error");
	error = toolstack_read(w->ts, path);
	if (d->leaving)
		return sim_error_set(w->err, e, "the directory of %s of domain %u is still there",
				     d->disk->vdev, d->domid);
	return sim_error_set(w->err, e, "%s of domain %u is in state %s, not %d%s%s", d->disk->vdev,
			     d->domid, state ? state : "(none)", w->wanted, error ? ": " : "",
			     error ? error : "");
}

static void finish(struct wait *w, struct device *d, int e)
{
	d->waiting = false;
	if (e && !w->e)
		w->e = explain(w, d, e);
	if (w->done)
		w->done(w->ts, d, e);
}

/*
 * A device's watch has fired: only what its state is now counts, as in devstate_callback().  Where
 * the backend is another domain's, that removes the directory, as device_hotplug() has it.
 */
static void look(struct wait *w, struct device *d)
{
	_cleanup_(freep) char *state = NULL;
	char path[TOOLSTACK_PATH_MAX];

	if (!d->waiting)
		return;
	toolstack_backend_path(path, d->domid, d->disk->devid, "state");
	state = toolstack_read(w->ts, path);
	if (d->leaving) {
		if (!state)
			finish(w, d, 0);
	} else if (state && w->wanted == STATE_CLOSED && atoi(state) == STATE_CLOSED &&
		   backend_domid) {
		d->leaving = true;
		w->deadline = clock_ms() + w->ts->limit_ms;
	} else if (!state || atoi(state) == (int)w->wanted) {
		finish(w, d, state ? 0 : -ENODEV);
	}
}

static bool all_done(const struct wait *w)
{
	for (unsigned i = 0; i < w->nr; i++)
		if (w->devices[i].waiting)
			return false;
	return true;
}

/* Watches of all devices that are waiting, with the index as token.  Returns 0 or -errno. */
static int watch_states(struct wait *w, struct xs_handle *xs)
{
	char path[TOOLSTACK_PATH_MAX], token[16];

	for (unsigned i = 0; i < w->nr; i++) {
		const struct device *d = &w->devices[i];

		if (!d->waiting)
			continue;
		toolstack_backend_path(path, d->domid, d->disk->devid, "state");
		snprintf(token, sizeof(token), "%u", i);
		if (!xs_watch(xs, path, token))
			return -errno;
	}
	return 0;
}

/*
 * Wait until each waiting device is in the state, is gone, or the time is up.  Returns 0 or the
 * first error.  The watches have a connection of their own, so they don't meet those of other
 * threads.
 */
static int wait_for_state(struct wait *w)
{
	struct xs_handle *xs;
	struct pollfd pfd;
	char **event;
	uint64_t now;
	int e;

	if (all_done(w))
		return w->e;
	w->deadline = clock_ms() + w->ts->limit_ms;
	xs = xenstored_connect(w->ts->xenstored);
	e = xs ? watch_states(w, xs) : -errno;
	pfd = (struct pollfd){ .fd = xs ? xs_fileno(xs) : -1, .events = POLLIN };
	while (!e && !all_done(w)) {
		now = clock_ms();
		if (now < w->deadline)
			poll(&pfd, 1, w->deadline - now);
		else
			e = -ETIMEDOUT;
		while ((event = xs_check_watch(xs))) {
			look(w, &w->devices[atoi(event[XS_WATCH_TOKEN])]);
			free(event);
		}
	}
	for (unsigned i = 0; i < w->nr; i++)
		if (w->devices[i].waiting)
			finish(w, &w->devices[i], e);
	if (xs)
		xs_close(xs);
	return w->e;
}

int toolstack_add_disks(struct toolstack *ts, unsigned domid, const struct toolstack_disk *disks,
			unsigned nr, struct sim_error *err)
{
	struct device devices[TOOLSTACK_DISKS_MAX];
	struct wait w = { .ts = ts, .devices = devices, .nr = nr, .wanted = STATE_INIT_WAIT };
	int e = 0;

	assert(nr <= TOOLSTACK_DISKS_MAX);
	w.err = err;
	for (unsigned i = 0; i < nr && !e; i++) {
		devices[i] = device(domid, &disks[i]);
		devices[i].waiting = !disks[i].type;
		e = tx_run(ts, write_device, &devices[i], err);
	}
	if (!e)
		e = wait_for_state(&w);
	if (e) /* xl destroys the domain then */
		toolstack_remove_disks(ts, domid, disks, nr, true, NULL);
	return e;
}

/* libxl__initiate_device_generic_remove() */
static void close_device(struct tx *tx, void *arg)
{
	struct device *d = arg;
	_cleanup_(freep) char *state = NULL;
	char path[TOOLSTACK_PATH_MAX];

	if (d->force)
		tx_rm_and_empty_parents(tx, d->front);
	toolstack_backend_path(path, d->domid, d->disk->devid, "state");
	state = xs_read(tx->xs, tx->t, path, NULL);
	d->waiting = state;
	if (!state)
		return;
	tx_write(tx, d->back, "online", "0");
	if (atoi(state) != STATE_CLOSED)
		tx_write(tx, d->back, "state", "%d", STATE_CLOSING);
}

/* libxl__device_destroy() */
static void remove_device(struct tx *tx, void *arg)
{
	const struct device *d = arg;

	tx_rm_and_empty_parents(tx, d->front);
	tx_rm_and_empty_parents(tx, d->libxl);
	tx_rm_and_empty_parents(tx, d->back);
}

/* device_backend_callback() and device_hotplug_done(), for a removal */
static void closed(struct toolstack *ts, struct device *d, int e)
{
	d->retry = e == -ETIMEDOUT && !d->force && !d->leaving;
	if (!e || d->force)
		tx_run(ts, remove_device, d, NULL);
}

/* Ask the backends of all devices that are to be tried, and wait for them. */
static int remove_round(struct wait *w)
{
	for (unsigned i = 0; i < w->nr; i++) {
		struct device *d = &w->devices[i];
		int e;

		if (!d->retry)
			continue;
		e = tx_run(w->ts, close_device, d, w->e ? NULL : w->err);
		if (e)
			d->waiting = false;
		if (e && !w->e)
			w->e = e;
		if (!d->waiting) /* there is no backend: what is left goes at once */
			closed(w->ts, d, e);
	}
	return wait_for_state(w);
}

int toolstack_remove_disks(struct toolstack *ts, unsigned domid, const struct toolstack_disk *disks,
			   unsigned nr, bool force, struct sim_error *err)
{
	struct device devices[TOOLSTACK_DISKS_MAX];
	struct wait w = { ts, devices, nr, STATE_CLOSED, closed, 0, err, 0 };

	assert(nr <= TOOLSTACK_DISKS_MAX);
	for (unsigned i = 0; i < nr; i++) {
		devices[i] = device(domid, &disks[i]);
		devices[i].force = force;
		devices[i].retry = true;
	}
	if (remove_round(&w) != -ETIMEDOUT || force)
		return w.e;
	for (unsigned i = 0; i < nr; i++)
		devices[i].force = true;
	w.e = 0;
	return remove_round(&w);
}
