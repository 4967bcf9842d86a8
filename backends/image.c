/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backends/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/image_holder.h"
#include "backends/image_probe.h"
#include "base/util.h"

#define SECTOR_SIZE 512

/* What image_open() was asked, and what it found. */
struct attempt {
	const struct image_params *p;
	const struct log_subject *subject;
	struct stat st;
	int path_fd; /* O_PATH: which file it is, decided once */
};

/* Log "path: text", and return err. */
static int give_up(const struct attempt *a, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int give_up(const struct attempt *a, int err, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	refuse(a->subject, "%s: %s", a->p->path, text);
	return err;
}

static const char *access_name(const struct attempt *a)
{
	return a->p->read_only ? "reading" : "writing";
}

/* Opening a FIFO or some character devices blocks or does things: look before. */
static int find_file(struct attempt *a)
{
	a->path_fd = open(a->p->path, O_PATH | O_CLOEXEC);
	if (a->path_fd < 0 || fstat(a->path_fd, &a->st) < 0)
		return give_up(a, -errno, "cannot open for %s: %s", access_name(a),
			       strerror(errno));
	if (S_ISDIR(a->st.st_mode))
		return give_up(a, -EISDIR, "cannot open as a disk image: is a directory");
	if (!S_ISREG(a->st.st_mode) && !S_ISBLK(a->st.st_mode))
		return give_up(a, -EINVAL,
			       "cannot open as a disk image: neither file nor block device");
	return 0;
}

static int open_again(const struct attempt *a, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->path_fd);
	return open(path, (a->p->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | flags);
}

static int give_up_held(const struct attempt *a, const char *what, bool locked)
{
	char who[256];

	image_holder_find(&a->st, locked, a->path_fd, who, sizeof(who));
	return give_up(a, -EBUSY, "cannot %s for %s: %s", what, access_name(a), who);
}

static int open_buffered(const struct attempt *a, int *ret)
{
	bool claim = S_ISBLK(a->st.st_mode) && !a->p->read_only;
	int fd = open_again(a, claim ? O_EXCL : 0);

	if (fd < 0 && errno == EBUSY)
		return give_up_held(a, "open", false);
	if (fd < 0)
		return give_up(a, -errno, "cannot open for %s: %s", access_name(a),
			       strerror(errno));
	*ret = fd;
	return 0;
}

static int lock(const struct attempt *a, int fd)
{
	struct flock whole = {
		.l_type = a->p->read_only ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return give_up_held(a, "lock", true);
	return give_up(a, -errno, "cannot lock for %s: %s", access_name(a), strerror(errno));
}

int image_read_size(int fd, uint64_t *ret)
{
	off_t size = lseek(fd, 0, SEEK_END); /* nobody uses the position */

	if (size < 0)
		return -errno;
	*ret = size;
	return 0;
}

static int find_size(const struct attempt *a, int fd, uint64_t *ret)
{
	uint64_t size = 0;
	int r = image_read_size(fd, &size);

	if (r < 0)
		return give_up(a, r, "cannot find its size: %s", strerror(-r));
	if (!size)
		return give_up(a, -EINVAL, "cannot use as a disk image: is empty");
	if (size % SECTOR_SIZE)
		return give_up(a, -EINVAL,
			       "cannot use as a disk image: size %" PRIu64
			       " is not a multiple of %d",
			       size, SECTOR_SIZE);
	*ret = size;
	return 0;
}

/* No O_DIRECT is no failure.  The claim (O_EXCL) is the buffered descriptor's: one is enough. */
static int open_direct(const struct attempt *a, unsigned *ret_align)
{
	_cleanup_(closep) int fd = open_again(a, O_DIRECT);
	unsigned align = fd < 0 ? 0 : image_probe_direct_align(fd, &a->st);

	if (!align) {
		log_notice(a->subject, "%s: no O_DIRECT here, using the page cache", a->p->path);
		return -1;
	}
	*ret_align = align;
	return take_fd(&fd);
}

static int open_and_look(struct attempt *a, struct image *ret)
{
	_cleanup_(closep) int fd = -1;
	struct image_info info = { 0 };
	int r, direct_fd = -1;

	r = find_file(a);
	if (r < 0)
		return r;
	r = open_buffered(a, &fd);
	if (r < 0)
		return r;
	r = lock(a, fd);
	if (r < 0)
		return r;
	r = find_size(a, fd, &info.size);
	if (r < 0)
		return r;

	if (a->p->cache == IMAGE_CACHE_DIRECT)
		direct_fd = open_direct(a, &info.direct_align);
	image_probe(fd, &a->st, a->p->read_only, a->p->discard, &info);
	*ret = (struct image){ .fd = take_fd(&fd), .direct_fd = direct_fd, .info = info };
	return 0;
}

int image_open(struct image *ret, const struct image_params *p, const struct log_subject *subject)
{
	struct attempt a = { .p = p, .subject = subject, .path_fd = -1 };
	int r = open_and_look(&a, ret);

	closep(&a.path_fd);
	return r;
}

void image_close(struct image *i)
{
	closep(&i->direct_fd);
	closep(&i->fd);
	*i = IMAGE_NULL;
}
