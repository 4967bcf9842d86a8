/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's kernel, as far as it acts by itself: irqfd and ioeventfd, as drivers/xen/privcmd.c
 * of Linux 6.12 has them.
 *
 * ioeventfd is a handler of the event channels of a server, behind that of /dev/xen/evtchn: the
 * daemon has been woken up when it runs, and may look at the slot at the same time.  It takes each
 * slot that is a write, and puts back what is no kick.  It looks at the page where the daemon has
 * mapped it, also if that process has ended since; which the test must not let happen.  Xen may
 * crash a guest for what is put back: that must be the guest's own fault.
 *
 * irqfd runs in who writes to the eventfd; here it is read by a thread of the hypervisor's, or
 * before by hyp_irqfd_flush().
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/hyp_private.h"

#define QUEUE_NOTIFY 0x50  /* VIRTIO_MMIO_QUEUE_NOTIFY */
#define WINDOW	     0x200 /* that libxl gives a disk, and the alignment */

/* One that was assigned.  Owns its descriptor. */
struct hyp_eventfd {
	struct hyp_eventfd *next;
	int fd;
	long id; /* of the eventfd, whatever its descriptor */

	/* irqfd */
	struct hyp_conn *conn;
	uint32_t domid;
	uint32_t line;

	/* ioeventfd */
	uint64_t addr;
	uint32_t size;
	uint32_t queue;
};

static struct hyp_eventfd *irqfds;
static int epoll_fd = -1;
static pthread_t irqfd_thread;

/* The number that tells one eventfd from others, or -EINVAL if it is none. */
static long id_of(int fd)
{
	char path[64], line[128];
	long id = -EINVAL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "eventfd-id: %ld", &id) == 1)
			break;
	if (f)
		fclose(f);
	return id;
}

static struct hyp_eventfd **find(struct hyp_eventfd **list, long id)
{
	while (*list && (*list)->id != id)
		list = &(*list)->next;
	return list;
}

static void put(struct hyp_eventfd **list, struct hyp_eventfd *e)
{
	e->next = *list;
	*list = e;
}

static struct hyp_eventfd *take(struct hyp_eventfd **p)
{
	struct hyp_eventfd *e = *p;

	*p = e->next;
	return e;
}

static void end(struct hyp_eventfd **p)
{
	struct hyp_eventfd *e = take(p);

	close(e->fd);
	free(e);
}

static struct hyp_eventfd *begin(struct hyp_eventfd **list, int fd, long id)
{
	struct hyp_eventfd *e = calloc(1, sizeof(*e));

	sim_check(e, "out of memory");
	e->fd = fd;
	e->id = id;
	put(list, e);
	return e;
}

/* irqfd */

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* hyp_lock is held. */
static void raise_written(const struct hyp_eventfd *e)
{
	struct hyp_domain *d = hyp_find(e->domid);
	uint64_t n;

	if (is_readable(e->fd) && read(e->fd, &n, sizeof(n)) == sizeof(n) && d)
		hyp_raise(d, e->line);
}

void hyp_irqfd_flush(void)
{
	pthread_mutex_lock(&hyp_lock);
	for (const struct hyp_eventfd *e = irqfds; e; e = e->next)
		raise_written(e);
	pthread_mutex_unlock(&hyp_lock);
}

static void *run_irqfds(void *arg)
{
	struct epoll_event event;

	(void)arg;
	while (epoll_wait(epoll_fd, &event, 1, -1) >= 0 || errno == EINTR)
		hyp_irqfd_flush();
	sim_check(false, "epoll_wait: %s", strerror(errno));
	return NULL;
}

static void watch(struct hyp_eventfd *e)
{
	struct epoll_event event = {
		.events = EPOLLIN,
	};

	if (epoll_fd < 0) {
		epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		sim_check(epoll_fd >= 0 &&
				  pthread_create(&irqfd_thread, NULL, run_irqfds, NULL) == 0,
			  "a thread for interrupts");
	}
	sim_check(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, e->fd, &event) == 0, "watch an eventfd");
}

static void end_irqfd(struct hyp_eventfd **p)
{
	raise_written(*p);
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, (*p)->fd, NULL);
	end(p);
}

int hyp_irqfd(struct hyp_conn *c, const struct hyp_request *rq, int fd)
{
	long id = id_of(fd);
	struct hyp_eventfd **p = find(&irqfds, id), *e;

	if (id < 0)
		return id;
	if (rq->arg[0]) {
		if (*p)
			end_irqfd(p);
		close(fd);
		return 0;
	}
	if (*p)
		return -EBUSY;
	sim_check(rq->arg[1] >= HYP_LINE_FIRST && rq->arg[1] < HYP_LINES && rq->arg[2] == 1,
		  "an irqfd of line %" PRIu64 ", level %" PRIu64, rq->arg[1], rq->arg[2]);
	for (e = irqfds; e; e = e->next)
		sim_check(e->conn != c || e->line != rq->arg[1], "line %u has two irqfds", e->line);
	e = begin(&irqfds, fd, id);
	e->conn = c;
	e->domid = rq->domid;
	e->line = rq->arg[1];
	watch(e);
	return 0;
}

void hyp_irqfd_end_all(struct hyp_conn *c)
{
	for (struct hyp_eventfd **p = &irqfds; *p;) {
		if ((*p)->conn == c)
			end_irqfd(p);
		else
			p = &(*p)->next;
	}
}

/* ioeventfd */

static bool has_ports(struct hyp_server *s, unsigned nr_vcpus, const struct hyp_request *rq)
{
	if (rq->n > nr_vcpus)
		return false;
	for (unsigned v = 0; v < rq->n; v++)
		if (!s->slot[v].bound || s->slot[v].local != rq->page[v])
			return false;
	return true;
}

int hyp_ioeventfd(struct hyp_domain *d, const struct hyp_request *rq, int fd)
{
	struct hyp_server *s = &d->server[rq->arg[0]];
	long id = id_of(fd);
	struct hyp_eventfd **p, *e;

	if (id < 0)
		return id;
	p = find(&s->ioeventfds, id);
	if (rq->arg[2] & 0xff) {
		if (!*p || s->kernel_vcpus != rq->n)
			return -ENODEV;
		close((*p)->fd);
		(*p)->fd = -1;
		put(&s->ended_ioeventfds, take(p));
		close(fd);
		return 0;
	}
	if (s->ioeventfds && s->kernel_vcpus != rq->n)
		return -EINVAL;
	if (*p)
		return -EBUSY;
	if (!s->ioeventfds && !has_ports(s, d->nr_vcpus, rq))
		return -EINVAL;
	s->kernel_vcpus = rq->n;
	e = begin(&s->ioeventfds, fd, id);
	e->addr = rq->arg[1];
	e->size = rq->arg[2] >> 8 & 0xff;
	e->queue = rq->arg[2] >> 32;
	return 0;
}

void hyp_ioeventfd_end_all(struct hyp_server *s)
{
	while (s->ioeventfds)
		end(&s->ioeventfds);
	while (s->ended_ioeventfds)
		free(take(&s->ended_ioeventfds));
}

/*
 * Others run meanwhile: now and then for long, as if this CPU was taken away.  Called twice for
 * each slot, so odd numbers have it happen at either place.
 */
static void dawdle(void)
{
	static unsigned n;

	if (++n % 31 == 0)
		usleep(200);
	else if (n % 3 == 0)
		sched_yield();
}

static struct hyp_eventfd *find_kick(struct hyp_eventfd *e, const volatile struct ioreq *p)
{
	while (e && (p->addr != e->addr + QUEUE_NOTIFY || p->size != e->size ||
		     (p->data & 0xffff) != e->queue))
		e = e->next;
	return e;
}

void hyp_kernel_handles(struct hyp_slot *slot)
{
	struct hyp_server *s = slot->server;
	volatile struct ioreq *p = &s->page->vcpu_ioreq[slot->vcpu];
	struct hyp_eventfd *e = s->ioeventfds;
	const uint64_t one = 1;

	if (!e || slot->vcpu >= s->kernel_vcpus)
		return;
	sim_check(slot->bound, "the kernel looks at the page of an ioreq server which is gone");
	if (p->state != STATE_IOREQ_READY || p->type != IOREQ_TYPE_COPY || p->dir != IOREQ_WRITE)
		return;
	dawdle();
	sim_check(p->state == STATE_IOREQ_READY,
		  "a slot is taken while the kernel looks at it, to %#" PRIx64, p->addr);
	p->state = STATE_IOREQ_INPROCESS;
	e = find_kick(e, p);
	dawdle();
	if (!e) {
		sim_check(p->addr % WINDOW >= QUEUE_NOTIFY && p->addr % WINDOW < QUEUE_NOTIFY + 4,
			  "the kernel puts back a write to %#" PRIx64, p->addr);
		sim_check(!find_kick(s->ended_ioeventfds, p),
			  "the kernel puts back a kick that was left to it");
		p->state = STATE_IOREQ_READY;
		return;
	}
	sim_check(write(e->fd, &one, sizeof(one)) == sizeof(one), "write to an eventfd");
	p->state = STATE_IORESP_READY;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	sim_check(write(slot->answered, &one, sizeof(one)) == sizeof(one), "wake a vCPU");
}
