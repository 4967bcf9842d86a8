/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stand-in for libxl writes libxl's nodes with their owners, and waits for the backend as libxl
 * does.  The lab saw the nodes on real Xen.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "base/util.h"
#include "tests/sim/check.h"
#include "tests/sim/toolstack.h"

/* Short, where nobody answers; for the others it is long. */
#define SHORT_MS 100
#define LONG_MS	 60000

#define ROOT	 "/local/domain/0/backend/virtio_disk"

static struct xenstored xenstored;
static struct toolstack ts;
static struct sim_error err;

/* The daemon's part in a thread: what it answers to states 1 and 5; NULL: nothing. */
struct backend {
	const char *to_1, *to_5;
	unsigned closed, without_frontend; /* disks that were in state 5; of these */
	struct xs_handle *xs;
	pthread_t thread;
};

static void answer(struct backend *b, const char *path)
{
	_cleanup_(freep) char *state = xs_read(b->xs, XBT_NULL, path, NULL);
	_cleanup_(freep) char *frontend = NULL;
	char front[TOOLSTACK_PATH_MAX], error[TOOLSTACK_PATH_MAX];
	const char *with = NULL;
	unsigned domid, devid;

	if (!state || (strcmp(state, "1") && strcmp(state, "5")) ||
	    sscanf(path, ROOT "/%u/%u/state", &domid, &devid) != 2)
		return;
	if (!strcmp(state, "1"))
		with = b->to_1;
	if (!strcmp(state, "5")) {
		with = b->to_5;
		snprintf(front, sizeof(front), "/local/domain/%u/device/virtio_disk/%u", domid,
			 devid);
		frontend = xs_read(b->xs, XBT_NULL, front, NULL);
		b->closed++;
		b->without_frontend += !frontend;
	}
	snprintf(error, sizeof(error), "%.*serror", (int)(strlen(path) - strlen("state")), path);
	if (!with || *with == '4')
		sim_check(xs_write(b->xs, XBT_NULL, error, "a reason", 8), "%m");
	if (with)
		sim_check(xs_write(b->xs, XBT_NULL, path, with, strlen(with)), "%m");
}

static void *backend_thread(void *arg)
{
	struct backend *b = arg;
	unsigned n;

	for (;;) {
		_cleanup_(freep) char **event = xs_read_watch(b->xs, &n);
		const char *path = event ? event[XS_WATCH_PATH] : "/stop";
		size_t len = strlen(path);

		if (!strcmp(event[XS_WATCH_TOKEN], "stop")) {
			_cleanup_(freep) char *stop = toolstack_read(&ts, path);

			if (stop)
				return NULL;
		} else if (len > 6 && !strcmp(path + len - 6, "/state")) {
			answer(b, path);
		}
	}
}

static void backend_start(struct backend *b, const char *to_1, const char *to_5)
{
	*b = (struct backend){ .to_1 = to_1, .to_5 = to_5 };
	b->xs = xenstored_connect(&xenstored);
	sim_check(b->xs && xs_watch(b->xs, ROOT, "root") && xs_watch(b->xs, "/stop", "stop"), "%m");
	sim_check(pthread_create(&b->thread, NULL, backend_thread, b) == 0, "no thread");
}

static void backend_stop(struct backend *b)
{
	sim_check(toolstack_write(&ts, "/stop", "") == 0, "cannot stop");
	pthread_join(b->thread, NULL);
	sim_check(toolstack_rm(&ts, "/stop") == 0, "cannot remove the node");
	xs_close(b->xs);
}

/*
 * A directory has exactly these nodes; each with these permissions, as xenstore-ls -p shows them.
 */
static void check_nodes(const char *dir, const char *perms, const char *const (*expected)[2])
{
	_cleanup_(freep) char **names = NULL;
	unsigned n, nr = 0;

	for (; expected[nr][0]; nr++) {
		char path[TOOLSTACK_PATH_MAX], text[64];
		_cleanup_(freep) struct xs_permissions *p = NULL;
		_cleanup_(freep) char *value = NULL;
		size_t used = 0;

		snprintf(path, sizeof(path), "%s/%s", dir, expected[nr][0]);
		value = toolstack_read(&ts, path);
		sim_check(value && !strcmp(value, expected[nr][1]), "%s is %s", path, value);
		p = xs_get_permissions(ts.xs, XBT_NULL, path, &n);
		sim_check(p, "%s: %m", path);
		for (unsigned i = 0; i < n; i++)
			used += snprintf(text + used, sizeof(text) - used, "%c%u",
					 "nrwb"[p[i].perms & 3], p[i].id);
		sim_check(!strcmp(text, perms), "%s has permissions %s", path, text);
	}
	names = xs_directory(ts.xs, XBT_NULL, dir, &n);
	sim_check(names && n == nr, "%s has %u nodes, not %u", dir, n, nr);
}

/* None of the nodes is left. */
static void check_gone(unsigned domid)
{
	static const char *const formats[] = { ROOT "/%u", "/local/domain/%u/device/virtio_disk",
					       "/libxl/%u/device/virtio_disk" };
	char path[TOOLSTACK_PATH_MAX];

	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
		_cleanup_(freep) char *value = NULL;

		snprintf(path, sizeof(path), formats[i], domid);
		value = toolstack_read(&ts, path);
		sim_check(!value && errno == ENOENT, "%s is left", path);
	}
}

static void create(unsigned domid, const char *name)
{
	xenstored_set_domain(&xenstored, domid, XENSTORED_DOMAIN_RUNNING);
	sim_check(toolstack_create_domain(&ts, domid, name, &err) == 0, "%s", err.text);
}

static void destroy(unsigned domid)
{
	sim_check(toolstack_destroy_domain(&ts, domid, &err) == 0, "%s", err.text);
	xenstored_set_domain(&xenstored, domid, XENSTORED_DOMAIN_NONE);
}

/* xl create, xl destroy: what the lab has seen of two disks. */
static void nodes_are_libxls(void)
{
	static const char *const back[][2] = {
		{ "frontend", "/local/domain/1/device/virtio_disk/51728" },
		{ "params", "/images/b.img" },
		{ "frontend-id", "1" },
		{ "online", "1" },
		{ "removable", "0" },
		{ "bootable", "1" },
		{ "state", "2" },
		{ "dev", "xvdb" },
		{ "type", "standalone" },
		{ "mode", "r" },
		{ "device-type", "disk" },
		{ "direct-io-safe", "1" },
		{ "discard-enable", "0" },
		{ "specification", "virtio" },
		{ "transport", "mmio" },
		{ "base", "33554944" },
		{ "irq", "34" },
		{ NULL, NULL },
	};
	static const char *const front[][2] = {
		{ "backend", ROOT "/1/51728" },
		{ "backend-id", "0" },
		{ "state", "1" },
		{ "virtual-device", "51728" },
		{ "device-type", "disk" },
		{ "trusted", "1" },
		{ NULL, NULL },
	};
	struct toolstack_disk disks[] = { toolstack_disk(0, "/images/a.img"),
					  toolstack_disk(1, "/images/b.img") };
	struct backend b;

	disks[1].read_only = true;
	disks[1].discard = false;
	disks[1].direct_io_safe = true;
	backend_start(&b, "2", "6");
	create(1, "g1");
	sim_check(toolstack_add_disks(&ts, 1, disks, 2, &err) == 0, "%s", err.text);
	check_nodes(ROOT "/1/51728", "n0r1", back);
	check_nodes("/local/domain/1/device/virtio_disk/51728", "n1r0", front);
	check_nodes(ROOT "/1", "n0r1",
		    (const char *const[][2]){ { "51712", "" }, { "51728", "" }, { NULL, NULL } });
	destroy(1);
	backend_stop(&b);
	sim_check(b.closed == 2 && b.without_frontend == 2, "%u and %u", b.closed,
		  b.without_frontend);
	check_gone(1);
}

/* Without force the frontend is there until the backend has closed. */
static void frontend_goes_last(void)
{
	struct toolstack_disk disk = toolstack_disk(0, "/images/a.img");
	struct backend b;

	backend_start(&b, "2", "6");
	create(2, "g2");
	sim_check(toolstack_add_disks(&ts, 2, &disk, 1, &err) == 0, "%s", err.text);
	sim_check(toolstack_remove_disks(&ts, 2, &disk, 1, false, &err) == 0, "%s", err.text);
	check_gone(2);
	destroy(2);
	backend_stop(&b);
	sim_check(b.closed == 1 && b.without_frontend == 0, "%u and %u", b.closed,
		  b.without_frontend);
}

/*
 * The time is up, or the state is another: an error in the backend's words, and nothing is left.
 * False: the backend had too little time for its words.
 */
static bool no_backend_is_an_error(const char *to_1)
{
	struct toolstack_disk disk = toolstack_disk(0, "/images/a.img");
	struct backend b;

	backend_start(&b, to_1, NULL);
	create(3, "g3");
	sim_check(toolstack_add_disks(&ts, 3, &disk, 1, &err) == -ETIMEDOUT, "no error");
	check_gone(3);
	destroy(3);
	backend_stop(&b);
	return strstr(err.text,
		      to_1 ? "in state 4, not 2: a reason" : "in state 1, not 2: a reason");
}

static bool absent_backend(void)
{
	return no_backend_is_an_error(NULL);
}

static bool hasty_backend(void)
{
	return no_backend_is_an_error("4");
}

/*
 * The daemon has died: its disks go nevertheless; without force libxl tries again with it.  False:
 * our backend was too slow to see it.
 */
static bool dead_backend_keeps_nothing(bool force)
{
	struct toolstack_disk disk = toolstack_disk(0, "/images/a.img");
	int limit_ms = ts.limit_ms;
	struct backend b;

	backend_start(&b, "2", NULL);
	create(4, "g4");
	ts.limit_ms = LONG_MS;
	sim_check(toolstack_add_disks(&ts, 4, &disk, 1, &err) == 0, "%s", err.text);
	ts.limit_ms = limit_ms;
	sim_check(toolstack_remove_disks(&ts, 4, &disk, 1, force, &err) == -ETIMEDOUT, "no error");
	check_gone(4);
	destroy(4);
	backend_stop(&b);
	return b.closed == (force ? 1 : 2) && b.without_frontend == 1 &&
	       strstr(err.text, "in state 5, not 6: a reason");
}

static bool dead_backend_forced(void)
{
	return dead_backend_keeps_nothing(true);
}

static bool dead_backend_asked(void)
{
	return dead_backend_keeps_nothing(false);
}

/* Where a time limit is to pass: a short one, and longer ones on a machine that is slow. */
static void patiently(bool (*test)(void))
{
	ts.limit_ms = SHORT_MS;
	while (!test()) {
		ts.limit_ms *= 2;
		sim_check(ts.limit_ms < LONG_MS, "%s", err.text);
	}
	ts.limit_ms = LONG_MS;
}

/* A guest that is just gone: nobody asks the backend. */
static void death_has_no_handshake(void)
{
	struct toolstack_disk disk = toolstack_disk(0, "/images/a.img");
	struct backend b;

	backend_start(&b, "2", "6");
	create(5, "g5");
	sim_check(toolstack_add_disks(&ts, 5, &disk, 1, &err) == 0, "%s", err.text);
	xenstored_set_domain(&xenstored, 5, XENSTORED_DOMAIN_NONE);
	sim_check(toolstack_domain_died(&ts, 5, &err) == 0, "%s", err.text);
	backend_stop(&b);
	sim_check(b.closed == 0, "%u", b.closed);
	check_gone(5);
}

/* What a guest may do in xenstore, and what it may not. */
static void guest_has_its_own(void)
{
	struct toolstack_disk disk = toolstack_disk(0, "/images/a.img");

	create(6, "g6");
	sim_check(toolstack_write_disk(&ts, 6, &disk, &err) == 0, "%s", err.text);
	sim_check(toolstack_guest_write(&ts, 6, "device/virtio_disk/51712/state", "4") == 0,
		  "the frontend is not the guest's");
	sim_check(toolstack_guest_write(&ts, 6, "data/a/b", "c") == 0, "data is not the guest's");
	check_nodes("/local/domain/6/data/a", "n6", (const char *const[][2]){ { "b", "c" }, {} });
	sim_check(toolstack_guest_write(&ts, 6, "name", "g7") == -EACCES,
		  "the name is the guest's");
	sim_check(toolstack_guest_write(&ts, 6, "../0/x", "y") != 0, "a way out");
	sim_check(toolstack_guest_rm(&ts, 6, "device/virtio_disk/51712") == 0,
		  "the frontend is not the guest's");
	sim_check(toolstack_domain_died(&ts, 6, &err) == 0, "%s", err.text);
	xenstored_set_domain(&xenstored, 6, XENSTORED_DOMAIN_NONE);
}

static void *guest_cycles(void *arg)
{
	unsigned domid = *(unsigned *)arg;
	struct toolstack_disk disks[TOOLSTACK_DISKS_MAX];

	for (unsigned i = 0; i < TOOLSTACK_DISKS_MAX; i++)
		disks[i] = toolstack_disk(i, "/images/a.img");
	for (unsigned i = 0; i < 5; i++) {
		struct sim_error e;

		xenstored_set_domain(&xenstored, domid, XENSTORED_DOMAIN_RUNNING);
		sim_check(toolstack_create_domain(&ts, domid, "g", &e) == 0, "%s", e.text);
		sim_check(toolstack_add_disks(&ts, domid, disks, TOOLSTACK_DISKS_MAX, &e) == 0,
			  "%s", e.text);
		sim_check(toolstack_destroy_domain(&ts, domid, &e) == 0, "%s", e.text);
		xenstored_set_domain(&xenstored, domid, XENSTORED_DOMAIN_NONE);
	}
	return NULL;
}

static void two_threads(void)
{
	unsigned domids[] = { 7, 8 };
	pthread_t threads[2];
	struct backend b;

	backend_start(&b, "2", "6");
	for (unsigned i = 0; i < 2; i++)
		sim_check(pthread_create(&threads[i], NULL, guest_cycles, &domids[i]) == 0,
			  "no thread");
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	backend_stop(&b);
	check_gone(7);
	check_gone(8);
}

int main(void)
{
	char dir[] = "/tmp/xensim-XXXXXX";

	unsetenv("SIM_MEMORY"); /* libxl 4.17 says nothing of that */
	sim_check(mkdtemp(dir), "%m");
	sim_check(xenstored_start(&xenstored, dir, &err) == 0, "%s", err.text);
	sim_check(toolstack_open(&ts, &xenstored, LONG_MS, &err) == 0, "%s", err.text);
	sim_check(toolstack_create_domain(&ts, 1, "g1", &err) == -ESRCH, "Xen has no domain 1");
	nodes_are_libxls();
	frontend_goes_last();
	patiently(absent_backend);
	patiently(hasty_backend);
	patiently(dead_backend_forced);
	patiently(dead_backend_asked);
	death_has_no_handshake();
	guest_has_its_own();
	two_threads();
	toolstack_close(&ts);
	sim_check(xenstored_stop(&xenstored, &err) == 0, "%s", err.text);
	sim_check(rmdir(dir) == 0, "something is left in %s: %m", dir);
	return 0;
}
