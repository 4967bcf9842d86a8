/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real xenstored, of Debian's package xen-utils-4.17, as a child of the test.  It sees
 * the domains that a file says there are; its socket is in a private directory, so many run
 * side by side.
 */
#ifndef TESTS_SIM_XENSTORED_H
#define TESTS_SIM_XENSTORED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Domids of domains: DOMID_FIRST_RESERVED of xen/include/public/xen.h is a bit less. */
#define XENSTORED_DOMAINS 32768

/* What is written into the FIFO "virq": VIRQ_DOM_EXC has come. */
#define XENSTORED_VIRQ_DOM_EXC 1u

/* A byte of the file "domains". */
enum xenstored_domain {
	XENSTORED_DOMAIN_NONE,	   /* there is no such domain */
	XENSTORED_DOMAIN_RUNNING,  /* it exists */
	XENSTORED_DOMAIN_SHUTDOWN, /* it still exists, and has shut down or crashed */
};

/* Why something failed, in words.  May be NULL wherever it is asked for. */
struct sim_error {
	char text[400];
};

/* Put words into err, if there is one.  Returns e, a negative errno. */
int sim_error_set(struct sim_error *err, int e, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

struct xenstored {
	char dir[81]; /* the name of a socket has at most 107 bytes */
	pid_t pid;
	uint8_t *domains; /* the file "domains" */
	int virq;	  /* the FIFO "virq" */
};

#define XENSTORED_NULL ((struct xenstored){ .virq = -1 })

/*
 * Create the files "domains", with nothing but domain 0, and "virq" in the directory dir, an
 * absolute path of at most 80 bytes, which stays the caller's; start xenstored, and wait until it
 * answers.  Its standard error is DIR/xenstored.log.  It is killed when the calling *thread* ends:
 * call it from one that lives as long as the simulation.  Sets $XENSTORED_RUNDIR, which libxenstore
 * in this process and its later children reads.
 */
int xenstored_start(struct xenstored *x, const char *dir, struct sim_error *err);

/*
 * End xenstored and remove what it and xenstored_start() created.  -ECHILD if it had ended by
 * itself; then err has the beginning of its log.  x becomes XENSTORED_NULL.
 */
int xenstored_stop(struct xenstored *x, struct sim_error *err);

/*
 * A connection of domain 0, for xs_close(); NULL with errno.  From any thread; but while two
 * xenstoreds run in one process, only when no other thread calls getenv().
 */
struct xs_handle *xenstored_connect(const struct xenstored *x);

/*
 * A domain comes (RUNNING), shuts down, or goes; xenstored is told as Xen does, and fires
 * @releaseDomain if it knows the domain.  Before a domain owns nodes it must have come.
 * From any thread.
 */
void xenstored_set_domain(struct xenstored *x, unsigned domid, enum xenstored_domain state);

/* The domain's state as set by anybody. */
enum xenstored_domain xenstored_get_domain(const struct xenstored *x, unsigned domid);

/* Tell xenstored of a new domain, as libxl does: fires @introduceDomain. */
int xenstored_introduce(struct xs_handle *xs, unsigned domid, struct sim_error *err);

#endif
