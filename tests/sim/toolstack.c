/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/toolstack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/sim/toolstack_tx.h"

int toolstack_open(struct toolstack *ts, struct xenstored *xenstored, int limit_ms,
		   struct sim_error *err)
{
	*ts = (struct toolstack){ .xenstored = xenstored, .limit_ms = limit_ms };
	ts->xs = xenstored_connect(xenstored);
	return ts->xs ? 0 : sim_error_set(err, -errno, "cannot connect to xenstored: %m");
}

void toolstack_close(struct toolstack *ts)
{
	if (ts->xs)
		xs_close(ts->xs);
	ts->xs = NULL;
}

/* Where a domain's nodes are. */
struct domain {
	unsigned domid;
	const char *name;
	char home[32];	/* /local/domain/N */
	char vm[64];	/* /vm/UUID */
	char libxl[32]; /* /libxl/N */
};

static struct domain domain(unsigned domid, const char *name)
{
	struct domain d = { .domid = domid, .name = name };

	snprintf(d.home, sizeof(d.home), "/local/domain/%u", domid);
	snprintf(d.vm, sizeof(d.vm), "/vm/00000000-0000-4000-8000-%012x", domid);
	snprintf(d.libxl, sizeof(d.libxl), "/libxl/%u", domid);
	return d;
}

/* libxl__domain_make() */
static void make_domain(struct tx *tx, void *arg)
{
	static const char *const guests[] = {
		"device/suspend/event-channel",
		"control/shutdown",
		"control/feature-poweroff",
		"control/feature-reboot",
		"control/feature-suspend",
		"control/sysrq",
		"data",
		"drivers",
		"feature",
		"attr",
		"error",
	};
	const struct domain *d = arg;
	struct tx_perms read_only = tx_owner_reader(0, d->domid);

	tx_mkdir_anew(tx, d->home, read_only);
	tx_mkdir_anew(tx, d->vm, read_only);
	tx_mkdir_anew(tx, d->libxl, tx_owner(0));
	tx_mknod(tx, d->libxl, "device", tx_owner(0));
	tx_write(tx, d->home, "vm", "%s", d->vm);
	tx_write(tx, d->home, "name", "%s", d->name);
	tx_mknod(tx, d->home, "cpu", read_only);
	tx_mknod(tx, d->home, "memory", read_only);
	tx_mknod(tx, d->home, "device", read_only);
	tx_mknod(tx, d->home, "control", read_only);
	for (unsigned i = 0; i < ARRAY_SIZE(guests); i++)
		tx_mknod(tx, d->home, guests[i], tx_owner(d->domid));
	tx_write(tx, d->vm, "uuid", "%s", d->vm + strlen("/vm/"));
	tx_write(tx, d->vm, "name", "%s", d->name);
	tx_write(tx, d->home, "control/platform-feature-multiprocessor-suspend", "1");
	tx_write(tx, d->home, "control/platform-feature-xs_reset_watches", "1");
	tx_write(tx, d->libxl, "type", "pvh");
}

/* libxl__build_post() */
static void built_domain(struct tx *tx, void *arg)
{
	const struct domain *d = arg;

	tx_write(tx, d->home, "domid", "%u", d->domid);
	tx_write(tx, d->home, "store/port", "1");
	tx_write(tx, d->home, "store/ring-ref", "1");
}

int toolstack_create_domain(struct toolstack *ts, unsigned domid, const char *name,
			    struct sim_error *err)
{
	struct domain d = domain(domid, name);
	int e;

	/* xenstored takes no domain for an owner that does not exist. */
	if (xenstored_get_domain(ts->xenstored, domid) == XENSTORED_DOMAIN_NONE)
		return sim_error_set(err, -ESRCH, "domain %u does not exist", domid);
	e = tx_run(ts, make_domain, &d, err);
	if (!e)
		e = tx_run(ts, built_domain, &d, err);
	if (!e)
		e = xenstored_introduce(ts->xs, domid, err);
	return e;
}

/* The disks of a domain as libxl knows them, in its own directory.  Returns how many. */
static unsigned list_disks(struct toolstack *ts, const struct domain *d,
			   struct toolstack_disk disks[TOOLSTACK_DISKS_MAX])
{
	static const char *const kinds[] = { "virtio_disk", "virtio" };
	char path[TOOLSTACK_PATH_MAX];
	unsigned nr = 0;

	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		_cleanup_(freep) char **names = NULL;
		unsigned n = 0;

		snprintf(path, sizeof(path), "%s/device/%s", d->libxl, kinds[k]);
		names = xs_directory(ts->xs, XBT_NULL, path, &n);
		for (unsigned i = 0; names && i < n && nr < TOOLSTACK_DISKS_MAX; i++, nr++) {
			disks[nr] = (struct toolstack_disk){ .devid = atoi(names[i]) };
			snprintf(disks[nr].vdev, sizeof(disks[nr].vdev), "%s", names[i]);
		}
	}
	return nr;
}

static void remove_domain(struct tx *tx, void *arg)
{
	const struct domain *d = arg;

	tx_rm(tx, d->vm);
	tx_rm(tx, d->home);
	tx_rm(tx, d->libxl);
}

int toolstack_destroy_domain(struct toolstack *ts, unsigned domid, struct sim_error *err)
{
	struct toolstack_disk disks[TOOLSTACK_DISKS_MAX];
	struct domain d = domain(domid, NULL);
	unsigned nr = list_disks(ts, &d, disks);
	int e = toolstack_remove_disks(ts, domid, disks, nr, true, err);
	int f = tx_run(ts, remove_domain, &d, e ? NULL : err);

	return e ? e : f;
}

static void forget_domain(struct tx *tx, void *arg)
{
	const struct domain *d = arg;
	char path[TOOLSTACK_PATH_MAX];

	/* A number of either kind; all devices of the domain are beside it. */
	for (unsigned devid = 0; devid <= TOOLSTACK_DISKS_MAX; devid += TOOLSTACK_DISKS_MAX) {
		toolstack_backend_path(path, d->domid, devid, "");
		*strrchr(path, '/') = '\0';
		tx_rm(tx, path);
	}
	remove_domain(tx, arg);
}

int toolstack_domain_died(struct toolstack *ts, unsigned domid, struct sim_error *err)
{
	struct domain d = domain(domid, NULL);

	return tx_run(ts, forget_domain, &d, err);
}

int toolstack_write(struct toolstack *ts, const char *path, const char *value)
{
	return xs_write(ts->xs, XBT_NULL, path, value, strlen(value)) ? 0 : -errno;
}

int toolstack_rm(struct toolstack *ts, const char *path)
{
	return xs_rm(ts->xs, XBT_NULL, path) ? 0 : -errno;
}

char *toolstack_read(struct toolstack *ts, const char *path)
{
	return xs_read(ts->xs, XBT_NULL, path, NULL);
}

/* What a guest does with a node of its own. */
struct guest_access {
	unsigned domid;
	char path[TOOLSTACK_PATH_MAX];
	const char *value; /* NULL: remove the node */
};

/* May the domain write a node with these permissions?  The first is the owner's and all others'. */
static bool may_write(const struct xs_permissions *perms, unsigned nr, unsigned domid)
{
	if (perms[0].id == domid)
		return true;
	for (unsigned i = 1; i < nr; i++)
		if (perms[i].id == domid)
			return perms[i].perms & XS_PERM_WRITE;
	return perms[0].perms & XS_PERM_WRITE;
}

/*
 * xenstored looks at the node or, if it doesn't exist, at the nearest directory above; new nodes
 * get that one's permissions with the guest for an owner.
 */
static void guest_accesses(struct tx *tx, void *arg)
{
	const struct guest_access *a = arg;
	struct xs_permissions *perms;
	char path[TOOLSTACK_PATH_MAX];
	size_t known, len = strlen(a->path);
	unsigned nr;

	strcpy(path, a->path);
	while (!(perms = xs_get_permissions(tx->xs, tx->t, path, &nr)) && errno == ENOENT)
		*strrchr(path, '/') = '\0';
	known = strlen(path);
	if (!perms || !may_write(perms, nr, a->domid)) {
		tx->e = perms ? -EACCES : -errno;
	} else if (!a->value) {
		tx_rm(tx, a->path);
	} else {
		if (!xs_write(tx->xs, tx->t, a->path, a->value, strlen(a->value)))
			tx->e = -errno;
		perms[0].id = a->domid;
		for (size_t end = known + 1; end <= len && !tx->e; end++) {
			if (a->path[end] && a->path[end] != '/')
				continue;
			memcpy(path, a->path, end);
			path[end] = '\0';
			if (!xs_set_permissions(tx->xs, tx->t, path, perms, nr))
				tx->e = -errno;
		}
	}
	free(perms);
}

int toolstack_guest_write(struct toolstack *ts, unsigned domid, const char *path, const char *value)
{
	struct guest_access a = { .domid = domid, .value = value };

	snprintf(a.path, sizeof(a.path), "/local/domain/%u/%s", domid, path);
	return tx_run(ts, guest_accesses, &a, NULL);
}

int toolstack_guest_rm(struct toolstack *ts, unsigned domid, const char *path)
{
	return toolstack_guest_write(ts, domid, path, NULL);
}
