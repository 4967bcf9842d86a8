/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport/xenstore.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xenstore.h>

#include "base/log.h"

int xenstore_open(struct xenstore *x)
{
	*x = XENSTORE_NULL;
	x->xs = xs_open(0);
	if (!x->xs)
		return fail(-errno, NULL, "cannot connect to xenstore (is xenstored running?)");
	return 0;
}

void xenstore_close(struct xenstore *x)
{
	if (x->xs)
		xs_close(x->xs);
	*x = XENSTORE_NULL;
}

static int join(char *path, const char *dir, const char *key)
{
	if (snprintf(path, XENSTORE_PATH_MAX, "%s%s%s", dir, *dir ? "/" : "", key) >=
	    XENSTORE_PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

char *xenstore_read(struct xenstore *x, const char *dir, const char *key)
{
	char path[XENSTORE_PATH_MAX], *value;
	unsigned len;

	if (join(path, dir, key) < 0) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	value = xs_read(x->xs, XBT_NULL, path, &len);
	if (!value)
		return NULL;
	for (unsigned i = 0; i < len; i++) {
		/* Bytes of UTF-8 are fine. */
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f) {
			free(value);
			errno = EILSEQ;
			return NULL;
		}
	}
	return value;
}

int xenstore_read_u64(struct xenstore *x, const char *dir, const char *key, uint64_t min,
		      uint64_t max, uint64_t *ret)
{
	_cleanup_(freep) char *text = xenstore_read(x, dir, key);
	unsigned long long n;
	char *end;

	if (!text)
		return errno == EILSEQ ? -EINVAL : -errno;
	/* strtoull() would take a sign and leading blanks. */
	if (!isdigit(text[0]))
		return -EINVAL;
	errno = 0;
	/* Not octal: "010" is ten to whoever wrote it. */
	n = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	if (*end)
		return -EINVAL;
	if (errno || n < min || n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}

/* What to do where path has the expected value: write another one there, or remove dir. */
struct change {
	const char *path, *expected, *value, *dir;
};

/* One try in a transaction. */
static int try_change(struct xenstore *x, const struct change *c)
{
	xs_transaction_t t = xs_transaction_start(x->xs);
	_cleanup_(freep) char *there = NULL;
	bool done = true;
	unsigned len;
	int r = 0;

	if (t == XBT_NULL)
		return -errno;
	there = xs_read(x->xs, t, c->path, &len);
	if (!there)
		r = -errno;
	else if (len != strlen(c->expected) || memcmp(there, c->expected, len))
		r = -ESTALE; /* nor is it "1" and a NUL */
	else if (c->value)
		done = xs_write(x->xs, t, c->path, c->value, strlen(c->value));
	else
		done = xs_rm(x->xs, t, c->dir);
	if (!done)
		r = -errno;
	if (!xs_transaction_end(x->xs, t, r != 0) && !r)
		r = -errno;
	return r;
}

static int change(struct xenstore *x, const struct change *c)
{
	int r;

	/* EAGAIN: somebody else wrote there at the same time. */
	do
		r = try_change(x, c);
	while (r == -EAGAIN);
	return r;
}

int xenstore_update(struct xenstore *x, const char *dir, const char *key, const char *expected,
		    const char *value)
{
	char path[XENSTORE_PATH_MAX];
	int r = join(path, dir, key);

	return r ? r : change(x, &(struct change){ path, expected, value, NULL });
}

int xenstore_remove_dir(struct xenstore *x, const char *dir, const char *key, const char *expected)
{
	char path[XENSTORE_PATH_MAX];
	int r = join(path, dir, key);

	return r ? r : change(x, &(struct change){ path, expected, NULL, dir });
}

int xenstore_write(struct xenstore *x, const char *dir, const char *key, const char *value)
{
	char path[XENSTORE_PATH_MAX];
	int r = join(path, dir, key);

	if (!r && !xs_write(x->xs, XBT_NULL, path, value, strlen(value)))
		r = -errno;
	return r;
}

void xenstore_remove(struct xenstore *x, const char *dir, const char *key)
{
	char path[XENSTORE_PATH_MAX];

	if (!join(path, dir, key))
		xs_rm(x->xs, XBT_NULL, path);
}

bool xenstore_exists(struct xenstore *x, const char *path)
{
	unsigned len;
	char *value = xs_read(x->xs, XBT_NULL, path, &len);

	free(value);
	return value != NULL;
}

unsigned xenstore_list(struct xenstore *x, const char *path, char ***ret)
{
	unsigned n = 0;

	*ret = xs_directory(x->xs, XBT_NULL, path, &n);
	return *ret ? n : 0;
}

int xenstore_watch(struct xenstore *x, const char *path)
{
	if (!xs_watch(x->xs, path, path))
		return fail(-errno, NULL, "cannot watch %s in xenstore", path);
	x->fd = xs_fileno(x->xs);
	return 0;
}

char *xenstore_next_event(struct xenstore *x)
{
	char **event = xs_check_watch(x->xs);
	char *path;

	if (!event)
		return NULL;
	path = strdup(event[XS_WATCH_PATH]);
	free(event);
	return path;
}

bool xenstore_domain_exists(struct xenstore *x, uint16_t domid)
{
	errno = 0;
	/* An error is no answer; a domain that is gone is told of by its directories, too. */
	return xs_is_domain_introduced(x->xs, domid) || errno;
}
