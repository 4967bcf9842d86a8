/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/worker_env.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/sandbox.h"
#include "daemon/worker.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/libxen.h"

#define MAPPINGS_MAX 64

struct state env_state;

static struct {
	bool inside; /* worker_main() runs */
	bool stopped;
	void (*program)(void);
	struct loop *loop;
	struct loop_timer *timer; /* that runs */
	struct loop_source *link, *events;
	const struct link_message *message; /* to be received next */
	bool hung_up;
	unsigned attaching; /* slot of the message that is handled */
	enum link_type answers[STATE_DISKS_MAX];
	bool open[STATE_DISKS_MAX];
	struct {
		void *at;
		size_t bytes;
	} mapped[MAPPINGS_MAX];
	unsigned nr_mapped;
} env;

static struct fake_backend backends[STATE_DISKS_MAX];
static struct backend_ops ops;

/* The program's side */

struct fake_backend *env_backend(unsigned slot)
{
	return env.open[slot] ? &backends[slot] : NULL;
}

enum link_type env_answer(unsigned slot)
{
	return env.answers[slot];
}

bool env_stopped(void)
{
	return env.stopped;
}

void env_message(const struct link_message *m)
{
	if (!env.link)
		return;
	env.message = m;
	env.attaching = m->slot;
	env.link->ready(env.link);
	env.message = NULL;
}

void env_hang_up(void)
{
	env.hung_up = true;
	if (env.link)
		env.link->ready(env.link);
}

bool env_hung_up(void)
{
	return env.hung_up;
}

void env_event(void)
{
	if (env.events)
		env.events->ready(env.events);
}

bool env_round(void)
{
	struct loop_timer *timer = env.timer;

	/* Time flies. */
	env.timer = NULL;
	if (timer) {
		timer->pending = false;
		timer->expired(timer);
	}
	if (env.loop->round(env.loop->round_arg))
		return true;
	/* It would sleep. */
	return env.loop->idle->settle(env.loop->round_arg);
}

/* base/loop.h */

int loop_init_disabled(struct loop *l, unsigned entries)
{
	(void)entries;
	env.loop = l;
	l->stop = false;
	return 0;
}

void loop_fini(struct loop *l)
{
	(void)l;
	env.loop = NULL;
}

int loop_add(struct loop *l, struct loop_source *src, int fd)
{
	(void)l;
	*(fd == WORKER_LINK_FD ? &env.link : &env.events) = src;
	return 0;
}

void loop_remove(struct loop *l, struct loop_source *src)
{
	(void)l;
	if (env.link == src)
		env.link = NULL;
	if (env.events == src)
		env.events = NULL;
}

int loop_run(struct loop *l)
{
	(void)l;
	env.program();
	return 0;
}

void loop_stop(struct loop *l)
{
	(void)l;
	env.stopped = true;
}

/* There are no eventfds here. */
int loop_add_eventfd(struct loop *l, struct loop_source *src, int fd)
{
	(void)l;
	(void)src;
	fuzz_check(false, "eventfd %d is waited for", fd);
	return 0;
}

void loop_signal(struct loop *l, int fd, struct loop_op *failed)
{
	(void)l;
	(void)failed;
	fuzz_check(false, "eventfd %d is written to", fd);
}

void loop_timer_start(struct loop *l, struct loop_timer *t, unsigned ms)
{
	(void)l;
	(void)ms;
	fuzz_check(!env.timer, "two timers");
	t->pending = true;
	env.timer = t;
}

void loop_submit(struct loop *l)
{
	(void)l;
	fuzz_check(false, "something is submitted");
}

/* daemon/sandbox.h, daemon/state.h, daemon/link.h */

int sandbox_enter(struct loop *loop, const struct xen_domain *xen,
		  const struct log_subject *subject)
{
	(void)loop;
	(void)xen;
	(void)subject;
	return 0;
}

int state_map(int fd, const struct log_subject *subject, struct state **ret)
{
	(void)subject;
	fuzz_check(fd == WORKER_STATE_FD, "the state in descriptor %d", fd);
	*ret = &env_state;
	return 0;
}

void state_unmap(struct state *s)
{
	(void)s;
}

int link_receive(int fd, struct link_message *ret, struct image *ret_image)
{
	fuzz_check(fd == WORKER_LINK_FD, "the link in descriptor %d", fd);
	if (env.hung_up)
		return 0;
	if (!env.message)
		return -EAGAIN;
	*ret = *env.message;
	*ret_image = IMAGE_NULL;
	ret_image->info = ret->image;
	env.message = NULL;
	return 1;
}

/* What the worker says must be true at this moment. */
int link_send(int fd, const struct link_message *m, const struct image *image)
{
	bool any = false;

	fuzz_check(fd == WORKER_LINK_FD && !image, "a message to descriptor %d", fd);
	fuzz_check(memchr(m->why, 0, sizeof(m->why)), "an endless reason");
	if (m->slot < STATE_DISKS_MAX)
		env.answers[m->slot] = m->type;
	switch (m->type) {
	case LINK_ATTACHED:
		fuzz_check(m->result || (env_state.disks[m->slot].attached && env.open[m->slot] &&
					 libxen_has_server()),
			   "slot %u is not attached", m->slot);
		break;
	case LINK_DETACHED:
		if (m->slot >= STATE_DISKS_MAX)
			break;
		fuzz_check(!env_state.disks[m->slot].attached && !env.open[m->slot],
			   "slot %u is not detached", m->slot);
		for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
			any |= env.open[i];
		fuzz_check(any == libxen_has_server(), "a server, or none");
		break;
	default:
		fuzz_check(m->type == LINK_FAILED && m->result, "message %d", m->type);
	}
	return 0;
}

/* backends/backend.h */

static void close_backend(struct backend *b)
{
	struct fake_backend *f = container_of(b, struct fake_backend, b);

	fuzz_check(!f->nr_held, "closed with %u requests in flight", f->nr_held);
	fake_backend_fini(f);
	env.open[f - backends] = false;
}

static int open_backend(struct backend **ret, struct image *image, struct loop *loop, bool copied,
			const struct log_subject *subject)
{
	struct fake_backend *f = &backends[env.attaching];

	(void)copied;
	fuzz_check(loop == env.loop && !env.open[env.attaching], "opened twice");
	fake_backend_init(f, image->info.size, image->info.caps);
	if (!ops.submit) {
		ops = *f->b.ops;
		ops.open = open_backend;
		ops.close = close_backend;
	}
	f->b.ops = &ops;
	f->b.info = image->info;
	f->b.subject = subject;
	env.open[env.attaching] = true;
	*ret = &f->b;
	return 0;
}

const struct backend_ops *backend_find(const char *name)
{
	static const struct backend_ops first = { .open = open_backend };

	return strcmp(name, "file") ? NULL : &first;
}

/* The C library, for what the worker asks of it; see FUZZ_WRAP_mmio in the Makefile. */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
sighandler_t __wrap_signal(int n, sighandler_t handler);
void *__real_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t bytes);
int __wrap_munmap(void *at, size_t bytes);

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	if (env.inside) {
		errno = EACCES;
		return -1;
	}
	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	return __real_open(path, flags, mode);
}

int __wrap_close(int fd)
{
	return env.inside && fd == WORKER_STATE_FD ? 0 : __real_close(fd);
}

sighandler_t __wrap_signal(int n, sighandler_t handler)
{
	(void)n;
	(void)handler;
	return SIG_DFL;
}

void *__wrap_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	void *p = __real_mmap(at, bytes, prot, flags, fd, offset);

	if (env.inside && !(flags & MAP_FIXED) && p != MAP_FAILED) {
		fuzz_check(env.nr_mapped < MAPPINGS_MAX, "too many mappings");
		env.mapped[env.nr_mapped].at = p;
		env.mapped[env.nr_mapped++].bytes = bytes;
	}
	return p;
}

int __wrap_munmap(void *at, size_t bytes)
{
	for (unsigned i = 0; i < env.nr_mapped; i++) {
		if (env.mapped[i].at != at || env.mapped[i].bytes != bytes)
			continue;
		env.mapped[i] = env.mapped[--env.nr_mapped];
		break;
	}
	return __real_munmap(at, bytes);
}

/* Life */

void env_start(void)
{
	libxen_reset();
	fuzz_log_start();
	log_set_level(LOG_DEBUG);
}

void env_run(void (*program)(void), int failing)
{
	bool left = false;

	libxen_reset();
	if (failing >= 0)
		libxen_fail(LIBXEN_OPEN, failing, ENOSYS);
	memset(&env, 0, sizeof(env));
	env.program = program;
	env.inside = true;
	worker_main(LIBXEN_DOMID, "fuzz", &(struct worker_options){ .eventfds = 0 });
	env.inside = false;

	/* With disks attached only the end of the process gives all back. */
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		left |= env.open[i];
	fuzz_check(left == libxen_has_server(), "left a server, or none");
	fuzz_check(left || !env.nr_mapped, "%u mappings are left", env.nr_mapped);
	while (env.nr_mapped)
		__wrap_munmap(env.mapped[0].at, env.mapped[0].bytes);
	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		env_state.disks[i].attached = 0;
}
