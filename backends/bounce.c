/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A line is owed what it lacks of its share.  It may take what is owed to itself, and of the rest
 * what is owed to nobody (limit()).  So what is owed is free, and a line below its share gets a
 * span whenever it asks, whatever the others do; a line that waits has at least its share, and
 * waits for spans of its own, or for what the others have beyond theirs.  One more share is owed to
 * the next line that comes: it, too, may find that another line gives nothing back.
 *
 * Free is not enough, a span is contiguous.  All spans are made of whole granules, aligned: what
 * the most demanding line needs at least.  So whatever is free is of use to everybody.
 *
 * Shares are small: together half of the pool at most, or a granule each, so that one busy line
 * among idle ones has most of it.  They only shrink while the pool exists, since there may be
 * nothing free for them to grow.  It is when a line comes that this can't be held: when several
 * come while others give nothing back, or one with a larger granule.  These wait, in the worst case
 * until all is back.
 */
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
#define SHARE_MAX 16 /* of the pool: a part of so many */

struct bounce_pool {
	unsigned nr_lines;
	bool registered;
	unsigned char *mem;
	size_t size;
	/* In units: */
	unsigned units;
	unsigned free;
	unsigned granule; /* spans are multiples of it, and so are their addresses; power of two */
	unsigned share;	  /* of a line */
	unsigned owed;	  /* to all lines, and the next one to come */
	unsigned cursor;  /* where the next search begins: behind the last span given */
	bool serving;	  /* bounce_put() is calling granted() */
	struct bounce_line *lines;
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
	pool->units = pool->free = units;
	pool->granule = 1;
	pool->share = units / SHARE_MAX;
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

static unsigned owed(const struct bounce_pool *pool, const struct bounce_line *line)
{
	return pool->share - MIN(pool->share, line->held);
}

/* After a line has come or gone. */
static void set_shares(struct bounce_pool *pool)
{
	unsigned share = MIN(pool->share, pool->units / 2 / (pool->nr_lines + 1));

	pool->share = MAX(share & ~(pool->granule - 1), pool->granule);
	pool->owed = pool->share;
	for (const struct bounce_line *line = pool->lines; line; line = line->next_attached)
		pool->owed += owed(pool, line);
}

int bounce_attach(struct bounce_line *line, struct loop *l, size_t size, size_t need,
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
	assert(is_power_of_2(need) && l->bounce->size % need == 0);
	*line = (struct bounce_line){ .pool = l->bounce, .next_attached = l->bounce->lines };
	l->bounce->lines = line;
	l->bounce->nr_lines++;
	l->bounce->granule = MAX(l->bounce->granule, units_of(need));
	set_shares(l->bounce);
	return 0;
}

void bounce_detach(struct bounce_line *line, struct loop *l)
{
	struct bounce_pool *pool = line->pool;
	struct bounce_line **p = &pool->lines;

	assert(!line->first && !line->held);
	while (*p != line)
		p = &(*p)->next_attached;
	*p = line->next_attached;
	line->pool = NULL;
	pool->nr_lines--;
	set_shares(pool);
	if (pool->lines)
		return;
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

/*
 * Look in [from, end) for want units, in whole granules; remember in *best, *best_len the longest
 * run on the way.
 */
static bool search(const struct bounce_pool *pool, unsigned from, unsigned end, unsigned want,
		   unsigned *best, unsigned *best_len)
{
	unsigned odd = pool->granule - 1;

	while (*best_len < want) {
		unsigned start = (find_unit(pool, false, from, end) + odd) & ~odd;
		unsigned len;

		if (start >= end)
			return false;
		from = find_unit(pool, true, start, MIN(start + want, end));
		len = (from - start) & ~odd;
		if (len > *best_len) {
			*best = start;
			*best_len = len;
		}
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

/* How many units the line may take now: what is owed to it, and what is owed to nobody. */
static unsigned limit(const struct bounce_pool *pool, const struct bounce_line *line)
{
	unsigned own = owed(pool, line), others = pool->owed - own;

	return MAX(pool->free - MIN(pool->free, others), MIN(pool->free, own));
}

static void account(struct bounce_line *line, int units)
{
	struct bounce_pool *pool = line->pool;

	pool->owed -= owed(pool, line);
	line->held += units;
	pool->free -= units;
	pool->owed += owed(pool, line);
}

static bool take(struct bounce_line *line, struct bounce_waiter *w)
{
	struct bounce_pool *pool = line->pool;
	unsigned odd = pool->granule - 1;
	unsigned want = MIN((units_of(w->want) + odd) & ~odd, limit(pool, line) & ~odd);
	unsigned best = 0, len = 0;

	if (!search(pool, pool->cursor, pool->units, want, &best, &len))
		search(pool, 0, pool->units, want, &best, &len);
	if (!len)
		return false;

	mark(pool, best, len, true);
	account(line, len);
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

bool bounce_get(struct bounce_line *line, struct bounce_waiter *w, size_t want)
{
	struct bounce_pool *pool = line->pool;

	assert(want);
	w->want = want;
	/*
	 * Who waits in another line could not take this, unless bounce_put() is not done with them.
	 */
	if (!line->first && !(pool->serving && pool->first) && take(line, w))
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

/* The first line that may take something has its turn, and goes to the end. */
static bool serve_next(struct bounce_pool *pool)
{
	for (struct bounce_line **p = &pool->first; *p; p = &(*p)->next) {
		struct bounce_line *line = *p;
		struct bounce_waiter *w = line->first;

		if (!take(line, w))
			continue;
		*p = line->next;
		if (!*p)
			pool->last = p;
		line->first = w->next;
		if (line->first)
			append_line(pool, line);
		w->granted(w);
		return true;
	}
	return false;
}

void bounce_put(struct bounce_line *line, struct bounce_waiter *w)
{
	struct bounce_pool *pool = line->pool;
	size_t offset = (unsigned char *)w->span.mem - pool->mem;
	unsigned units = w->span.len / BOUNCE_UNIT;

	mark(pool, offset / BOUNCE_UNIT, units, false);
	account(line, -(int)units);
	w->span = (struct bounce_span){ .mem = NULL };

	/*
	 * From granted(): the loop that called it goes on.  A line can be too long for recursion.
	 */
	if (pool->serving)
		return;
	pool->serving = true;
	while (serve_next(pool))
		;
	pool->serving = false;
}
