/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file: read once, checked completely, then asked per disk.
 *
 * A disk option can be set in three scopes of the file: "defaults", an entry of "guests", an entry
 * of that guest's "disks".  The innermost scope that sets it wins; where none does, the built-in
 * value stands.  What keys there are, where they may stand and what they accept is in one table,
 * config/keys.c.
 *
 * Nothing here keeps state outside the structs; all functions belong to the process's one thread.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_DEFAULT_PATH SYSCONFDIR "/xvirtiod/xvirtiod.conf"

#define CONFIG_NAME_MAX	    255	 /* bytes of a guest's name */
#define CONFIG_VDEV_MAX	    23	 /* bytes of a virtual device name, such as xvda */
#define CONFIG_SERIAL_MAX   20	 /* bytes of a serial: VIRTIO_BLK_ID_BYTES */
#define CONFIG_IMAGE_MAX    1023 /* bytes of the path of an image */
#define CONFIG_QUEUES_MAX   8
#define CONFIG_POLL_US_MAX  1000

/* Where a value comes from, from weak to strong. */
enum config_scope {
	CONFIG_SCOPE_BUILT_IN, /* not in the file */
	CONFIG_SCOPE_DEFAULTS,
	CONFIG_SCOPE_GUEST,
	CONFIG_SCOPE_DISK,
};

/* The options of a disk: index into config_disk.from. */
enum config_key {
	CONFIG_KEY_BACKEND,
	CONFIG_KEY_CACHE,
	CONFIG_KEY_QUEUES,
	CONFIG_KEY_QUEUE_SIZE,
	CONFIG_KEY_SERIAL,
	CONFIG_KEY_READ_ONLY,
	CONFIG_KEY_DISCARD,
	CONFIG_KEY_NULL_SIZE,
	CONFIG_KEY_IMAGE,
	CONFIG_KEY_GUEST_MEMORY,
	CONFIG_NR_KEYS,
};

enum config_cache {
	CONFIG_CACHE_UNSET, /* never in what config_disk() returns */
	CONFIG_CACHE_DIRECT,
	CONFIG_CACHE_BUFFERED,
};

/* How guest memory is reached. */
enum config_memory {
	CONFIG_MEMORY_UNSET, /* as the toolstack says */
	CONFIG_MEMORY_FOREIGN,
	CONFIG_MEMORY_GRANTS,
};

/* A yes or no that the file may leave to the toolstack. */
enum config_bool {
	CONFIG_BOOL_UNSET,
	CONFIG_BOOL_FALSE,
	CONFIG_BOOL_TRUE,
};

/* The options of a disk.  Owns nothing and points to nothing that goes away: copy it freely. */
struct config_disk {
	const char *backend;		    /* "file" or "null"; never NULL after a merge */
	enum config_cache cache;	    /* from[] tells whether the toolstack may outrank it */
	unsigned queues;		    /* 1...CONFIG_QUEUES_MAX; 0: one per vCPU, up to that */
	unsigned queue_size;		    /* entries, power of two, 8...1024 */
	char serial[CONFIG_SERIAL_MAX + 1]; /* printable ASCII, may be empty; derive it if unset */
	enum config_bool read_only;	    /* TRUE: read-only whatever the toolstack says */
	enum config_bool discard;	    /* UNSET: as the toolstack says */
	char image[CONFIG_IMAGE_MAX + 1];   /* absolute; "" if unset, for generic devices */
	uint64_t null_size;		    /* bytes, multiple of 512, not 0; for backend "null" */
	enum config_memory guest_memory;    /* UNSET: as the toolstack says */
	enum config_scope from[CONFIG_NR_KEYS]; /* CONFIG_SCOPE_BUILT_IN: not set */
};

/* An entry of "disks". */
struct config_guest_disk {
	char vdev[CONFIG_VDEV_MAX + 1];
	struct config_disk options;
};

/* The name of an entry for guests of any name; what one with the guest's own says outranks it. */
#define CONFIG_ANY_GUEST "*"

/* An entry of "guests". */
struct config_guest {
	char name[CONFIG_NAME_MAX + 1];
	struct config_disk options; /* for all its disks */
	struct config_guest_disk *disks;
	unsigned nr_disks;
};

/* The whole file.  Owns its arrays. */
struct config {
	int log_level;			   /* syslog level, LOG_ERR...LOG_DEBUG */
	enum config_bool irqfd, ioeventfd; /* use them where the kernel has them */
	unsigned poll_us;		   /* 0...CONFIG_POLL_US_MAX; 0: no polling */
	struct config_disk defaults;
	struct config_guest *guests;
	unsigned nr_guests;
};

#define CONFIG_NULL ((struct config){ .guests = NULL })

/*
 * Read and check a file.  path NULL means CONFIG_DEFAULT_PATH, which may be missing: all built-in
 * then.  Every mistake in the file is logged, one line each ("FILE:LINE: KEY: what is wrong"); one
 * is enough to refuse the file.
 *
 * Returns 0; -EINVAL with mistakes; -ENOMEM; or what open(2) says (-ENOENT for a path that was
 * given).  Untouched *ret on failure; else the caller ends it with config_fini().
 */
int config_load(struct config *ret, const char *path);

/* Free the arrays.  Works on CONFIG_NULL and twice. */
void config_fini(struct config *c);

/*
 * The options of the disk vdev of a guest, merged from all scopes: all are valid, and from[] says
 * where each was set.  A guest or disk that the file doesn't mention gets the outer scopes.  No
 * argument may be NULL.
 */
void config_disk(const struct config *c, const char *guest, const char *vdev,
		 struct config_disk *ret);

/* The syslog level that the word (of the key log_level) means, or -1. */
int config_log_level(const char *word);

#endif
