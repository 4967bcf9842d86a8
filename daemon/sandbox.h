/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker gives up before it looks at the first byte that a guest wrote.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "base/log.h"
#include "base/loop.h"
#include "transport/xen.h"

/*
 * Enter the sandbox, for good: no file system, no network, no privileges, few system calls.  What
 * is needed later must be open: the Xen handles, the loop (from loop_init_disabled(), enabled
 * here), the link, the log.  0 or -errno, logged.
 * xen: what of it is open can be used on.
 * Where the kernel was built without namespaces, that stage is left out with a warning.
 */
int sandbox_enter(struct loop *loop, const struct xen_domain *xen,
		  const struct log_subject *subject);

#endif
