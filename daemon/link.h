/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What watcher and worker say to each other, over a SEQPACKET socket pair: one struct per message,
 * with file descriptors beside it.  Both ends are the same binary, so the struct goes as it is.
 * End of file tells the worker to drain and leave, and the watcher that the worker has left.
 */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include <stdint.h>

#include "backends/image.h"
#include "base/log.h"
#include "daemon/disk.h"

enum link_type {
	/* watcher -> worker */
	LINK_ATTACH = 1, /* serve a disk: slot, params, backend, image and its descriptors */
	LINK_DETACH,	 /* drain it, serve it no longer: slot */
	LINK_RESIZE,	 /* look at the size of its image again: slot; not answered */

	/* worker -> watcher */
	LINK_ATTACHED, /* slot, result, why */
	LINK_DETACHED, /* slot */
	LINK_FAILED, /* its only word: the worker cannot serve this guest and leaves: result, why */
};

struct link_message {
	enum link_type type;
	uint32_t slot;	/* index into struct state's disks */
	int32_t result; /* 0 or -errno */
	char why[256];	/* with a result: what went wrong, as in the log */

	/* LINK_ATTACH */
	char backend[16];
	struct disk_params params; /* nr_queues 0: one for each vCPU, up to VIRTIO_QUEUES_MAX */
	struct image_info image;
};

/*
 * Send m.  image's descriptors (those that are >= 0) go along if image is not NULL; they stay the
 * caller's.  Does not wait: -EAGAIN if the other side has not
 * read for long.  0 or -errno, not logged.
 */
int link_send(int fd, const struct link_message *m, const struct image *image);

/*
 * Receive *ret without waiting, and the descriptors that came with it into *ret_image, which the
 * caller closes.  ret_image NULL: descriptors are not wanted, and do not reach this process.  What
 * is no message of ours, or has descriptors that are too many or not wanted, is -EPROTO; ret->why
 * is printable text whatever was sent, but nothing else has been checked.
 * 1: there was one.  0: end of file.  -EAGAIN: nothing there now.  Else -errno.
 */
int link_receive(int fd, struct link_message *ret, struct image *ret_image);

#endif
