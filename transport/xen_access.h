/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keeps us from serving guests: devices that are not there, our own Linux, Xen, its policy;
 * and what an administrator is to do about it.
 *
 * Xen lets nobody but domain 0 act on other domains, unless it was built with FLASK and has a
 * policy (policy/xvirtiod.te).  Its answers say which of the two it was: EPERM comes from its
 * built-in rules (xen/include/xsm/dummy.h), EACCES from FLASK (xen/xsm/flask/hooks.c).  Linux keeps
 * hypercalls of an ordinary domain to itself since XSA-482 (drivers/xen/privcmd.c).
 */
#ifndef TRANSPORT_XEN_ACCESS_H
#define TRANSPORT_XEN_ACCESS_H

#include "base/log.h"

/* What was wanted of Xen; each has a rule of its own in the policy. */
enum xen_need {
	XEN_NEED_DM,	     /* a device model operation on the guest */
	XEN_NEED_SERVER,     /* an ioreq server: its event channels are made in our name */
	XEN_NEED_RESOURCE,   /* the page of that server */
	XEN_NEED_EVENT,	     /* the other end of an event channel of the guest's */
	XEN_NEED_GRANT_COPY, /* to copy what the guest has granted */
	XEN_NEED_FOREIGN,    /* the guest's memory, without its grant */
};

/*
 * What to do if Xen answered err, a negative errno: a text for the end of an error line, " (...)",
 * or "" where the error says all there is to say.  Static.
 */
const char *xen_access_advice(enum xen_need need, int err);

/*
 * Does the Linux of our domain pass hypercalls on?  To be asked before handles are restricted, for
 * that answer looks the same.  0 or -errno, logged with what to do.
 */
int xen_access_check_kernel(const struct log_subject *subject);

/*
 * For the start of the daemon: are the devices there that all serving needs, and can they be used?
 * Each that is missing is logged with what to do.
 */
void xen_access_check_host(void);

/*
 * The same for the device that grants need: in a driver domain.  In domain 0 disks do without, but
 * for those that ask for grants, and these say what is missing.
 */
void xen_access_check_grants(void);

#endif
