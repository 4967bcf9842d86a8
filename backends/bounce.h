/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounce buffers: memory of our own that the kernel can read into and write from, where it can't
 * pin guest memory (O_DIRECT), or not reach it at all (grants).
 *
 * A pool belongs to a loop (struct loop.bounce): a ring has one table of registered buffers, so all
 * images of the loop share the pool.  It exists from the first bounce_attach() to the last
 * bounce_detach().  Space is handed out as spans, contiguous and in units of BOUNCE_UNIT.  Who gets
 * none waits, each image in a line of its own; the first of each line are served in turn.
 *
 * Each line has a share of the pool that no other can take, so that an image is served even if
 * another one never gives anything back: 1/16 of the pool, less if there are more than seven lines,
 * and always enough for a span.  What is beyond the shares is for those who ask for it first.
 *
 * To keep that free of deadlocks: do not wait while holding a span.
 *
 * All calls come from the loop's thread.  Nothing is allocated after bounce_attach().
 */
#ifndef BACKENDS_BOUNCE_H
#define BACKENDS_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/loop.h"

#define BOUNCE_UNIT	 4096
#define BOUNCE_POOL_SIZE (8u << 20) /* bytes; what a loop's pool has unless asked otherwise */

/* A piece of the pool. */
struct bounce_span {
	void *mem;  /* aligned to BOUNCE_UNIT; NULL: no span */
	size_t len; /* bytes, a multiple of BOUNCE_UNIT */
};

/* A place in a line.  The memory is the caller's, from bounce_get() to granted(). */
struct bounce_waiter {
	/* It is your turn: w->span has been given.  Called from some bounce_put(). */
	void (*granted)(struct bounce_waiter *w);
	struct bounce_span span;
	size_t want; /* private */
	struct bounce_waiter *next;
};

/* An image's line.  The memory is the caller's, from bounce_attach() to bounce_detach(). */
struct bounce_line {
	struct bounce_pool *pool;	     /* NULL: not attached */
	struct bounce_waiter *first, **last; /* private, as what follows */
	struct bounce_line *next;	     /* of those with somebody in it */
	struct bounce_line *next_attached;
	unsigned held; /* units */
};

/*
 * Make *line one of the loop's pool, which is made now if there is none: size bytes (a multiple of
 * BOUNCE_UNIT; ignored if the pool is there).  No span will have less than need bytes, a power of
 * two of which the pool has a multiple.  If the kernel does not register the pool (RLIMIT_MEMLOCK,
 * ring restrictions), a line in the log says so, and it works without.  0 or -errno.
 */
int bounce_attach(struct bounce_line *line, struct loop *l, size_t size, size_t need,
		  const struct log_subject *subject);

/* The opposite.  Nobody waits in the line, or has a span. */
void bounce_detach(struct bounce_line *line, struct loop *l);

/* Is the pool the ring's registered buffer 0 (READ_FIXED, WRITE_FIXED)? */
bool bounce_is_registered(const struct bounce_line *line);

/*
 * Put a span of want bytes into w->span; a shorter one, but at least the need of bounce_attach(),
 * when the pool is fragmented, or the line may not have more.  Returns false when w has to wait:
 * w->granted() will be called.
 */
bool bounce_get(struct bounce_line *line, struct bounce_waiter *w, size_t want);

/* Give back w->span, and serve those who wait.  May be called from granted(). */
void bounce_put(struct bounce_line *line, struct bounce_waiter *w);

/* Does anybody wait, in whatever line?  Then do not keep a span for more work. */
bool bounce_is_contended(const struct bounce_line *line);

#endif
