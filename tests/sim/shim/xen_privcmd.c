/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev/xen/privcmd as far as libxen does not stand before it: irqfd and ioeventfd, as in
 * drivers/xen/privcmd.c of Linux 6.12.  Without SIM_EVENTFDS in the environment it is that of a
 * kernel that lacks both.  Whatever happens later is done by the simulated hypervisor
 * (hyp_eventfd.c), which gets the eventfds.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/hvm/dm_op.h>
#include <xen/sys/privcmd.h>

#include "tests/sim/shim/faults.h"
#include "tests/sim/shim/xen.h"
#include "transport/privcmd.h"

static struct xensim_handle privcmd = { .sock = -1 };

bool xensim_privcmd_open(const char *path, int *ret)
{
	if (strcmp(path, "/dev/xen/privcmd") != 0 || !getenv("XENSIM_DIR"))
		return false;
	*ret = xensim_connect(&privcmd, HYP_PRIVCMD, NULL);
	if (*ret >= 0)
		*ret = privcmd.sock;
	return true;
}

static domid_t restricted;

static int do_restrict(const domid_t *domid)
{
	restricted = *domid;
	return xensim_simple(&privcmd, HYP_RESTRICT, *domid, 0, 0, 0, NULL);
}

static int refuse(int error)
{
	errno = error;
	return -1;
}

static int do_irqfd(const struct privcmd_irqfd *p)
{
	const struct xen_dm_op *op = (const void *)(uintptr_t)p->dm_op;
	struct hyp_request rq = { .op = HYP_IRQFD, .domid = p->dom, .arg = { p->flags } };

	if (p->flags & ~PRIVCMD_DEASSIGN)
		return refuse(EINVAL);
	if (!p->flags) {
		if (p->size != sizeof(*op) || op->op != XEN_DMOP_set_irq_level) {
			fputs("libxensim: an irqfd that is no interrupt\n", stderr);
			abort();
		}
		rq.arg[1] = op->u.set_irq_level.irq;
		rq.arg[2] = op->u.set_irq_level.level;
	}
	return xensim_call_with(&privcmd, &rq, p->fd);
}

static int do_ioeventfd(const struct privcmd_ioeventfd *p)
{
	const uint32_t *ports = (const void *)(uintptr_t)p->ports;
	int server = xensim_server_at(p->ioreq);
	struct hyp_request rq = {
		.op = HYP_IOEVENTFD,
		.domid = p->dom,
		.arg = { server, p->addr, (uint64_t)p->vq << 32 | p->addr_len << 8 | p->flags },
		.n = p->vcpus,
	};

	if (p->flags & ~PRIVCMD_DEASSIGN)
		return refuse(EINVAL);
	if (!p->vcpus || p->vcpus > HYP_BATCH_MAX ||
	    (p->addr_len != 1 && p->addr_len != 2 && p->addr_len != 4 && p->addr_len != 8) ||
	    p->addr + p->addr_len < p->addr)
		return refuse(EINVAL);
	if (server < 0)
		return refuse(p->flags ? ENODEV : EFAULT);
	for (unsigned i = 0; i < p->vcpus; i++)
		rq.page[i] = ports[i];
	return xensim_call_with(&privcmd, &rq, p->event_fd);
}

/* membarrier(2): an RCU grace period waits for handlers of interrupts. */
long syscall(long number, ...)
{
	long arg[6];
	va_list args;

	va_start(args, number);
	for (unsigned i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_membarrier && privcmd.sock >= 0)
		return xensim_simple(&privcmd, HYP_MEMBARRIER, restricted, 0, 0, 0, NULL);
	return FAULT_REAL(syscall)(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd < 0 || fd != privcmd.sock)
		return FAULT_REAL(ioctl)(fd, request, arg);
	if (request == IOCTL_PRIVCMD_RESTRICT)
		return do_restrict(arg);
	if (request == IOCTL_PRIVCMD_IRQFD && getenv("SIM_EVENTFDS"))
		return do_irqfd(arg);
	if (request == IOCTL_PRIVCMD_IOEVENTFD && getenv("SIM_EVENTFDS"))
		return do_ioeventfd(arg);
	return refuse(ENOTTY);
}
