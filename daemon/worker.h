/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker: one process that serves one guest, and all that a hostile guest can reach.
 *
 * It is started by the watcher with two descriptors, has Xen handles that are restricted to its
 * domain, no xenstore, and opens no path.  It ends when the watcher tells it to, or when the
 * watcher is gone.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdbool.h>
#include <stdint.h>

/* Where the watcher puts the descriptors. */
#define WORKER_LINK_FD	3
#define WORKER_STATE_FD 4

/* What the watcher decides for a worker. */
struct worker_options {
	unsigned eventfds; /* XEN_IRQFD, XEN_IOEVENTFD: what to use if the kernel has it */
	unsigned poll_us;  /* it looks for work for so long before it sleeps; 0: not at all */
	int log_level;	   /* syslog's */
	bool foreground;   /* log text to standard error in any case */
	bool grants;	   /* some of the guest's disks may use grants */
};

/* Serve domid, whose name is for log lines, until the end.  Returns the exit status. */
int worker_main(uint16_t domid, const char *guest, const struct worker_options *o);

#endif
