/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: four stages, each with what must still and must no longer be possible after
 * it.  The Xen handles were restricted to one domain before (xen_domain_init()).
 *
 *   leave_the_world()   namespaces of our own: an empty, read-only root, no network, no IPC
 *   drop_privileges()   an unprivileged user; of the capabilities only CAP_IPC_LOCK
 *   loop_enable()       the io_uring operations that serving needs; the filter would not see them
 *   filter_syscalls()   the system calls that serving needs
 */
#include "daemon/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "base/util.h"
#include "transport/xen.h"

/* "nobody" on every Linux: owns nothing. */
#define UNPRIVILEGED 65534

/*
 * Should: use what is open.
 * Mustn't: reach a file, a device, a process's /proc entry, or a network by name.
 */
static int leave_the_world(const struct log_subject *subject)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0) {
		if (errno != EINVAL)
			return fail(-errno, subject, "cannot make namespaces for the worker");
		log_warn(subject,
			 "the kernel lacks namespaces: the worker keeps its view of the files");
		return 0;
	}
	/*
	 * Any directory will do to put the empty root on; /proc is there, we came through it.  Not
	 * pivot_root(2): it refuses where the root is an initramfs.
	 */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
		  "size=4k") < 0 ||
	    chdir("/proc") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return fail(-errno, subject, "cannot give the worker an empty root");
	if (access("/proc", F_OK) == 0 || access("/etc", F_OK) == 0)
		return fail(-EEXIST, subject, "the worker's root is not empty");
	return 0;
}

/*
 * Should: register bounce buffers (CAP_IPC_LOCK, whatever RLIMIT_MEMLOCK says).
 * Mustn't: become root again, trace or signal others, be traced or leave guest memory in a core
 * dump.
 */
static int drop_privileges(const struct log_subject *subject)
{
	int r;

	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_IPC_LOCK);
	r = capng_change_id(UNPRIVILEGED, UNPRIVILEGED, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (r)
		return fail(-EPERM, subject, "cannot drop privileges (step %d)", -r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(-errno, subject, "cannot give up gaining privileges");
	if (setuid(0) == 0 || capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return fail(-EPERM, subject, "the privileges are not gone");
	return 0;
}

static const int allowed[] = {
	/* the loop */
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(close),
	/* event channels, the log and libc's last words on standard error */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	/* the size of an image that was resized */
	SCMP_SYS(lseek),
	/* the link, with descriptors of images; the journal */
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	/* kicks and interrupts by the kernel */
	SCMP_SYS(eventfd2),
	SCMP_SYS(membarrier),
	/* guest memory, request slots, malloc */
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	/* libc: time, locks, random seeds of malloc, the end */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/*
 * ioctls of Xen's devices: no more requests than are used, as not all of them are restricted to one
 * domain.
 */
static int allow_xen_ioctls(scmp_filter_ctx ctx, const struct xen_domain *xen)
{
	unsigned long requests[XEN_IOCTLS_MAX];
	unsigned n = xen_list_ioctls(xen, requests);
	int r = 0;

	for (unsigned i = 0; i < n && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
	return r;
}

/*
 * Should: serve; end by itself, abort() included.
 * Mustn't: anything else.  A call that is not in the list fails with EPERM.
 */
static int filter_syscalls(const struct xen_domain *xen, const struct log_subject *subject)
{
	/* abort() */
	const struct scmp_arg_cmp to_itself = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = getpid() };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(allowed) && !r; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!r)
		r = allow_xen_ioctls(ctx, xen);
	if (!r)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &to_itself);
	if (!r)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (r)
		return fail(r, subject, "cannot restrict system calls");
	if (open("/", O_RDONLY | O_CLOEXEC) >= 0)
		return fail(-EPERM, subject, "the restriction of system calls has no effect");
	return 0;
}

/* What disks (backends/file.c, file_range.c) and the loop itself (base/loop.c) submit. */
static const uint8_t operations[] = {
	IORING_OP_READ,	      IORING_OP_WRITE,	     IORING_OP_READV,	     IORING_OP_WRITEV,
	IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED, IORING_OP_FSYNC,	     IORING_OP_FALLOCATE,
	IORING_OP_URING_CMD,  IORING_OP_POLL_ADD,    IORING_OP_ASYNC_CANCEL, IORING_OP_TIMEOUT,
};

int sandbox_enter(struct loop *loop, const struct xen_domain *xen,
		  const struct log_subject *subject)
{
	int r = leave_the_world(subject);

	if (!r)
		r = drop_privileges(subject);
	/*
	 * Should: serve disks.  Mustn't: open or connect by operations what system calls may not.
	 */
	if (!r)
		r = loop_enable(loop, operations, ARRAY_SIZE(operations));
	if (!r)
		r = filter_syscalls(xen, subject);
	return r;
}
