/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backends/image_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/util.h"

struct search {
	const struct stat *st;
	bool locked;
	int own_fd;
};

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* DONT_SYNC: a file server that does not answer must not hold up the watcher. */
static bool is_same_file(int fd_dir, const char *name, const struct stat *want)
{
	struct statx sx;

	if (statx(fd_dir, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &sx) < 0)
		return false;
	if (S_ISBLK(want->st_mode))
		return S_ISBLK(sx.stx_mode) && sx.stx_rdev_major == major(want->st_rdev) &&
		       sx.stx_rdev_minor == minor(want->st_rdev);
	return sx.stx_ino == want->st_ino && sx.stx_dev_major == major(want->st_dev) &&
	       sx.stx_dev_minor == minor(want->st_dev);
}

/* proc(5): fdinfo of a descriptor shows the locks taken through it. */
static bool has_lock(const char *pid, const char *fd)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char line[256];

	snprintf(line, sizeof(line), "/proc/%.16s/fdinfo/%.16s", pid, fd);
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "lock:", strlen("lock:")))
			return true;
	return false;
}

static bool process_has_it(const struct search *s, const char *pid)
{
	_cleanup_(closedirp) DIR *d = NULL;
	bool self = strtol(pid, NULL, 10) == getpid();
	struct dirent *e;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (!is_number(e->d_name) || (self && strtol(e->d_name, NULL, 10) == s->own_fd))
			continue;
		if (is_same_file(dirfd(d), e->d_name, s->st) &&
		    (!s->locked || has_lock(pid, e->d_name)))
			return true;
	}
	return false;
}

/*
 * The command line: that of a worker of ours names the guest.  A process chooses its own, so
 * control characters are kept out of the log.
 */
static void read_name(const char *pid, char *ret, size_t size)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[64];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	f = fopen(path, "re");
	n = f ? fread(ret, 1, size - 1, f) : 0;
	while (n && !ret[n - 1])
		n--;
	for (size_t i = 0; i < n; i++) {
		if (!ret[i])
			ret[i] = ' ';
		else if (ret[i] < ' ' || ret[i] > '~')
			ret[i] = '?';
	}
	ret[n] = '\0';
	if (!n)
		snprintf(ret, size, "a process");
}

static bool find_process(const struct search *s, char *ret, size_t size)
{
	_cleanup_(closedirp) DIR *d = opendir("/proc");
	struct dirent *e;
	char name[128];

	while (d && (e = readdir(d))) {
		if (!is_number(e->d_name) || !process_has_it(s, e->d_name))
			continue;
		read_name(e->d_name, name, sizeof(name));
		snprintf(ret, size, "in use by %s (pid %.16s)", name, e->d_name);
		return true;
	}
	return false;
}

static bool find_mount(dev_t dev, char *ret, size_t size)
{
	_cleanup_(fclosep) FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], where[1024];
	unsigned maj, min;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*u %*u %u:%u %*s %1023s", &maj, &min, where) != 3)
			continue;
		if (maj == major(dev) && min == minor(dev)) {
			snprintf(ret, size, "mounted on %s", where);
			return true;
		}
	}
	return false;
}

/* Another block device (device mapper, md) on top of this one. */
static bool find_stacked_device(dev_t dev, char *ret, size_t size)
{
	_cleanup_(closedirp) DIR *d = NULL;
	struct dirent *e;
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(dev), minor(dev));
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(ret, size, "in use by %s", e->d_name);
		return true;
	}
	return false;
}

void image_holder_find(const struct stat *st, bool locked, int own_fd, char *ret, size_t size)
{
	const struct search s = { .st = st, .locked = locked, .own_fd = own_fd };

	/* Only the claim on a block device can be the kernel's own. */
	if (!locked && S_ISBLK(st->st_mode) &&
	    (find_mount(st->st_rdev, ret, size) || find_stacked_device(st->st_rdev, ret, size)))
		return;
	if (!find_process(&s, ret, size))
		snprintf(ret, size, "in use by another process");
}
