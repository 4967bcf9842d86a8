/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated hypervisor has the rules of the real one, as a program sees them that uses libxen*:
 * limits, permissions, errors of single pages, event channels that stay masked, a vCPU that waits.
 *
 * The program starts itself again with the library preloaded, as the client.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>
#include <xentoolcore.h>
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

#include "tests/sim/check.h"
#include "tests/sim/faults.h"
#include "tests/sim/hyp.h"

#define WINDOW 0x2000000ull
#define FRAME0 (HYP_RAM0_BASE >> 12)

#define expect_errno(call, e) \
	sim_check((errno = 0, (call) < 0) && errno == (e), "errno is %s", strerror(errno))

/* The client */

static xendevicemodel_handle *dmod;
static xenforeignmemory_handle *fmem;
static xenevtchn_handle *evtchn;

static void limits(domid_t dom)
{
	ioservid_t id[HYP_SERVERS_MAX], more;

	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		sim_check(xendevicemodel_create_ioreq_server(dmod, dom, 0, &id[i]) == 0,
			  "server %u", i);
	expect_errno(xendevicemodel_create_ioreq_server(dmod, dom, 0, &more), ENOSPC);
	for (unsigned i = 0; i < HYP_RANGES_MAX; i++)
		sim_check(xendevicemodel_map_io_range_to_ioreq_server(
				  dmod, dom, id[0], 1, 0x200 * i, 0x200 * i + 0x1ff) == 0,
			  "range %u", i);
	expect_errno(xendevicemodel_map_io_range_to_ioreq_server(dmod, dom, id[0], 1, 1 << 20,
								 (1 << 20) + 1),
		     ENOSPC);
	expect_errno(xendevicemodel_map_io_range_to_ioreq_server(dmod, dom, id[1], 0, 0, 1),
		     EINVAL);
	sim_check(xendevicemodel_map_io_range_to_ioreq_server(dmod, dom, id[1], 1, 0x100, 0x1ff) ==
			  0,
		  "servers may overlap");
	expect_errno(xendevicemodel_map_io_range_to_ioreq_server(dmod, dom, id[1], 1, 0x180, 0x27f),
		     EEXIST);
	expect_errno(xendevicemodel_unmap_io_range_from_ioreq_server(dmod, dom, id[1], 1, 0, 0x1ff),
		     ENOENT);
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		sim_check(xendevicemodel_destroy_ioreq_server(dmod, dom, id[i]) == 0, "server %u",
			  i);
	expect_errno(xendevicemodel_destroy_ioreq_server(dmod, dom, id[0]), ENOENT);
}

static void memory(domid_t dom)
{
	const xen_pfn_t frames[3] = { FRAME0, 0x10, FRAME0 + 1 };
	int err[3];
	uint8_t *p = xenforeignmemory_map(fmem, dom, PROT_READ | PROT_WRITE, 3, frames, err);

	sim_check(p && !err[0] && err[1] == -EINVAL && !err[2], "errors of single pages");
	sim_check(p[0] == 0x11 && p[2 * 4096] == 0x22, "the guest's memory");
	p[1] = 0x33;
	xenforeignmemory_unmap(fmem, p, 3);
	sim_check(!xenforeignmemory_map(fmem, dom, PROT_READ, 3, frames, NULL), "all or nothing");
}

static void interrupts(domid_t dom)
{
	expect_errno(xendevicemodel_set_irq_level(dmod, dom, 31, 1), EINVAL);
	expect_errno(xendevicemodel_set_irq_level(dmod, dom, 1020, 1), EINVAL);
	expect_errno(xendevicemodel_set_irq_level(dmod, dom, 33, 2), EINVAL);
	for (unsigned i = 0; i < 3; i++)
		sim_check(xendevicemodel_set_irq_level(dmod, dom, 33, 1) == 0, "an edge");
	sim_check(xendevicemodel_set_irq_level(dmod, dom, 33, 0) == 0, "down");
}

/* What a copy of a byte says. */
static int copy_status(xengnttab_handle *x, domid_t dom, uint32_t ref)
{
	char byte;
	xengnttab_grant_copy_segment_t s = {
		.source.foreign = { ref, 0, dom },
		.dest.virt = &byte,
		.len = 1,
		.flags = GNTCOPY_source_gref,
	};

	sim_check(xengnttab_grant_copy(x, 1, &s) == 0, "a copy");
	return s.status;
}

static void grant_copies(xengnttab_handle *x, domid_t dom)
{
	static _Alignas(4096) uint8_t page[2][4096];
	xengnttab_grant_copy_segment_t s = {
		.source.foreign = { 2, 0, dom },
		.dest.virt = &page[0][100],
		.len = 4096,
		.flags = GNTCOPY_source_gref,
	};

	sim_check(xengnttab_grant_copy(x, 1, &s) == 0 && s.status == GNTST_okay &&
			  page[0][100] == 0x22,
		  "into two pages of ours");
	s.source.foreign.offset = 1;
	errno = 0;
	sim_check(xengnttab_grant_copy(x, 1, &s) < 0 && errno == EINVAL, "out of two of theirs");
	sim_check(copy_status(x, dom, 3) == GNTST_general_error, "never granted");
	sim_check(copy_status(x, dom, UINT32_MAX) == GNTST_bad_gntref, "beyond the table");
	sim_check(copy_status(x, 12345, 1) == GNTST_bad_domain, "of nobody");
}

static void grants(domid_t dom)
{
	xengnttab_handle *x = xengnttab_open(NULL, 0);
	uint32_t refs[2] = { 1, 2 };
	char text[16] = "";
	uint8_t *p;

	sim_check(x, "open");
	sim_check(!xengnttab_map_domain_grant_refs(x, 2, dom, refs, PROT_READ | PROT_WRITE),
		  "one of them is read-only");
	p = xengnttab_map_domain_grant_refs(x, 2, dom, refs, PROT_READ);
	sim_check(p && p[0] == 0x11 && p[4096] == 0x22, "map");
	sim_check(xengnttab_unmap(x, p, 2) == 0, "unmap");
	sim_check(!xengnttab_map_grant_ref(x, dom, 3, PROT_READ), "never granted");

	xengnttab_grant_copy_segment_t s[3] = {
		{ .source.foreign = { 2, 0, dom },
		  .dest.virt = text,
		  .len = 1,
		  .flags = GNTCOPY_source_gref },
		{ .source.virt = "x",
		  .dest.foreign = { 2, 0, dom },
		  .len = 1,
		  .flags = GNTCOPY_dest_gref },
		{ .source.virt = "abc",
		  .dest.foreign = { 1, 100, dom },
		  .len = 3,
		  .flags = GNTCOPY_dest_gref },
	};
	sim_check(xengnttab_grant_copy(x, 3, s) == 0, "copy");
	sim_check(s[0].status == GNTST_okay && text[0] == 0x22, "from a read-only one");
	sim_check(s[1].status != GNTST_okay && s[2].status == GNTST_okay, "into a read-only one");
	grant_copies(x, dom);
	xengnttab_close(x);
}

/* Serve one access: which ports come, and when. */
static void event_channels(domid_t dom)
{
	xenforeignmemory_resource_handle *res;
	struct shared_iopage *page = NULL;
	evtchn_port_t ports[8];
	struct pollfd p = { .fd = xenevtchn_fd(evtchn), .events = POLLIN };
	void *addr = NULL;
	ioservid_t id;
	int port;

	sim_check(xendevicemodel_create_ioreq_server(dmod, dom, 0, &id) == 0, "a server");
	res = xenforeignmemory_map_resource(fmem, dom, XENMEM_resource_ioreq_server, id, 1, 1,
					    &addr, PROT_READ | PROT_WRITE, 0);
	sim_check(res, "its page");
	page = addr;
	sim_check(xendevicemodel_map_io_range_to_ioreq_server(dmod, dom, id, 1, WINDOW,
							      WINDOW + 0x1ff) == 0 &&
			  xendevicemodel_set_ioreq_server_state(dmod, dom, id, 1) == 0,
		  "its range");
	port = xenevtchn_bind_interdomain(evtchn, dom, page->vcpu_ioreq[0].vp_eport);
	sim_check(port > 0, "bind");
	expect_errno(xenevtchn_bind_interdomain(evtchn, dom, page->vcpu_ioreq[0].vp_eport), EINVAL);
	sim_check(read(p.fd, ports, sizeof(ports)) == 4 && ports[0] == (unsigned)port,
		  "an event comes with the binding");
	/* Masked since: the vCPU's event is held back until it is unmasked. */
	sim_check(write(STDOUT_FILENO, "!", 1) == 1, "tell the vCPU");
	while (page->vcpu_ioreq[0].state != STATE_IOREQ_READY)
		usleep(1000);
	sim_check(poll(&p, 1, 0) == 0, "a masked port gives no event");
	sim_check(xenevtchn_unmask(evtchn, port) == 0, "unmask");
	sim_check(xenevtchn_pending(evtchn) == port, "now it does");
	sim_check(page->vcpu_ioreq[0].addr == WINDOW + 0x70 && page->vcpu_ioreq[0].size == 4,
		  "the access");
	page->vcpu_ioreq[0].data = 0x12345678;
	page->vcpu_ioreq[0].state = STATE_IORESP_READY;
	sim_check(xenevtchn_notify(evtchn, port) == 0, "notify");
	xenforeignmemory_unmap_resource(fmem, res);
}

static int client(domid_t dom, domid_t other)
{
	unsigned vcpus;

	dmod = xendevicemodel_open(NULL, 0);
	fmem = xenforeignmemory_open(NULL, 0);
	evtchn = xenevtchn_open(NULL, 0);
	sim_check(dmod && fmem && evtchn, "open: %s", strerror(errno));
	sim_check(xendevicemodel_nr_vcpus(dmod, other, &vcpus) == 0 && vcpus == 1,
		  "another domain");
	grants(dom);
	sim_check(xentoolcore_restrict_all(dom) == 0, "restrict");
	expect_errno(xendevicemodel_nr_vcpus(dmod, other, &vcpus), EPERM);
	expect_errno(xentoolcore_restrict_all(other), EPERM);
	expect_errno(xenevtchn_bind_interdomain(evtchn, other, 3), EPERM);
	sim_check(!xenforeignmemory_map(fmem, other, PROT_READ, 1, &(xen_pfn_t){ FRAME0 }, NULL) &&
			  errno == EPERM,
		  "map another domain");
	sim_check(xendevicemodel_nr_vcpus(dmod, dom, &vcpus) == 0 && vcpus == 2, "vCPUs");
	limits(dom);
	memory(dom);
	interrupts(dom);
	event_channels(dom);
	/* The domain dies now. */
	sim_check(write(STDOUT_FILENO, "!", 1) == 1 && read(STDIN_FILENO, &vcpus, 1) == 1, "wait");
	expect_errno(xendevicemodel_nr_vcpus(dmod, dom, &vcpus), ESRCH);
	expect_errno(xendevicemodel_set_irq_level(dmod, dom, 33, 1), ESRCH);
	xenevtchn_close(evtchn);
	xenforeignmemory_close(fmem);
	xendevicemodel_close(dmod);
	return 0;
}

/* The hypervisor's side */

static pid_t start_client(const char *self, const char *dir, struct hyp_domain *d,
			  struct hyp_domain *other, int *ret_to, int *ret_from)
{
	char dom[8], dom2[8];
	int to[2], from[2];
	pid_t pid;

	snprintf(dom, sizeof(dom), "%u", hyp_domid(d));
	snprintf(dom2, sizeof(dom2), "%u", hyp_domid(other));
	sim_check(pipe(to) == 0 && pipe(from) == 0, "pipes");
	pid = fork();
	if (!pid) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		setenv("LD_PRELOAD", SIM_SHIM, 1);
		setenv("XENSIM_DIR", dir, 1);
		setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
		execl(self, self, dom, dom2, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	*ret_to = to[1];
	*ret_from = from[0];
	return pid;
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/xensim.XXXXXX", path[64], c;
	struct hyp_domain *d, *other;
	struct faults faults;
	uint64_t value = 0;
	int to, from, status = 0;
	pid_t pid;

	if (argc == 3)
		return client(atoi(argv[1]), atoi(argv[2]));
	sim_check(mkdtemp(dir), "mkdtemp");
	faults_init(&faults, dir);
	hyp_start(dir);
	d = hyp_domain_create(2, 4 << 20, 2 << 20);
	other = hyp_domain_create(1, 4 << 20, 0);
	*(uint8_t *)hyp_ram(d, HYP_RAM0_BASE, 1) = 0x11;
	*(uint8_t *)hyp_ram(d, HYP_RAM0_BASE + 4096, 1) = 0x22;
	hyp_grant(d, 1, FRAME0, false);
	hyp_grant(d, 2, FRAME0 + 1, true);
	sim_check(hyp_access(d, 0, WINDOW, 4, false, &value) == HYP_NOBODY, "nobody is there yet");

	pid = start_client("/proc/self/exe", dir, d, other, &to, &from);
	sim_check(read(from, &c, 1) == 1, "the client failed");
	sim_check(hyp_access(d, 0, WINDOW + 0x70, 4, false, &value) == HYP_OK &&
			  value == 0x12345678,
		  "the answer");
	sim_check(read(from, &c, 1) == 1, "the client failed");
	sim_check(*(uint8_t *)hyp_ram(d, HYP_RAM0_BASE + 1, 1) == 0x33, "written by the client");
	sim_check(!memcmp(hyp_ram(d, HYP_RAM0_BASE + 100, 3), "abc", 3), "copied by the client");
	sim_check(hyp_interrupts(d, 33) == 3, "%u edges", hyp_interrupts(d, 33));
	sim_check(hyp_grant_end(d, 1) && hyp_grant_end(d, 2), "grants are free");
	hyp_domain_destroy(d);
	sim_check(hyp_access(d, 0, WINDOW, 4, false, &value) == HYP_DEAD, "it is dead");
	sim_check(write(to, "!", 1) == 1 && waitpid(pid, &status, 0) == pid && status == 0,
		  "the client failed: %#x", status);

	hyp_domain_destroy(other);
	hyp_domain_free(d);
	hyp_domain_free(other);
	hyp_stop();
	faults_fini(&faults);
	snprintf(path, sizeof(path), "%s/faults", dir);
	sim_check(unlink(path) == 0, "%s", path);
	snprintf(path, sizeof(path), "%s/hypervisor", dir);
	sim_check(unlink(path) == 0 && rmdir(dir) == 0, "%s", path);
	return 0;
}
