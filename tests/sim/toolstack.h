/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for xl and libxl 4.17, as far as xenstore sees them: the nodes of domains and of disks
 * with specification=virtio, their owners, and the handshake with the backend.  What stands here
 * about libxl is from its tools/libs/light: libxl_create.c, libxl_disk.c, libxl_device.c.
 *
 * Xen's side of a domain is not touched: the domain must exist before it is created here, and be
 * destroyed after it was destroyed here, as xl does it.
 *
 * Functions return 0 or a negative errno, with words in err (may be NULL).  All may be called from
 * any thread; a disk only by one at a time.
 */
#ifndef TESTS_SIM_TOOLSTACK_H
#define TESTS_SIM_TOOLSTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/xenstored.h"

/* LIBXL_INIT_TIMEOUT and LIBXL_DESTROY_TIMEOUT. */
#define TOOLSTACK_LIMIT_MS 10000

/* GUEST_VIRTIO_MMIO_SPI_FIRST to LAST, 33 to 43, are so many. */
#define TOOLSTACK_DISKS_MAX 11u

/* Of a path in xenstore, with its zero. */
#define TOOLSTACK_PATH_MAX 256

/* grant_usage= of a disk, as its node says it: libxl before 4.19 has no such node. */
enum toolstack_grants {
	TOOLSTACK_GRANTS_UNSAID, /* grants, if the backend is not domain 0 */
	TOOLSTACK_GRANTS_NO,
	TOOLSTACK_GRANTS_YES,
};

struct toolstack {
	struct xenstored *xenstored;
	struct xs_handle *xs; /* domain 0's connection */
	int limit_ms;	      /* how long to wait for a backend */
};

/*
 * From now on the backends of disks are in this domain, as with backend= in xl.cfg; 0 at first.
 * There are no disks at this time.
 */
void toolstack_set_backend_domid(unsigned domid);

/* A disk in xl.cfg, and where libxl puts it. */
struct toolstack_disk {
	char vdev[8];	  /* xvda; of a generic device what the daemon calls it, virtio0 */
	unsigned devid;	  /* of a generic device below TOOLSTACK_DISKS_MAX, of others above */
	const char *type; /* of a generic device: virtio,device2; NULL: it is a disk */
	const char *path; /* target=; the caller's */
	bool read_only;
	bool discard;
	bool direct_io_safe;
	enum toolstack_grants grants;
	uint64_t base; /* window of 0x200 bytes */
	unsigned irq;
};

/* Has libxl told the guest that a disk's backend wants grants? */
bool toolstack_uses_grants(const struct toolstack_disk *disk);

/* The connection; limit_ms is TOOLSTACK_LIMIT_MS, or less where a test wants to see it pass. */
int toolstack_open(struct toolstack *ts, struct xenstored *xenstored, int limit_ms,
		   struct sim_error *err);

void toolstack_close(struct toolstack *ts);

/*
 * The guest's disk number n, 0 ... TOOLSTACK_DISKS_MAX - 1, with libxl's defaults.  With
 * SIM_MEMORY=grants in the environment its memory comes by grants.
 */
struct toolstack_disk toolstack_disk(unsigned n, const char *path);

/*
 * The guest's generic device number n, as virtio= in xl.cfg of Xen 4.20 makes it; type is the
 * caller's.
 */
struct toolstack_disk toolstack_generic(unsigned n, const char *type);

/* Nodes of a domain, and introduce it.  -ESRCH if Xen doesn't know it. */
int toolstack_create_domain(struct toolstack *ts, unsigned domid, const char *name,
			    struct sim_error *err);

/*
 * The nodes of each disk, in a transaction for each, and wait until the backends of all are in
 * state 2, which must be seen before they go on; nobody waits for generic devices.  If one isn't in
 * time, the disks are removed as by toolstack_remove_disks() with force; -ETIMEDOUT; err has the
 * text of its node "error".
 */
int toolstack_add_disks(struct toolstack *ts, unsigned domid, const struct toolstack_disk *disks,
			unsigned nr, struct sim_error *err);

/* Only the first half of that: the nodes of one disk.  Nobody waits. */
int toolstack_write_disk(struct toolstack *ts, unsigned domid, const struct toolstack_disk *disk,
			 struct sim_error *err);

/*
 * Offline and state 5, with force after the frontend is removed; wait until the backends are in
 * state 6; where they are not in domain 0 then wait until their directories are gone; remove all
 * nodes of the disks.  If one isn't in time, that is done nevertheless (without force after another
 * try with force); then -ETIMEDOUT.  -ENODEV: the directory of a disk was gone before libxl saw
 * state 6.  A disk without a backend from the beginning is no error.
 */
int toolstack_remove_disks(struct toolstack *ts, unsigned domid, const struct toolstack_disk *disks,
			   unsigned nr, bool force, struct sim_error *err);

/*
 * All disks with force, and then the domain's nodes, whatever the backends do.  -ETIMEDOUT if one
 * did not answer: xl only says so.
 */
int toolstack_destroy_domain(struct toolstack *ts, unsigned domid, struct sim_error *err);

/* The nodes of the domain and its disks vanish, without a word to the backend. */
int toolstack_domain_died(struct toolstack *ts, unsigned domid, struct sim_error *err);

/* The path of a disk's node key, or of its directory for "". */
void toolstack_backend_path(char ret[TOOLSTACK_PATH_MAX], unsigned domid, unsigned devid,
			    const char *key);

/* Any node, as domain 0.  What a path below a missing node needs is created. */
int toolstack_write(struct toolstack *ts, const char *path, const char *value);
int toolstack_rm(struct toolstack *ts, const char *path);

/* The node's text, for free(); NULL with errno. */
char *toolstack_read(struct toolstack *ts, const char *path);

/*
 * Any node, as the guest: path is relative to its home.  -EACCES where the guest may not write;
 * what it creates is its own.
 */
int toolstack_guest_write(struct toolstack *ts, unsigned domid, const char *path,
			  const char *value);
int toolstack_guest_rm(struct toolstack *ts, unsigned domid, const char *path);

#endif
