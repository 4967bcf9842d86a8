/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of a domain: one file, of which each frame is a page.  A frame that the guest gives back
 * loses its page, which is poisoned and never used again; one that it gets back has a page of the
 * spare half.  So a daemon that keeps a mapping too long writes to a page that is nobody's, and
 * is found out.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <dirent.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/hyp_private.h"

#define POISON 0xdb

/* Domains can be created side by side. */
static atomic_bool secret;

bool hyp_memory_is_secret(void)
{
	return secret;
}

static int make_file(uint64_t bytes)
{
	static atomic_bool said;
	int fd = syscall(SYS_memfd_secret, 0);

	secret = fd >= 0;
	if (fd < 0) {
		if (!atomic_exchange(&said, true))
			fprintf(stderr, "no memfd_secret(2) here: guest memory can be pinned, "
					"unlike on real Xen\n");
		fd = memfd_create("xensim-memory", 0);
	}
	sim_check(fd >= 0 && ftruncate(fd, bytes) == 0, "memory for a domain");
	return fd;
}

void hyp_memory_init(struct hyp_memory *m, uint64_t ram0, uint64_t ram1)
{
	m->frames[0] = ram0 >> HYP_PAGE_SHIFT;
	m->frames[1] = ram1 >> HYP_PAGE_SHIFT;
	m->next_page = m->frames[0] + m->frames[1];
	m->nr_pages = 2 * m->next_page;
	m->fd = make_file(m->nr_pages << HYP_PAGE_SHIFT);
	m->base = mmap(NULL, m->nr_pages << HYP_PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_SHARED,
		       m->fd, 0);
	sim_check(m->base != MAP_FAILED, "map the memory of a domain");
	m->poisoned = calloc(m->nr_pages, sizeof(*m->poisoned));
	sim_check(m->poisoned, "out of memory");
	for (unsigned b = 0, page = 0; b < 2; b++) {
		m->page_of[b] = calloc(m->frames[b] + 1, sizeof(**m->page_of));
		sim_check(m->page_of[b], "out of memory");
		for (uint64_t i = 0; i < m->frames[b]; i++)
			m->page_of[b][i] = page++;
	}
}

void hyp_memory_fini(struct hyp_memory *m)
{
	munmap(m->base, m->nr_pages << HYP_PAGE_SHIFT);
	close(m->fd);
	free(m->page_of[0]);
	free(m->page_of[1]);
	free(m->poisoned);
}

/* Where the page of a frame is noted, or NULL: no RAM there. */
static int64_t *entry_of(const struct hyp_memory *m, uint64_t gfn)
{
	static const uint64_t base[2] = { HYP_RAM0_BASE >> HYP_PAGE_SHIFT,
					  HYP_RAM1_BASE >> HYP_PAGE_SHIFT };

	for (unsigned b = 0; b < 2; b++)
		if (gfn >= base[b] && gfn - base[b] < m->frames[b])
			return &m->page_of[b][gfn - base[b]];
	return NULL;
}

int64_t hyp_memory_page(const struct hyp_memory *m, uint64_t gfn)
{
	const int64_t *entry = entry_of(m, gfn);

	return entry ? *entry : -1;
}

void *hyp_ram(struct hyp_domain *d, uint64_t gpa, uint64_t len)
{
	uint64_t gfn = gpa >> HYP_PAGE_SHIFT, last = (gpa + len - 1) >> HYP_PAGE_SHIFT;
	int64_t first;

	if (!len || gpa + len < gpa)
		return NULL;
	pthread_mutex_lock(&hyp_lock);
	first = hyp_memory_page(&d->mem, gfn);
	for (uint64_t i = 1; first >= 0 && i <= last - gfn; i++)
		if (hyp_memory_page(&d->mem, gfn + i) != first + (int64_t)i)
			first = -1;
	pthread_mutex_unlock(&hyp_lock);
	return first < 0 ? NULL
			 : d->mem.base + ((uint64_t)first << HYP_PAGE_SHIFT) + gpa % HYP_PAGE_SIZE;
}

static enum hyp_result invalidate(struct hyp_domain *d, unsigned vcpu)
{
	struct ioreq req = {
		.type = IOREQ_TYPE_INVALIDATE, .size = 4, .dir = IOREQ_WRITE, .data = ~0ull
	};

	return hyp_ioreq(d, vcpu, &req);
}

enum hyp_result hyp_balloon_out_many(struct hyp_domain *d, unsigned vcpu, uint64_t gfn, unsigned n,
				     unsigned step)
{
	int64_t *pages = calloc(n, sizeof(*pages));
	enum hyp_result r;

	sim_check(pages, "out of memory");
	pthread_mutex_lock(&hyp_lock);
	for (unsigned i = 0; i < n; i++) {
		int64_t *entry = entry_of(&d->mem, gfn + (uint64_t)i * step);

		sim_check(entry && *entry >= 0, "frame %#" PRIx64 " is not there",
			  gfn + (uint64_t)i * step);
		pages[i] = *entry;
		*entry = -1;
	}
	pthread_mutex_unlock(&hyp_lock);

	r = invalidate(d, vcpu);
	for (unsigned i = 0; i < n && r == HYP_OK; i++) {
		memset(d->mem.base + (pages[i] << HYP_PAGE_SHIFT), POISON, HYP_PAGE_SIZE);
		d->mem.poisoned[pages[i]] = true;
	}
	free(pages);
	return r;
}

enum hyp_result hyp_balloon_out(struct hyp_domain *d, unsigned vcpu, uint64_t gfn)
{
	return hyp_balloon_out_many(d, vcpu, gfn, 1, 1);
}

void hyp_populate(struct hyp_domain *d, uint64_t gfn)
{
	int64_t *entry;

	pthread_mutex_lock(&hyp_lock);
	entry = entry_of(&d->mem, gfn);
	sim_check(entry && *entry < 0, "frame %#" PRIx64 " is there", gfn);
	sim_check(d->mem.next_page < d->mem.nr_pages, "no spare pages left");
	*entry = d->mem.next_page++;
	pthread_mutex_unlock(&hyp_lock);
}

bool hyp_poison_is_intact(struct hyp_domain *d)
{
	for (uint64_t page = 0; page < d->mem.nr_pages; page++) {
		const uint8_t *p = d->mem.base + (page << HYP_PAGE_SHIFT);

		for (unsigned i = 0; d->mem.poisoned[page] && i < HYP_PAGE_SIZE; i++) {
			if (p[i] == POISON)
				continue;
			fprintf(stderr,
				"page %" PRIu64
				" was written at %#x after the guest gave it back\n",
				page, i);
			return false;
		}
	}
	return true;
}

/* Pages of the file with this inode in one process's list of mappings. */
static uint64_t pages_in(const char *path, unsigned long inode)
{
	uint64_t pages = 0;
	char line[512];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long start, end;
		unsigned long ino;
		char r;

		if (sscanf(line, "%llx-%llx %c%*s %*x %*s %lu", &start, &end, &r, &ino) == 4 &&
		    ino == inode && r == 'r')
			pages += (end - start) >> HYP_PAGE_SHIFT;
	}
	if (f)
		fclose(f);
	return pages;
}

uint64_t hyp_pages_mapped(struct hyp_domain *d)
{
	DIR *proc = opendir("/proc");
	uint64_t pages = 0;
	struct dirent *e;
	struct stat st;
	char path[64];

	sim_check(proc && fstat(d->mem.fd, &st) == 0, "look at mappings");
	while ((e = readdir(proc))) {
		long pid = strtol(e->d_name, NULL, 10);

		if (pid <= 0 || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/maps", pid);
		pages += pages_in(path, st.st_ino);
	}
	closedir(proc);
	return pages;
}
