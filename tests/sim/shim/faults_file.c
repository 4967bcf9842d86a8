/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about calls of libc's on files. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/shim/faults.h"
#include "tests/sim/shim/xen.h"

/* What open() without a mode, and pread(), may become with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t offset, size_t size);

static bool fails(struct fault_slot *slot)
{
	int err;

	if (!fault_apply(slot, &err))
		return false;
	errno = err;
	return true;
}

static bool open_fails(const char *path)
{
	struct fault_file file = { 0, 0 };
	int saved = errno;
	struct stat st;

	if (!fault_any())
		return false;
	if (stat(path, &st) == 0)
		file = (struct fault_file){ st.st_dev, st.st_ino };
	errno = saved;
	return fails(fault_match(FAULT_OPEN, -1, &file));
}

static int real_open(const char *path, int flags, mode_t mode)
{
	int fd;

	return xensim_privcmd_open(path, &fd) ? fd : FAULT_REAL(open)(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return open_fails(path) ? -1 : real_open(path, flags, mode);
}

int __open_2(const char *path, int flags)
{
	return open_fails(path) ? -1 : real_open(path, flags, 0);
}

/* By descriptor: those that the process has made. */
static _Atomic bool is_eventfd[4096];

int eventfd(unsigned value, int flags)
{
	int fd = FAULT_REAL(eventfd)(value, flags);

	if (fd >= 0 && fd < (int)(sizeof(is_eventfd) / sizeof(is_eventfd[0])))
		is_eventfd[fd] = true;
	return fd;
}

bool fault_is_eventfd(int fd)
{
	return fd >= 0 && fd < (int)(sizeof(is_eventfd) / sizeof(is_eventfd[0])) && is_eventfd[fd];
}

int close(int fd)
{
	if (fault_is_eventfd(fd))
		is_eventfd[fd] = false;
	fault_forget_fd(fd);
	return FAULT_REAL(close)(fd);
}

int fstat(int fd, struct stat *st)
{
	return fails(fault_match(FAULT_STAT, fd, NULL)) ? -1 : FAULT_REAL(fstat)(fd, st);
}

static bool is_lock(int cmd)
{
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}

int fcntl(int fd, int cmd, ...)
{
	va_list args;
	void *arg; /* or an int, or nothing: it is only passed on */

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (is_lock(cmd) && fails(fault_match(FAULT_LOCK, fd, NULL)))
		return -1;
	return FAULT_REAL(fcntl)(fd, cmd, arg);
}

int flock(int fd, int operation)
{
	return fails(fault_match(FAULT_LOCK, fd, NULL)) ? -1 : FAULT_REAL(flock)(fd, operation);
}

/* How many bytes to read, or -1. */
static ssize_t pread_length(int fd, size_t n)
{
	struct fault_slot *slot = fault_match(FAULT_PREAD, fd, NULL);

	if (fails(slot))
		return -1;
	if (slot && slot->rule.action == FAULT_SHORT && n > slot->rule.amount)
		return slot->rule.amount;
	return n;
}

ssize_t pread(int fd, void *buf, size_t n, off_t offset)
{
	ssize_t len = pread_length(fd, n);

	return len < 0 ? -1 : FAULT_REAL(pread)(fd, buf, len, offset);
}

ssize_t __pread_chk(int fd, void *buf, size_t n, off_t offset, size_t size)
{
	ssize_t len = pread_length(fd, n);

	return len < 0 ? -1 : FAULT_REAL(__pread_chk)(fd, buf, len, offset, size);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return fails(fault_match(FAULT_FALLOCATE, fd, NULL))
		       ? -1
		       : FAULT_REAL(fallocate)(fd, mode, offset, len);
}
