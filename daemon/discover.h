/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libxl wrote about a disk in xenstore, and the handshake with it (specification=virtio,
 * tools/libs/light/libxl_disk.c, libxl_device.c):
 *
 *   state 1 Initialising    libxl has written the nodes, and waits 10 s for ...
 *   state 2 InitWait        ... us: the disk is served.  We never go on from here by ourselves:
 *                           libxl waits for exactly 2.
 *   state 5 Closing         libxl wants the disk gone, and waits 10 s for ...
 *   state 6 Closed          ... us: nothing of the guest is in use any more.
 *
 * In domain 0 libxl then removes the directory.  In a driver domain it waits another 10 s for
 * whoever is at home there to remove it: us, or "xl devd" (device_hotplug() in libxl_device.c).
 *
 * Only the backend's directory is read, which belongs to us and the toolstack; the frontend's
 * belongs to the guest.  Everything is checked, though: a toolstack can be wrong, too.
 */
#ifndef DAEMON_DISCOVER_H
#define DAEMON_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "transport/xenstore.h"

/* Where disks appear: DISCOVER_ROOT/<domid>/<devid>, relative to our own domain. */
#define DISCOVER_ROOT "backend/virtio_disk"

/*
 * Where generic virtio devices appear, virtio= in xl.cfg (tools/libs/light/libxl_virtio.c, Xen 4.18
 * and later).  Their nodes say which device it is and where, and nothing of what is behind it.
 * libxl does not wait for their state 2, but does for 6.
 */
#define DISCOVER_GENERIC_ROOT "backend/virtio"

/* A device of a guest: the kind of directory, and the number in there. */
struct disk_id {
	bool generic;
	uint32_t devid;
};

static inline bool disk_id_equal(struct disk_id a, struct disk_id b)
{
	return a.generic == b.generic && a.devid == b.devid;
}

/* One of the two roots above. */
static inline const char *discover_root(bool generic)
{
	return generic ? DISCOVER_GENERIC_ROOT : DISCOVER_ROOT;
}

enum xenbus_state {
	XENBUS_NONE = 0, /* no such node, or not a number */
	XENBUS_INITIALISING = 1,
	XENBUS_INIT_WAIT = 2,
	XENBUS_CLOSING = 5,
	XENBUS_CLOSED = 6,
};

/* A disk as the toolstack wants it. */
struct discovered {
	char *path;	     /* params: the image; owned; NULL: a generic device */
	char vdev[24];	     /* dev; of a generic device "virtio" and its number */
	bool read_only;	     /* mode is r */
	bool discard;	     /* discard-enable; true if absent and writable */
	bool direct_io_safe; /* direct-io-safe */
	uint64_t base;
	uint32_t irq;
	bool grants; /* grant_usage; libxl before 4.19 has no such node: are we not domain 0? */
};

#define DISCOVERED_NULL ((struct discovered){ .path = NULL })

/*
 * Split the path of an event: <root>/<domid>/<devid>, perhaps with a node below.  Returns how many
 * of the two numbers it has, -1 if it is something else.
 */
int discover_split(const char *path, uint16_t *ret_domid, struct disk_id *ret_id);

/* The backend directory of a disk, into dir[XENSTORE_PATH_MAX]. */
void discover_dir(char *dir, uint16_t domid, struct disk_id id);

/*
 * What to call a disk in log lines: its dev node, or its number if that says nothing useful; a
 * generic device as in struct discovered.
 */
void discover_name(struct xenstore *x, const char *dir, struct disk_id id, char *ret, size_t size);

/* What a generic device is by its type node. */
enum discover_kind {
	DISCOVER_BLOCK,	  /* "virtio,device2" */
	DISCOVER_UNKNOWN, /* "virtio,device": libxl does not know it */
	DISCOVER_OTHER,
};

enum discover_kind discover_kind(struct xenstore *x, const char *dir);

/* The state node in a backend directory. */
enum xenbus_state discover_state(struct xenstore *x, const char *dir);

/*
 * Read all nodes of a disk.  0: *ret is complete and valid, for the caller to discovered_free().
 * -EAGAIN: some node isn't there yet, *ret_missing names it.  Else -errno, logged with the node's
 * path.
 */
int discover_read(struct xenstore *x, const char *dir, uint16_t domid, struct disk_id id,
		  const struct log_subject *subject, struct discovered *ret,
		  const char **ret_missing);

/*
 * A number that changes when a node of the directory does, those that we write (state, error) left
 * out.
 */
uint64_t discover_fingerprint(struct xenstore *x, const char *dir);

void discovered_free(struct discovered *d);

/*
 * Take the state from one value to another.  Nothing happens if libxl has been quicker: another
 * state, or no directory any more; its watch event will tell.  Else logged if it fails.
 */
void discover_set_state(struct xenstore *x, const char *dir, enum xenbus_state from,
			enum xenbus_state to, const struct log_subject *subject);

/*
 * Remove the directory of a disk that is in state 6.  Nothing happens if somebody was quicker.
 * Else logged if it fails.
 */
void discover_remove(struct xenstore *x, const char *dir, const struct log_subject *subject);

/* Is our own domain another one than domain 0? */
bool discover_driver_domain(struct xenstore *x);

/* Say in the directory's error node why the disk isn't served; NULL: it is, remove the node. */
void discover_set_error(struct xenstore *x, const char *dir, const char *why);

#endif
