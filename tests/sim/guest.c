/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/sim/check.h"

#define MIB (1ull << 20)

struct guest *guest_of(struct machine *m)
{
	return (struct guest *)((char *)m - offsetof(struct guest, machine));
}

/* The machine */

static uint64_t machine_read(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size)
{
	uint64_t value = 0;
	enum hyp_result r = hyp_access(guest_of(m)->dom, vcpu, addr, size, false, &value);

	sim_check(r != HYP_NOBODY, "nobody serves a read at %#llx", (unsigned long long)addr);
	return r == HYP_OK ? value : ~0ull;
}

static void machine_write(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size,
			  uint64_t value)
{
	enum hyp_result r = hyp_access(guest_of(m)->dom, vcpu, addr, size, true, &value);

	sim_check(r != HYP_NOBODY, "nobody serves a write at %#llx", (unsigned long long)addr);
}

static void *machine_ram(struct machine *m, uint64_t gpa, uint64_t len)
{
	return hyp_ram(guest_of(m)->dom, gpa, len);
}

static uint64_t machine_alloc(struct machine *m, uint64_t bytes)
{
	struct guest *g = guest_of(m);
	uint64_t gpa = g->next;

	g->next += (bytes + 4095) & ~4095ull;
	sim_check(g->next <= g->end, "the guest has no memory left for %llu bytes",
		  (unsigned long long)bytes);
	return gpa;
}

static unsigned machine_interrupts(struct machine *m, unsigned line)
{
	return hyp_interrupts(guest_of(m)->dom, line);
}

static unsigned machine_interrupt_wait(struct machine *m, unsigned line, unsigned seen,
				       int timeout_ms)
{
	return hyp_interrupt_wait(guest_of(m)->dom, line, seen, timeout_ms);
}

static const struct machine_ops machine_ops = {
	.read = machine_read,
	.write = machine_write,
	.ram = machine_ram,
	.alloc = machine_alloc,
	.grant = guest_grant,
	.grant_end = guest_grant_end,
	.grant_end_all = guest_grant_end_all,
	.grant_gpa = guest_grant_gpa,
	.interrupts = machine_interrupts,
	.interrupt_wait = machine_interrupt_wait,
};

/* Life */

static void end_domain(struct guest *g)
{
	hyp_domain_destroy(g->dom);
	xenstored_set_domain(&sim.xenstored, g->domid, XENSTORED_DOMAIN_NONE);
}

int guest_try(const struct guest_spec *spec, struct guest **ret, struct sim_error *err)
{
	struct guest *g = calloc(1, sizeof(*g));
	int r;

	sim_check(g, "out of memory");
	g->machine.ops = &machine_ops;
	g->grants = guest_grants_new();
	g->vcpus = spec->vcpus ? spec->vcpus : 1;
	g->ram0 = spec->ram0 ? spec->ram0 : 16 * MIB;
	g->ram1 = spec->ram1;
	g->dom = hyp_domain_create(g->vcpus, g->ram0, g->ram1);
	g->domid = hyp_domid(g->dom);
	g->next = HYP_RAM0_BASE;
	g->end = g->next + g->ram0;
	if (spec->name)
		snprintf(g->name, sizeof(g->name), "%s", spec->name);
	else
		snprintf(g->name, sizeof(g->name), "guest%u", g->domid);
	g->nr_disks = spec->nr_disks;
	memcpy(g->disk, spec->disk, sizeof(g->disk));

	xenstored_set_domain(&sim.xenstored, g->domid, XENSTORED_DOMAIN_RUNNING);
	r = toolstack_create_domain(&sim.toolstack, g->domid, g->name, err);
	if (!r)
		r = toolstack_add_disks(&sim.toolstack, g->domid, g->disk, g->nr_disks, err);
	if (r) {
		toolstack_destroy_domain(&sim.toolstack, g->domid, NULL);
		end_domain(g);
		guest_free(g);
		return r;
	}
	*ret = g;
	return 0;
}

struct guest *guest_create(const struct guest_spec *spec)
{
	struct sim_error err = { "" };
	struct guest *g;
	int r = guest_try(spec, &g, &err);

	sim_check(r == 0, "cannot create a guest: %s", err.text);
	return g;
}

struct guest *guest_create_usual(const char *image)
{
	struct guest_spec spec = { .nr_disks = 1, .disk = { toolstack_disk(0, image) } };

	return guest_create(&spec);
}

void guest_come_and_go(const char *image)
{
	struct guest *g = guest_create_usual(image);
	struct drv d;

	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "%s: a flush failed",
		  g->name);
	guest_destroy(g);
}

void guest_kill(struct guest *g)
{
	struct sim_error err = { "" };
	int r;

	/* libxl__destroy_domid() pauses it first: no vCPU meets a disk that is gone. */
	hyp_domain_pause(g->dom);
	r = toolstack_destroy_domain(&sim.toolstack, g->domid, &err);
	sim_check(r == 0, "%s: cannot be destroyed: %s", g->name, err.text);
	sim_check(hyp_pages_mapped(g->dom) == 0, "%s: %llu pages are still mapped", g->name,
		  (unsigned long long)hyp_pages_mapped(g->dom));
	sim_check(hyp_grant_counts(g->dom).mapped == 0, "%s: %llu grants are still mapped", g->name,
		  (unsigned long long)hyp_grant_counts(g->dom).mapped);
	sim_check(hyp_servers(g->dom) == 0, "%s: its ioreq server is still there", g->name);
	sim_check(hyp_poison_is_intact(g->dom), "%s: memory was written that it gave back",
		  g->name);
	end_domain(g);
}

void guest_free(struct guest *g)
{
	if (g->state)
		munmap((void *)g->state, sizeof(*g->state));
	hyp_domain_free(g->dom);
	free(g->grants);
	free(g);
}

void guest_destroy(struct guest *g)
{
	guest_kill(g);
	guest_free(g);
}

void guest_reboot(struct guest **g)
{
	struct guest_spec spec = { .vcpus = (*g)->vcpus,
				   .ram0 = (*g)->ram0,
				   .ram1 = (*g)->ram1,
				   .nr_disks = (*g)->nr_disks };
	char name[sizeof((*g)->name)];

	memcpy(name, (*g)->name, sizeof(name));
	memcpy(spec.disk, (*g)->disk, sizeof(spec.disk));
	spec.name = name;
	guest_destroy(*g);
	*g = guest_create(&spec);
}

void guest_driver(struct guest *g, unsigned n, uint64_t heap, struct drv *ret)
{
	sim_check(n < g->nr_disks, "%s has no disk %u", g->name, n);
	drv_init(ret, &g->machine, g->disk[n].base, g->disk[n].irq, heap ? heap : MIB);
	ret->grants = toolstack_uses_grants(&g->disk[n]);
}

pthread_t guest_run(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	sim_check(pthread_create(&thread, NULL, fn, arg) == 0, "a thread for a vCPU");
	return thread;
}

void *guest_join(pthread_t thread)
{
	void *result;

	sim_check(pthread_join(thread, &result) == 0, "join a vCPU");
	return result;
}

/* The state */

/* The state of a domain behind a descriptor of the watcher, if it is that. */
static const struct state *map_state(const char *path, uint16_t domid)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct state *s;

	if (fd < 0)
		return NULL;
	s = mmap(NULL, sizeof(*s), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (s == MAP_FAILED)
		return NULL;
	if (s->magic == STATE_MAGIC && s->domid == domid)
		return s;
	munmap((void *)s, sizeof(*s));
	return NULL;
}

static const struct state *find_state(uint16_t domid)
{
	const struct state *s = NULL;
	char dir[64], path[384], to[64];
	struct dirent *e;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", sim.daemon);
	fds = opendir(dir);
	sim_check(fds, "look at the descriptors of the daemon");
	while (!s && (e = readdir(fds))) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		n = readlink(path, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = '\0';
		if (strstr(to, "xvirtiod-state"))
			s = map_state(path, domid);
	}
	closedir(fds);
	return s;
}

const struct state *guest_state(struct guest *g)
{
	if (!g->state)
		g->state = find_state(g->domid);
	sim_check(g->state, "%s: the daemon has no state of it", g->name);
	return g->state;
}

const struct state_disk *guest_disk_state(struct guest *g, unsigned n)
{
	const struct state *s = guest_state(g);

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (s->disks[i].attached && s->disks[i].devid == g->disk[n].devid)
			return &s->disks[i];
	sim_check(false, "%s: the daemon does not serve disk %u", g->name, n);
	return NULL;
}
