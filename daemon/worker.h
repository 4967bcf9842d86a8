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

/*
 * Serve domid, whose name is for log lines, until the end, with those of eventfds (XEN_IRQFD,
 * XEN_IOEVENTFD) that the kernel has.  grants: some of its disks may use grants.  Returns the exit
 * status.
 */
int worker_main(uint16_t domid, const char *guest, unsigned eventfds, bool grants);

#endif
