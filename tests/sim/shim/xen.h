/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the libxen* functions of this directory share.  They are preloaded under the daemon and talk
 * to the hypervisor in the test's process (tests/sim/hyp_wire.h).  In a worker they run inside its
 * sandbox: no files, and only the system calls that daemon/sandbox.c allows.
 */
#ifndef TESTS_SIM_SHIM_XEN_H
#define TESTS_SIM_SHIM_XEN_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/sim/faults_shm.h"
#include "tests/sim/hyp_wire.h"

/* A libxen handle: a connection. */
struct xensim_handle {
	int sock;
	struct xensim_handle *next;
};

/*
 * Connect: a zeroed object of that size, which begins with its struct xensim_handle; NULL with
 * errno.  A fault of that name may take its place.  *ret_fd (may be NULL: none is expected) is the
 * descriptor that came with it, or -1.  xensim_close() frees it.
 */
void *xensim_open(size_t bytes, enum fault_op fault, enum hyp_kind kind, int *ret_fd);
void xensim_close(struct xensim_handle *h);

/*
 * The same for a handle that xentoolcore_restrict_all() does not know, whose socket is the
 * caller's: 0, or -1 with errno.
 */
int xensim_connect(struct xensim_handle *h, enum hyp_kind kind, int *ret_fd);

/* Is the path /dev/xen/privcmd, and simulated?  *ret is what open(2) returns then. */
bool xensim_privcmd_open(const char *path, int *ret);

/* The id of the ioreq server whose page is mapped at this address, or -1. */
int xensim_server_at(uint64_t addr);

/* Has the test's process ended, and the machine with it?  False as well if no handle is open. */
bool xensim_hypervisor_gone(void);

/*
 * Ask, and wait for the answer.  rp may be NULL.  *ret_fd (may be NULL: none is expected) is the
 * descriptor that came with it, the caller's, or -1.  0, or -1 with errno.
 */
int xensim_call(struct xensim_handle *h, const struct hyp_request *rq, struct hyp_reply *rp,
		int *ret_fd);

/* A request with a descriptor, and a plain answer. */
int xensim_call_with(struct xensim_handle *h, const struct hyp_request *rq, int fd);

/* A request without page[]. */
int xensim_simple(struct xensim_handle *h, enum hyp_op op, uint32_t domid, uint64_t a0, uint64_t a1,
		  uint64_t a2, uint64_t *ret);

/*
 * Map pages of the file at va (NULL: anywhere), each where its index says; a page that is negative
 * is left inaccessible.  NULL with errno on failure.
 */
void *xensim_map_pages(int fd, void *va, int prot, unsigned n, const int64_t *page);

#endif
