/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory
 *
 * The input is a backend directory in xenstore, nodes and their values, and the path of a watch
 * event.  It goes through transport/xenstore.c and daemon/discover.c, above
 * tests/fuzz/libxenstore.h, of which any call may fail.
 *
 * Whatever is there, a disk that is taken has values that can be served; one that is not is either
 * not complete, with the name of a missing node, or refused with a line in the log; and the state
 * is only changed where it is what was expected.
 *
 * The input: a byte for the event's length, the event; then nodes: a byte for the key, a byte for
 * the length, the value; or a byte for the failure of a call, and one for which.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/discover.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/libxenstore.h"

#define DOMID	  7
#define NODES_MAX 32
#define VALUE_MAX 255
#define FAILURES  248 /* keys from here on */

static const char *const keys[] = { "frontend-id",    "specification",	"transport", "dev",
				    "mode",	      "base",		"irq",	     "params",
				    "discard-enable", "direct-io-safe", "state",     "error",
				    "online",	      "frontend" };

#define NR_KEYS (sizeof(keys) / sizeof(*keys))

static char dir[XENSTORE_PATH_MAX];
static unsigned writes;

static void written(const char *path, const char *old, const char *new)
{
	size_t n = strlen(dir);

	(void)old;
	writes++;
	fuzz_check(!strncmp(path, dir, n) && path[n] == '/', "%s is written", path);
	fuzz_check(new || !strcmp(path + n, "/error"), "%s is removed", path);
}

/* The input */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_log_start();
	libxenstore_written = written;
	discover_dir(dir, DOMID, (struct disk_id){ false, 51712 });
	return 0;
}

static void take_event(struct fuzz_input *in, char *path)
{
	char again[XENSTORE_PATH_MAX];
	unsigned len = fuzz_take(in, 1);
	uint16_t domid = 0;
	struct disk_id id;

	for (unsigned i = 0; i < len; i++)
		path[i] = fuzz_take(in, 1);
	path[len] = '\0';
	if (discover_split(path, &domid, &id) < 2)
		return;
	/* It is below the directory that these numbers name. */
	discover_dir(again, domid, id);
	fuzz_check(!strncmp(path, again, strlen(again)), "%s is not in %s", path, again);
}

/* True if calls will fail. */
static bool take_nodes(struct fuzz_input *in)
{
	static const int errors[] = { EAGAIN, ENOENT, EACCES, EIO, ENOMEM, EINVAL, ENOSPC, E2BIG };
	char path[XENSTORE_PATH_MAX], value[VALUE_MAX];
	bool failures = false;

	for (unsigned n = 0; n < NODES_MAX && fuzz_left(in); n++) {
		unsigned key = fuzz_take(in, 1), len = fuzz_take(in, 1);

		if (key >= FAILURES) {
			libxenstore_fail(len, errors[key % 8]);
			failures = true;
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", dir, keys[key % NR_KEYS]);
		for (unsigned i = 0; i < len; i++)
			value[i] = fuzz_take(in, 1);
		libxenstore_set(path, value, len);
	}
	return failures;
}

static void check_disk(const struct discovered *d)
{
	fuzz_check(d->path && d->path[0] == '/', "path");
	fuzz_check(d->base % 0x200 == 0, "base %#llx", (unsigned long long)d->base);
	fuzz_check(d->irq >= 32 && d->irq < 1020, "irq %u", d->irq);
	fuzz_check(d->vdev[0] &&
			   d->vdev[strspn(d->vdev, "abcdefghijklmnopqrstuvwxyz0123456789")] == '\0',
		   "vdev %s", d->vdev);
}

static void check_nodes(struct xenstore *x, const struct log_subject *subject)
{
	struct discovered d = DISCOVERED_NULL;
	uint64_t before = fuzz_log_lines;
	const char *missing = NULL;
	char name[24];
	int r;

	discover_name(x, dir, (struct disk_id){ false, 51712 }, name, sizeof(name));
	fuzz_check(name[0] && strlen(name) < sizeof(name), "name");
	r = discover_read(x, dir, DOMID, (struct disk_id){ false, 51712 }, subject, &d, &missing);
	if (!r)
		check_disk(&d);
	else if (r == -EAGAIN)
		fuzz_check(missing, "nothing is missing");
	else
		fuzz_check(fuzz_log_lines > before, "refused without a word");
	fuzz_check(!r || !d.path, "a failure left something");
	discovered_free(&d);
	discover_fingerprint(x, dir);
}

/* The handshake: only what was expected is changed. */
static void check_handshake(struct xenstore *x, const struct log_subject *subject, bool failures)
{
	enum xenbus_state state = discover_state(x, dir);
	char path[XENSTORE_PATH_MAX];

	writes = 0;
	discover_set_state(x, dir, XENBUS_INITIALISING, XENBUS_INIT_WAIT, subject);
	fuzz_check(!writes || failures || state == XENBUS_INITIALISING, "state %u was overwritten",
		   state);
	fuzz_check(!writes || failures || discover_state(x, dir) == XENBUS_INIT_WAIT, "no state 2");
	writes = 0;
	discover_set_error(x, dir, "why");
	fuzz_check(failures || writes == (state != XENBUS_NONE), "state %u, %u errors", state,
		   writes);
	discover_set_error(x, dir, NULL);
	snprintf(path, sizeof(path), "%s/error", dir);
	fuzz_check(failures || !libxenstore_get(path), "an error is left");
}

/* What the watcher asks besides. */
static void check_others(struct xenstore *x, const char *event, bool failures)
{
	char *path;

	libxenstore_event(event);
	path = xenstore_next_event(x);
	fuzz_check(path && !strcmp(path, event), "an event is lost");
	free(path);
	fuzz_check(!xenstore_next_event(x), "an event of nobody's");
	/* Without an answer the domain is taken to be there. */
	libxenstore_set_domain(DOMID, strlen(event) % 2);
	fuzz_check(xenstore_domain_exists(x, DOMID) == strlen(event) % 2 || failures,
		   "a domain that is not there");
}

static void check(struct xenstore *x, const char *event, bool failures)
{
	const struct log_subject subject = { .guest = "fuzz" };
	char *first;

	if (xenstore_watch(x, DISCOVER_ROOT)) {
		fuzz_check(failures, "no watch");
		return;
	}
	first = xenstore_next_event(x);
	fuzz_check(first && !strcmp(first, DISCOVER_ROOT), "no first event");
	free(first);
	check_nodes(x, &subject);
	check_handshake(x, &subject, failures);
	check_others(x, event, failures);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, data + size };
	uint64_t before = fuzz_log_lines;
	char event[VALUE_MAX + 1];
	struct xenstore x;
	bool failures;

	libxenstore_reset();
	take_event(&in, event);
	failures = take_nodes(&in);
	if (xenstore_open(&x)) {
		fuzz_check(failures && fuzz_log_lines > before, "cannot connect");
		return 0;
	}
	check(&x, event, failures);
	xenstore_close(&x);
	return 0;
}
