/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define FDS_MAX 2

union control {
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int link_send(int fd, const struct link_message *m, const struct image *image)
{
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { .bytes = { 0 } };
	int fds[FDS_MAX], nr = 0;

	/* The page cache's descriptor comes first; it is always there if the other one is. */
	if (image && image->fd >= 0)
		fds[nr++] = image->fd;
	if (image && image->direct_fd >= 0)
		fds[nr++] = image->direct_fd;
	if (nr) {
		struct cmsghdr *c;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nr * sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int link_receive(int fd, struct link_message *ret, struct image *ret_image)
{
	struct iovec iov = { ret, sizeof(*ret) };
	union control control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int *to[FDS_MAX] = { &ret_image->fd, &ret_image->direct_fd };
	ssize_t n;

	*ret_image = IMAGE_NULL;
	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno != ECONNRESET ? -errno : 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (unsigned i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) && i < FDS_MAX;
		     i++)
			memcpy(to[i], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	if (n == sizeof(*ret) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		ret_image->info = ret->image;
		return 1;
	}
	image_close(ret_image);
	/* An empty message cannot be told from the end of file. */
	return n ? -EPROTO : 0;
}
