/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport/xen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>
#include <xentoolcore.h>
#include <xentoollog.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

#include "transport/privcmd.h"
#include "transport/xen_access.h"

/* Hidden in xen/hvm/hvm_op.h behind __XEN_TOOLS__. */
#define BUFIOREQ_OFF 0

/* GUEST_RAM0_BASE of xen/include/public/arch-arm.h: each guest has memory there. */
#define GFN_RAM0 (0x40000000u >> XEN_PAGE_SHIFT)

int xen_domain_init(struct xen_domain *x, uint16_t domid, const struct log_subject *subject)
{
	int r;

	*x = XEN_DOMAIN_NULL;
	x->domid = domid;
	x->subject = subject;

	r = xen_access_check_kernel(subject);
	if (r)
		return r;
	x->dmod = xendevicemodel_open(NULL, 0);
	if (!x->dmod)
		return fail(-errno, subject,
			    "cannot open the device model interface (xen-privcmd)");
	x->fmem = xenforeignmemory_open(NULL, 0);
	if (!x->fmem)
		return fail(-errno, subject, "cannot open the foreign memory interface");
	x->evtchn = xenevtchn_open(NULL, 0);
	if (!x->evtchn)
		return fail(-errno, subject, "cannot open the event channel interface");
	x->evtchn_fd = xenevtchn_fd(x->evtchn);
	if (fcntl(x->evtchn_fd, F_SETFL, O_NONBLOCK) < 0)
		return fail(-errno, subject, "cannot make the event channels non-blocking");

	/*
	 * All handles, not each by its own function: xendevicemodel_open() makes one for plain
	 * hypercalls, too, which xendevicemodel_restrict() forgets.
	 */
	if (xentoolcore_restrict_all(domid) < 0)
		return fail(-errno, subject, "cannot restrict the Xen handles to domain %u", domid);

	if (xendevicemodel_nr_vcpus(x->dmod, domid, &x->nr_vcpus) < 0)
		return fail(-errno, subject, "cannot ask Xen for the vCPUs of domain %u%s", domid,
			    xen_access_advice(XEN_NEED_DM, -errno));
	if (!x->nr_vcpus || x->nr_vcpus > XEN_VCPUS_MAX)
		return fail(-ERANGE, subject, "cannot serve %u vCPUs", x->nr_vcpus);
	return 0;
}

static void release_server(struct xen_domain *x, struct xen_server *s)
{
	while (s->nr_ports)
		xenevtchn_unbind(x->evtchn, s->ports[--s->nr_ports]);
	free(s->ports);
	s->ports = NULL;
	if (s->resource)
		xenforeignmemory_unmap_resource(x->fmem, s->resource);
	s->resource = NULL;
	s->page = NULL;
}

static void destroy_server(struct xen_domain *x, struct xen_server *s)
{
	if (!s->created)
		return;
	release_server(x, s);
	/* ESRCH: the domain was quicker, and took the server with it. */
	if (xendevicemodel_destroy_ioreq_server(x->dmod, x->domid, s->id) < 0 && errno != ESRCH)
		fail(-errno, x->subject, "cannot destroy ioreq server %u", s->id);
	s->created = false;
}

void xen_domain_fini(struct xen_domain *x)
{
	/* Without it kicks go to the other one, and wait there. */
	destroy_server(x, &x->kicker);
	release_server(x, &x->server);
	if (x->gnttab)
		xengnttab_close(x->gnttab);
	if (x->evtchn)
		xenevtchn_close(x->evtchn);
	if (x->fmem)
		xenforeignmemory_close(x->fmem);
	if (x->dmod)
		xendevicemodel_close(x->dmod);
	xen_eventfds_fini(x);
	*x = XEN_DOMAIN_NULL;
}

static int map_ioreq_page(struct xen_domain *x, struct xen_server *s)
{
	void *page = NULL;

	s->resource = xenforeignmemory_map_resource(
		x->fmem, x->domid, XENMEM_resource_ioreq_server, s->id,
		XENMEM_resource_ioreq_server_frame_ioreq(0), 1, &page, PROT_READ | PROT_WRITE, 0);
	if (!s->resource)
		return fail(-errno, x->subject, "cannot map the page of ioreq server %u%s", s->id,
			    xen_access_advice(XEN_NEED_RESOURCE, -errno));
	s->page = page;
	return 0;
}

static int bind_ports(struct xen_domain *x, struct xen_server *s)
{
	s->ports = calloc(x->nr_vcpus, sizeof(*s->ports));
	if (!s->ports)
		return fail(-ENOMEM, x->subject, "cannot bind event channels");

	for (unsigned i = 0; i < x->nr_vcpus; i++) {
		uint32_t remote = s->page->vcpu_ioreq[i].vp_eport;
		int port = xenevtchn_bind_interdomain(x->evtchn, x->domid, remote);

		if (port < 0)
			return fail(-errno, x->subject, "cannot bind event channel %u of vCPU %u%s",
				    remote, i, xen_access_advice(XEN_NEED_EVENT, -errno));
		s->ports[s->nr_ports++] = port;
	}
	return 0;
}

static int create_server(struct xen_domain *x, struct xen_server *s)
{
	int r;

	if (xendevicemodel_create_ioreq_server(x->dmod, x->domid, BUFIOREQ_OFF, &s->id) < 0)
		return fail(-errno, x->subject, "cannot create an ioreq server for domain %u%s",
			    x->domid,
			    errno == ENOSPC ? " (it has 8 already)"
					    : xen_access_advice(XEN_NEED_SERVER, -errno));
	s->created = true;

	r = map_ioreq_page(x, s);
	if (!r && xendevicemodel_set_ioreq_server_state(x->dmod, x->domid, s->id, 1) < 0)
		r = fail(-errno, x->subject, "cannot enable ioreq server %u", s->id);
	if (!r)
		r = bind_ports(x, s);
	if (r)
		destroy_server(x, s);
	return r;
}

int xen_server_create(struct xen_domain *x)
{
	int r = create_server(x, &x->server);

	if (r || !(x->eventfds & XEN_IOEVENTFD))
		return r;
	/* Where ranges overlap Xen takes the highest id (xen/common/ioreq.c). */
	if (create_server(x, &x->kicker) || x->kicker.id < x->server.id) {
		log_notice(x->subject, "kicks do without ioeventfd: no second ioreq server");
		destroy_server(x, &x->kicker);
		x->eventfds &= ~XEN_IOEVENTFD;
	}
	return 0;
}

void xen_server_destroy(struct xen_domain *x)
{
	destroy_server(x, &x->kicker);
	destroy_server(x, &x->server);
	x->nr_masked = 0;
}

int xen_server_map_window(struct xen_domain *x, const struct xen_server *s, uint64_t base,
			  uint32_t size)
{
	if (xendevicemodel_map_io_range_to_ioreq_server(x->dmod, x->domid, s->id, 1, base,
							base + size - 1) < 0)
		return fail(-errno, x->subject, "cannot take the MMIO window at %#llx",
			    (unsigned long long)base);
	return 0;
}

void xen_server_unmap_window(struct xen_domain *x, const struct xen_server *s, uint64_t base,
			     uint32_t size)
{
	if (xendevicemodel_unmap_io_range_from_ioreq_server(x->dmod, x->domid, s->id, 1, base,
							    base + size - 1) < 0 &&
	    errno != ESRCH)
		fail(-errno, x->subject, "cannot give back the MMIO window at %#llx",
		     (unsigned long long)base);
}

static void note_kicked(struct xen_domain *x, const uint32_t *ports, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		for (unsigned v = 0; v < x->nr_vcpus; v++)
			if (x->kicker.ports[v] == ports[i])
				x->kicked[v / 64] |= 1ull << v % 64;
}

int xen_events_unmask(struct xen_domain *x)
{
	ssize_t n = x->nr_masked * sizeof(x->masked[0]);

	x->nr_masked = 0;
	if (n && write(x->evtchn_fd, x->masked, n) != n)
		return fail(errno ? -errno : -EIO, x->subject, "cannot unmask event channels");
	return 0;
}

/*
 * libxenevtchn reads and unmasks one port per system call; the device takes arrays
 * (drivers/xen/evtchn.c).
 */
int xen_events_drain(struct xen_domain *x)
{
	unsigned room;
	ssize_t n;
	int r;

	/*
	 * A masked port is not read again, so there is room for all, but for what is left over from
	 * a server that is gone.  A short array was the last one.
	 */
	do {
		if (x->nr_masked == XEN_SLOTS_MAX)
			xen_events_unmask(x);
		room = sizeof(x->masked) - x->nr_masked * sizeof(x->masked[0]);
		n = read(x->evtchn_fd, &x->masked[x->nr_masked], room);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return fail(n ? -errno : -EIO, x->subject, "cannot read event channels");
		if (x->kicker.created)
			note_kicked(x, &x->masked[x->nr_masked], n / sizeof(x->masked[0]));
		x->nr_masked += n / sizeof(x->masked[0]);
		r = x->kicker.created ? xen_events_unmask(x) : 0;
		if (r)
			return r;
	} while (n == room);
	return 0;
}

static volatile struct ioreq *slot_of(const struct xen_domain *x, unsigned slot)
{
	if (slot < x->nr_vcpus)
		return &x->server.page->vcpu_ioreq[slot];
	return &x->kicker.page->vcpu_ioreq[slot - x->nr_vcpus];
}

bool xen_ioreq_is_waiting(const struct xen_domain *x)
{
	for (unsigned v = 0; x->server.created && v < x->nr_vcpus; v++)
		if (slot_of(x, v)->state == STATE_IOREQ_READY)
			return true;
	return false;
}

bool xen_ioreq_take(struct xen_domain *x, unsigned n, struct xen_ioreq *ret)
{
	volatile struct ioreq *slot = slot_of(x, n);

	if (n >= x->nr_vcpus && !xen_kicks_leave(x, n - x->nr_vcpus, slot))
		return false;
	if (slot->state != STATE_IOREQ_READY)
		return false;
	/*
	 * Pairs with the barrier in Xen's ioreq_send(): the request was written before the state.
	 */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);

	ret->addr = slot->addr;
	ret->data = slot->data;
	ret->size = slot->size;
	if (slot->type == IOREQ_TYPE_INVALIDATE)
		ret->type = XEN_IOREQ_INVALIDATE;
	else if (slot->type != IOREQ_TYPE_COPY || slot->data_is_ptr || slot->count != 1)
		ret->type = XEN_IOREQ_OTHER;
	else
		ret->type = slot->dir == IOREQ_READ ? XEN_IOREQ_READ : XEN_IOREQ_WRITE;
	slot->state = STATE_IOREQ_INPROCESS;
	return true;
}

static int fail_limited(struct xen_domain *x, int err, const char *what, unsigned n)
{
	uint64_t suppressed;

	if (log_limit_pass(&x->limit, &suppressed))
		fail(err, x->subject, "cannot %s %u (%llu such lines held back)", what, n,
		     (unsigned long long)suppressed);
	return err;
}

void xen_ioreq_answer(struct xen_domain *x, unsigned n, uint64_t data)
{
	volatile struct ioreq *slot = slot_of(x, n);
	bool kicker = n >= x->nr_vcpus;
	uint32_t port = kicker ? x->kicker.ports[n - x->nr_vcpus] : x->server.ports[n];

	if (slot->dir == IOREQ_READ)
		slot->data = data;
	/* Pairs with the barrier in Xen's wait_for_io(): it reads the data after the state. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	slot->state = STATE_IORESP_READY;
	if (xenevtchn_notify(x->evtchn, port) < 0)
		fail_limited(x, -errno, "notify vCPU", kicker ? n - x->nr_vcpus : n);
}

int xen_map(struct xen_domain *x, void *va, uint64_t gfn, unsigned n, int *err)
{
	xen_pfn_t frames[XEN_MAP_MAX];

	assert(n <= XEN_MAP_MAX);
	for (unsigned i = 0; i < n; i++)
		frames[i] = gfn + i;
	if (!xenforeignmemory_map2(x->fmem, x->domid, va, PROT_READ | PROT_WRITE, MAP_FIXED, n,
				   frames, err))
		return fail_limited(x, -errno, "map a run of guest pages, as many as", n);
	return 0;
}

int xen_map_check(struct xen_domain *x)
{
	const xen_pfn_t frame = GFN_RAM0;
	int e = 0;
	void *p = xenforeignmemory_map2(x->fmem, x->domid, NULL, PROT_READ, 0, 1, &frame, &e);

	if (p)
		xenforeignmemory_unmap(x->fmem, p, 1);
	else
		e = -errno;
	/* Anything else is about this page. */
	if (e != -EACCES && e != -EPERM)
		return 0;
	return fail(e, x->subject, "cannot map the memory of domain %u%s", x->domid,
		    xen_access_advice(XEN_NEED_FOREIGN, e));
}

/* libxengnttab would write a line about each reference that a guest gets wrong. */
static void say_nothing(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
			const char *context, const char *format, va_list al)
{
	(void)logger;
	(void)level;
	(void)errnoval;
	(void)context;
	(void)format;
	(void)al;
}

int xen_grants_open(struct xen_domain *x)
{
	static struct xentoollog_logger quiet = { .vmessage = say_nothing };

	x->gnttab = xengnttab_open(&quiet, 0);
	if (!x->gnttab)
		return fail(-errno, x->subject, "cannot open /dev/xen/gntdev");
	return 0;
}

static const unsigned long base_ioctls[] = {
	IOCTL_PRIVCMD_DM_OP,	     /* server, ranges, interrupts */
	IOCTL_PRIVCMD_MMAP_RESOURCE, /* the ioreq page */
	IOCTL_PRIVCMD_MMAPBATCH_V2,  /* guest memory */
	IOCTL_EVTCHN_BIND_INTERDOMAIN, IOCTL_EVTCHN_UNBIND, IOCTL_EVTCHN_NOTIFY,
};

static const unsigned long grant_ioctls[] = {
	IOCTL_GNTDEV_MAP_GRANT_REF,
	IOCTL_GNTDEV_UNMAP_GRANT_REF,
	IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR,
	IOCTL_GNTDEV_GRANT_COPY,
};

_Static_assert(ARRAY_SIZE(base_ioctls) + ARRAY_SIZE(grant_ioctls) + 2 <= XEN_IOCTLS_MAX, "");

unsigned xen_list_ioctls(const struct xen_domain *x, unsigned long ret[XEN_IOCTLS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(base_ioctls); i++)
		ret[n++] = base_ioctls[i];
	for (unsigned i = 0; x->gnttab && i < ARRAY_SIZE(grant_ioctls); i++)
		ret[n++] = grant_ioctls[i];
	if (x->eventfds & XEN_IRQFD)
		ret[n++] = IOCTL_PRIVCMD_IRQFD;
	if (x->eventfds & XEN_IOEVENTFD)
		ret[n++] = IOCTL_PRIVCMD_IOEVENTFD;
	return n;
}

void *xen_grant_map(struct xen_domain *x, uint32_t ref, unsigned n, bool write)
{
	uint32_t refs[XEN_GRANTS_MAX];
	uint64_t suppressed;
	void *p;

	assert(n <= XEN_GRANTS_MAX);
	for (unsigned i = 0; i < n; i++)
		refs[i] = ref + i;
	p = xengnttab_map_domain_grant_refs(x->gnttab, n, x->domid, refs,
					    PROT_READ | (write ? PROT_WRITE : 0));
	if (p)
		return p;
	/* Linux's gntdev says EINVAL to whatever Xen refuses. */
	if (errno != EINVAL)
		fail_limited(x, -errno, "map granted pages, as many as", n);
	else if (log_limit_pass(&x->limit, &suppressed))
		log_warn(x->subject,
			 "cannot map a ring by %u grants from reference %u on: the guest has not "
			 "granted them like that, or Xen's policy forbids it (\"grant map_read\" "
			 "and \"grant map_write\" in policy/xvirtiod.te) (%llu such lines held "
			 "back)",
			 n, ref, (unsigned long long)suppressed);
	return NULL;
}

int xen_grant_unmap(struct xen_domain *x, void *va, unsigned n)
{
	if (xengnttab_unmap(x->gnttab, va, n) < 0)
		return fail_limited(x, -errno, "unmap granted pages, as many as", n);
	return 0;
}

unsigned xen_grant_copy(struct xen_domain *x, const struct xen_copy *copy, unsigned n,
			bool to_guest)
{
	xengnttab_grant_copy_segment_t segs[XEN_COPIES_MAX];
	bool forbidden = false;
	unsigned failed = 0;
	uint64_t suppressed;

	assert(n <= XEN_COPIES_MAX);
	for (unsigned i = 0; i < n; i++) {
		union xengnttab_copy_ptr ours = { .virt = copy[i].mem }, guests = {
			.foreign = { copy[i].ref, copy[i].offset, x->domid },
		};

		segs[i] = (xengnttab_grant_copy_segment_t){
			.source = to_guest ? ours : guests,
			.dest = to_guest ? guests : ours,
			.len = copy[i].len,
			.flags = to_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref,
		};
	}
	if (xengnttab_grant_copy(x->gnttab, n, segs) < 0) {
		fail_limited(x, -errno, "copy granted memory, pieces:", n);
		return n;
	}
	for (unsigned i = 0; i < n; i++) {
		failed += segs[i].status != GNTST_okay;
		forbidden |= segs[i].status == GNTST_permission_denied;
	}
	if (forbidden && log_limit_pass(&x->limit, &suppressed))
		fail(-EACCES, x->subject,
		     "cannot copy memory that the guest has granted%s (%llu such lines held back)",
		     xen_access_advice(XEN_NEED_GRANT_COPY, -EACCES),
		     (unsigned long long)suppressed);
	return failed;
}

void xen_irq_raise_by_dm_op(struct xen_domain *x, uint32_t irq)
{
	if (xendevicemodel_set_irq_level(x->dmod, x->domid, irq, 1) < 0 && errno != ESRCH)
		fail_limited(x, -errno, "raise interrupt", irq);
}
