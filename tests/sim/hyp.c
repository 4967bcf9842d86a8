/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/hyp.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/hyp_private.h"

pthread_mutex_t hyp_lock = PTHREAD_MUTEX_INITIALIZER;

static struct hyp_domain *domains;
static uint16_t last_domid;

/* Memory that processes share: a descriptor and our mapping of it. */
static void *share(const char *name, size_t bytes, int *ret_fd)
{
	void *p;

	*ret_fd = memfd_create(name, MFD_CLOEXEC);
	sim_check(*ret_fd >= 0 && ftruncate(*ret_fd, bytes) == 0, "%s", name);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	sim_check(p != MAP_FAILED, "map %s", name);
	return p;
}

void hyp_start(const char *dir)
{
	hyp_conn_listen(dir);
}

void hyp_stop(void)
{
	sim_check(!domains, "domain %u was not freed", domains ? domains->domid : 0);
	hyp_conn_stop();
}

struct hyp_domain *hyp_find(uint32_t domid)
{
	for (struct hyp_domain *d = domains; d; d = d->next)
		if (d->domid == domid && d->alive)
			return d;
	return NULL;
}

struct hyp_domain *hyp_find_any(uint32_t domid)
{
	struct hyp_domain *d = hyp_find(domid);

	if (!d)
		for (d = domains; d && d->domid != domid; d = d->next)
			;
	return d;
}

struct hyp_domain *hyp_domain_create(unsigned nr_vcpus, uint64_t ram0, uint64_t ram1)
{
	struct hyp_domain *d = calloc(1, sizeof(*d));

	sim_check(d && nr_vcpus && nr_vcpus <= HYP_VCPUS_MAX, "a domain of %u vCPUs", nr_vcpus);
	d->nr_vcpus = nr_vcpus;
	d->alive = true;
	pthread_cond_init(&d->destroyed, NULL);
	d->next_remote = 3;
	hyp_memory_init(&d->mem, ram0, ram1);
	d->grants = calloc(1, sizeof(*d->grants));
	sim_check(d->grants, "out of memory");
	d->lines = share("xensim-lines", sizeof(*d->lines), &d->lines_fd);
	d->lines->alive = 1;

	pthread_mutex_lock(&hyp_lock);
	d->domid = ++last_domid;
	d->next = domains;
	domains = d;
	pthread_mutex_unlock(&hyp_lock);
	return d;
}

void hyp_set_next_domid(uint16_t domid)
{
	pthread_mutex_lock(&hyp_lock);
	last_domid = domid - 1;
	pthread_mutex_unlock(&hyp_lock);
}

void hyp_server_init(struct hyp_domain *d, struct hyp_server *s)
{
	memset(s, 0, sizeof(*s));
	s->used = true;
	s->page = share("xensim-ioreq", HYP_PAGE_SIZE, &s->page_fd);
	for (unsigned v = 0; v < d->nr_vcpus; v++) {
		s->slot[v].answered = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		sim_check(s->slot[v].answered >= 0, "an eventfd");
		s->slot[v].remote = d->next_remote++;
		s->slot[v].server = s;
		s->slot[v].vcpu = v;
		s->page->vcpu_ioreq[v].vp_eport = s->slot[v].remote;
	}
}

static void release_server(struct hyp_domain *d, struct hyp_server *s)
{
	for (unsigned v = 0; v < d->nr_vcpus; v++)
		close(s->slot[v].answered);
	munmap(s->page, HYP_PAGE_SIZE);
	close(s->page_fd);
	s->page = NULL;
}

static void wake_vcpus(struct hyp_domain *d, struct hyp_server *s)
{
	uint64_t one = 1;

	for (unsigned v = 0; v < d->nr_vcpus; v++)
		sim_check(write(s->slot[v].answered, &one, sizeof(one)) > 0, "wake a vCPU");
}

void hyp_server_destroy(struct hyp_domain *d, struct hyp_server *s)
{
	s->used = s->enabled = false;
	for (unsigned v = 0; v < d->nr_vcpus; v++)
		if (s->slot[v].bound)
			hyp_port_unbind(s->slot[v].bound, s->slot[v].local);
	hyp_ioeventfd_end_all(s);
	wake_vcpus(d, s);
	if (!s->waiters)
		release_server(d, s);
}

static void wake(uint32_t *futex)
{
	syscall(SYS_futex, futex, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void hyp_domain_pause(struct hyp_domain *d)
{
	pthread_mutex_lock(&hyp_lock);
	d->paused = true;
	pthread_mutex_unlock(&hyp_lock);
}

void hyp_domain_destroy(struct hyp_domain *d)
{
	pthread_mutex_lock(&hyp_lock);
	d->alive = false;
	pthread_cond_broadcast(&d->destroyed);
	__atomic_store_n(&d->lines->alive, 0, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		if (d->server[i].used)
			wake_vcpus(d, &d->server[i]);
	pthread_mutex_unlock(&hyp_lock);
	for (unsigned i = 0; i < HYP_LINES; i++)
		wake(&d->lines->line[i].raised);
}

void hyp_domain_free(struct hyp_domain *d)
{
	pthread_mutex_lock(&hyp_lock);
	sim_check(!d->alive, "domain %u lives", d->domid);
	sim_check(!d->vcpus_inside, "a vCPU of domain %u runs still", d->domid);
	for (struct hyp_domain **p = &domains; *p; p = &(*p)->next) {
		if (*p == d) {
			*p = d->next;
			break;
		}
	}
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		if (d->server[i].used)
			hyp_server_destroy(d, &d->server[i]);
	pthread_mutex_unlock(&hyp_lock);
	pthread_cond_destroy(&d->destroyed);
	hyp_memory_fini(&d->mem);
	free(d->grants);
	munmap(d->lines, sizeof(*d->lines));
	close(d->lines_fd);
	free(d);
}

uint16_t hyp_domid(const struct hyp_domain *d)
{
	return d->domid;
}

unsigned hyp_servers(struct hyp_domain *d)
{
	unsigned n = 0;

	pthread_mutex_lock(&hyp_lock);
	for (unsigned i = 0; i < HYP_SERVERS_MAX; i++)
		n += d->server[i].used;
	pthread_mutex_unlock(&hyp_lock);
	return n;
}

/* Accesses */

static struct hyp_server *claims(struct hyp_domain *d, uint64_t addr, unsigned size)
{
	/* FOR_EACH_IOREQ_SERVER (xen/common/ioreq.c) counts down. */
	for (int i = HYP_SERVERS_MAX - 1; i >= 0; i--) {
		struct hyp_server *s = &d->server[i];

		for (unsigned k = 0; s->used && s->enabled && k < s->nr_ranges; k++)
			if (addr >= s->range[k].first && addr + size - 1 <= s->range[k].last)
				return s;
	}
	return NULL;
}

/* hyp_lock is held, but not while waiting. */
static enum hyp_result ask(struct hyp_domain *d, struct hyp_server *s, unsigned vcpu,
			   struct ioreq *req)
{
	volatile struct ioreq *slot = &s->page->vcpu_ioreq[vcpu];
	unsigned seen = STATE_IOREQ_READY;

	sim_check(slot->state == STATE_IOREQ_NONE, "domain %u: bad state %u of the slot of vCPU %u",
		  d->domid, slot->state, vcpu);
	sim_check(slot->vp_eport == s->slot[vcpu].remote, "domain %u: vp_eport was changed",
		  d->domid);
	slot->addr = req->addr;
	slot->data = req->data;
	slot->count = req->count;
	slot->size = req->size;
	slot->data_is_ptr = req->data_is_ptr;
	slot->dir = req->dir;
	slot->df = req->df;
	slot->type = req->type;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	slot->state = STATE_IOREQ_READY;
	hyp_port_send(&s->slot[vcpu]);

	s->waiters++;
	/*
	 * Xen would look at the state first, and so need no notification if the answer was quick:
	 * then nobody would notice one that is missing.
	 */
	do {
		pthread_mutex_unlock(&hyp_lock);
		hyp_port_wait(&s->slot[vcpu]);
		pthread_mutex_lock(&hyp_lock);
		sim_check(slot->state >= seen, "domain %u: a slot goes from %u to %u: a crash",
			  d->domid, seen, slot->state);
		seen = slot->state;
	} while (d->alive && s->used && slot->state != STATE_IORESP_READY);
	s->waiters--;
	/* The server was destroyed: Xen completes the access with all ones. */
	if (!s->used) {
		if (!s->waiters)
			release_server(d, s);
		req->data = ~0ull;
		return d->alive ? HYP_OK : HYP_DEAD;
	}
	if (!d->alive)
		return HYP_DEAD;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	req->data = slot->data;
	slot->state = STATE_IOREQ_NONE;
	return HYP_OK;
}

/* A vCPU of a paused domain does nothing. */
static void stand_still(struct hyp_domain *d)
{
	while (d->paused && d->alive)
		pthread_cond_wait(&d->destroyed, &hyp_lock);
}

enum hyp_result hyp_ioreq(struct hyp_domain *d, unsigned vcpu, struct ioreq *req)
{
	enum hyp_result r = HYP_OK;
	struct hyp_server *s;

	sim_check(vcpu < d->nr_vcpus, "vCPU %u of %u", vcpu, d->nr_vcpus);
	pthread_mutex_lock(&hyp_lock);
	d->vcpus_inside++;
	stand_still(d);
	if (!d->alive) {
		r = HYP_DEAD;
	} else if (req->type == IOREQ_TYPE_INVALIDATE) {
		for (unsigned i = 0; i < HYP_SERVERS_MAX && r == HYP_OK; i++)
			if (d->server[i].used && d->server[i].enabled)
				r = ask(d, &d->server[i], vcpu, req);
	} else {
		s = claims(d, req->addr, req->size);
		r = s ? ask(d, s, vcpu, req) : HYP_NOBODY;
	}
	stand_still(d);
	if (!d->alive)
		r = HYP_DEAD;
	d->vcpus_inside--;
	pthread_mutex_unlock(&hyp_lock);
	return r;
}

enum hyp_result hyp_access(struct hyp_domain *d, unsigned vcpu, uint64_t addr, unsigned size,
			   bool write, uint64_t *data)
{
	struct ioreq req = {
		.addr = addr,
		.data = write ? *data : 0,
		.count = 1,
		.size = size,
		.dir = write ? IOREQ_WRITE : IOREQ_READ,
		.type = IOREQ_TYPE_COPY,
	};
	enum hyp_result r = hyp_ioreq(d, vcpu, &req);

	if (!write)
		*data = size < 8 ? req.data & ((1ull << 8 * size) - 1) : req.data;
	return r;
}

void hyp_allow_foreign_mapping(struct hyp_domain *d, bool allowed)
{
	pthread_mutex_lock(&hyp_lock);
	d->no_foreign_mapping = !allowed;
	pthread_mutex_unlock(&hyp_lock);
}

void hyp_limit_mapping(struct hyp_domain *d, uint64_t pages)
{
	pthread_mutex_lock(&hyp_lock);
	d->mapping_limit = pages;
	pthread_mutex_unlock(&hyp_lock);
}

void hyp_allow_grants(struct hyp_domain *d, bool allowed)
{
	pthread_mutex_lock(&hyp_lock);
	d->no_grants = !allowed;
	pthread_mutex_unlock(&hyp_lock);
}

/* Interrupts */

void hyp_raise(struct hyp_domain *d, uint32_t line)
{
	__atomic_store_n(&d->lines->line[line].level, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&d->lines->line[line].raised, 1, __ATOMIC_SEQ_CST);
	wake(&d->lines->line[line].raised);
}

unsigned hyp_interrupts(struct hyp_domain *d, unsigned line)
{
	hyp_irqfd_flush();
	return __atomic_load_n(&d->lines->line[line].raised, __ATOMIC_SEQ_CST);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

unsigned hyp_interrupt_wait(struct hyp_domain *d, unsigned line, unsigned seen, int timeout_ms)
{
	uint32_t *raised = &d->lines->line[line].raised, *waiters = &d->lines->line[line].waiters;
	uint64_t end = now_ms() + timeout_ms;
	unsigned n;

	__atomic_add_fetch(waiters, 1, __ATOMIC_SEQ_CST);
	while ((n = __atomic_load_n(raised, __ATOMIC_SEQ_CST)) == seen) {
		uint64_t now = now_ms();
		struct timespec ts;

		if (now >= end || !__atomic_load_n(&d->lines->alive, __ATOMIC_SEQ_CST))
			break;
		ts = (struct timespec){ .tv_sec = (end - now) / 1000,
					.tv_nsec = (end - now) % 1000 * 1000000 };
		syscall(SYS_futex, raised, FUTEX_WAIT, n, &ts, NULL, 0);
	}
	__atomic_sub_fetch(waiters, 1, __ATOMIC_SEQ_CST);
	return n;
}
