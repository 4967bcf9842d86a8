/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backends/bounce.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/util.h"

#define WORD_BITS 64

struct bounce_pool {
	unsigned users; /* bounce_attach() without bounce_detach() */
	bool registered;
	unsigned char *mem;
	size_t size;
	unsigned units;
	unsigned cursor; /* where the next search begins: behind the last span given */
	bool serving;	 /* bounce_put() is calling granted() */
	struct bounce_line *first, **last; /* lines with somebody in them, in their turn */
	uint64_t used[];		   /* bitmap of units; bits behind the end are set */
};

static unsigned units_of(size_t bytes)
{
	return (bytes + BOUNCE_UNIT - 1) / BOUNCE_UNIT;
}

static struct bounce_pool *pool_new(size_t size)
{
	unsigned units = units_of(size), words = (units + WORD_BITS - 1) / WORD_BITS;
	struct bounce_pool *pool = calloc(1, sizeof(*pool) + words * sizeof(pool->used[0]));

	if (!pool)
		return NULL;
	pool->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool->mem == MAP_FAILED) {
		free(pool);
		return NULL;
	}
	pool->size = size;
	pool->units = units;
	pool->last = &pool->first;
	if (units % WORD_BITS)
		pool->used[words - 1] = UINT64_MAX << units % WORD_BITS;
	return pool;
}

static void pool_free(struct bounce_pool *pool)
{
	munmap(pool->mem, pool->size);
	free(pool);
}

int bounce_attach(struct bounce_line *line, struct loop *l, size_t size,
		  const struct log_subject *subject)
{
	struct iovec all;
	int r;

	if (!l->bounce) {
		assert(size && size % BOUNCE_UNIT == 0);
		l->bounce = pool_new(size);
		if (!l->bounce)
			return fail(-ENOMEM, subject, "cannot get %zu bytes of bounce buffers",
				    size);
		all = (struct iovec){ l->bounce->mem, size };
		r = io_uring_register_buffers(&l->ring, &all, 1);
		l->bounce->registered = r == 0;
		if (r < 0)
			log_notice(
				subject,
				"cannot register %zu bytes of bounce buffers, going on without: %s",
				size, strerror(-r));
	}
	l->bounce->users++;
	*line = (struct bounce_line){ .pool = l->bounce };
	return 0;
}

void bounce_detach(struct bounce_line *line, struct loop *l)
{
	struct bounce_pool *pool = line->pool;

	assert(!line->first);
	line->pool = NULL;
	if (--pool->users)
		return;
	assert(!pool->first);
	/* If this fails the kernel still holds the pages, not our mapping of them. */
	if (pool->registered)
		io_uring_unregister_buffers(&l->ring);
	pool_free(pool);
	l->bounce = NULL;
}

bool bounce_is_registered(const struct bounce_line *line)
{
	return line->pool->registered;
}

bool bounce_is_contended(const struct bounce_line *line)
{
	return line->pool->first;
}

/* First unit >= from, and < end, whose bit is (not) set; end if there is none. */
static unsigned find_unit(const struct bounce_pool *pool, bool used, unsigned from, unsigned end)
{
	while (from < end) {
		uint64_t w = pool->used[from / WORD_BITS];

		w = (used ? w : ~w) >> from % WORD_BITS;
		if (w)
			return MIN(from + (unsigned)__builtin_ctzll(w), end);
		from += WORD_BITS - from % WORD_BITS;
	}
	return end;
}

/* Look in [from, end) for want units; remember in *best, *best_len the longest run on the way. */
static bool search(const struct bounce_pool *pool, unsigned from, unsigned end, unsigned want,
		   unsigned *best, unsigned *best_len)
{
	while (*best_len < want) {
		unsigned start = find_unit(pool, false, from, end);
		unsigned stop;

		if (start == end)
			return false;
		stop = find_unit(pool, true, start, MIN(start + want, end));
		if (stop - start > *best_len) {
			*best = start;
			*best_len = stop - start;
		}
		from = stop;
	}
	return true;
}

static void mark(struct bounce_pool *pool, unsigned start, unsigned n, bool used)
{
	while (n) {
		unsigned bit = start % WORD_BITS;
		unsigned here = MIN(n, WORD_BITS - bit);
		uint64_t mask = UINT64_MAX >> (WORD_BITS - here) << bit;

		assert((pool->used[start / WORD_BITS] & mask) == (used ? 0 : mask));
		pool->used[start / WORD_BITS] ^= mask;
		start += here;
		n -= here;
	}
}

static bool take(struct bounce_pool *pool, struct bounce_waiter *w)
{
	unsigned want = units_of(w->want), best = 0, len = 0;

	if (!search(pool, pool->cursor, pool->units, want, &best, &len))
		search(pool, 0, pool->units, want, &best, &len);
	if (len < units_of(w->need))
		return false;

	mark(pool, best, len, true);
	pool->cursor = best + len == pool->units ? 0 : best + len;
	w->span.mem = pool->mem + (size_t)best * BOUNCE_UNIT;
	w->span.len = (size_t)len * BOUNCE_UNIT;
	return true;
}

static void append_line(struct bounce_pool *pool, struct bounce_line *line)
{
	line->next = NULL;
	*pool->last = line;
	pool->last = &line->next;
}

bool bounce_get(struct bounce_line *line, struct bounce_waiter *w, size_t want, size_t need)
{
	struct bounce_pool *pool = line->pool;

	assert(need && need <= want && need <= pool->size);
	w->want = want;
	w->need = need;
	if (!pool->first && take(pool, w))
		return true;

	if (!line->first) {
		line->last = &line->first;
		append_line(pool, line);
	}
	w->next = NULL;
	*line->last = w;
	line->last = &w->next;
	return false;
}

/* The first of the first line, which goes to the end of its turn. */
static struct bounce_waiter *next_waiter(struct bounce_pool *pool)
{
	struct bounce_line *line = pool->first;
	struct bounce_waiter *w = line->first;

	pool->first = line->next;
	if (!pool->first)
		pool->last = &pool->first;
	line->first = w->next;
	if (line->first)
		append_line(pool, line);
	return w;
}

/*
 * Whose turn it is is served, or nobody is.  It gets its span in the end: nobody else takes space
 * meanwhile, so when all spans are back the whole pool is free.
 */
void bounce_put(struct bounce_line *line, struct bounce_waiter *w)
{
	struct bounce_pool *pool = line->pool;
	size_t offset = (unsigned char *)w->span.mem - pool->mem;

	mark(pool, offset / BOUNCE_UNIT, w->span.len / BOUNCE_UNIT, false);
	w->span = (struct bounce_span){ .mem = NULL };

	/* From granted(): the loop that called it goes on.  A line can be too long for recursion. */
	if (pool->serving)
		return;
	pool->serving = true;
	while (pool->first && take(pool, pool->first->first)) {
		struct bounce_waiter *next = next_waiter(pool);

		next->granted(next);
	}
	pool->serving = false;
}
