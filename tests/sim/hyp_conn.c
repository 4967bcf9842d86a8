/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's side of each libxen handle: a connection, and a thread that serves it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/sim/check.h"
#include "tests/sim/hyp_private.h"

static int listener = -1;
static pthread_t listener_thread;
static unsigned connections;

/* What an operation works on.  Its fds go to the daemon, and stay ours. */
struct call {
	struct hyp_conn *c;
	const struct hyp_request *rq;
	struct hyp_reply *rp;
	struct hyp_domain *d;
	int given; /* came with the request: ours; or -1 */
	int fd;	   /* for the reply, or -1 */
};

static struct hyp_server *server_of(const struct call *k)
{
	uint64_t id = k->rq->arg[0];

	return id < HYP_SERVERS_MAX && k->d->server[id].used ? &k->d->server[id] : NULL;
}

static int create_server(struct call *k)
{
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++) {
		struct hyp_server *s = &k->d->server[i];

		if (s->used || s->waiters)
			continue;
		hyp_server_init(k->d, s);
		k->rp->ret[0] = i;
		return 0;
	}
	return -ENOSPC;
}

static int map_range(struct hyp_server *s, uint64_t first, uint64_t last)
{
	if (first > last)
		return -EINVAL;
	for (unsigned i = 0; i < s->nr_ranges; i++)
		if (first <= s->range[i].last && last >= s->range[i].first)
			return -EEXIST;
	if (s->nr_ranges == HYP_RANGES_MAX)
		return -ENOSPC;
	s->range[s->nr_ranges].first = first;
	s->range[s->nr_ranges++].last = last;
	return 0;
}

static int unmap_range(struct hyp_server *s, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < s->nr_ranges; i++) {
		if (s->range[i].first != first || s->range[i].last != last)
			continue;
		s->range[i] = s->range[--s->nr_ranges];
		return 0;
	}
	return -ENOENT;
}

static int server_op(struct call *k)
{
	const struct hyp_request *rq = k->rq;
	struct hyp_server *s = server_of(k);

	if (!s)
		return -ENOENT;
	switch (rq->op) {
	case HYP_DESTROY_SERVER:
		sim_check(!s->ioeventfds, "the kernel is left with an ioreq page which is gone");
		hyp_server_destroy(k->d, s);
		return 0;
	case HYP_SERVER_INFO:
		return -EOPNOTSUPP; /* frames by resource only, as on Arm */
	case HYP_SERVER_STATE:
		s->enabled = rq->arg[1];
		return 0;
	case HYP_MAP_RANGE:
		return map_range(s, rq->arg[1], rq->arg[2]);
	default:
		return unmap_range(s, rq->arg[1], rq->arg[2]);
	}
}

static int device_model_op(struct call *k)
{
	switch (k->rq->op) {
	case HYP_NR_VCPUS:
		k->rp->ret[0] = k->d->nr_vcpus;
		return 0;
	case HYP_CREATE_SERVER:
		return k->rq->arg[0] ? -EINVAL : create_server(k);
	case HYP_INTERRUPTS:
		if (k->rq->arg[0] < HYP_LINE_FIRST || k->rq->arg[0] >= HYP_LINES)
			return -EINVAL;
		k->fd = k->d->lines_fd;
		return 0;
	case HYP_DESTROY_SERVER:
	case HYP_SERVER_INFO:
	case HYP_SERVER_STATE:
	case HYP_MAP_RANGE:
	case HYP_UNMAP_RANGE:
		return server_op(k);
	default:
		return -EOPNOTSUPP;
	}
}

static void map_pages(struct call *k)
{
	const struct hyp_request *rq = k->rq;
	const struct hyp_domain *d = k->d;
	uint64_t room = d->mapping_limit ? d->mapping_limit : UINT64_MAX;

	if (d->mapping_limit)
		room -= MIN(room, hyp_pages_mapped(k->d));
	for (unsigned i = 0; i < rq->n; i++) {
		int64_t page = hyp_memory_page(&d->mem, rq->page[i]);

		if (d->no_foreign_mapping)
			page = -EACCES;
		else if (page < 0)
			page = -EINVAL;
		else if (!room)
			page = -ENOENT; /* no memory for a page table: xen/arch/arm/p2m.c */
		else
			room--;
		k->rp->page[i] = page;
	}
	k->rp->n = rq->n;
	k->fd = d->mem.fd;
}

static int foreign_memory_op(struct call *k)
{
	const struct hyp_request *rq = k->rq;
	struct hyp_server *s;

	switch (rq->op) {
	case HYP_MAP:
		map_pages(k);
		return 0;
	case HYP_MAP_RESOURCE:
		s = server_of(k);
		/* Frame 1 is the page of ioreqs; there are no buffered ones. */
		if (!s || rq->arg[1] != 1 || rq->arg[2] != 1)
			return -EINVAL;
		k->fd = s->page_fd;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int event_op(struct call *k)
{
	uint32_t local;
	int r;

	switch (k->rq->op) {
	case HYP_BIND:
		r = hyp_port_bind(k->c, k->d, k->rq->arg[0], &local, &k->fd);
		k->rp->ret[0] = local;
		return r;
	case HYP_UNBIND:
		return hyp_port_unbind(k->c, k->rq->arg[0]);
	default:
		return -EOPNOTSUPP;
	}
}

static int privcmd_op(struct call *k)
{
	int r = -EBADF;

	k->d = hyp_find_any(k->rq->domid);
	if (k->rq->op == HYP_MEMBARRIER) {
		if (k->d)
			hyp_ports_unmask(k->d);
		return 0;
	}
	if (k->given >= 0 && k->rq->op == HYP_IRQFD)
		r = hyp_irqfd(k->c, k->rq, k->given);
	else if (k->given >= 0 && k->d && server_of(k))
		r = hyp_ioeventfd(k->d, k->rq, k->given);
	if (!r)
		k->given = -1;
	return r;
}

static int open_op(struct call *k)
{
	int pair[2];

	k->c->kind = k->rq->arg[0];
	if (k->c->kind != HYP_EVENT_CHANNELS)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	k->c->stream = pair[0];
	k->fd = pair[1];
	return 0;
}

static int perform(struct call *k)
{
	struct hyp_conn *c = k->c;
	const struct hyp_request *rq = k->rq;

	if (rq->op == HYP_OPEN)
		return open_op(k);
	if (rq->op == HYP_UNBIND)
		return event_op(k);
	/* /dev/null has been put in its place. */
	if (c->kind == HYP_GRANTS && c->restricted >= 0)
		return -ENOTTY;
	/* Restricting, and whatever comes after it, is for one domain. */
	if (c->restricted >= 0 && rq->domid != (uint32_t)c->restricted)
		return -EPERM;
	if (rq->op == HYP_RESTRICT) {
		c->restricted = rq->domid;
		return 0;
	}
	if (c->kind == HYP_PRIVCMD)
		return privcmd_op(k);
	k->d = hyp_find(rq->domid);
	if (!k->d && c->kind != HYP_GRANTS)
		return -ESRCH;
	switch (c->kind) {
	case HYP_DEVICE_MODEL:
		return device_model_op(k);
	case HYP_FOREIGN_MEMORY:
		return foreign_memory_op(k);
	case HYP_EVENT_CHANNELS:
		return event_op(k);
	case HYP_GRANTS:
		return hyp_grant_op(c, k->d, rq, k->rp, &k->fd);
	case HYP_PRIVCMD:
		break;
	}
	return -EINVAL;
}

static void answer(const struct call *k)
{
	struct iovec iov = { k->rp, HYP_BYTES(hyp_reply, k->rp->n) };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (k->fd >= 0) {
		struct cmsghdr *h;

		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &k->fd, sizeof(int));
	}
	/* A daemon that died meanwhile is noticed at the next receive. */
	if (sendmsg(k->c->sock, &msg, MSG_NOSIGNAL) < 0)
		sim_check(errno == EPIPE || errno == ECONNRESET, "answer the daemon: %s",
			  strerror(errno));
}

static void serve(struct hyp_conn *c, struct hyp_request *rq, struct hyp_reply *rp, size_t len,
		  int given)
{
	struct call k = { .c = c, .rq = rq, .rp = rp, .given = given, .fd = -1 };

	sim_check(len >= HYP_BYTES(hyp_request, 0) && rq->n <= HYP_BATCH_MAX &&
			  len == HYP_BYTES(hyp_request, rq->n),
		  "a request of %zu bytes", len);
	memset(rp, 0, HYP_BYTES(hyp_reply, 0));
	pthread_mutex_lock(&hyp_lock);
	rp->error = -perform(&k);
	if (rp->error) {
		rp->n = 0;
		k.fd = -1;
	}
	answer(&k);
	pthread_mutex_unlock(&hyp_lock);
	if (rq->op == HYP_OPEN && k.fd >= 0)
		close(k.fd);
	if (k.given >= 0)
		close(k.given);
}

/* *ret_fd is a descriptor that came with it, or -1. */
static ssize_t receive(int sock, struct hyp_request *rq, int *ret_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { rq, sizeof(*rq) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*ret_fd = -1;
	if (h && h->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(h), sizeof(int));
	return n;
}

static void *serve_thread(void *arg)
{
	struct hyp_request *rq = malloc(sizeof(*rq));
	struct hyp_reply *rp = malloc(sizeof(*rp));
	struct hyp_conn *c = arg;
	ssize_t n;
	int fd;

	sim_check(rq && rp, "out of memory");
	while ((n = receive(c->sock, rq, &fd)) > 0)
		serve(c, rq, rp, n, fd);
	pthread_mutex_lock(&hyp_lock);
	hyp_port_unbind_all(c);
	hyp_grant_unmap_all(c);
	hyp_irqfd_end_all(c);
	connections--;
	pthread_mutex_unlock(&hyp_lock);
	if (c->stream >= 0)
		close(c->stream);
	close(c->sock);
	free(c);
	free(rq);
	free(rp);
	return NULL;
}

static pid_t pid_of(int sock)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	sim_check(getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0, "who is that?");
	return cred.pid;
}

static void *listen_thread(void *arg)
{
	int sock;

	(void)arg;
	while ((sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct hyp_conn *c = calloc(1, sizeof(*c));
		pthread_t thread;

		sim_check(c, "out of memory");
		c->sock = sock;
		c->stream = c->restricted = -1;
		c->pid = pid_of(sock);
		pthread_mutex_lock(&hyp_lock);
		connections++;
		pthread_mutex_unlock(&hyp_lock);
		sim_check(pthread_create(&thread, NULL, serve_thread, c) == 0, "a thread");
		pthread_detach(thread);
	}
	return NULL;
}

void hyp_conn_listen(const char *dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/hypervisor", dir);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	sim_check(listener >= 0 && bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 &&
			  listen(listener, 64) == 0,
		  "listen on %s: %s", a.sun_path, strerror(errno));
	sim_check(pthread_create(&listener_thread, NULL, listen_thread, NULL) == 0, "a thread");
}

void hyp_conn_stop(void)
{
	unsigned left;

	shutdown(listener, SHUT_RDWR);
	pthread_join(listener_thread, NULL);
	close(listener);
	/* All processes that were connected have ended; their threads are about to notice. */
	for (unsigned i = 0; i < 1000; i++) {
		pthread_mutex_lock(&hyp_lock);
		left = connections;
		pthread_mutex_unlock(&hyp_lock);
		if (!left)
			return;
		usleep(5000);
	}
	sim_check(false, "%u processes still use the hypervisor", left);
}
