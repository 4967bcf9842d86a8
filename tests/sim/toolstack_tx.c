/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/toolstack_tx.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct tx_perms tx_owner(unsigned domid)
{
	return (struct tx_perms){ { { domid, XS_PERM_NONE } }, 1 };
}

struct tx_perms tx_owner_reader(unsigned owner, unsigned reader)
{
	return (struct tx_perms){ { { owner, XS_PERM_NONE }, { reader, XS_PERM_READ } }, 2 };
}

/* The first error counts. */
static void check(struct tx *tx, bool ok, const char *path)
{
	if (ok || tx->e)
		return;
	tx->e = -errno;
	snprintf(tx->path, sizeof(tx->path), "%s", path);
}

int tx_run(struct toolstack *ts, void (*fn)(struct tx *tx, void *arg), void *arg,
	   struct sim_error *err)
{
	struct tx tx;

	do {
		tx = (struct tx){ .xs = ts->xs, .t = xs_transaction_start(ts->xs) };
		if (tx.t == XBT_NULL)
			return sim_error_set(err, -errno, "cannot start a transaction: %m");
		fn(&tx, arg);
		if (tx.e)
			xs_transaction_end(tx.xs, tx.t, true);
		else
			check(&tx, xs_transaction_end(tx.xs, tx.t, false), "transaction");
	} while (tx.e == -EAGAIN);
	return tx.e ? sim_error_set(err, tx.e, "%s: %s", tx.path, strerror(-tx.e)) : 0;
}

void tx_write(struct tx *tx, const char *dir, const char *key, const char *format, ...)
{
	char path[TOOLSTACK_PATH_MAX], value[4096];
	va_list args;

	if (tx->e)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, key);
	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	check(tx, xs_write(tx->xs, tx->t, path, value, strlen(value)), path);
}

void tx_set_perms(struct tx *tx, const char *path, struct tx_perms perms)
{
	if (!tx->e)
		check(tx, xs_set_permissions(tx->xs, tx->t, path, perms.p, perms.nr), path);
}

void tx_mknod(struct tx *tx, const char *dir, const char *key, struct tx_perms perms)
{
	char path[TOOLSTACK_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	tx_write(tx, dir, key, "%s", "");
	tx_set_perms(tx, path, perms);
}

void tx_mkdir_anew(struct tx *tx, const char *path, struct tx_perms perms)
{
	tx_rm(tx, path);
	if (!tx->e)
		check(tx, xs_mkdir(tx->xs, tx->t, path), path);
	tx_set_perms(tx, path, perms);
}

void tx_rm(struct tx *tx, const char *path)
{
	/* ENOENT: not even the directory above is there. */
	if (!tx->e)
		check(tx, xs_rm(tx->xs, tx->t, path) || errno == ENOENT, path);
}

/* No text and no children: only there for what was below. */
static bool is_empty(struct tx *tx, const char *path)
{
	_cleanup_(freep) char *value = xs_read(tx->xs, tx->t, path, NULL);
	_cleanup_(freep) char **names = NULL;
	unsigned n;

	if (!value || *value)
		return false;
	names = xs_directory(tx->xs, tx->t, path, &n);
	return names && n == 0;
}

void tx_rm_and_empty_parents(struct tx *tx, const char *path)
{
	char parent[TOOLSTACK_PATH_MAX];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	do {
		tx_rm(tx, parent);
		slash = strrchr(parent, '/');
		*slash = '\0';
	} while (slash != parent && !tx->e && is_empty(tx, parent));
}
