/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/shim/xen.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xentoolcore.h>

#include "tests/sim/shim/faults.h"

/* All that are open, for xentoolcore_restrict_all(). */
static struct xensim_handle *handles;

int xensim_connect(struct xensim_handle *h, enum hyp_kind kind, int *ret_fd)
{
	const struct hyp_request rq = { .op = HYP_OPEN, .arg = { kind } };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *dir = getenv("XENSIM_DIR");

	if (!dir) {
		errno = ENOENT;
		return -1;
	}
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/hypervisor", dir);
	h->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (h->sock < 0)
		return -1;
	if (connect(h->sock, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    xensim_call(h, &rq, NULL, ret_fd) < 0) {
		close(h->sock);
		h->sock = -1;
		return -1;
	}
	return 0;
}

void *xensim_open(size_t bytes, enum fault_op fault, enum hyp_kind kind, int *ret_fd)
{
	struct xensim_handle *h = calloc(1, bytes);

	if (!h || fault_libxen(fault, &errno) || xensim_connect(h, kind, ret_fd) < 0) {
		free(h);
		return NULL;
	}
	h->next = handles;
	handles = h;
	return h;
}

void xensim_close(struct xensim_handle *h)
{
	for (struct xensim_handle **p = &handles; *p; p = &(*p)->next) {
		if (*p != h)
			continue;
		*p = h->next;
		break;
	}
	close(h->sock);
	free(h);
}

bool xensim_hypervisor_gone(void)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (!handles)
		return false;
	n = recvmsg(handles->sock, &msg, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static int take_fd_of(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

union fd_control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* Not send(2) and recv(2), which are other system calls. */
static int send_request(struct xensim_handle *h, const struct hyp_request *rq, int fd)
{
	union fd_control control = { .bytes = { 0 } };
	struct iovec out = { (void *)rq, HYP_BYTES(hyp_request, rq->n) };
	struct msghdr msg = { .msg_iov = &out, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c = &control.align;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(h->sock, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int receive_reply(struct xensim_handle *h, struct hyp_reply *rp, int *ret_fd)
{
	struct hyp_reply own;
	union fd_control control;
	struct iovec in = { rp ? rp : &own, sizeof(own) };
	struct msghdr msg;
	int fd;

	msg = (struct msghdr){ .msg_iov = &in,
			       .msg_iovlen = 1,
			       .msg_control = &control,
			       .msg_controllen = sizeof(control) };
	if (recvmsg(h->sock, &msg, MSG_CMSG_CLOEXEC) <= 0) {
		errno = EIO;
		return -1;
	}
	fd = take_fd_of(&msg);
	if (ret_fd)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	if (!rp)
		rp = &own;
	if (!rp->error)
		return 0;
	errno = rp->error;
	return -1;
}

int xensim_call(struct xensim_handle *h, const struct hyp_request *rq, struct hyp_reply *rp,
		int *ret_fd)
{
	return send_request(h, rq, -1) < 0 ? -1 : receive_reply(h, rp, ret_fd);
}

int xensim_call_with(struct xensim_handle *h, const struct hyp_request *rq, int fd)
{
	return send_request(h, rq, fd) < 0 ? -1 : receive_reply(h, NULL, NULL);
}

int xensim_simple(struct xensim_handle *h, enum hyp_op op, uint32_t domid, uint64_t a0, uint64_t a1,
		  uint64_t a2, uint64_t *ret)
{
	struct hyp_request rq = { .op = op, .domid = domid, .arg = { a0, a1, a2 } };
	struct hyp_reply rp;
	int r = xensim_call(h, &rq, &rp, NULL);

	if (r == 0 && ret)
		*ret = rp.ret[0];
	return r;
}

void *xensim_map_pages(int fd, void *va, int prot, unsigned n, const int64_t *page)
{
	size_t bytes = (size_t)n << HYP_PAGE_SHIFT;
	unsigned run;

	/* Reserve all of it, then put the runs in. */
	va = mmap(va, bytes, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (va ? MAP_FIXED : 0), -1, 0);
	if (va == MAP_FAILED)
		return NULL;
	for (unsigned i = 0; i < n; i += run) {
		run = 1;
		if (page[i] < 0)
			continue;
		while (i + run < n && page[i + run] == page[i] + run)
			run++;
		if (mmap((char *)va + ((size_t)i << HYP_PAGE_SHIFT), (size_t)run << HYP_PAGE_SHIFT,
			 prot, MAP_SHARED | MAP_FIXED, fd, page[i] << HYP_PAGE_SHIFT) == MAP_FAILED)
			return NULL;
	}
	return va;
}

int xentoolcore_restrict_all(domid_t domid)
{
	/* The libraries that are the real ones, such as libxenstore. */
	int (*real)(domid_t) = dlsym(RTLD_NEXT, "xentoolcore_restrict_all");

	if (fault_libxen(FAULT_RESTRICT, &errno))
		return -1;
	for (struct xensim_handle *h = handles; h; h = h->next)
		if (xensim_simple(h, HYP_RESTRICT, domid, 0, 0, 0, NULL) < 0)
			return -1;
	return real ? real(domid) : 0;
}
