/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of /dev/xen/gntdev a worker can use in its sandbox what it needs: map, unmap, copy; and only if
 * it was started for that.  A request that is let through gets to the device, which is /dev/null
 * here: ENOTTY.
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
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

#include "base/log.h"
#include "daemon/sandbox.h"
#include "tests/sim/check.h"

static const struct {
	const char *name;
	unsigned long request;
	bool grants, needed;
} requests[] = {
	{ "MAP_GRANT_REF", IOCTL_GNTDEV_MAP_GRANT_REF, true, true },
	{ "UNMAP_GRANT_REF", IOCTL_GNTDEV_UNMAP_GRANT_REF, true, true },
	{ "GET_OFFSET_FOR_VADDR", IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, true, true },
	{ "GRANT_COPY", IOCTL_GNTDEV_GRANT_COPY, true, true },
	{ "SET_MAX_GRANTS", IOCTL_GNTDEV_SET_MAX_GRANTS, true, false },
	{ "SET_UNMAP_NOTIFY", IOCTL_GNTDEV_SET_UNMAP_NOTIFY, true, false },
	{ "DMABUF_EXP_FROM_REFS", IOCTL_GNTDEV_DMABUF_EXP_FROM_REFS, true, false },
	{ "DMABUF_IMP_TO_REFS", IOCTL_GNTDEV_DMABUF_IMP_TO_REFS, true, false },
	/* The same number, another size. */
	{ "of another size", _IOC(_IOC_NONE, 'G', 0, 64), true, false },
	{ "PRIVCMD_DM_OP", IOCTL_PRIVCMD_DM_OP, false, true },
	{ "a terminal's", 0x5401, false, false },
};

static void in_the_sandbox(bool grants)
{
	const struct log_subject subject = { .guest = "sandbox" };
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct loop loop;

	sim_check(fd >= 0 && loop_init_disabled(&loop, 8) == 0, "a loop");
	sim_check(sandbox_enter(&loop, grants, &subject) == 0, "the sandbox");
	for (unsigned i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		bool through = requests[i].needed && (grants || !requests[i].grants);

		errno = 0;
		sim_check(ioctl(fd, requests[i].request, NULL) < 0 &&
				  errno == (through ? ENOTTY : EPERM),
			  "%s: %s", requests[i].name, strerror(errno));
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
	for (unsigned grants = 0; grants < 2; grants++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			in_the_sandbox(grants);
		sim_check(waitpid(pid, &status, 0) == pid && status == 0,
			  "with%s grants: status %#x", grants ? "" : "out", status);
	}
	return 0;
}
