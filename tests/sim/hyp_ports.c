/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels, as drivers/xen/evtchn.c gives them to a process: reading its descriptor gives the
 * ports that are pending, an array of them, which are masked then; writing ports unmasks them.
 *
 * The descriptor is one end of a stream socket.  What the daemon writes into it is looked at here
 * when it matters: before a port is sent to, and while a vCPU that could not send waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/hyp_private.h"

static void deliver(struct hyp_slot *s)
{
	uint32_t port = s->local;

	s->pending = false;
	s->masked = true;
	/* EPIPE: the daemon is gone, and its connection about to be. */
	if (send(s->bound->stream, &port, sizeof(port), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		sim_check(errno == EPIPE || errno == ECONNRESET, "send a port: %s",
			  strerror(errno));
	hyp_kernel_handles(s);
}

/* What the daemon has unmasked. */
static void take_unmasked(struct hyp_conn *c)
{
	uint32_t ports[64];
	ssize_t n;

	while ((n = recv(c->stream, ports, sizeof(ports), MSG_DONTWAIT)) > 0) {
		sim_check(n % sizeof(uint32_t) == 0, "half a port was written");
		for (size_t i = 0; i < n / sizeof(uint32_t); i++) {
			struct hyp_slot *s = ports[i] < HYP_PORTS_MAX ? c->port[ports[i]] : NULL;

			if (!s)
				continue;
			s->masked = false;
			if (s->pending)
				deliver(s);
		}
	}
}

/* hyp_lock is held. */
void hyp_port_send(struct hyp_slot *s)
{
	if (!s->bound) {
		s->pending = true;
		hyp_kernel_handles(s);
		return;
	}
	take_unmasked(s->bound);
	if (s->masked)
		s->pending = true;
	else
		deliver(s);
}

/* Wait until the slot's eventfd is readable, or the daemon may have unmasked.  True: the first. */
static bool wait_once(struct hyp_slot *s)
{
	struct pollfd p[2] = { { .fd = s->answered, .events = POLLIN }, { .fd = -1 } };
	static unsigned kernels;
	bool late = false;

	pthread_mutex_lock(&hyp_lock);
	/* Interrupts for the kernel: every second one is, as if their CPU was busy. */
	if (s->server->ioeventfds)
		late = ++kernels % 2;
	/* Only then a later unmask is of interest. */
	if (s->pending && s->bound) {
		p[1].fd = s->bound->stream;
		p[1].events = POLLIN;
	}
	pthread_mutex_unlock(&hyp_lock);
	poll(p, 2, p[1].fd >= 0 ? 100 : -1);
	if (p[1].revents) {
		if (late)
			usleep(300);
		pthread_mutex_lock(&hyp_lock);
		if (s->bound)
			take_unmasked(s->bound);
		pthread_mutex_unlock(&hyp_lock);
	}
	return p[0].revents;
}

void hyp_port_wait(struct hyp_slot *s)
{
	uint64_t n;

	/* An answer is seen by who is told of it: nothing else wakes a vCPU. */
	while (!wait_once(s))
		;
	if (read(s->answered, &n, sizeof(n)) < 0)
		sim_check(errno == EAGAIN, "read an eventfd: %s", strerror(errno));
}

void hyp_break_event_channels(struct hyp_domain *d)
{
	pthread_mutex_lock(&hyp_lock);
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		for (unsigned v = 0; d->server[i].used && v < d->nr_vcpus; v++)
			if (d->server[i].slot[v].bound)
				shutdown(d->server[i].slot[v].bound->stream, SHUT_RDWR);
	pthread_mutex_unlock(&hyp_lock);
}

void hyp_ports_unmask(struct hyp_domain *d)
{
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		for (unsigned v = 0; d->server[i].used && v < d->nr_vcpus; v++)
			if (d->server[i].slot[v].bound)
				take_unmasked(d->server[i].slot[v].bound);
}

static struct hyp_slot *find_remote(struct hyp_domain *d, uint32_t remote)
{
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		for (unsigned v = 0; d->server[i].used && v < d->nr_vcpus; v++)
			if (d->server[i].slot[v].remote == remote)
				return &d->server[i].slot[v];
	return NULL;
}

int hyp_port_bind(struct hyp_conn *c, struct hyp_domain *d, uint32_t remote, uint32_t *ret_local,
		  int *ret_fd)
{
	struct hyp_slot *s = find_remote(d, remote);
	uint32_t local = 1;

	if (!s || s->bound)
		return -EINVAL;
	while (local < HYP_PORTS_MAX && c->port[local])
		local++;
	if (local == HYP_PORTS_MAX)
		return -ENOSPC;
	c->port[local] = s;
	s->bound = c;
	s->local = local;
	s->masked = false;
	/* Xen marks a port pending when it is bound. */
	deliver(s);
	*ret_local = local;
	*ret_fd = s->answered;
	return 0;
}

int hyp_port_unbind(struct hyp_conn *c, uint32_t local)
{
	if (local >= HYP_PORTS_MAX || !c->port[local])
		return -ENOTCONN;
	c->port[local]->bound = NULL;
	c->port[local] = NULL;
	return 0;
}

void hyp_port_unbind_all(struct hyp_conn *c)
{
	for (uint32_t i = 0; i < HYP_PORTS_MAX; i++)
		hyp_port_unbind(c, i);
}
