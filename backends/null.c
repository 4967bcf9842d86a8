/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers at once and touches no data: measures the device model alone.  What a guest reads is what
 * its buffers held before, so nothing of anybody else's leaks, but it is undefined as disk content.
 */
#include <errno.h>
#include <stdlib.h>

#include "backends/backend.h"

static void null_submit(struct backend *b, struct blk_request *req)
{
	(void)b;
	req->done(req, 0);
}

/* There is no image; its info says what disk to pretend. */
static int null_open(struct backend **ret, struct image *image, struct loop *loop, bool copied,
		     const struct log_subject *subject)
{
	struct backend *b = malloc(sizeof(*b));

	(void)loop;
	(void)copied;
	if (!b)
		return fail(-ENOMEM, subject, "cannot open backend");
	*b = (struct backend){ .ops = &null_backend_ops, .subject = subject, .info = image->info };
	*ret = b;
	return 0;
}

static void null_close(struct backend *b)
{
	free(b);
}

const struct backend_ops null_backend_ops = {
	.name = "null",
	.open = null_open,
	.submit = null_submit,
	.close = null_close,
};
