/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of Xen's devices a worker can use in its sandbox the requests that serving needs: those of
 * grants, irqfd and ioeventfd only if it has them.  A request that is let through gets to the
 * device, which is /dev/null here: ENOTTY.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xengnttab.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

#include "base/log.h"
#include "daemon/sandbox.h"
#include "tests/sim/check.h"
#include "transport/privcmd.h"

/* When a request is let through. */
enum need { NEVER, ALWAYS, GRANTS, IRQFD, IOEVENTFD };

static const struct {
	const char *name;
	unsigned long request;
	enum need need;
} requests[] = {
	{ "MAP_GRANT_REF", IOCTL_GNTDEV_MAP_GRANT_REF, GRANTS },
	{ "UNMAP_GRANT_REF", IOCTL_GNTDEV_UNMAP_GRANT_REF, GRANTS },
	{ "GET_OFFSET_FOR_VADDR", IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, GRANTS },
	{ "GRANT_COPY", IOCTL_GNTDEV_GRANT_COPY, GRANTS },
	{ "SET_MAX_GRANTS", IOCTL_GNTDEV_SET_MAX_GRANTS, NEVER },
	{ "SET_UNMAP_NOTIFY", IOCTL_GNTDEV_SET_UNMAP_NOTIFY, NEVER },
	{ "DMABUF_EXP_FROM_REFS", IOCTL_GNTDEV_DMABUF_EXP_FROM_REFS, NEVER },
	{ "DMABUF_IMP_TO_REFS", IOCTL_GNTDEV_DMABUF_IMP_TO_REFS, NEVER },
	/* The same number, another size. */
	{ "MAP_GRANT_REF of another size", _IOC(_IOC_NONE, 'G', 0, 64), NEVER },
	{ "PRIVCMD_DM_OP", IOCTL_PRIVCMD_DM_OP, ALWAYS },
	{ "PRIVCMD_MMAPBATCH_V2", IOCTL_PRIVCMD_MMAPBATCH_V2, ALWAYS },
	{ "PRIVCMD_MMAP_RESOURCE", IOCTL_PRIVCMD_MMAP_RESOURCE, ALWAYS },
	{ "PRIVCMD_HYPERCALL", IOCTL_PRIVCMD_HYPERCALL, NEVER },
	{ "PRIVCMD_MMAP", IOCTL_PRIVCMD_MMAP, NEVER },
	{ "PRIVCMD_IRQFD", IOCTL_PRIVCMD_IRQFD, IRQFD },
	{ "PRIVCMD_IOEVENTFD", IOCTL_PRIVCMD_IOEVENTFD, IOEVENTFD },
	{ "EVTCHN_BIND_INTERDOMAIN", IOCTL_EVTCHN_BIND_INTERDOMAIN, ALWAYS },
	{ "EVTCHN_UNBIND", IOCTL_EVTCHN_UNBIND, ALWAYS },
	{ "EVTCHN_NOTIFY", IOCTL_EVTCHN_NOTIFY, ALWAYS },
	{ "EVTCHN_BIND_VIRQ", IOCTL_EVTCHN_BIND_VIRQ, NEVER },
	{ "a terminal's", 0x5401, NEVER },
};

static bool is_met(const struct xen_domain *x, enum need need)
{
	switch (need) {
	case ALWAYS:
		return true;
	case GRANTS:
		return x->gnttab;
	case IRQFD:
		return x->eventfds & XEN_IRQFD;
	case IOEVENTFD:
		return x->eventfds & XEN_IOEVENTFD;
	case NEVER:
		break;
	}
	return false;
}

static void in_the_sandbox(const struct xen_domain *x)
{
	const struct log_subject subject = { .guest = "sandbox" };
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct loop loop;

	sim_check(fd >= 0 && loop_init_disabled(&loop, 8) == 0, "a loop");
	sim_check(sandbox_enter(&loop, x, &subject) == 0, "the sandbox");
	for (unsigned i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		int expected = is_met(x, requests[i].need) ? ENOTTY : EPERM;

		errno = 0;
		sim_check(ioctl(fd, requests[i].request, NULL) < 0 && errno == expected, "%s: %s",
			  requests[i].name, strerror(errno));
	}
	/* Without what sanitizers do at the end, which is not allowed there. */
	syscall(SYS_exit_group, 0);
}

int main(void)
{
	if (geteuid() != 0) {
		fprintf(stderr, "*** SKIPPED: the sandbox needs root, as the daemon does ***\n");
		return 0;
	}
	log_open(LOG_NOTICE);
	for (unsigned what = 0; what < 8; what++) {
		struct xen_domain x = XEN_DOMAIN_NULL;
		pid_t pid = fork();
		int status;

		x.gnttab = what & 1 ? (void *)&x : NULL; /* not used, only looked at */
		x.eventfds = (what & 2 ? XEN_IRQFD : 0) | (what & 4 ? XEN_IOEVENTFD : 0);
		if (!pid)
			in_the_sandbox(&x);
		sim_check(waitpid(pid, &status, 0) == pid && status == 0,
			  "a worker with %u: status %#x", what, status);
	}
	return 0;
}
