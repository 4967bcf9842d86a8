/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fake/backend.h"

#include <sys/mman.h>

#include "tests/fake/test.h"

#define FILLED (1u << 20)

static struct fake_backend *to_fake(struct backend *b)
{
	return container_of(b, struct fake_backend, b);
}

/* What the contract promises to every backend. */
static void check_contract(const struct backend *b, const struct blk_request *req)
{
	const struct image_info *info = &b->info;
	uint64_t sum = 0;

	assert_non_null(req->done);
	if (req->op == BLK_FLUSH)
		return;
	assert_true(range_within(req->offset, req->len, info->size));
	assert_true(req->len > 0 && req->len % 512 == 0 && req->offset % 512 == 0);
	if (req->op != BLK_READ)
		assert_false(info->caps & IMAGE_READ_ONLY);
	if (req->op == BLK_DISCARD)
		assert_true(info->caps & IMAGE_DISCARD);
	if (req->op == BLK_DISCARD || req->op == BLK_WRITE_ZEROES)
		return;
	assert_true(req->nr_iov <= 1024);
	for (unsigned i = 0; i < req->nr_iov; i++)
		sum += req->iov[i].iov_len;
	assert_int_equal(sum, req->len);
}

static void move_data(struct fake_backend *f, struct blk_request *req)
{
	uint8_t *at = f->image + req->offset;

	assert_true(req->op == BLK_FLUSH || range_within(req->offset, req->len, f->mapped));

	if (req->op == BLK_WRITE_ZEROES || req->op == BLK_DISCARD)
		memset(at, 0, req->len);
	if (req->op != BLK_READ && req->op != BLK_WRITE)
		return;
	for (unsigned i = 0; i < req->nr_iov; i++) {
		const struct iovec *v = &req->iov[i];

		if (req->op == BLK_READ)
			memcpy(v->iov_base, at, v->iov_len);
		else
			memcpy(at, v->iov_base, v->iov_len);
		at += v->iov_len;
	}
}

static void finish(struct fake_backend *f, struct blk_request *req, int result)
{
	if (!result)
		move_data(f, req);
	/* The scratch space is the backend's until here. */
	memset(req->scratch, 0xee, sizeof(req->scratch));
	req->done(req, result);
}

static void fake_submit(struct backend *b, struct blk_request *req)
{
	struct fake_backend *f = to_fake(b);

	check_contract(b, req);
	f->calls++;
	f->last.op = req->op;
	f->last.flags = req->flags;
	f->last.offset = req->offset;
	f->last.len = req->len;
	memset(req->scratch, 0xdd, sizeof(req->scratch));
	for (unsigned i = 0; i < f->nr_held; i++)
		assert_ptr_not_equal(f->held[i], req);
	if (!f->hold) {
		finish(f, req, f->result);
		return;
	}
	assert_true(f->nr_held < FAKE_BACKEND_REQUESTS);
	f->held[f->nr_held++] = req;
}

void fake_backend_complete(struct fake_backend *f, unsigned i, int result)
{
	struct blk_request *req;

	assert_true(i < f->nr_held);
	req = f->held[i];
	f->held[i] = f->held[--f->nr_held];
	finish(f, req, result);
}

void fake_backend_complete_all(struct fake_backend *f, int result)
{
	while (f->nr_held)
		fake_backend_complete(f, 0, result);
}

static int fake_read_size(struct backend *b, uint64_t *ret)
{
	if (!to_fake(b)->size_result)
		*ret = to_fake(b)->new_size;
	return to_fake(b)->size_result;
}

/* Disks are made by fake_backend_init(). */
static int fake_open(struct backend **ret, struct image *image, struct loop *loop, bool copied,
		     const struct log_subject *subject)
{
	(void)ret;
	(void)image;
	(void)loop;
	(void)copied;
	(void)subject;
	assert_true(false);
	return -1;
}

static void fake_close(struct backend *b)
{
	assert_int_equal(to_fake(b)->nr_held, 0);
	to_fake(b)->closed++;
}

static const struct backend_ops fake_backend_ops = {
	.name = "fake",
	.needs_image = true,
	.open = fake_open,
	.submit = fake_submit,
	.read_size = fake_read_size,
	.close = fake_close,
};

void fake_backend_init(struct fake_backend *f, uint64_t size, uint32_t caps)
{
	memset(f, 0, sizeof(*f));
	f->b.ops = &fake_backend_ops;
	f->b.info = (struct image_info){
		.size = size, .caps = caps, .block_size = 512, .physical_block_size = 4096
	};
	f->mapped = f->new_size = size;
	f->image = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(f->image, MAP_FAILED);
	for (uint64_t i = 0; i < MIN(size, (uint64_t)FILLED); i++)
		f->image[i] = i ^ i >> 9 ^ i >> 17;
}

void fake_backend_fini(struct fake_backend *f)
{
	munmap(f->image, f->mapped);
	f->image = NULL;
}
