/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fake/xen.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "tests/fake/test.h"
#include "transport/virtio.h"

#define BANK_FRAMES (FAKE_RAM_BYTES >> XEN_PAGE_SHIFT)
#define FRAMES	    (2 * BANK_FRAMES)
#define IRQS	    64

static struct {
	int memfd;
	uint8_t *ram;
	bool absent[FRAMES];
	uint8_t *mapped_at[FRAMES];
	uint64_t vanishing; /* frame, or 0 */
	unsigned map_calls;
	struct xen_ioreq req[FAKE_VCPUS];
	enum { IDLE, READY, INPROCESS, ANSWERED } slot[FAKE_VCPUS];
	uint64_t answer[FAKE_VCPUS];
	unsigned interrupts[IRQS];
	int kick_fd[VIRTIO_QUEUES_MAX];
	unsigned nr_kicks;
} fake;

static struct log_subject subject = { .guest = "fake" };

/* Index of a frame in the memfd, or -1 if the guest has no RAM there. */
static long frame_index(uint64_t gfn)
{
	const uint64_t bank0 = FAKE_RAM0_BASE >> XEN_PAGE_SHIFT;
	const uint64_t bank1 = FAKE_RAM1_BASE >> XEN_PAGE_SHIFT;

	if (gfn >= bank0 && gfn < bank0 + BANK_FRAMES)
		return gfn - bank0;
	if (gfn >= bank1 && gfn < bank1 + BANK_FRAMES)
		return gfn - bank1 + BANK_FRAMES;
	return -1;
}

static bool is_present(long frame)
{
	return frame >= 0 && !fake.absent[frame];
}

void fake_xen_start(struct xen_domain *x)
{
	memset(&fake, 0, sizeof(fake));
	fake.memfd = memfd_create("fake-ram", MFD_CLOEXEC);
	assert_true(fake.memfd >= 0);
	assert_int_equal(ftruncate(fake.memfd, 2 * FAKE_RAM_BYTES), 0);
	fake.ram = mmap(NULL, 2 * FAKE_RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fake.memfd,
			0);
	assert_ptr_not_equal(fake.ram, MAP_FAILED);
	*x = XEN_DOMAIN_NULL;
	x->domid = 1;
	x->nr_vcpus = FAKE_VCPUS;
	x->subject = &subject;
}

void fake_xen_stop(struct xen_domain *x)
{
	assert_int_equal(fake_mapped_frames(), 0);
	munmap(fake.ram, 2 * FAKE_RAM_BYTES);
	close(fake.memfd);
	*x = XEN_DOMAIN_NULL;
}

void *fake_ram(uint64_t gpa)
{
	long i = frame_index(gpa >> XEN_PAGE_SHIFT);

	assert_true(i >= 0);
	return fake.ram + ((uint64_t)i << XEN_PAGE_SHIFT) + gpa % XEN_PAGE_SIZE;
}

void *fake_ram_range(uint64_t gpa, uint64_t len)
{
	bool bank0 = range_within(gpa - FAKE_RAM0_BASE, len, FAKE_RAM_BYTES);
	bool bank1 = range_within(gpa - FAKE_RAM1_BASE, len, FAKE_RAM_BYTES);

	return bank0 || bank1 ? fake_ram(gpa) : NULL;
}

static uint8_t saved_ram[2 * FAKE_RAM_BYTES];

void fake_ram_save(void)
{
	memcpy(saved_ram, fake.ram, sizeof(saved_ram));
}

void fake_ram_expect(void)
{
	assert_int_equal(memcmp(saved_ram, fake.ram, sizeof(saved_ram)), 0);
}

void fake_set_present(uint64_t gfn, bool present)
{
	assert_true(frame_index(gfn) >= 0);
	fake.absent[frame_index(gfn)] = !present;
}

void fake_vanish_after_map(uint64_t gfn)
{
	fake.vanishing = gfn;
}

unsigned fake_map_calls(void)
{
	return fake.map_calls;
}

/* What was mapped and cannot be read any more has been reserved again, or unmapped. */
unsigned fake_mapped_frames(void)
{
	unsigned n = 0;

	for (unsigned f = 0; f < FRAMES; f++) {
		if (fake.mapped_at[f] &&
		    madvise(fake.mapped_at[f], XEN_PAGE_SIZE, MADV_POPULATE_READ) < 0)
			fake.mapped_at[f] = NULL;
		n += fake.mapped_at[f] != NULL;
	}
	return n;
}

void fake_ioreq(unsigned vcpu, const struct xen_ioreq *req)
{
	assert_true(fake.slot[vcpu] == IDLE || fake.slot[vcpu] == ANSWERED);
	fake.req[vcpu] = *req;
	fake.slot[vcpu] = READY;
}

bool fake_answered(unsigned vcpu, uint64_t *ret_data)
{
	if (fake.slot[vcpu] != ANSWERED)
		return false;
	*ret_data = fake.answer[vcpu];
	return true;
}

unsigned fake_interrupts(uint32_t irq)
{
	return fake.interrupts[irq];
}

void fake_kick(unsigned q, uint64_t n)
{
	assert_true(q < fake.nr_kicks);
	assert_int_equal(write(fake.kick_fd[q], &n, sizeof(n)), sizeof(n));
}

/* transport/xen.h from here on */

int xen_domain_init(struct xen_domain *x, uint16_t domid, const struct log_subject *s)
{
	fake_xen_start(x);
	x->domid = domid;
	x->subject = s;
	return 0;
}

void xen_domain_fini(struct xen_domain *x)
{
	fake_xen_stop(x);
}

int xen_server_create(struct xen_domain *x)
{
	x->server.created = true;
	return 0;
}

void xen_server_destroy(struct xen_domain *x)
{
	x->server.created = false;
}

int xen_server_map_window(struct xen_domain *x, const struct xen_server *s, uint64_t base,
			  uint32_t size)
{
	(void)x;
	(void)s;
	(void)base;
	(void)size;
	return 0;
}

void xen_server_unmap_window(struct xen_domain *x, const struct xen_server *s, uint64_t base,
			     uint32_t size)
{
	(void)x;
	(void)s;
	(void)base;
	(void)size;
}

int xen_events_drain(struct xen_domain *x)
{
	(void)x;
	return 0;
}

int xen_events_unmask(struct xen_domain *x)
{
	(void)x;
	return 0;
}

bool xen_ioreq_is_waiting(const struct xen_domain *x)
{
	for (unsigned v = 0; v < x->nr_vcpus; v++)
		if (fake.slot[v] == READY)
			return true;
	return false;
}

bool xen_ioreq_take(struct xen_domain *x, unsigned vcpu, struct xen_ioreq *ret)
{
	(void)x;
	if (fake.slot[vcpu] != READY)
		return false;
	*ret = fake.req[vcpu];
	fake.slot[vcpu] = INPROCESS;
	return true;
}

void xen_ioreq_answer(struct xen_domain *x, unsigned vcpu, uint64_t data)
{
	(void)x;
	assert_int_equal(fake.slot[vcpu], INPROCESS);
	fake.slot[vcpu] = ANSWERED;
	fake.answer[vcpu] = data;
}

static void place(void *va, size_t bytes, int prot, int flags, off_t offset)
{
	int fd = flags & MAP_ANONYMOUS ? -1 : fake.memfd;

	assert_ptr_equal(mmap(va, bytes, prot, flags | MAP_FIXED, fd, offset), va);
}

int xen_map(struct xen_domain *x, void *va, uint64_t gfn, unsigned n, int *err)
{
	size_t bytes;

	(void)x;
	fake.map_calls++;
	for (unsigned i = 0, run; i < n; i += run) {
		uint8_t *p = (uint8_t *)va + ((size_t)i << XEN_PAGE_SHIFT);
		long f = frame_index(gfn + i);
		bool good = is_present(f);

		for (run = 0; i + run < n && is_present(frame_index(gfn + i + run)) == good;
		     run++) {
			err[i + run] = good ? 0 : -EINVAL;
			if (good)
				fake.mapped_at[f + run] = p + ((size_t)run << XEN_PAGE_SHIFT);
		}
		bytes = (size_t)run << XEN_PAGE_SHIFT;
		if (good)
			place(p, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			      (off_t)f << XEN_PAGE_SHIFT);
		else
			place(p, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	}
	if (fake.vanishing)
		fake_set_present(fake.vanishing, false);
	fake.vanishing = 0;
	return 0;
}

void xen_irq_raise(struct xen_domain *x, uint32_t irq)
{
	(void)x;
	fake.interrupts[irq]++;
}

void xen_irq_raise_by_dm_op(struct xen_domain *x, uint32_t irq)
{
	xen_irq_raise(x, irq);
}

void xen_eventfds_init(struct xen_domain *x, unsigned wanted, struct loop *loop)
{
	x->eventfds = wanted;
	x->loop = loop;
}

void xen_irqfd_open(struct xen_domain *x, uint32_t irq)
{
	(void)x;
	(void)irq;
}

void xen_irqfd_close(struct xen_domain *x, uint32_t irq)
{
	(void)x;
	(void)irq;
}

bool xen_kicks_open(struct xen_domain *x, uint64_t base, unsigned nr, int *ret_fds)
{
	(void)base;
	if (!(x->eventfds & XEN_IOEVENTFD))
		return false;
	for (unsigned i = 0; i < nr; i++) {
		fake.kick_fd[i] = ret_fds[i] = eventfd(0, EFD_CLOEXEC);
		assert_true(ret_fds[i] >= 0);
	}
	fake.nr_kicks = nr;
	return true;
}

void xen_kicks_close(struct xen_domain *x, uint64_t base, unsigned nr, const int *fds)
{
	(void)x;
	(void)base;
	assert_int_equal(nr, fake.nr_kicks);
	for (unsigned i = 0; i < nr; i++)
		close(fds[i]);
	fake.nr_kicks = 0;
}

bool xen_kicks_leave(struct xen_domain *x, unsigned vcpu, const volatile struct ioreq *slot)
{
	(void)x;
	(void)vcpu;
	(void)slot;
	return true;
}
