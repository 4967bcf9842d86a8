/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front-end's side of vhost-user (QEMU's docs/interop/vhost-user.rst), as much as it takes to
 * have queues served.  Any failure ends the program.
 */
#ifndef TESTS_BENCH_VHOST_USER_H
#define TESTS_BENCH_VHOST_USER_H

#include <stddef.h>
#include <stdint.h>

struct vhost_user {
	int fd;
	uint8_t *
		memory; /* shared with the back-end; its guest-physical address is VHOST_USER_GPA */
	size_t bytes;
};
#define VHOST_USER_GPA 0x40000000ull

/*
 * Connect to a socket, which may come into being in a moment; agree on these features of virtio,
 * and share so many bytes of memory, all zero.
 */
void vhost_user_open(struct vhost_user *v, const char *path, uint64_t features, size_t bytes);

/* Start a queue; the parts are in the shared memory, the descriptors stay the caller's. */
void vhost_user_start(struct vhost_user *v, unsigned queue, unsigned size, void *desc, void *avail,
		      void *used, int kick, int call);

/* Stop a queue: when it returns the back-end has let go of it. */
void vhost_user_stop(struct vhost_user *v, unsigned queue);

void vhost_user_close(struct vhost_user *v);

#endif
