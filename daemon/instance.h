/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two daemons must not serve the same disks.  One that serves all guests excludes every
 * other; those that serve one guest each exclude only their like for the same name or domid,
 * as it was given.
 */
#ifndef DAEMON_INSTANCE_H
#define DAEMON_INSTANCE_H

/*
 * Take the locks, which are files in /run and last as long as the process.  domain is the guest to
 * be served, or NULL: all.  0 or -errno, logged with who holds the lock.
 */
int instance_lock(const char *domain);

#endif
