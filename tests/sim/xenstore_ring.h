/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a domain other than 0 to xenstored: the page with two rings that it shares with it
 * (public/io/xs_wire.h), so that xenstored knows who asks: paths without a slash are the domain's
 * own, its permissions count, and what only domain 0 may is refused.  Behind the ring is a socket,
 * for libxenstore in the processes of the domain, as Linux has /dev/xen/xenbus; for one process at
 * a time.
 */
#ifndef TESTS_SIM_XENSTORE_RING_H
#define TESTS_SIM_XENSTORE_RING_H

#include <pthread.h>

#include "tests/sim/xenstored.h"

struct xenstore_domain_interface;

struct xenstore_ring {
	unsigned domid;
	char rundir[101]; /* $XENSTORED_RUNDIR for processes of the domain */
	int virq, event;  /* FIFOs: to xenstored, from it */
	int listener, stop;
	struct xenstore_domain_interface *page;
	pthread_t thread;
};

/*
 * Make the ring of domid in the directory of x, which is running.  To be done before the domain is
 * introduced.  A failure ends the test.
 */
void xenstore_ring_start(struct xenstore_ring *r, const struct xenstored *x, unsigned domid);

/* Take it away, with its files. */
void xenstore_ring_stop(struct xenstore_ring *r);

#endif
