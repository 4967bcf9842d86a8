/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two requests of /dev/xen/privcmd that Debian 12's headers lack: Linux 6.7,
 * include/uapi/xen/privcmd.h, behind CONFIG_XEN_PRIVCMD_EVENTFD.  A kernel without them says
 * ENOTTY, EOPNOTSUPP if it was built without.  Both refuse domains that the descriptor was not
 * restricted to (EPERM).
 */
#ifndef TRANSPORT_PRIVCMD_H
#define TRANSPORT_PRIVCMD_H

#include <linux/ioctl.h>
#include <stdint.h>

/* In flags: end what was assigned.  Any other flag is EINVAL. */
#define PRIVCMD_DEASSIGN 1u

/*
 * Have a dm_op done whenever the eventfd is written to, by who writes, before write(2) returns.  An
 * eventfd that has one gives EBUSY.  Ends when the eventfd is closed.
 */
struct privcmd_irqfd {
	uint64_t dm_op; /* address of a struct xen_dm_op */
	uint32_t size;	/* of that, bytes */
	uint32_t fd;	/* eventfd */
	uint32_t flags;
	uint16_t dom;
	uint8_t pad[2];
};

/*
 * Have writes to a virtio-mmio window's QueueNotify answered, and the eventfd written to: those
 * whose size is addr_len and the lower 16 bits of whose value are vq.  An eventfd that has one
 * gives EBUSY. Does NOT end with the process: the kernel goes on to look at the page where it was.
 */
struct privcmd_ioeventfd {
	uint64_t ioreq;	   /* address at which the page of the ioreq server is mapped */
	uint64_t ports;	   /* address of the local event channels (uint32_t) of all vCPUs */
	uint64_t addr;	   /* of the window, guest-physical; the kernel adds 0x50 */
	uint32_t addr_len; /* 1, 2, 4 or 8 */
	uint32_t event_fd; /* eventfd */
	uint32_t vcpus;	   /* how many ports; the same for all of a page */
	uint32_t vq;
	uint32_t flags;
	uint16_t dom;
	uint8_t pad[2];
};

#define IOCTL_PRIVCMD_IRQFD	_IOW('P', 8, struct privcmd_irqfd)
#define IOCTL_PRIVCMD_IOEVENTFD _IOW('P', 9, struct privcmd_ioeventfd)

#endif
