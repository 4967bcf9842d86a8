/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/log.h"
#include "base/util.h"

#define LOCK_ALL    "/run/xvirtiod.lock"
#define LOCK_DOMAIN "/run/xvirtiod@%s.lock"

/* Lock a file; its descriptor is kept open on purpose, until the process ends. */
static int lock_file(const char *path, int how)
{
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char pid[16] = "";
	int r;

	if (fd < 0)
		return fail(-errno, NULL, "cannot open %s", path);
	if (flock(fd, how | LOCK_NB) < 0) {
		r = -errno;
		if (read(fd, pid, sizeof(pid) - 1) > 0)
			pid[strcspn(pid, "\n")] = '\0';
		refuse(NULL, "%s: another xvirtiod%s%s serves the same guests, or all", path,
		       pid[0] ? " with pid " : "", pid);
		return r;
	}
	snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0)
		return fail(-errno, NULL, "cannot write %s", path);
	take_fd(&fd);
	return 0;
}

int instance_lock(const char *domain)
{
	char path[128];
	int r;

	r = lock_file(LOCK_ALL, domain ? LOCK_SH : LOCK_EX);
	if (r || !domain)
		return r;
	if (snprintf(path, sizeof(path), LOCK_DOMAIN, domain) >= (int)sizeof(path))
		return refuse(NULL, "\"%s\" is not the name of a domain", domain);
	return lock_file(path, LOCK_EX);
}
