/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/vhost_user.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/sim/check.h"

/* Message types of a front-end */
enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
};

#define F_PROTOCOL_FEATURES (1ull << 30)
#define PROTOCOL_F_MQ	    (1ull << 0)
#define PROTOCOL_F_CONFIG   (1ull << 9)
#define VERSION		    1
#define CONNECT_TRIES	    10000 /* of a millisecond */

struct state {
	uint32_t index, num;
};

struct address {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct table {
	uint32_t regions, padding;
	uint64_t gpa, size, user, offset; /* of the one region */
};

struct message {
	uint32_t type, flags, size;
	union {
		uint64_t n;
		struct state state;
		struct address address;
		struct table table;
	} __attribute__((packed));
} __attribute__((packed));

#define HEAD offsetof(struct message, n)

static void send_message(struct vhost_user *v, struct message *m, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec iov = { m, HEAD + m->size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	m->flags = VERSION;
	if (fd >= 0) {
		struct cmsghdr *c;

		hdr.msg_control = control;
		hdr.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	sim_check(sendmsg(v->fd, &hdr, MSG_NOSIGNAL) == (ssize_t)iov.iov_len,
		  "send vhost-user message %u: %s", m->type, strerror(errno));
}

static void send_number(struct vhost_user *v, uint32_t type, uint64_t n, int fd)
{
	struct message m = { .type = type, .size = sizeof(m.n), .n = n };

	send_message(v, &m, fd);
}

static void send_state(struct vhost_user *v, uint32_t type, uint32_t index, uint32_t num)
{
	struct message m = { .type = type, .size = sizeof(m.state), .state = { index, num } };

	send_message(v, &m, -1);
}

static struct message receive(struct vhost_user *v, uint32_t type)
{
	struct message m = { 0 };
	ssize_t n = recv(v->fd, &m, HEAD + sizeof(m.n), MSG_WAITALL);

	sim_check(n == (ssize_t)(HEAD + sizeof(m.n)) && m.type == type && m.size == sizeof(m.n),
		  "the answer to vhost-user message %u: %zd bytes, of type %u", type, n, m.type);
	return m;
}

/* A message without contents, that is answered by a number. */
static uint64_t ask(struct vhost_user *v, uint32_t type)
{
	struct message m = { .type = type };

	send_message(v, &m, -1);
	return receive(v, type).n;
}

static void connect_to(struct vhost_user *v, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned tries = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sim_check(v->fd >= 0, "socket: %s", strerror(errno));
	while (connect(v->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		sim_check(++tries < CONNECT_TRIES, "connect to %s: %s", path, strerror(errno));
		usleep(1000);
	}
}

static void share(struct vhost_user *v, size_t bytes)
{
	int fd = memfd_create("bench-guest", MFD_CLOEXEC);
	struct message m = { .type = SET_MEM_TABLE, .size = sizeof(m.table) };

	sim_check(fd >= 0 && ftruncate(fd, bytes) == 0, "memory: %s", strerror(errno));
	v->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	sim_check(v->memory != MAP_FAILED, "memory: %s", strerror(errno));
	v->bytes = bytes;
	m.table = (struct table){
		.regions = 1, .gpa = VHOST_USER_GPA, .size = bytes, .user = (uintptr_t)v->memory
	};
	send_message(v, &m, fd);
	close(fd);
}

void vhost_user_open(struct vhost_user *v, const char *path, uint64_t features, size_t bytes)
{
	uint64_t offered;

	connect_to(v, path);
	send_message(v, &(struct message){ .type = SET_OWNER }, -1);
	offered = ask(v, GET_FEATURES);
	features |= F_PROTOCOL_FEATURES;
	sim_check((offered & features) == features, "features %#llx are not in %#llx",
		  (unsigned long long)features, (unsigned long long)offered);
	send_number(v, SET_PROTOCOL_FEATURES,
		    ask(v, GET_PROTOCOL_FEATURES) & (PROTOCOL_F_MQ | PROTOCOL_F_CONFIG), -1);
	send_number(v, SET_FEATURES, features, -1);
	share(v, bytes);
}

void vhost_user_start(struct vhost_user *v, unsigned queue, unsigned size, void *desc, void *avail,
		      void *used, int kick, int call)
{
	struct message m = { .type = SET_VRING_ADDR, .size = sizeof(m.address) };

	send_state(v, SET_VRING_NUM, queue, size);
	send_state(v, SET_VRING_BASE, queue, 0);
	m.address = (struct address){ .index = queue,
				      .desc = (uintptr_t)desc,
				      .used = (uintptr_t)used,
				      .avail = (uintptr_t)avail };
	send_message(v, &m, -1);
	send_number(v, SET_VRING_CALL, queue, call);
	send_number(v, SET_VRING_KICK, queue, kick);
	send_state(v, SET_VRING_ENABLE, queue, 1);
}

void vhost_user_stop(struct vhost_user *v, unsigned queue)
{
	send_state(v, GET_VRING_BASE, queue, 0);
	receive(v, GET_VRING_BASE);
}

void vhost_user_close(struct vhost_user *v)
{
	munmap(v->memory, v->bytes);
	close(v->fd);
}
