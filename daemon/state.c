/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int map(int fd, const struct log_subject *subject, struct state **ret)
{
	void *p = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return fail(-errno, subject, "cannot map the state");
	*ret = p;
	return 0;
}

int state_create(uint16_t domid, const struct log_subject *subject, struct state **ret, int *ret_fd)
{
	_cleanup_(closep) int fd = memfd_create("xvirtiod-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0 || ftruncate(fd, sizeof(struct state)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return fail(-errno, subject, "cannot create the state memfd");
	r = map(fd, subject, ret);
	if (r)
		return r;
	(*ret)->magic = STATE_MAGIC;
	(*ret)->version = STATE_VERSION;
	(*ret)->size = sizeof(struct state);
	(*ret)->domid = domid;
	*ret_fd = take_fd(&fd);
	return 0;
}

int state_map(int fd, const struct log_subject *subject, struct state **ret)
{
	struct state *s;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return fail(-errno, subject, "cannot look at the state memfd");
	if (st.st_size != sizeof(*s))
		return fail(-EINVAL, subject, "the state has %lld bytes, not %zu",
			    (long long)st.st_size, sizeof(*s));
	r = map(fd, subject, &s);
	if (r)
		return r;
	if (s->magic != STATE_MAGIC || s->version != STATE_VERSION || s->size != sizeof(*s)) {
		state_unmap(s);
		return fail(-EINVAL, subject, "the state is of another version");
	}
	*ret = s;
	return 0;
}

void state_log_counters(const struct state *s, unsigned slot, const struct log_subject *subject)
{
	const struct disk_counters *c = &s->disks[slot].counters;
	const struct virtio_state *v = &s->disks[slot].virtio;

#define U(n) ((unsigned long long)(n))
	log_info(subject,
		 "served %llu reads (%llu bytes), %llu writes (%llu bytes), %llu flushes, %llu "
		 "discards, %llu write-zeroes; %llu errors, %llu unsupported, %llu guest faults; "
		 "%llu kicks, %llu interrupts; of all disks: %llu invalidates, %llu grant copies, "
		 "%llu failed copies",
		 U(c->reads), U(c->read_bytes), U(c->writes), U(c->written_bytes), U(c->flushes),
		 U(c->discards), U(c->write_zeroes), U(c->errors), U(c->unsupported), U(v->faults),
		 U(v->kicks), U(v->interrupts), U(s->invalidates), U(s->grant_copies),
		 U(s->failed_grant_copies));
#undef U
}

void state_unmap(struct state *s)
{
	if (s)
		munmap(s, sizeof(*s));
}
