/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor as this project sees it: one domain, its IOREQ server, its memory, its interrupt
 * lines.  Only transport/xen.c includes headers of Xen (but transport/xenstore.c has
 * xenstore.h, and xen_access.c looks at the devices); the unit tests link tests/fake/xen.c in its
 * place.
 *
 * Everything is for one thread.  Functions that return int return 0 or -errno and have logged why.
 */
#ifndef TRANSPORT_XEN_H
#define TRANSPORT_XEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

#define XEN_PAGE_SHIFT 12
#define XEN_PAGE_SIZE  (1u << XEN_PAGE_SHIFT)

/* vCPU slots in the one ioreq page that we map; also the most vCPUs an Arm guest can have. */
#define XEN_VCPUS_MAX 128

/* Slots of the two pages that there can be; see xen_nr_slots(). */
#define XEN_SLOTS_MAX (2 * XEN_VCPUS_MAX)

/* Windows whose kicks or interrupts can go through the kernel; others do without. */
#define XEN_EVENTFDS_MAX 16

struct loop;
struct xen_irqfd;

/* What the kernel can do by itself; see xen_eventfds_init(). */
#define XEN_IRQFD     (1u << 0) /* raise an interrupt when an eventfd is written to */
#define XEN_IOEVENTFD (1u << 1) /* answer writes to QueueNotify, and write to an eventfd */

/* An IOREQ server: a page with a slot for each vCPU, and their event channels. */
struct xen_server {
	bool created;
	uint16_t id;	   /* ioservid_t */
	unsigned nr_ports; /* how many of ports[] are bound */
	uint32_t *ports;   /* local event channel of each vCPU */
	struct xenforeignmemory_resource_handle *resource;
	struct shared_iopage *page;
};

/* A window whose kicks the kernel answers. */
struct xen_kicks {
	uint64_t base; /* of the window; 0: not used */
	unsigned nr_queues;
};

struct xen_domain {
	const struct log_subject *subject; /* borrowed; names the guest */
	uint16_t domid;
	unsigned nr_vcpus; /* the domain's maximum: one ioreq slot and one event channel each */
	int evtchn_fd;	   /* readable when a vCPU asks; non-blocking; owned by evtchn */
	uint32_t masked[XEN_SLOTS_MAX]; /* event channels drained and not yet unmasked */
	unsigned nr_masked;
	struct log_limit limit; /* for failures that would repeat with every request */

	struct xen_server server; /* for everything */
	struct xen_server kicker; /* for writes to QueueNotify, with XEN_IOEVENTFD */
	unsigned eventfds;	  /* XEN_IRQFD, XEN_IOEVENTFD: what is used */
	int privcmd;		  /* for them; owned; -1: none */
	struct loop *loop;	  /* borrowed; takes the writes to eventfds */
	struct xen_irqfd *irqfds; /* owned; of xen_eventfd.c */
	struct xen_kicks kicks[XEN_EVENTFDS_MAX];
	uint64_t kicked[XEN_VCPUS_MAX / 64]; /* kicker: event channels just drained, by vCPU */

	struct xendevicemodel_handle *dmod;
	struct xenforeignmemory_handle *fmem;
	struct xenevtchn_handle *evtchn;
	struct xengntdev_handle *gnttab; /* NULL: no grants */
};

#define XEN_DOMAIN_NULL ((struct xen_domain){ .evtchn_fd = -1, .privcmd = -1 })

/*
 * Open the handles and restrict all of the process's Xen handles to domid, for good
 * (xentoolcore_restrict_all(): IOCTL_PRIVCMD_RESTRICT, IOCTL_EVTCHN_RESTRICT_DOMID; plain
 * hypercalls are cut off), then learn nr_vcpus.
 */
int xen_domain_init(struct xen_domain *x, uint16_t domid, const struct log_subject *subject);

/*
 * Let go of the domain: unbind the event channels, unmap the ioreq page, close the handles.  An
 * IOREQ server that was not destroyed stays registered in Xen: accesses to its windows wait for an
 * answer until the domain is destroyed.
 */
void xen_domain_fini(struct xen_domain *x);

/*
 * Find out which of the wanted XEN_IRQFD and XEN_IOEVENTFD the kernel has (Linux 6.7 with
 * CONFIG_XEN_PRIVCMD_EVENTFD, drivers/xen/privcmd.c), and use those from now on; one line of the
 * log says so.  Opens /dev/xen/privcmd, so before the sandbox and before there is a server.  Never
 * fails: everything works without.  Borrows the loop.
 */
void xen_eventfds_init(struct xen_domain *x, unsigned wanted, struct loop *loop);

/* For xen_domain_fini(); what was opened has been closed. */
void xen_eventfds_fini(struct xen_domain *x);

/*
 * Register an IOREQ server for the domain, without buffered ioreqs; map its page, bind the event
 * channel of each vCPU, enable it.  It serves no window yet.  With XEN_IOEVENTFD a second one for
 * kicks; if that fails, XEN_IOEVENTFD is not used any more.
 */
int xen_server_create(struct xen_domain *x);

/* Take the servers out of Xen.  From then on the guest gets an abort in its windows. */
void xen_server_destroy(struct xen_domain *x);

/*
 * Route guest accesses to [base, base + size), guest-physical bytes, to a server of x, or no
 * longer.
 */
int xen_server_map_window(struct xen_domain *x, const struct xen_server *s, uint64_t base,
			  uint32_t size);
void xen_server_unmap_window(struct xen_domain *x, const struct xen_server *s, uint64_t base,
			     uint32_t size);

/* What a vCPU wants (public/hvm/ioreq.h, struct ioreq). */
struct xen_ioreq {
	enum {
		XEN_IOREQ_READ,
		XEN_IOREQ_WRITE,
		XEN_IOREQ_INVALIDATE, /* drop all mappings of guest memory */
		XEN_IOREQ_OTHER,      /* nothing that an MMIO device could mean */
	} type;
	uint64_t addr; /* guest-physical */
	uint64_t data; /* WRITE: the value */
	uint32_t size; /* bytes: 1, 2, 4 or 8 */
};

/*
 * Read all pending event channels, in batches.  Which slots are READY is for xen_ioreq_take() to
 * find out: the page knows better than the events.  The channels stay masked, so who looks at the
 * slots by itself meanwhile saves the system calls; but with XEN_IOEVENTFD they must be unmasked,
 * since each event tells what the page does not.  0 or -errno, logged.
 */
int xen_events_drain(struct xen_domain *x);

/* Before a sleep: unmask what was drained.  Events that came meanwhile come now. */
int xen_events_unmask(struct xen_domain *x);

/* Is a slot READY that is for us only?  Just a look. */
bool xen_ioreq_is_waiting(const struct xen_domain *x);

/*
 * Slots to look at, one for each vCPU and server: that of vCPU v is v in the server for everything,
 * and nr_vcpus + v in the one for kicks.
 */
static inline unsigned xen_nr_slots(const struct xen_domain *x)
{
	return x->kicker.created ? 2 * x->nr_vcpus : x->nr_vcpus;
}

/*
 * If slot n (< xen_nr_slots()) is READY, and not for the kernel to answer, take it (READY ->
 * INPROCESS) into *ret.
 */
bool xen_ioreq_take(struct xen_domain *x, unsigned n, struct xen_ioreq *ret);

/* Answer taken slot n: data (for reads), INPROCESS -> RESP_READY, notify.  The vCPU runs on. */
void xen_ioreq_answer(struct xen_domain *x, unsigned n, uint64_t data);

/*
 * Let the kernel answer kicks in the window at base, if XEN_IOEVENTFD is used: a write of q < nr to
 * QueueNotify adds 1 to an eventfd, ret_fds[q], which becomes the caller's until xen_kicks_close().
 * Everything else in the window still comes to us, and so may kicks.  False, with nothing changed:
 * all kicks do; logged if that is a surprise.
 */
bool xen_kicks_open(struct xen_domain *x, uint64_t base, unsigned nr, int *ret_fds);

/*
 * All kicks come to us again; those that the kernel had answered are in the eventfds, which are
 * closed.  To be followed by a look at all slots: events were drained, and a slot may be READY that
 * the kernel does not answer any more.
 */
void xen_kicks_close(struct xen_domain *x, uint64_t base, unsigned nr, const int *fds);

/*
 * For xen_ioreq_take(): may we take the slot of a vCPU in the server for kicks, if it is READY?
 * Waits until the kernel has put it back, if it is none of its.
 */
struct ioreq;
bool xen_kicks_leave(struct xen_domain *x, unsigned vcpu, const volatile struct ioreq *slot);

/* The most references one xen_grant_map() takes. */
#define XEN_GRANTS_MAX 8

/* The most frames one xen_map() takes: 2 MiB. */
#define XEN_MAP_MAX 512

/*
 * Map n guest frames from gfn at the page-aligned address va, replacing what is there.  err[i] is
 * 0 or a negative errno for each page; a page with an error must not be touched.  Returns 0 if the
 * call as a whole worked, else -errno, logged (rate-limited), with the range unmapped: a hole in
 * the address space.
 *
 * To unmap, map something else over all of it.  Never over a part: Linux's privcmd cannot split its
 * mappings.
 */
int xen_map(struct xen_domain *x, void *va, uint64_t gfn, unsigned n, int *err);

/*
 * Are we allowed to map the domain's memory?  Each page that is refused is just missing for
 * xen_map().  0 or -errno, logged with what to do.
 */
int xen_map_check(struct xen_domain *x);

/*
 * Open /dev/xen/gntdev: from now on what the domain has granted to ours can be mapped and copied.
 * After xen_domain_init(), since a restriction would take the device away; the kernel knows none
 * that is for one domain only (docs/design.md says what follows).
 */
int xen_grants_open(struct xen_domain *x);

static inline bool xen_has_grants(const struct xen_domain *x)
{
	return x->gnttab;
}

/*
 * Map n consecutive grant references of the domain, parts of a ring, for reading, or for writing as
 * well.  NULL if it can't be done, logged (rate-limited): any of them is not granted like that, or
 * a policy of Xen's forbids it, which look the same.
 */
void *xen_grant_map(struct xen_domain *x, uint32_t ref, unsigned n, bool write);

/* Undo one xen_grant_map(), all of it.  On failure, logged, it may last until xen_domain_fini(). */
int xen_grant_unmap(struct xen_domain *x, void *va, unsigned n);

/*
 * A piece to be copied by Xen between memory of ours and a granted page: offset + len <=
 * XEN_PAGE_SIZE.
 */
struct xen_copy {
	void *mem;
	uint32_t ref;
	uint16_t offset, len;
};

/* The most pieces of one call. */
#define XEN_COPIES_MAX 256

/*
 * Copy n pieces, out of the guest or into it.  Returns how many of them Xen refused: the guest's
 * doing, and not logged, unless it was Xen's policy; the others are done.
 */
unsigned xen_grant_copy(struct xen_domain *x, const struct xen_copy *copy, unsigned n,
			bool to_guest);

/* The most that xen_list_ioctls() returns. */
#define XEN_IOCTLS_MAX 16

/*
 * The requests of ioctl(2) that this file's functions need from now on, as far as the domain has
 * grants and eventfds; for who filters system calls.  Returns how many.  No more than these: some
 * of the others reach what no restriction to a domain covers.  So does IOCTL_PRIVCMD_IOEVENTFD: the
 * kernel trusts the address of the page that it names (drivers/xen/privcmd.c, alloc_ioreq()).
 */
unsigned xen_list_ioctls(const struct xen_domain *x, unsigned long ret[XEN_IOCTLS_MAX]);

/*
 * Let the kernel raise this interrupt line, if XEN_IRQFD is used and it can be had; and no longer.
 */
void xen_irqfd_open(struct xen_domain *x, uint32_t irq);
void xen_irqfd_close(struct xen_domain *x, uint32_t irq);

/*
 * Raise the interrupt line (an SPI number, edge-triggered): at once, or with XEN_IRQFD when the
 * loop submits next.  Never lowered: see docs/design.md.
 */
void xen_irq_raise(struct xen_domain *x, uint32_t irq);

/* The same, at once, whatever XEN_IRQFD says. */
void xen_irq_raise_by_dm_op(struct xen_domain *x, uint32_t irq);

#endif
