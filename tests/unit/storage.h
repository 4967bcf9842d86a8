/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of backends share: an image in a temporary file with a backend on it, and requests
 * that are waited for.
 */
#ifndef TESTS_UNIT_STORAGE_H
#define TESTS_UNIT_STORAGE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/bounce.h"
#include "tests/fake/test.h"

#define KIB(n) ((n)*1024u)

static const struct log_subject test_subject = { .guest = "test", .disk = "xvda" };

/* For cmocka, before and after a group of tests, or each of them. */
static struct loop loop;

static inline int start_loop(void **state)
{
	(void)state;
	return loop_init(&loop, 16);
}

static inline int stop_loop(void **state)
{
	(void)state;
	loop_fini(&loop);
	return 0;
}

/* Each combination that a test of the engine should hold for. */
static const struct storage_kind {
	const char *dir; /* the disk's file system, and tmpfs */
	enum image_cache cache;
} storage_kinds[] = {
	{ "/var/tmp", IMAGE_CACHE_BUFFERED },
	{ "/var/tmp", IMAGE_CACHE_DIRECT },
	{ "/dev/shm", IMAGE_CACHE_BUFFERED },
	{ "/dev/shm", IMAGE_CACHE_DIRECT },
};

struct storage {
	struct loop *loop;
	struct image image; /* its info; the descriptors are the backend's */
	struct backend *b;
	char path[64];
};

struct test_request {
	struct blk_request req;
	struct iovec iov[64];
	unsigned done;
	int result;
};

/* A file of size bytes, all holding fill.  Its name goes into path. */
static inline void make_file(char path[64], const char *dir, size_t size, int fill)
{
	void *mem = malloc(size);
	int fd;

	snprintf(path, 64, "%s/xvirtiod-test-XXXXXX", dir);
	fd = mkstemp(path);
	assert_true(fd >= 0 && mem);
	memset(mem, fill, size);
	assert_int_equal(pwrite(fd, mem, size, 0), size);
	close(fd);
	free(mem);
}

/* image_open() with the text of its complaint. */
static inline int open_image(struct image *ret, const struct image_params *p, char *why,
			     size_t size)
{
	int r = image_open(ret, p, &test_subject);

	snprintf(why, size, "%s", r < 0 ? log_last_error() : "");
	return r;
}

static inline void open_backend(struct storage *s)
{
	struct image copy = s->image;

	assert_int_equal(backend_find("file")->open(&s->b, &copy, s->loop, false, &test_subject),
			 0);
	assert_int_equal(copy.fd, -1);
	assert_int_equal(copy.direct_fd, -1);
}

/* false: skipped, loudly. */
static inline bool storage_open(struct storage *s, struct loop *l, const struct storage_kind *k,
				size_t size)
{
	struct image_params p = { .path = s->path, .discard = true, .cache = k->cache };
	char why[256];

	s->loop = l;
	make_file(s->path, k->dir, size, 0x11);
	assert_int_equal(open_image(&s->image, &p, why, sizeof(why)), 0);
	open_backend(s);
	if (k->cache == IMAGE_CACHE_DIRECT && s->image.direct_fd < 0) {
		fprintf(stderr, "*** SKIPPED: no O_DIRECT in %s ***\n", k->dir);
		s->b->ops->close(s->b);
		unlink(s->path);
		return false;
	}
	return true;
}

static inline void storage_close(struct storage *s)
{
	s->b->ops->close(s->b);
	unlink(s->path);
}

static inline void test_request_done(struct blk_request *req, int result)
{
	struct test_request *t = container_of(req, struct test_request, req);

	t->done++;
	t->result = result;
}

/* Fill in *t; data (may be NULL) is in pieces of chunk bytes. */
static inline void prepare(struct test_request *t, enum blk_op op, unsigned flags, uint64_t offset,
			   size_t len, void *data, size_t chunk)
{
	*t = (struct test_request){ .req = { .op = op, .flags = flags } };
	t->req.offset = offset;
	t->req.len = len;
	t->req.iov = t->iov;
	t->req.done = test_request_done;
	for (size_t at = 0; data && at < len; at += chunk) {
		assert_true(t->req.nr_iov < ARRAY_SIZE(t->iov));
		t->iov[t->req.nr_iov++] = (struct iovec){ (unsigned char *)data + at,
							  MIN(chunk, len - at) };
	}
}

static inline void wait_for(struct storage *s, const struct test_request *t)
{
	while (!t->done)
		assert_int_equal(loop_run_round(s->loop, true), 0);
	assert_int_equal(t->done, 1);
}

static inline int run(struct storage *s, enum blk_op op, unsigned flags, uint64_t offset,
		      size_t len, void *data)
{
	struct test_request t;

	prepare(&t, op, flags, offset, len, data, len);
	s->b->ops->submit(s->b, &t.req);
	wait_for(s, &t);
	return t.result;
}

/* The SQE prepared last, not yet submitted: to change what the kernel is asked. */
static inline struct io_uring_sqe *last_sqe(struct loop *l)
{
	return &l->ring.sq.sqes[(l->ring.sq.sqe_tail - 1) & l->ring.sq.ring_mask];
}

#endif
