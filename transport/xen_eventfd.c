/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: two things that the kernel can do by itself, if it has been built for that.
 *
 * irqfd: a write to an eventfd raises an interrupt.  The write leaves with the loop's next
 * submission, so that an interrupt takes no system call of its own.
 *
 * ioeventfd: the kernel looks at the slot of each event first, answers kicks, and adds them to an
 * eventfd, so that the vCPU runs on before we have woken up.  A slot that is a write but no kick it
 * takes (READY -> INPROCESS), and puts back (-> READY).  Two parties would be hurt by that: Xen,
 * which crashes a guest whose slot goes back from INPROCESS (xen/common/ioreq.c, wait_for_io()),
 * and we, who may take the slot at the same time.  Hence an ioreq server of its own, the kicker,
 * whose ranges are nothing but the QueueNotify registers: no other access of a driver that keeps to
 * the specification is looked at by the kernel.  One that writes there what is no queue may crash,
 * by Xen's rule, and nobody else.
 */
#include "transport/xen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <linux/membarrier.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <xen/hvm/dm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/sys/privcmd.h>

#include "base/loop.h"
#include "base/util.h"
#include "transport/privcmd.h"

/* An interrupt that the kernel raises. */
struct xen_irqfd {
	struct loop_op failed; /* writing to the eventfd */
	struct xen_domain *xen;
	uint32_t irq;
	int fd; /* owned; -1: not used */
};

/* VIRTIO_MMIO_QUEUE_NOTIFY of the kernel's: the register, of 4 bytes. */
#define QUEUE_NOTIFY	  0x50
#define QUEUE_NOTIFY_SIZE 4

/* Grace periods to wait for kicks that are underway. */
#define KICKS_PATIENCE 20

/* A flag that does not exist: EINVAL from who knows the request, and no effect. */
#define NO_SUCH_FLAG (1u << 31)

static bool has_irqfd(const struct xen_domain *x)
{
	struct privcmd_irqfd p = { .flags = NO_SUCH_FLAG, .dom = x->domid };

	return ioctl(x->privcmd, IOCTL_PRIVCMD_IRQFD, &p) < 0 && errno == EINVAL;
}

static bool has_ioeventfd(const struct xen_domain *x)
{
	struct privcmd_ioeventfd p = { .flags = NO_SUCH_FLAG, .dom = x->domid };

	return ioctl(x->privcmd, IOCTL_PRIVCMD_IOEVENTFD, &p) < 0 && errno == EINVAL;
}

/* A handle of our own: libxen does not give its descriptor away. */
static int open_privcmd(struct xen_domain *x)
{
	_cleanup_(closep) int fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	domid_t domid = x->domid;

	if (fd < 0 || ioctl(fd, IOCTL_PRIVCMD_RESTRICT, &domid) < 0)
		return -errno;
	x->privcmd = take_fd(&fd);
	return 0;
}

static const char *verdict(unsigned bit, unsigned wanted, unsigned used)
{
	return used & bit ? "yes" : wanted & bit ? "no, the kernel lacks it" : "no, switched off";
}

static bool alloc_irqfds(struct xen_domain *x)
{
	x->irqfds = calloc(XEN_EVENTFDS_MAX, sizeof(*x->irqfds));
	for (unsigned i = 0; x->irqfds && i < XEN_EVENTFDS_MAX; i++)
		x->irqfds[i].fd = -1;
	return x->irqfds;
}

void xen_eventfds_init(struct xen_domain *x, unsigned wanted, struct loop *loop)
{
	int r = wanted ? open_privcmd(x) : 0;

	x->loop = loop;
	if (r)
		log_notice(x->subject,
			   "no irqfd and no ioeventfd: cannot open /dev/xen/privcmd: %s",
			   strerror(-r));
	if (x->privcmd < 0)
		return;
	if (wanted & XEN_IRQFD && has_irqfd(x) && alloc_irqfds(x))
		x->eventfds |= XEN_IRQFD;
	if (wanted & XEN_IOEVENTFD && has_ioeventfd(x))
		x->eventfds |= XEN_IOEVENTFD;
	log_info(x->subject, "irqfd: %s; ioeventfd: %s", verdict(XEN_IRQFD, wanted, x->eventfds),
		 verdict(XEN_IOEVENTFD, wanted, x->eventfds));
	if (!x->eventfds)
		close(take_fd(&x->privcmd));
}

void xen_eventfds_fini(struct xen_domain *x)
{
	if (x->privcmd >= 0)
		close(take_fd(&x->privcmd));
	free(x->irqfds);
	x->irqfds = NULL;
}

/* Interrupts */

static struct xen_irqfd *find_irqfd(struct xen_domain *x, uint32_t irq)
{
	for (unsigned i = 0; x->irqfds && i < XEN_EVENTFDS_MAX; i++)
		if (x->irqfds[i].fd >= 0 && x->irqfds[i].irq == irq)
			return &x->irqfds[i];
	return NULL;
}

static void write_failed(struct loop_op *op, int res)
{
	struct xen_irqfd *f = container_of(op, struct xen_irqfd, failed);

	(void)res;
	xen_irq_raise_by_dm_op(f->xen, f->irq);
}

void xen_irqfd_open(struct xen_domain *x, uint32_t irq)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_irq_level,
		.u.set_irq_level = { .irq = irq, .level = 1 },
	};
	struct privcmd_irqfd p = { .dm_op = (uintptr_t)&op, .size = sizeof(op), .dom = x->domid };
	_cleanup_(closep) int fd = -1;

	if (!(x->eventfds & XEN_IRQFD))
		return;
	for (unsigned i = 0; i < XEN_EVENTFDS_MAX; i++) {
		if (x->irqfds[i].fd >= 0)
			continue;
		/* Non-blocking, so that io_uring writes at once; the kernel empties it. */
		p.fd = fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0 || ioctl(x->privcmd, IOCTL_PRIVCMD_IRQFD, &p) < 0) {
			log_notice(x->subject, "interrupt %u does without irqfd: %s", irq,
				   strerror(errno));
			return;
		}
		x->irqfds[i] = (struct xen_irqfd){
			.failed.done = write_failed, .xen = x, .irq = irq, .fd = take_fd(&fd)
		};
		return;
	}
}

void xen_irqfd_close(struct xen_domain *x, uint32_t irq)
{
	struct xen_irqfd *f = find_irqfd(x, irq);
	struct privcmd_irqfd p = { .flags = PRIVCMD_DEASSIGN, .dom = x->domid };

	if (!f)
		return;
	/* What was raised in this round is still on its way to the descriptor. */
	loop_submit(x->loop);
	p.fd = f->fd;
	if (ioctl(x->privcmd, IOCTL_PRIVCMD_IRQFD, &p) < 0)
		fail(-errno, x->subject, "cannot take back the irqfd of interrupt %u", irq);
	close(f->fd);
	f->fd = -1;
}

void xen_irq_raise(struct xen_domain *x, uint32_t irq)
{
	struct xen_irqfd *f = find_irqfd(x, irq);

	if (f)
		loop_signal(x->loop, f->fd, &f->failed);
	else
		xen_irq_raise_by_dm_op(x, irq);
}

/* Kicks */

/* An RCU grace period: handlers of interrupts that have begun have ended. */
static void wait_for_handlers(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static int assign(struct xen_domain *x, uint64_t base, unsigned q, int fd, unsigned flags)
{
	struct privcmd_ioeventfd p = {
		.ioreq = (uintptr_t)x->kicker.page,
		.ports = (uintptr_t)x->kicker.ports,
		.addr = base,
		.addr_len = QUEUE_NOTIFY_SIZE,
		.event_fd = fd,
		.vcpus = x->nr_vcpus,
		.vq = q,
		.flags = flags,
		.dom = x->domid,
	};

	return ioctl(x->privcmd, IOCTL_PRIVCMD_IOEVENTFD, &p) < 0 ? -errno : 0;
}

static void take_back(struct xen_domain *x, uint64_t base, unsigned nr, const int *fds)
{
	for (unsigned q = 0; q < nr; q++) {
		int r = assign(x, base, q, fds[q], PRIVCMD_DEASSIGN);

		if (r)
			fail(r, x->subject, "cannot take back the ioeventfd of queue %u", q);
		close(fds[q]);
	}
}

static int assign_all(struct xen_domain *x, uint64_t base, unsigned nr, int *ret_fds)
{
	for (unsigned q = 0; q < nr; q++) {
		int r;

		ret_fds[q] = eventfd(0, EFD_CLOEXEC);
		r = ret_fds[q] < 0 ? -errno : assign(x, base, q, ret_fds[q], 0);
		if (r) {
			closep(&ret_fds[q]);
			take_back(x, base, q, ret_fds);
			return r;
		}
	}
	return 0;
}

static struct xen_kicks *find_kicks(struct xen_domain *x, uint64_t base)
{
	for (unsigned i = 0; i < XEN_EVENTFDS_MAX; i++)
		if (x->kicks[i].base == base)
			return &x->kicks[i];
	return NULL;
}

bool xen_kicks_open(struct xen_domain *x, uint64_t base, unsigned nr, int *ret_fds)
{
	struct xen_kicks *k = find_kicks(x, 0);
	int r;

	if (!x->kicker.created || !k)
		return false;
	r = assign_all(x, base, nr, ret_fds);
	if (r) {
		log_notice(x->subject, "the window at %#llx does without ioeventfd: %s",
			   (unsigned long long)base, strerror(-r));
		return false;
	}
	*k = (struct xen_kicks){ .base = base, .nr_queues = nr };
	if (xen_server_map_window(x, &x->kicker, base + QUEUE_NOTIFY, QUEUE_NOTIFY_SIZE)) {
		*k = (struct xen_kicks){ .base = 0 };
		take_back(x, base, nr, ret_fds);
		return false;
	}
	return true;
}

static bool is_kick(const struct xen_domain *x, const volatile struct ioreq *slot)
{
	uint64_t addr = slot->addr;

	for (unsigned i = 0; i < XEN_EVENTFDS_MAX; i++)
		if (x->kicks[i].base && addr == x->kicks[i].base + QUEUE_NOTIFY)
			return slot->size == QUEUE_NOTIFY_SIZE &&
			       (uint16_t)slot->data < x->kicks[i].nr_queues;
	return false;
}

/*
 * Is a request there?  What it is can only be told then: before, the slot shows the last one, and
 * the next may be the kernel's.
 */
static bool is_pending(const volatile struct ioreq *slot)
{
	unsigned state = slot->state;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return state == STATE_IOREQ_READY || state == STATE_IOREQ_INPROCESS;
}

static bool is_write(const volatile struct ioreq *slot)
{
	return slot->type == IOREQ_TYPE_COPY && slot->dir == IOREQ_WRITE;
}

/* Is there a kick that the kernel has yet to answer? */
static bool has_kick(const struct xen_domain *x)
{
	for (unsigned v = 0; v < x->nr_vcpus; v++) {
		const volatile struct ioreq *slot = &x->kicker.page->vcpu_ioreq[v];

		if (is_pending(slot) && is_write(slot) && is_kick(x, slot))
			return true;
	}
	return false;
}

/*
 * The kernel would put back a kick that is nobody's any more, which Xen may crash the guest for.
 * Its handler runs when the event channel is unmasked.  Bounded: other windows' kicks may go on.
 */
static void let_kernel_finish(struct xen_domain *x)
{
	for (unsigned i = 0; i < KICKS_PATIENCE && has_kick(x); i++) {
		xen_events_drain(x);
		wait_for_handlers();
	}
}

void xen_kicks_close(struct xen_domain *x, uint64_t base, unsigned nr, const int *fds)
{
	struct xen_kicks *k = find_kicks(x, base);

	assert(k);
	xen_server_unmap_window(x, &x->kicker, base + QUEUE_NOTIFY, QUEUE_NOTIFY_SIZE);
	let_kernel_finish(x);
	take_back(x, base, nr, fds);
	*k = (struct xen_kicks){ .base = 0 };
	/* The kernel may have put back one whose event we have seen: look at all slots again. */
	memset(x->kicked, 0xff, sizeof(x->kicked));
}

/*
 * A write that is no kick: a driver's mistake.  The kernel's handler has begun before we could read
 * its event channel, and runs with interrupts off, which an RCU grace period waits for.  That takes
 * milliseconds, of this guest's alone.  Without it the state is just likely to be the last one.
 */
bool xen_kicks_leave(struct xen_domain *x, unsigned vcpu, const volatile struct ioreq *slot)
{
	uint64_t bit = 1ull << vcpu % 64;
	bool event = x->kicked[vcpu / 64] & bit;

	x->kicked[vcpu / 64] &= ~bit;
	if (!is_pending(slot))
		return false;
	if (!is_write(slot))
		return true;
	if (!event || is_kick(x, slot))
		return false;
	wait_for_handlers();
	return true;
}
