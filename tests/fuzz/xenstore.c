/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory
 *
 * The input is a backend directory in xenstore, nodes and their values, and the path of a watch event.
 * It goes through transport/xenstore.c and daemon/discover.c.  libxenstore's functions are taken the
 * place of: they read the input.
 *
 * Whatever is there, a disk that is taken has values that can be served; one that is not is either not
 * complete, with the name of a missing node, or refused with a line in the log; and the state is only
 * changed where it is what was expected.
 *
 * The input: a byte for the event's length, the event; then nodes: a byte for the key, a byte for the
 * length, the value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "daemon/discover.h"
#include "tests/fuzz/common.h"

#define DOMID	  7
#define NODES_MAX 32
#define VALUE_MAX 255

static const char *const keys[] = { "frontend-id",    "specification",	"transport", "dev",
				    "mode",	      "base",		"irq",	     "params",
				    "discard-enable", "direct-io-safe", "state",     "error",
				    "online",	      "frontend" };

#define NR_KEYS (sizeof(keys) / sizeof(*keys))

static struct node {
	const char *key;
	unsigned len;
	char value[VALUE_MAX + 1];
} nodes[NODES_MAX];
static unsigned nr_nodes, writes;
static char dir[XENSTORE_PATH_MAX];

static struct node *find(const char *path)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) || path[n] != '/')
		return NULL;
	for (unsigned i = 0; i < nr_nodes; i++)
		if (!strcmp(nodes[i].key, path + n + 1))
			return &nodes[i];
	return NULL;
}

/* libxenstore, as far as it is used here */

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
{
	const struct node *node = find(path);
	char *value;

	(void)h;
	(void)t;
	if (!node) {
		errno = ENOENT;
		return NULL;
	}
	value = malloc(node->len + 1);
	fuzz_check(value, "out of memory");
	memcpy(value, node->value, node->len);
	value[node->len] = '\0';
	*len = node->len;
	return value;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *num)
{
	char **list = malloc((nr_nodes + 1) * sizeof(*list));

	(void)h;
	(void)t;
	fuzz_check(list && !strcmp(path, dir), "directory %s", path);
	for (unsigned i = 0; i < nr_nodes; i++)
		list[i] = (char *)nodes[i].key;
	*num = nr_nodes;
	return list;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned len)
{
	struct node *node = find(path);

	(void)h;
	(void)t;
	writes++;
	if (!node || len > VALUE_MAX)
		return true;
	node->len = len;
	memcpy(node->value, data, len);
	return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	(void)h;
	(void)t;
	(void)path;
	return true;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	(void)h;
	return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	(void)h;
	(void)t;
	(void)abort;
	return true;
}

/* The input */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_log_start();
	discover_dir(dir, DOMID, 51712);
	return 0;
}

static void check_event(struct fuzz_input *in)
{
	char path[VALUE_MAX + 1], again[XENSTORE_PATH_MAX];
	unsigned len = fuzz_take(in, 1);
	uint16_t domid = 0;
	uint32_t devid = 0;
	int n;

	for (unsigned i = 0; i < len; i++)
		path[i] = fuzz_take(in, 1);
	path[len] = '\0';
	n = discover_split(path, &domid, &devid);
	if (n < 2)
		return;
	/* It is below the directory that these numbers name. */
	discover_dir(again, domid, devid);
	fuzz_check(!strncmp(path, again, strlen(again)), "%s is not in %s", path, again);
}

static void take_nodes(struct fuzz_input *in)
{
	for (nr_nodes = 0; nr_nodes < NODES_MAX && fuzz_left(in); nr_nodes++) {
		struct node *node = &nodes[nr_nodes];

		node->key = keys[fuzz_take(in, 1) % NR_KEYS];
		node->len = fuzz_take(in, 1);
		for (unsigned i = 0; i < node->len; i++)
			node->value[i] = fuzz_take(in, 1);
	}
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, data + size };
	struct discovered d = DISCOVERED_NULL;
	struct log_subject subject = { .guest = "fuzz" };
	struct xenstore x = XENSTORE_NULL;
	uint64_t before = fuzz_log_lines;
	const char *missing = NULL;
	enum xenbus_state state;
	char name[24];
	int r;

	check_event(&in);
	take_nodes(&in);
	discover_name(&x, dir, 51712, name, sizeof(name));
	fuzz_check(name[0] && strlen(name) < sizeof(name), "name");
	r = discover_read(&x, dir, DOMID, &subject, &d, &missing);
	if (!r)
		check_disk(&d);
	else if (r == -EAGAIN)
		fuzz_check(missing, "nothing is missing");
	else
		fuzz_check(fuzz_log_lines > before, "refused without a word");
	fuzz_check(!r || !d.path, "a failure left something");
	discovered_free(&d);
	discover_fingerprint(&x, dir);

	state = discover_state(&x, dir);
	writes = 0;
	discover_set_state(&x, dir, XENBUS_INITIALISING, XENBUS_INIT_WAIT, &subject);
	fuzz_check(!writes || state == XENBUS_INITIALISING, "state %u was overwritten", state);
	return 0;
}
