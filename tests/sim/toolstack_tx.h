/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions of the toolstack.  For tests/sim/toolstack*.c only. */
#ifndef TESTS_SIM_TOOLSTACK_TX_H
#define TESTS_SIM_TOOLSTACK_TX_H

#include <xenstore.h>

#include "tests/sim/toolstack.h"

/* A transaction.  After its first error nothing else is tried. */
struct tx {
	struct xs_handle *xs;
	xs_transaction_t t;
	int e;			       /* negative errno of the first error */
	char path[TOOLSTACK_PATH_MAX]; /* where that was */
};

/* Owner, and another domain that may read; as libxl writes permissions. */
struct tx_perms {
	struct xs_permissions p[2];
	unsigned nr;
};

struct tx_perms tx_owner(unsigned domid);
struct tx_perms tx_owner_reader(unsigned owner, unsigned reader);

/*
 * Run fn in a transaction, again and again while others are in the way (EAGAIN).  Fails with what
 * fn put into tx->e, or with that of xenstored.
 */
int tx_run(struct toolstack *ts, void (*fn)(struct tx *tx, void *arg), void *arg,
	   struct sim_error *err);

/* DIR/key = printf of format; a new node has its parent's permissions. */
void tx_write(struct tx *tx, const char *dir, const char *key, const char *format, ...)
	__attribute__((__format__(__printf__, 4, 5)));

/* Permissions of a node that exists. */
void tx_set_perms(struct tx *tx, const char *path, struct tx_perms perms);

/* DIR/key, without a text, with permissions. */
void tx_mknod(struct tx *tx, const char *dir, const char *key, struct tx_perms perms);

/* An empty directory, whatever was there before, with permissions. */
void tx_mkdir_anew(struct tx *tx, const char *path, struct tx_perms perms);

/* A node and all below; none is fine. */
void tx_rm(struct tx *tx, const char *path);

/* A node, all below, and the directories above that have become empty. */
void tx_rm_and_empty_parents(struct tx *tx, const char *path);

#endif
