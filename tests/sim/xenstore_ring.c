/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * xenstored's side of the ring is the library that is preloaded under it
 * (tests/sim/xenstored-shim/): it maps the file "ring-DOMID", writes a byte into the FIFO
 * "event-DOMID" for each notification, and is notified by any number in the FIFO "virq".  This side
 * is a thread that moves bytes between the ring and a socket.
 *
 * When the socket's other end is closed the ring stays, and so would the process's watches: they
 * are reset, as Linux removes those of a file of /dev/xen/xenbus.
 */
#include "tests/sim/xenstore_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

#include "base/util.h"
#include "tests/sim/check.h"

#define PAGE 4096

/* Any event channel that is not VIRQ_DOM_EXC's. */
#define PORT_RING (XENSTORED_VIRQ_DOM_EXC + 1)

/* An answer to something else would have another number. */
#define RESET_ID 0x7265u

static void notify(const struct xenstore_ring *r)
{
	uint32_t port = PORT_RING;

	/* Full: xenstored is about to look. */
	sim_check(write(r->virq, &port, sizeof(port)) == sizeof(port) || errno == EAGAIN,
		  "notify xenstored: %s", strerror(errno));
}

/* Copies as much as there is room for; returns how much. */
static unsigned put(const struct xenstore_ring *r, const void *data, unsigned len)
{
	uint32_t prod = r->page->req_prod;
	unsigned n = MIN(len, XENSTORE_RING_SIZE - (prod - __atomic_load_n(&r->page->req_cons,
									   __ATOMIC_ACQUIRE)));

	for (unsigned i = 0; i < n; i++)
		r->page->req[MASK_XENSTORE_IDX(prod + i)] = ((const char *)data)[i];
	__atomic_store_n(&r->page->req_prod, prod + n, __ATOMIC_RELEASE);
	if (n)
		notify(r);
	return n;
}

static unsigned get(const struct xenstore_ring *r, void *data, unsigned len)
{
	uint32_t cons = r->page->rsp_cons;
	unsigned n = MIN(len, __atomic_load_n(&r->page->rsp_prod, __ATOMIC_ACQUIRE) - cons);

	for (unsigned i = 0; i < n; i++)
		((char *)data)[i] = r->page->rsp[MASK_XENSTORE_IDX(cons + i)];
	__atomic_store_n(&r->page->rsp_cons, cons + n, __ATOMIC_RELEASE);
	if (n)
		notify(r);
	return n;
}

/* Wait for a notification, and for fd if it is not -1.  False: stop. */
static bool wait_for(const struct xenstore_ring *r, int fd, short *ret_events)
{
	struct pollfd p[] = { { r->stop, POLLIN, 0 }, { r->event, POLLIN, 0 }, { fd, POLLIN, 0 } };
	char bytes[64];

	sim_check(poll(p, ARRAY_SIZE(p), -1) > 0 || errno == EINTR, "poll: %s", strerror(errno));
	if (p[1].revents)
		(void)!read(r->event, bytes, sizeof(bytes));
	if (ret_events)
		*ret_events = p[2].revents;
	return !p[0].revents;
}

/* Exactly so many bytes, or false: stop. */
static bool get_all(const struct xenstore_ring *r, void *data, unsigned len)
{
	for (unsigned n = 0; (n += get(r, (char *)data + n, len - n)) < len;)
		if (!wait_for(r, -1, NULL))
			return false;
	return true;
}

/* Between two processes: nothing of the first one stays. */
static bool reset(const struct xenstore_ring *r)
{
	struct {
		struct xsd_sockmsg h;
		char empty;
	} rq = { { .type = XS_RESET_WATCHES, .req_id = RESET_ID, .len = 1 }, '\0' };
	unsigned len = sizeof(rq.h) + 1;
	struct xsd_sockmsg h;
	char body[XENSTORE_PAYLOAD_MAX];

	for (unsigned n = 0; (n += put(r, (char *)&rq + n, len - n)) < len;)
		if (!wait_for(r, -1, NULL))
			return false;
	/* Answers and events that nobody has fetched come first. */
	do
		if (!get_all(r, &h, sizeof(h)) || !get_all(r, body, h.len))
			return false;
	while (h.type != XS_RESET_WATCHES || h.req_id != RESET_ID);
	return true;
}

/* Until the other end is closed; false: stop. */
static bool serve(const struct xenstore_ring *r, int sock)
{
	char in[XENSTORE_RING_SIZE], out[XENSTORE_RING_SIZE];
	unsigned at = 0, left = 0;
	bool eof = false;
	short events;
	ssize_t n;

	while (!eof || left) {
		if (!wait_for(r, left ? -1 : sock, &events))
			return false;
		if (!left && events) {
			n = recv(sock, in, sizeof(in), 0);
			eof = n <= 0;
			at = 0;
			left = eof ? 0 : n;
		}
		n = put(r, in + at, left);
		at += n;
		left -= n;
		while ((n = get(r, out, sizeof(out))) > 0)
			(void)!send(sock, out, n, MSG_NOSIGNAL);
	}
	return true;
}

static void *ring_thread(void *arg)
{
	const struct xenstore_ring *r = arg;
	bool go_on = true;
	short events;

	while (go_on && (go_on = wait_for(r, r->listener, &events))) {
		int sock = events ? accept4(r->listener, NULL, NULL, SOCK_CLOEXEC) : -1;

		if (sock < 0)
			continue;
		go_on = serve(r, sock) && reset(r);
		close(sock);
	}
	return NULL;
}

static void *make_page(const char *dir, unsigned domid)
{
	char path[128];
	void *p;
	int fd;

	snprintf(path, sizeof(path), "%s/ring-%u", dir, domid);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	sim_check(fd >= 0 && ftruncate(fd, PAGE) == 0, "create %s", path);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sim_check(p != MAP_FAILED, "map %s", path);
	close(fd);
	return p;
}

void xenstore_ring_start(struct xenstore_ring *r, const struct xenstored *x, unsigned domid)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char path[128];

	*r = (struct xenstore_ring){ .domid = domid, .virq = x->virq };
	r->page = make_page(x->dir, domid);
	snprintf(path, sizeof(path), "%s/event-%u", x->dir, domid);
	sim_check(mkfifo(path, 0600) == 0, "create %s", path);
	/* With a writer of its own it never ends. */
	r->event = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	r->stop = eventfd(0, EFD_CLOEXEC);
	snprintf(r->rundir, sizeof(r->rundir), "%s/domain-%u", x->dir, domid);
	sim_check(r->event >= 0 && r->stop >= 0 && mkdir(r->rundir, 0700) == 0, "create %s",
		  r->rundir);
	snprintf(a.sun_path, sizeof(a.sun_path), "%.100s/socket", r->rundir);
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sim_check(r->listener >= 0 && bind(r->listener, (struct sockaddr *)&a, sizeof(a)) == 0 &&
			  listen(r->listener, 1) == 0,
		  "listen on %s: %s", a.sun_path, strerror(errno));
	sim_check(pthread_create(&r->thread, NULL, ring_thread, r) == 0, "a thread");
}

void xenstore_ring_stop(struct xenstore_ring *r)
{
	const uint64_t one = 1;

	sim_check(write(r->stop, &one, sizeof(one)) == sizeof(one), "stop a ring");
	pthread_join(r->thread, NULL);
	close(r->listener);
	close(r->stop);
	close(r->event);
	munmap(r->page, PAGE);
}
