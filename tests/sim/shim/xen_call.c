/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxencall: plain hypercalls, of which nothing but the version is asked. */
#include <errno.h>
#include <stdlib.h>

#include <xencall.h>
#include <xen/xen.h>
#include <xen/version.h>

#include "tests/sim/shim/faults.h"

struct xencall_handle {
	int unused;
};

xencall_handle *xencall_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	if (fault_libxen(FAULT_DM_OPEN, &errno))
		return NULL;
	return calloc(1, sizeof(struct xencall_handle));
}

int xencall_close(xencall_handle *call)
{
	free(call);
	return 0;
}

int xencall2(xencall_handle *call, unsigned op, uint64_t arg1, uint64_t arg2)
{
	(void)call;
	(void)arg2;
	if (fault_libxen(FAULT_HYPERCALL, &errno))
		return -1;
	if (op == __HYPERVISOR_xen_version && arg1 == XENVER_version)
		return 4 << 16 | 17;
	errno = ENOSYS;
	return -1;
}
