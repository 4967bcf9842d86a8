/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/libxenstore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "base/util.h"
#include "tests/fuzz/common.h"

#define PATH_BYTES  256
#define NODES_MAX   512
#define EVENTS_MAX  32
#define DOMAINS_MAX 16
#define HANDLE	    ((struct xs_handle *)&store)

struct node {
	char path[PATH_BYTES];
	unsigned len;
	char value[LIBXENSTORE_VALUE_MAX + 1];
};

static struct {
	struct node nodes[NODES_MAX];
	unsigned nr_nodes;
	char events[EVENTS_MAX][PATH_BYTES];
	unsigned nr_events;
	bool domains[DOMAINS_MAX];
	bool open;
	bool transaction;
	struct node pending; /* written in the transaction; path "": none */
	unsigned countdown;  /* 0: none */
	int error;
} store;

void (*libxenstore_written)(const char *path, const char *old, const char *new);

void libxenstore_reset(void)
{
	store.nr_nodes = store.nr_events = 0;
	store.open = store.transaction = false;
	store.countdown = 0;
	memset(store.domains, 0, sizeof(store.domains));
}

static struct node *find(const char *path)
{
	for (unsigned i = 0; i < store.nr_nodes; i++)
		if (!strcmp(store.nodes[i].path, path))
			return &store.nodes[i];
	return NULL;
}

/* Is path this directory or below it? */
static bool is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

void libxenstore_set(const char *path, const void *value, unsigned len)
{
	struct node *node = find(path);

	if (!node) {
		if (store.nr_nodes == NODES_MAX || strlen(path) >= PATH_BYTES)
			return;
		node = &store.nodes[store.nr_nodes++];
		strcpy(node->path, path);
	}
	node->len = MIN(len, (unsigned)LIBXENSTORE_VALUE_MAX);
	memcpy(node->value, value, node->len);
	node->value[node->len] = '\0';
}

void libxenstore_set_text(const char *path, const char *text)
{
	libxenstore_set(path, text, strlen(text));
}

void libxenstore_remove(const char *path)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < store.nr_nodes; i++) {
		if (is_within(store.nodes[i].path, path))
			continue;
		if (kept != i)
			store.nodes[kept] = store.nodes[i];
		kept++;
	}
	store.nr_nodes = kept;
}

const char *libxenstore_get(const char *path)
{
	const struct node *node = find(path);

	return node ? node->value : NULL;
}

void libxenstore_event(const char *path)
{
	if (store.nr_events < EVENTS_MAX && strlen(path) < PATH_BYTES)
		strcpy(store.events[store.nr_events++], path);
}

void libxenstore_set_domain(uint16_t domid, bool there)
{
	store.domains[domid % DOMAINS_MAX] = there;
}

void libxenstore_fail(unsigned n, int error)
{
	store.countdown = n + 1;
	store.error = error;
}

/* Does this call fail?  Sets errno. */
static bool fails(const struct xs_handle *h)
{
	fuzz_check(h == HANDLE && store.open, "another handle, or a closed one");
	if (!store.countdown || --store.countdown)
		return false;
	/* That is only said at the end of a transaction. */
	errno = store.error == EAGAIN ? EIO : store.error;
	return true;
}

/* The library's functions */

struct xs_handle *xs_open(unsigned long flags)
{
	(void)flags;
	store.open = true;
	if (!fails(HANDLE))
		return HANDLE;
	store.open = false;
	return NULL;
}

void xs_close(struct xs_handle *h)
{
	fuzz_check(h == HANDLE && store.open, "closed twice");
	store.open = false;
}

int xs_fileno(struct xs_handle *h)
{
	fuzz_check(h == HANDLE && store.open, "another handle, or a closed one");
	return LIBXENSTORE_FD;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
{
	const struct node *node;
	char *value;

	(void)t;
	if (fails(h))
		return NULL;
	node = find(path);
	/* A directory has an empty value. */
	for (unsigned i = 0; !node && i < store.nr_nodes; i++)
		if (is_within(store.nodes[i].path, path)) {
			*len = 0;
			return strdup("");
		}
	if (!node) {
		errno = ENOENT;
		return NULL;
	}
	value = malloc(node->len + 1);
	fuzz_check(value, "out of memory");
	memcpy(value, node->value, node->len + 1);
	*len = node->len;
	return value;
}

/* One allocation: the pointers, and the names behind them. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *num)
{
	size_t n = strlen(path);
	unsigned nr = 0;
	char **list, *text;

	(void)t;
	if (fails(h))
		return NULL;
	list = malloc((sizeof(*list) + PATH_BYTES) * (store.nr_nodes + 1));
	fuzz_check(list, "out of memory");
	text = (char *)(list + store.nr_nodes + 1);
	for (unsigned i = 0; i < store.nr_nodes; i++) {
		const char *node = store.nodes[i].path;
		size_t len;
		bool again = false;

		if (!is_within(node, path) || !node[n])
			continue;
		len = strcspn(node + n + 1, "/");
		for (unsigned k = 0; k < nr; k++)
			again |= strlen(list[k]) == len && !memcmp(list[k], node + n + 1, len);
		if (again)
			continue;
		list[nr++] = text;
		memcpy(text, node + n + 1, len);
		text[len] = '\0';
		text += len + 1;
	}
	if (!nr && !find(path)) {
		free(list);
		errno = ENOENT;
		return NULL;
	}
	*num = nr;
	return list;
}

/* The product writes a node. */
static void change(const char *path, const char *value)
{
	libxenstore_written(path, libxenstore_get(path), value);
	libxenstore_set_text(path, value);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned len)
{
	if (fails(h))
		return false;
	fuzz_check(len <= LIBXENSTORE_VALUE_MAX && strnlen(data, len) == len &&
			   strlen(path) < PATH_BYTES,
		   "%u bytes to %s", len, path);
	if (t == XBT_NULL) {
		change(path, data);
		return true;
	}
	strcpy(store.pending.path, path);
	memcpy(store.pending.value, data, len);
	store.pending.value[len] = '\0';
	return true;
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	(void)t;
	if (fails(h))
		return false;
	libxenstore_written(path, libxenstore_get(path), NULL);
	libxenstore_remove(path);
	return true;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	fuzz_check(!store.transaction, "a transaction in a transaction");
	if (fails(h))
		return XBT_NULL;
	store.transaction = true;
	store.pending.path[0] = '\0';
	return 1;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	fuzz_check(store.transaction && t == 1, "no transaction");
	store.transaction = false;
	if (fails(h)) {
		errno = store.error;
		return false;
	}
	if (!abort && store.pending.path[0])
		change(store.pending.path, store.pending.value);
	return true;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	(void)token;
	if (fails(h))
		return false;
	libxenstore_event(path);
	return true;
}

char **xs_check_watch(struct xs_handle *h)
{
	size_t bytes = 2 * sizeof(char *) + PATH_BYTES;
	char **event;

	fuzz_check(h == HANDLE && store.open, "another handle, or a closed one");
	if (!store.nr_events)
		return NULL;
	event = malloc(bytes);
	fuzz_check(event, "out of memory");
	event[XS_WATCH_PATH] = event[XS_WATCH_TOKEN] = (char *)(event + 2);
	strcpy(event[XS_WATCH_PATH], store.events[0]);
	memmove(store.events, store.events + 1, --store.nr_events * PATH_BYTES);
	return event;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	return !fails(h) && store.domains[domid % DOMAINS_MAX];
}
