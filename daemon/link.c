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

/* What the other side calls a text becomes one. */
static void make_text(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* The descriptors that came with a message, into *ret. */
static void take_descriptors(struct msghdr *msg, struct image *ret)
{
	int *to[FDS_MAX] = { &ret->fd, &ret->direct_fd };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (unsigned i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) && i < FDS_MAX;
		     i++)
			memcpy(to[i], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

int link_receive(int fd, struct link_message *ret, struct image *ret_image)
{
	struct iovec iov = { ret, sizeof(*ret) };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct image image = IMAGE_NULL;
	ssize_t n;

	/* Without room for descriptors the kernel drops them before they are ours. */
	if (ret_image) {
		*ret_image = IMAGE_NULL;
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	/* It left with messages of ours unread; that is said once, before its own last messages. */
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	take_descriptors(&msg, &image);
	if (n == sizeof(*ret) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		make_text(ret->why, sizeof(ret->why));
		if (ret_image) {
			image.info = ret->image;
			*ret_image = image;
		}
		return 1;
	}
	image_close(&image);
	/* An empty message cannot be told from the end of file. */
	return n ? -EPROTO : 0;
}
