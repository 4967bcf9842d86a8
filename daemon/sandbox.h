/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker gives up before it looks at the first byte that a guest wrote.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <stdbool.h>

#include "base/log.h"
#include "base/loop.h"

/*
 * Enter the sandbox, for good: no file system, no network, no privileges, few system calls.  What
 * is needed later must be open: the Xen handles, the loop (from loop_init_disabled(), enabled
 * here), the link, the log.  0 or -errno, logged.
 * grants: the worker has opened the grant interface, and may go on to use it.
 * Where the kernel was built without namespaces, that stage is left out with a warning.
 */
int sandbox_enter(struct loop *loop, bool grants, const struct log_subject *subject);

#endif
