/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the simulated hypervisor (tests/sim/hyp*.c) and the libxen* functions that are preloaded
 * under the daemon (tests/sim/shim/) say to each other.
 *
 * Each libxen handle is a connection of its own to the socket $XENSIM_DIR/hypervisor, as it is a
 * file descriptor of its own with the real ones.  One request, one reply, at most two descriptors
 * beside a reply, one beside some requests.  What happens with every request of a guest does not
 * come this way: event channels are a stream socket that the daemon itself reads and writes,
 * notifications an eventfd, interrupts a word in shared memory.
 */
#ifndef TESTS_SIM_HYP_WIRE_H
#define TESTS_SIM_HYP_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define HYP_PAGE_SHIFT 12
#define HYP_PAGE_SIZE  4096u

/* The most frames or grant references of one request. */
#define HYP_BATCH_MAX 1024

enum hyp_kind {
	HYP_DEVICE_MODEL,
	HYP_FOREIGN_MEMORY,
	HYP_EVENT_CHANNELS, /* the reply to HYP_OPEN brings the stream of ports */
	HYP_GRANTS,
	HYP_PRIVCMD,
};

enum hyp_op {
	HYP_OPEN,     /* arg[0] kind; must come first */
	HYP_RESTRICT, /* to domid, for good */

	/* device model; arg[0] is the server's id, but for the first two */
	HYP_NR_VCPUS,	   /* -> ret[0] */
	HYP_CREATE_SERVER, /* arg[0] bufioreq -> ret[0] id */
	HYP_DESTROY_SERVER,
	HYP_SERVER_INFO,  /* -> ret[0], ret[1] frames of the ioreq page and the buffered one */
	HYP_SERVER_STATE, /* arg[1] enabled */
	HYP_MAP_RANGE,	  /* arg[1] first, arg[2] last byte */
	HYP_UNMAP_RANGE,
	HYP_INTERRUPTS, /* arg[0] line; -> fd of struct hyp_lines */

	/* foreign memory */
	HYP_MAP,	  /* frames -> pages or -errno in page[]; fd of the memory if arg[0] */
	HYP_MAP_RESOURCE, /* arg[0] server's id, arg[1] first frame, arg[2] frames -> fd */

	/* event channels */
	HYP_BIND,   /* arg[0] remote port -> ret[0] local port, fd to notify by */
	HYP_UNBIND, /* arg[0] local port */

	/* grants: page[] has references; arg[0] writable */
	HYP_MAP_GRANTS, /* all or none -> page[]; fd of the memory */
	HYP_UNMAP_GRANTS,
	HYP_COPY_GRANTS, /* page[] has struct hyp_copy -> page[] with a GNTST_* for each */

	/* privcmd; an eventfd comes with each.  arg[0] for irqfd: flags */
	HYP_IRQFD, /* arg[1] line, arg[2] level */
	/* arg[0] server, arg[1] window, arg[2] queue << 32 | size << 8 | flags; page[]: ports */
	HYP_IOEVENTFD,
	HYP_MEMBARRIER, /* handlers of interrupts have ended when it is answered */
};

/* A piece to copy between a granted page and the memory of the process that asks. */
struct hyp_copy {
	uint64_t ref, virt;
	uint32_t offset, len;
	uint64_t into; /* the guest? */
};

/* One hypercall has so many of them: GNTDEV_COPY_BATCH of Linux's drivers/xen/gntdev.c. */
#define HYP_COPY_BATCH 16
#define HYP_COPY_WORDS (sizeof(struct hyp_copy) / sizeof(uint64_t))

struct hyp_request {
	uint32_t op; /* enum hyp_op */
	uint32_t domid;
	uint64_t arg[3];
	uint32_t n; /* entries of page[] */
	uint32_t pad;
	uint64_t page[HYP_BATCH_MAX];
};

struct hyp_reply {
	int32_t error; /* 0, or an errno */
	uint32_t n;
	uint64_t ret[2];
	int64_t page[HYP_BATCH_MAX];
};

/* Bytes of a message with n entries. */
#define HYP_BYTES(type, n) (offsetof(struct type, page) + (n) * sizeof(uint64_t))

/* Interrupt lines of a domain, shared by all sides. */
#define HYP_LINES      1020
#define HYP_LINE_FIRST 32 /* SPIs */

struct hyp_lines {
	uint32_t alive; /* 0: the domain is gone, ESRCH */
	struct {
		uint32_t raised;  /* rising edges; a futex */
		uint32_t waiters; /* somebody sleeps there */
		uint32_t level;
	} line[HYP_LINES];
};

#endif
