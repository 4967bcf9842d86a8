/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data of a request, for backends that handle it themselves. */
#include <string.h>

#include "backends/backend.h"
#include "base/util.h"

int blk_copy(const struct blk_request *req, void *mem, size_t n)
{
	if (req->copy)
		return req->copy(req, mem, n);
	for (const struct iovec *v = req->iov; n; v++) {
		size_t here = MIN(n, v->iov_len);

		if (req->op == BLK_WRITE)
			memcpy(mem, v->iov_base, here);
		else
			memcpy(v->iov_base, mem, here);
		mem = (unsigned char *)mem + here;
		n -= here;
	}
	return 0;
}

void blk_advance(struct blk_request *req, size_t n)
{
	while (req->nr_iov && n >= req->iov->iov_len) {
		n -= req->iov->iov_len;
		req->iov++;
		req->nr_iov--;
	}
	if (n) {
		req->iov->iov_base = (unsigned char *)req->iov->iov_base + n;
		req->iov->iov_len -= n;
	}
}
