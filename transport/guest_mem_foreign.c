/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Guest memory by foreign mapping.  Mapping costs a hypercall per page and again when it is undone,
 * so nothing is mapped or unmapped per request: what was touched stays mapped.  The layout of the
 * guest's RAM is never guessed; pages that cannot be mapped (holes, MMIO windows, ballooned pages)
 * are remembered as missing and tried again when asked for.
 *
 * A chunk that is all RAM becomes one mapping of 512 pages.  Where some of its pages cannot be
 * mapped, each run of good pages becomes a mapping of its own, and the missing pages stay
 * inaccessible, because of a rule of Linux's privcmd: a mapping may not be split, so one that
 * covers a hole could never have the hole filled in later.  Mappings never cross a chunk's border,
 * so "everything in this chunk" is always a set of whole mappings.
 *
 * Every address that is not mapped must stay reserved (PROT_NONE), or somebody else's mmap() could
 * land in guest space.  So what is mapped is unmapped by reserving it again, in one step, and the
 * hole that a failed xen_map() leaves is closed before anything else runs.
 *
 * Each mapping is a VMA, of which Linux lets a process have 65530.  A guest can ask for any number
 * of runs by giving back every second page; the budget of them is bounded well below.
 *
 * In a driver domain Xen needs memory for each mapping, of a pool that the toolstack gives the
 * domain (shadow_memory in xl.cfg): 4 KiB for 2 MiB of the domain's addresses; Linux needs some,
 * too.  It is a guest's right to have more memory than that is good for.
 *
 * So want of room, of either kind, is no word about the guest: all is unmapped when nothing is in
 * flight, and what was asked for is mapped anew, page by page from then on, as a chunk for each of
 * the thousand pages of a request may be more than there is room for.
 */
#include "transport/guest_mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/le.h"

#define CHUNK_PAGES  ((uint64_t)XEN_MAP_MAX)
#define MAPPINGS_MAX 28000 /* with the reserved VMAs between them, twice as many */

static uint64_t chunks(const struct guest_mem *m)
{
	return (m->size >> XEN_PAGE_SHIFT) / CHUNK_PAGES;
}

static uint64_t present_bytes(const struct guest_mem *m)
{
	return (m->size >> XEN_PAGE_SHIFT) / 8;
}

static uint64_t chunks_bytes(const struct guest_mem *m)
{
	return chunks(m) / 8;
}

static bool is_present(const struct guest_mem *m, uint64_t page)
{
	return m->present[page / 64] & 1ull << page % 64;
}

static void *page_va(const struct guest_mem *m, uint64_t page)
{
	return m->base + (page << XEN_PAGE_SHIFT);
}

/* Make [page, page + n), which is whole mappings or a hole, inaccessible and nobody else's. */
static void reserve(struct guest_mem *m, uint64_t page, uint64_t n)
{
	void *va = page_va(m, page);

	/* It cannot fail: one VMA in place of one or more.  Going on with a hole would be worse. */
	if (mmap(va, n << XEN_PAGE_SHIFT, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != va)
		abort();
}

static void *zeroed(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static const struct guest_mem_ops foreign_ops;

int guest_mem_init_foreign(struct guest_mem *m, struct xen_domain *xen)
{
	void *base = MAP_FAILED;
	uint64_t size;

	*m = GUEST_MEM_NULL;
	m->ops = &foreign_ops;
	m->xen = xen;
	m->in_place = true;

	for (size = GUEST_MEM_SIZE; size >= GUEST_MEM_SIZE_MIN; size /= 2) {
		base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    0);
		if (base != MAP_FAILED)
			break;
	}
	if (base == MAP_FAILED)
		return fail(-errno, xen->subject, "cannot reserve address space for guest memory");
	if (size < GUEST_MEM_SIZE)
		log_notice(xen->subject, "memory of the guest above %llu GiB is out of reach",
			   (unsigned long long)(size >> 30));
	m->base = base;
	m->size = size;
	m->present = zeroed(present_bytes(m));
	m->chunks = zeroed(chunks_bytes(m));
	if (!m->present || !m->chunks) {
		guest_mem_fini(m);
		return fail(-ENOMEM, xen->subject, "cannot make the map of guest memory");
	}
	return 0;
}

static void foreign_fini(struct guest_mem *m)
{
	if (m->chunks && m->present)
		guest_mem_invalidate(m);
	if (m->chunks)
		munmap(m->chunks, chunks_bytes(m));
	if (m->present)
		munmap(m->present, present_bytes(m));
	if (m->base)
		munmap(m->base, m->size);
}

static void unmap_chunk(struct guest_mem *m, uint64_t chunk)
{
	uint64_t page = chunk * CHUNK_PAGES;

	reserve(m, page, CHUNK_PAGES);
	for (unsigned i = 0; i < CHUNK_PAGES / 64; i++) {
		m->mapped_pages -= __builtin_popcountll(m->present[page / 64 + i]);
		m->present[page / 64 + i] = 0;
	}
	m->chunks[chunk / 64] &= ~(1ull << chunk % 64);
}

void guest_mem_unmap_until(struct guest_mem *m, uint64_t until_ms)
{
	m->generation++;
	m->sparing = m->starved;
	m->starved = false;
	for (uint64_t word = 0; word < chunks(m) / 64 && m->mapped_pages; word++) {
		while (m->chunks[word]) {
			if (clock_ms() > until_ms)
				return;
			unmap_chunk(m, word * 64 + __builtin_ctzll(m->chunks[word]));
		}
	}
	m->mappings = 0;
}

void guest_mem_invalidate(struct guest_mem *m)
{
	guest_mem_unmap_until(m, UINT64_MAX);
}

/* Map [page, page + n), all of it; on failure put the reservation back, and say why in err. */
static bool map_run(struct guest_mem *m, uint64_t page, unsigned n, int *err)
{
	bool good = true;
	int r;

	r = -E2BIG;
	if (m->mappings < MAPPINGS_MAX)
		r = xen_map(m->xen, page_va(m, page), page, n, err);
	for (unsigned i = 0; i < n; i++) {
		err[i] = r ? r : err[i];
		good = good && !err[i];
	}
	if (!good) {
		reserve(m, page, n);
		return false;
	}
	for (uint64_t p = page; p < page + n; p++)
		m->present[p / 64] |= 1ull << p % 64;
	m->mapped_pages += n;
	m->mappings++;
	m->chunks[page / CHUNK_PAGES / 64] |= 1ull << page / CHUNK_PAGES % 64;
	return true;
}

/* First touch of a chunk: all of it at once, or else each run of pages that can be mapped. */
static void map_chunk(struct guest_mem *m, uint64_t chunk)
{
	uint64_t first = chunk * CHUNK_PAGES;
	int err[CHUNK_PAGES] = { 0 }, run_err[CHUNK_PAGES];
	unsigned start, end;

	if (map_run(m, first, CHUNK_PAGES, err))
		return;
	for (start = 0; start < CHUNK_PAGES; start = end) {
		while (start < CHUNK_PAGES && err[start])
			start++;
		for (end = start; end < CHUNK_PAGES && !err[end]; end++)
			;
		if (end - start && end - start < CHUNK_PAGES)
			map_run(m, first + start, end - start, run_err);
	}
}

/*
 * Does a failure to map a page say that there is no room, and nothing about the page?  ENOENT is
 * Xen's word for it, where it makes page tables (xen/arch/arm/p2m.c), ENOMEM Linux's.
 */
static bool is_want_of_room(int err)
{
	return err == -ENOENT || err == -ENOMEM || err == -E2BIG;
}

static void note_starved(struct guest_mem *m, int err)
{
	const char *what = err == -ENOENT
				   ? "Xen's page tables for this domain are full: give it more "
				     "shadow_memory in its xl.cfg"
			   : err == -ENOMEM ? "this domain's memory is used up: give it more"
					    : "its pages are too scattered";
	uint64_t suppressed;

	m->starved = true;
	if (log_limit_pass(&m->starved_limit, &suppressed))
		log_warn(
			m->xen->subject,
			"there is no room to map more of the guest's memory beside %llu MiB, which "
			"are unmapped, and mapped again when used; %s (%llu such lines held back)",
			(unsigned long long)(m->mapped_pages >> (20 - XEN_PAGE_SHIFT)), what,
			(unsigned long long)suppressed);
}

/* What guest_mem_at() did not find present: make it so, if it can be done. */
static void *foreign_at(struct guest_mem *m, uint64_t gpa, uint64_t len)
{
	uint64_t last = (gpa + len - 1) >> XEN_PAGE_SHIFT;
	int err = 0;

	if (!len || !range_within(gpa, len, m->size))
		return NULL;
	for (uint64_t page = gpa >> XEN_PAGE_SHIFT; page <= last; page++) {
		uint64_t chunk = page / CHUNK_PAGES;

		if (is_present(m, page))
			continue;
		if (!m->sparing && !(m->chunks[chunk / 64] & 1ull << chunk % 64))
			map_chunk(m, chunk);
		/*
		 * Alone: the guest may have filled a hole since its chunk was mapped, or have taken
		 * some other page out of this one's run while that was being mapped.
		 */
		if (!is_present(m, page) && !map_run(m, page, 1, &err)) {
			if (is_want_of_room(err))
				note_starved(m, err);
			return NULL;
		}
	}
	return m->base + gpa;
}

static bool foreign_fetch(struct guest_mem *m, void *buf, const struct iovec *from, size_t n)
{
	(void)m;
	for (char *to = buf; n; from++) {
		size_t part = MIN(n, from->iov_len);

		le_fetch(to, from->iov_base, part);
		to += part;
		n -= part;
	}
	return true;
}

static bool foreign_store(struct guest_mem *m, const struct iovec *to, const void *buf, size_t n)
{
	(void)m;
	for (const char *from = buf; n; to++) {
		size_t part = MIN(n, to->iov_len);

		memcpy(to->iov_base, from, part);
		from += part;
		n -= part;
	}
	return true;
}

/* What is in_place needs no more than that. */
static const struct guest_mem_ops foreign_ops = {
	.at = foreign_at,
	.fetch = foreign_fetch,
	.store = foreign_store,
	.fini = foreign_fini,
};

void guest_mem_fini(struct guest_mem *m)
{
	if (m->ops)
		m->ops->fini(m);
	*m = GUEST_MEM_NULL;
}
