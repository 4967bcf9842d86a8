/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxenevtchn.  The descriptor gives and takes arrays of ports, as /dev/xen/evtchn does. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <xenevtchn.h>

#include "tests/sim/shim/faults.h"
#include "tests/sim/shim/xen.h"

#define PORTS_MAX 512

struct xenevtchn_handle {
	struct xensim_handle h;
	int fd;
	int notify[PORTS_MAX]; /* by local port; -1: not bound */
};

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned flags)
{
	xenevtchn_handle *x;
	int fd;

	(void)logger;
	(void)flags;
	x = xensim_open(sizeof(*x), FAULT_EVTCHN_OPEN, HYP_EVENT_CHANNELS, &fd);
	if (!x)
		return NULL;
	x->fd = fd;
	for (unsigned i = 0; i < PORTS_MAX; i++)
		x->notify[i] = -1;
	return x;
}

int xenevtchn_close(xenevtchn_handle *x)
{
	if (!x)
		return 0;
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (x->notify[i] >= 0)
			close(x->notify[i]);
	close(x->fd);
	xensim_close(&x->h);
	return 0;
}

int xenevtchn_restrict(xenevtchn_handle *x, domid_t domid)
{
	return xensim_simple(&x->h, HYP_RESTRICT, domid, 0, 0, 0, NULL);
}

int xenevtchn_fd(xenevtchn_handle *x)
{
	return x->fd;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *x, uint32_t domid,
						     evtchn_port_t remote)
{
	const struct hyp_request rq = { .op = HYP_BIND, .domid = domid, .arg = { remote } };
	struct hyp_reply rp;
	int fd;

	if (fault_libxen(FAULT_EVTCHN_BIND, &errno) || xensim_call(&x->h, &rq, &rp, &fd) < 0)
		return -1;
	x->notify[rp.ret[0]] = fd;
	return rp.ret[0];
}

int xenevtchn_unbind(xenevtchn_handle *x, evtchn_port_t port)
{
	if (fault_libxen(FAULT_EVTCHN_UNBIND, &errno))
		return -1;
	if (port >= PORTS_MAX || x->notify[port] < 0) {
		errno = ENOTCONN;
		return -1;
	}
	close(x->notify[port]);
	x->notify[port] = -1;
	/* The domain, and the port with it, may have gone before. */
	xensim_simple(&x->h, HYP_UNBIND, 0, port, 0, 0, NULL);
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *x)
{
	evtchn_port_t port;

	return read(x->fd, &port, sizeof(port)) == sizeof(port) ? (int)port : -1;
}

int xenevtchn_unmask(xenevtchn_handle *x, evtchn_port_t port)
{
	return write(x->fd, &port, sizeof(port)) == sizeof(port) ? 0 : -1;
}

int xenevtchn_notify(xenevtchn_handle *x, evtchn_port_t port)
{
	const uint64_t one = 1;

	if (fault_libxen(FAULT_EVTCHN_NOTIFY, &errno))
		return -1;
	if (port >= PORTS_MAX || x->notify[port] < 0) {
		errno = ENOTCONN;
		return -1;
	}
	return write(x->notify[port], &one, sizeof(one)) == sizeof(one) ? 0 : -1;
}
