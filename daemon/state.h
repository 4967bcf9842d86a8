/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state memfd: everything about one guest that must outlive its worker, in shared memory.
 *
 * The watcher creates it and reads counters from it; the worker is its only writer.  It holds plain
 * numbers of fixed size and no pointers, and begins with a version, so that a later worker can tell
 * whether it understands what an earlier one left.  Counters are plain 64-bit adds: one writer, and
 * readers that can bear a number that is an instant old.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include <stdint.h>

#include "base/log.h"
#include "transport/ioreq.h"
#include "transport/virtio.h"

#define STATE_MAGIC	0x76646f6974726976ull /* "virtiodv" */
#define STATE_VERSION	5

#define STATE_DISKS_MAX IOREQ_WINDOWS_MAX

/* What a disk did since it was attached. */
struct disk_counters {
	/* Counters; docs/design.md has a table of all. */
	uint64_t reads, read_bytes;
	uint64_t writes, written_bytes;
	uint64_t flushes, discards, write_zeroes;
	uint64_t errors;      /* requests answered IOERR */
	uint64_t unsupported; /* requests answered UNSUPP */
};

struct state_disk {
	uint32_t attached;  /* the worker serves it */
	uint32_t devid;	    /* libxl's number of the virtual device: 51712 is xvda */
	uint64_t base;	    /* of its window, guest-physical */
	uint32_t irq;	    /* SPI */
	uint32_t writeback; /* of the configuration space (5.2.4): 0 asks for write-through */
	struct disk_counters counters;
	struct virtio_state virtio;
};

struct state {
	uint64_t magic;
	uint32_t version;
	uint32_t size; /* sizeof(struct state) */
	uint32_t domid;
	uint32_t server;     /* ioservid_t */
	uint32_t has_server; /* server is registered in Xen */
	uint32_t pad;
	/* Counters; docs/design.md has a table of all. */
	uint64_t invalidates;	/* IOREQ_TYPE_INVALIDATE handled */
	uint64_t accesses;	/* register accesses served */
	uint64_t mapped_pages;	/* guest pages mapped now, by foreign mapping */
	uint64_t mapped_grants; /* the same by grants: those of rings only, so there is a bound */
	uint64_t grant_copies;	/* pieces of guest memory, each within a page, that Xen copied */
	uint64_t failed_grant_copies; /* how many of them could not be: bad or revoked references */
	struct state_disk disks[STATE_DISKS_MAX];
};

/*
 * Make a memfd with a fresh state for a domain; *ret_fd and the mapping belong to the caller.
 * Returns 0 or -errno, logged about *subject.
 */
int state_create(uint16_t domid, const struct log_subject *subject, struct state **ret,
		 int *ret_fd);

/*
 * Map a state that came from another process.  -EINVAL if its magic, version or size is not ours.
 */
int state_map(int fd, const struct log_subject *subject, struct state **ret);

/* What the disk in a slot did in its life, in one line of the log. */
void state_log_counters(const struct state *s, unsigned slot, const struct log_subject *subject);

/* Unmap.  NULL is fine. */
void state_unmap(struct state *s);

#endif
