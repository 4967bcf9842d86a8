/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxendevicemodel, as far as a device model on Arm uses it. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xendevicemodel.h>

#include "tests/sim/shim/faults.h"
#include "tests/sim/shim/xen.h"

struct xendevicemodel_handle {
	struct xensim_handle h;
	/* The lines of one domain: raising them must not cost a round trip. */
	struct hyp_lines *lines;
	domid_t lines_of;
};

/* One operation of a server; a fault of that name may take its place. */
static int op(xendevicemodel_handle *dmod, enum fault_op fault, enum hyp_op what, domid_t domid,
	      uint64_t a0, uint64_t a1, uint64_t a2, uint64_t *ret)
{
	if (fault_libxen(fault, &errno))
		return -1;
	return xensim_simple(&dmod->h, what, domid, a0, a1, a2, ret);
}

xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return xensim_open(sizeof(struct xendevicemodel_handle), FAULT_DM_OPEN, HYP_DEVICE_MODEL,
			   NULL);
}

int xendevicemodel_close(xendevicemodel_handle *dmod)
{
	if (!dmod)
		return 0;
	if (dmod->lines)
		munmap(dmod->lines, sizeof(*dmod->lines));
	xensim_close(&dmod->h);
	return 0;
}

int xendevicemodel_restrict(xendevicemodel_handle *dmod, domid_t domid)
{
	return op(dmod, FAULT_RESTRICT, HYP_RESTRICT, domid, 0, 0, 0, NULL);
}

int xendevicemodel_create_ioreq_server(xendevicemodel_handle *dmod, domid_t domid, int bufioreq,
				       ioservid_t *id)
{
	uint64_t n;
	int r = op(dmod, FAULT_DM_CREATE_IOREQ_SERVER, HYP_CREATE_SERVER, domid, bufioreq, 0, 0,
		   &n);

	if (r == 0)
		*id = n;
	return r;
}

int xendevicemodel_destroy_ioreq_server(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id)
{
	return op(dmod, FAULT_DM_DESTROY_IOREQ_SERVER, HYP_DESTROY_SERVER, domid, id, 0, 0, NULL);
}

int xendevicemodel_get_ioreq_server_info(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id,
					 xen_pfn_t *ioreq_gfn, xen_pfn_t *bufioreq_gfn,
					 evtchn_port_t *bufioreq_port)
{
	(void)ioreq_gfn;
	(void)bufioreq_gfn;
	(void)bufioreq_port;
	return op(dmod, FAULT_DM_GET_IOREQ_SERVER_INFO, HYP_SERVER_INFO, domid, id, 0, 0, NULL);
}

int xendevicemodel_set_ioreq_server_state(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id,
					  int enabled)
{
	return op(dmod, FAULT_DM_SET_IOREQ_SERVER_STATE, HYP_SERVER_STATE, domid, id, enabled, 0,
		  NULL);
}

/* Port I/O does not exist on Arm. */
static int range(xendevicemodel_handle *dmod, enum fault_op fault, enum hyp_op what, domid_t domid,
		 ioservid_t id, int is_mmio, uint64_t start, uint64_t end)
{
	if (!is_mmio) {
		errno = EINVAL;
		return -1;
	}
	return op(dmod, fault, what, domid, id, start, end, NULL);
}

int xendevicemodel_map_io_range_to_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						ioservid_t id, int is_mmio, uint64_t start,
						uint64_t end)
{
	return range(dmod, FAULT_DM_MAP_IO_RANGE, HYP_MAP_RANGE, domid, id, is_mmio, start, end);
}

int xendevicemodel_unmap_io_range_from_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						    ioservid_t id, int is_mmio, uint64_t start,
						    uint64_t end)
{
	return range(dmod, FAULT_DM_UNMAP_IO_RANGE, HYP_UNMAP_RANGE, domid, id, is_mmio, start,
		     end);
}

int xendevicemodel_nr_vcpus(xendevicemodel_handle *dmod, domid_t domid, unsigned *vcpus)
{
	uint64_t n;
	int r = op(dmod, FAULT_DM_NR_VCPUS, HYP_NR_VCPUS, domid, 0, 0, 0, &n);

	if (r == 0)
		*vcpus = n;
	return r;
}

static int get_lines(xendevicemodel_handle *dmod, domid_t domid, uint32_t irq)
{
	const struct hyp_request rq = { .op = HYP_INTERRUPTS, .domid = domid, .arg = { irq } };
	void *p;
	int fd;

	if (dmod->lines && dmod->lines_of == domid)
		return 0;
	if (xensim_call(&dmod->h, &rq, NULL, &fd) < 0)
		return -1;
	p = mmap(NULL, sizeof(*dmod->lines), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return -1;
	if (dmod->lines)
		munmap(dmod->lines, sizeof(*dmod->lines));
	dmod->lines = p;
	dmod->lines_of = domid;
	return 0;
}

int xendevicemodel_set_irq_level(xendevicemodel_handle *dmod, domid_t domid, uint32_t irq,
				 unsigned level)
{
	if (fault_libxen(FAULT_DM_SET_IRQ_LEVEL, &errno))
		return -1;
	if (get_lines(dmod, domid, irq) < 0)
		return -1;
	if (irq < HYP_LINE_FIRST || irq >= HYP_LINES || level > 1) {
		errno = EINVAL;
		return -1;
	}
	if (!__atomic_load_n(&dmod->lines->alive, __ATOMIC_SEQ_CST)) {
		errno = ESRCH;
		return -1;
	}
	/* The line is edge-triggered, and Xen's virtual GIC takes each level 1 for an edge. */
	__atomic_store_n(&dmod->lines->line[irq].level, level, __ATOMIC_SEQ_CST);
	if (!level)
		return 0;
	__atomic_add_fetch(&dmod->lines->line[irq].raised, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&dmod->lines->line[irq].waiters, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &dmod->lines->line[irq].raised, FUTEX_WAKE, INT_MAX, NULL, NULL,
			0);
	return 0;
}
