/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Debian's xenstored needs of Xen, so that it runs where there is none.  It is preloaded under
 * an unmodified `xenstored -N`, and reads two files in the directory $XENSIM_DIR:
 *
 *   domains  a byte for each domid (enum xenstored_domain in tests/sim/xenstored.h)
 *   virq     a FIFO; a uint32_t 1 that arrives there is VIRQ_DOM_EXC: xenstored looks at all
 *            domains again, and tells those that watch @releaseDomain
 *
 *
 * A domain N with a file "ring-N" has its ring there, and a FIFO "event-N" gets a byte for each
 * notification (tests/sim/xenstore_ring.h).  The rings of all others are pages that nobody else
 * sees, and their event channels are numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "tests/sim/xenstored.h"

#define PAGE 4096

/* The port of VIRQ_DOM_EXC is what arrives in the FIFO; those of domains come behind it. */
#define PORT_VIRQ XENSTORED_VIRQ_DOM_EXC

/* Domains with a ring that somebody sees: as many as a test has driver domains. */
#define RINGS_MAX 8

static struct {
	const uint8_t *domains;
	int virq;
	evtchn_port_t last_port;
	struct {
		evtchn_port_t port; /* 0: free */
		int event;	    /* the FIFO */
	} rings[RINGS_MAX];
} sim = { .virq = -1, .last_port = PORT_VIRQ };

/* Open a file of the simulation.  Returns a descriptor, or -1 with errno. */
static int sim_open(const char *name, int flags)
{
	const char *dir = getenv("XENSIM_DIR");
	char path[PATH_MAX];

	if (!dir || snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path)) {
		errno = EINVAL;
		return -1;
	}
	return openat(AT_FDCWD, path, flags | O_CLOEXEC);
}

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger,
				unsigned flags)
{
	int fd = sim_open("domains", O_RDONLY);
	void *p;

	(void)logger;
	(void)dombuild_logger;
	(void)flags;
	if (fd < 0)
		return NULL;
	p = mmap(NULL, XENSTORED_DOMAINS, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return NULL;
	sim.domains = p;
	return (xc_interface *)&sim;
}

int xc_interface_close(xc_interface *xch)
{
	(void)xch;
	return munmap((void *)sim.domains, XENSTORED_DOMAINS);
}

/* The first domains from first_domid on, as the hypervisor counts them. */
int xc_domain_getinfo(xc_interface *xch, uint32_t first_domid, unsigned max_doms,
		      xc_dominfo_t *info)
{
	unsigned n = 0;

	(void)xch;
	for (uint32_t domid = first_domid; domid < XENSTORED_DOMAINS && n < max_doms; domid++) {
		uint8_t state = __atomic_load_n(&sim.domains[domid], __ATOMIC_ACQUIRE);

		if (state == XENSTORED_DOMAIN_NONE)
			continue;
		info[n++] = (xc_dominfo_t){
			.domid = domid,
			.running = state == XENSTORED_DOMAIN_RUNNING,
			.shutdown = state == XENSTORED_DOMAIN_SHUTDOWN,
		};
	}
	return n;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	/* Written to by others as they come and go: with a writer of its own it never ends. */
	sim.virq = sim_open("virq", O_RDWR | O_NONBLOCK);
	return sim.virq < 0 ? NULL : (xenevtchn_handle *)&sim;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	(void)xce;
	return close(sim.virq);
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	(void)xce;
	return sim.virq;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned virq)
{
	(void)xce;
	(void)virq;
	return PORT_VIRQ;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
						     evtchn_port_t remote_port)
{
	char name[32];
	int event;

	(void)xce;
	(void)remote_port;
	snprintf(name, sizeof(name), "event-%u", domid);
	event = sim_open(name, O_WRONLY | O_NONBLOCK);
	sim.last_port++;
	for (unsigned i = 0; i < RINGS_MAX && event >= 0; i++) {
		if (sim.rings[i].port)
			continue;
		sim.rings[i].port = sim.last_port;
		sim.rings[i].event = event;
		break;
	}
	return sim.last_port;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	uint32_t port;

	(void)xce;
	return read(sim.virq, &port, sizeof(port)) == sizeof(port) ? (int)port : -1;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	for (unsigned i = 0; i < RINGS_MAX; i++) {
		if (sim.rings[i].port != port)
			continue;
		close(sim.rings[i].event);
		sim.rings[i].port = 0;
	}
	return 0;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	(void)port;
	return 0;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	/* A FIFO that is full is as good. */
	for (unsigned i = 0; i < RINGS_MAX; i++)
		if (sim.rings[i].port == port)
			(void)!write(sim.rings[i].event, "", 1);
	return 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned flags)
{
	(void)logger;
	(void)flags;
	return (xengnttab_handle *)&sim;
}

int xengnttab_close(xengnttab_handle *xgt)
{
	(void)xgt;
	return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
	(void)xgt;
	(void)nr_grants;
	return 0;
}

/* A domain's ring; without a file nobody is at its other end. */
void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
	char name[32];
	void *p;
	int fd;

	(void)xgt;
	(void)ref;
	snprintf(name, sizeof(name), "ring-%u", domid);
	fd = sim_open(name, O_RDWR);
	p = mmap(NULL, PAGE, prot, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
	(void)xgt;
	return munmap(start_address, (size_t)count * PAGE);
}

/* What Linux has in /proc/xen: domain 0's ring, and the port of its event channel. */
static int open_memory(const char *text)
{
	int fd = memfd_create("xensim", MFD_CLOEXEC);

	if (fd >= 0 && (ftruncate(fd, PAGE) || pwrite(fd, text, strlen(text), 0) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (!strcmp(path, "/proc/xen/xsd_kva"))
		return open_memory("");
	if (!strcmp(path, "/proc/xen/xsd_port"))
		return open_memory("1\n");
	if (flags & O_CREAT) {
		va_list args;

		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return openat(AT_FDCWD, path, flags, mode);
}
