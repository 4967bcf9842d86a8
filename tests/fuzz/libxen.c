/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/libxen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xencall.h>
#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xentoolcore.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/ioreq.h>

#include "tests/fuzz/common.h"

#define PAGE	 4096u
#define FRAMES0	 (LIBXEN_RAM0_SIZE / PAGE)
#define FRAMES1	 (LIBXEN_RAM1_SIZE / PAGE)
#define IRQS	 64
#define SERVER	 7
#define PORT0	 100 /* local port of vCPU 0 */
#define HANDLE	 ((void *)&libxen)
#define RESOURCE ((void *)libxen.slots)

static struct {
	int memfd, eventfd;
	uint8_t *ram;			     /* both pieces, one behind the other */
	struct ioreq *slots;		     /* the ioreq page */
	unsigned countdown[LIBXEN_NR_CALLS]; /* 0: none */
	int error[LIBXEN_NR_CALLS];
	bool absent[FRAMES0 + FRAMES1];
	bool server, enabled;
	unsigned windows, maps, bound;
	unsigned interrupts[IRQS];
} libxen = { .memfd = -1 };

static void init_once(void)
{
	libxen.memfd = memfd_create("ram", MFD_CLOEXEC);
	libxen.eventfd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (libxen.memfd < 0 || libxen.eventfd < 0 ||
	    ftruncate(libxen.memfd, LIBXEN_RAM0_SIZE + LIBXEN_RAM1_SIZE) < 0)
		abort();
	libxen.ram = mmap(NULL, LIBXEN_RAM0_SIZE + LIBXEN_RAM1_SIZE, PROT_READ | PROT_WRITE,
			  MAP_SHARED, libxen.memfd, 0);
	libxen.slots = aligned_alloc(PAGE, PAGE);
	if (libxen.ram == MAP_FAILED || !libxen.slots)
		abort();
}

void libxen_reset(void)
{
	if (libxen.memfd < 0)
		init_once();
	/* Giving back the pages that are used each time would cost more than all the rest. */
	memset(libxen.ram, 0, LIBXEN_HOT_BYTES);
	memset(libxen.ram + LIBXEN_RAM0_SIZE, 0, LIBXEN_RAM1_SIZE);
	madvise(libxen.ram + LIBXEN_HOT_BYTES, LIBXEN_RAM0_SIZE - LIBXEN_HOT_BYTES, MADV_REMOVE);
	memset(libxen.countdown, 0, sizeof(libxen.countdown));
	memset(libxen.absent, 0, sizeof(libxen.absent));
	memset(libxen.interrupts, 0, sizeof(libxen.interrupts));
	memset(libxen.slots, 0, PAGE);
	for (unsigned i = 0; i < LIBXEN_VCPUS; i++)
		libxen.slots[i].vp_eport = 10 + i;
	libxen.server = libxen.enabled = false;
	libxen.windows = libxen.maps = libxen.bound = 0;
}

void libxen_fail(enum libxen_call call, unsigned n, int error)
{
	libxen.countdown[call] = n + 1;
	libxen.error[call] = error;
}

/* Does this call fail?  Sets errno. */
static bool fails(enum libxen_call call)
{
	if (!libxen.countdown[call] || --libxen.countdown[call])
		return false;
	errno = libxen.error[call];
	return true;
}

/* Index of a frame in the memfd, or -1. */
static long frame_of(uint64_t gfn)
{
	if (gfn - LIBXEN_RAM0 / PAGE < FRAMES0)
		return gfn - LIBXEN_RAM0 / PAGE;
	if (gfn - LIBXEN_RAM1 / PAGE < FRAMES1)
		return gfn - LIBXEN_RAM1 / PAGE + FRAMES0;
	return -1;
}

uint8_t *libxen_ram(uint64_t gpa)
{
	long frame = frame_of(gpa / PAGE);

	return frame < 0 ? NULL : libxen.ram + frame * PAGE + gpa % PAGE;
}

void libxen_set_present(uint64_t gpa, bool present)
{
	long frame = frame_of(gpa / PAGE);

	if (frame >= 0)
		libxen.absent[frame] = !present;
}

bool libxen_vcpu_runs(unsigned vcpu)
{
	const struct ioreq *slot = &libxen.slots[vcpu];

	return libxen.enabled &&
	       (slot->state == STATE_IOREQ_NONE || slot->state == STATE_IORESP_READY);
}

void libxen_ask(unsigned vcpu, const struct libxen_ask *a)
{
	struct ioreq *slot = &libxen.slots[vcpu];

	slot->type = a->kind == LIBXEN_INVALIDATE ? IOREQ_TYPE_INVALIDATE : IOREQ_TYPE_COPY;
	slot->dir = a->read ? IOREQ_READ : IOREQ_WRITE;
	slot->addr = a->addr;
	slot->data = a->data;
	slot->size = a->size;
	slot->count = a->kind == LIBXEN_ODD_ACCESS ? 2 : 1;
	slot->data_is_ptr = a->kind == LIBXEN_ODD_ACCESS;
	slot->state = STATE_IOREQ_READY;
}

uint64_t libxen_answer(unsigned vcpu)
{
	return libxen.slots[vcpu].data;
}

unsigned libxen_interrupts(uint32_t irq)
{
	return libxen.interrupts[irq];
}

unsigned libxen_maps(void)
{
	return libxen.maps;
}

unsigned libxen_windows(void)
{
	return libxen.windows;
}

bool libxen_has_server(void)
{
	return libxen.server;
}

/* xencall, xentoolcore, xendevicemodel */

xencall_handle *xencall_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return HANDLE;
}

int xencall_close(xencall_handle *call)
{
	(void)call;
	return 0;
}

int xencall2(xencall_handle *call, unsigned op, uint64_t arg1, uint64_t arg2)
{
	(void)call;
	(void)op;
	(void)arg1;
	(void)arg2;
	return 0;
}

int xentoolcore_restrict_all(domid_t domid)
{
	fuzz_check(domid == LIBXEN_DOMID, "domain %u", domid);
	return fails(LIBXEN_OPEN) ? -1 : 0;
}

xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return fails(LIBXEN_OPEN) ? NULL : HANDLE;
}

int xendevicemodel_close(xendevicemodel_handle *dmod)
{
	(void)dmod;
	return 0;
}

int xendevicemodel_nr_vcpus(xendevicemodel_handle *dmod, domid_t domid, unsigned *vcpus)
{
	(void)dmod;
	(void)domid;
	*vcpus = LIBXEN_VCPUS;
	return fails(LIBXEN_OPEN) ? -1 : 0;
}

int xendevicemodel_create_ioreq_server(xendevicemodel_handle *dmod, domid_t domid, int bufioreq,
				       ioservid_t *id)
{
	(void)dmod;
	(void)domid;
	(void)bufioreq;
	fuzz_check(!libxen.server, "a second server");
	if (fails(LIBXEN_SERVER))
		return -1;
	libxen.server = true;
	*id = SERVER;
	return 0;
}

int xendevicemodel_set_ioreq_server_state(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id,
					  int enabled)
{
	(void)dmod;
	(void)domid;
	fuzz_check(libxen.server && id == SERVER, "server %u", id);
	if (fails(LIBXEN_SERVER))
		return -1;
	libxen.enabled = enabled;
	return 0;
}

int xendevicemodel_destroy_ioreq_server(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id)
{
	(void)dmod;
	(void)domid;
	fuzz_check(libxen.server && id == SERVER, "server %u", id);
	/* Xen answers for a server that is gone: nobody waits any more. */
	for (unsigned i = 0; i < LIBXEN_VCPUS; i++)
		libxen.slots[i].state = STATE_IOREQ_NONE;
	libxen.server = libxen.enabled = false;
	libxen.windows = 0;
	return fails(LIBXEN_SERVER) ? -1 : 0;
}

int xendevicemodel_map_io_range_to_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						ioservid_t id, int is_mmio, uint64_t start,
						uint64_t end)
{
	(void)dmod;
	(void)domid;
	(void)is_mmio;
	fuzz_check(libxen.server && id == SERVER && end > start, "server %u", id);
	if (fails(LIBXEN_WINDOW))
		return -1;
	libxen.windows++;
	return 0;
}

int xendevicemodel_unmap_io_range_from_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						    ioservid_t id, int is_mmio, uint64_t start,
						    uint64_t end)
{
	(void)dmod;
	(void)domid;
	(void)is_mmio;
	fuzz_check(libxen.windows && id == SERVER && end > start, "server %u", id);
	libxen.windows--;
	return fails(LIBXEN_WINDOW) ? -1 : 0;
}

int xendevicemodel_set_irq_level(xendevicemodel_handle *dmod, domid_t domid, uint32_t irq,
				 unsigned level)
{
	(void)dmod;
	(void)domid;
	fuzz_check(irq < IRQS && level == 1, "interrupt %u, level %u", irq, level);
	if (fails(LIBXEN_IRQ))
		return -1;
	libxen.interrupts[irq]++;
	return 0;
}

/* xenevtchn */

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return fails(LIBXEN_OPEN) ? NULL : HANDLE;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	(void)xce;
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	(void)xce;
	return libxen.eventfd;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
						     evtchn_port_t remote_port)
{
	(void)xce;
	(void)domid;
	if (fails(LIBXEN_SERVER))
		return -1;
	libxen.bound++;
	return remote_port - 10 + PORT0;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	(void)port;
	fuzz_check(libxen.bound--, "unbound too often");
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	fuzz_check(port >= PORT0 && port < PORT0 + LIBXEN_VCPUS &&
			   libxen.slots[port - PORT0].state == STATE_IORESP_READY,
		   "notified without an answer");
	return fails(LIBXEN_EVENTS) ? -1 : 0;
}

/* xenforeignmemory */

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return fails(LIBXEN_OPEN) ? NULL : HANDLE;
}

int xenforeignmemory_close(xenforeignmemory_handle *fmem)
{
	(void)fmem;
	return 0;
}

xenforeignmemory_resource_handle *xenforeignmemory_map_resource(xenforeignmemory_handle *fmem,
								domid_t domid, unsigned type,
								unsigned id, unsigned long frame,
								unsigned long nr_frames,
								void **paddr, int prot, int flags)
{
	(void)fmem;
	(void)domid;
	(void)type;
	(void)id;
	(void)frame;
	(void)prot;
	(void)flags;
	fuzz_check(nr_frames == 1, "%lu frames of a server", nr_frames);
	if (fails(LIBXEN_SERVER))
		return NULL;
	*paddr = libxen.slots;
	return RESOURCE;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *fmem,
				    xenforeignmemory_resource_handle *fres)
{
	(void)fmem;
	fuzz_check(fres == RESOURCE, "another resource");
	return 0;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *addr, size_t pages)
{
	(void)fmem;
	fuzz_check(addr == RESOURCE && pages == 1, "nothing else is unmapped like that");
	return 0;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *fmem, uint32_t dom, void *addr, int prot,
			    int flags, size_t pages, const xen_pfn_t *arr, int *err)
{
	uint8_t *va = addr;
	size_t run;

	(void)fmem;
	(void)dom;
	/* xen_map_check() only wants to know whether it may. */
	if (!addr)
		return RESOURCE;
	libxen.maps++;
	/* As a whole: a hole remains. */
	if (fails(LIBXEN_MAP)) {
		munmap(addr, pages * PAGE);
		return NULL;
	}
	for (size_t i = 0; i < pages; i += run) {
		long first = frame_of(arr[i]);
		bool good = first >= 0 && !libxen.absent[first];
		void *p = va + i * PAGE;

		for (run = 0; i + run < pages; run++) {
			long frame = frame_of(arr[i + run]);

			if ((frame >= 0 && !libxen.absent[frame]) != good)
				break;
			err[i + run] = good ? 0 : -EINVAL;
		}
		if (good)
			p = mmap(p, run * PAGE, prot, MAP_SHARED | flags, libxen.memfd,
				 first * PAGE);
		else
			p = mmap(p, run * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
				 0);
		if (p == MAP_FAILED)
			abort();
	}
	return addr;
}
