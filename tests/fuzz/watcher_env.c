/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/watcher_env.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "backends/image_holder.h"
#include "base/loop.h"
#include "daemon/spawn.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/libxenstore.h"
#include "transport/xen_access.h"

#define PID0	    70000
#define SOURCES_MAX 32
#define TIMERS_MAX  3
#define START_MS    1000000

struct wenv_worker wenv_workers[WENV_WORKERS_MAX];
unsigned wenv_nr_workers;

static struct {
	bool inside; /* watcher_main() runs */
	bool stopped;
	void (*program)(void);
	struct loop *loop;
	uint64_t now_ms;
	int signal_fd, signal_writer; /* a pipe */
	unsigned spawn_countdown;     /* 0: none */
	unsigned guests;
	struct {
		struct loop_source *src;
		int fd;
	} sources[SOURCES_MAX];
	unsigned nr_sources;
	struct {
		struct loop_timer *t; /* NULL: free */
		uint64_t at;
	} timers[TIMERS_MAX];
} env;

/* The program's side */

bool wenv_stopped(void)
{
	return env.stopped;
}

uint64_t wenv_now_ms(void)
{
	return env.now_ms;
}

unsigned wenv_guests(void)
{
	return env.guests;
}

void wenv_fail_spawn(unsigned n)
{
	env.spawn_countdown = n + 1;
}

static void round_hook(void)
{
	env.loop->round(env.loop->round_arg);
}

static bool ready(int fd)
{
	for (unsigned i = 0; i < env.nr_sources; i++)
		if (env.sources[i].fd == fd) {
			env.sources[i].src->ready(env.sources[i].src);
			round_hook();
			return true;
		}
	return false;
}

void wenv_xenstore(void)
{
	ready(LIBXENSTORE_FD);
}

void wenv_signal(int number)
{
	const struct signalfd_siginfo info = { .ssi_signo = number };

	fuzz_check(write(env.signal_writer, &info, sizeof(info)) == sizeof(info), "signal");
	ready(env.signal_fd);
}

bool wenv_hear(const struct wenv_worker *w)
{
	return ready(w->watcher_link_fd);
}

void wenv_see_exit(const struct wenv_worker *w)
{
	fuzz_check(ready(w->pidfd) && w->reaped, "nobody waits for a worker");
}

void wenv_pass(unsigned ms)
{
	env.now_ms += ms;
	for (unsigned i = 0; i < TIMERS_MAX; i++) {
		struct loop_timer *t = env.timers[i].t;

		if (!t || env.timers[i].at > env.now_ms)
			continue;
		env.timers[i].t = NULL;
		t->pending = false;
		t->expired(t);
		round_hook();
	}
}

void wenv_exit(struct wenv_worker *w, int status)
{
	closep(&w->link_fd);
	closep(&w->state_fd);
	w->link_fd = w->state_fd = -1;
	w->alive = false;
	w->status = status;
}

/* base/loop.h */

int loop_init(struct loop *l, unsigned entries)
{
	(void)entries;
	env.loop = l;
	return 0;
}

void loop_fini(struct loop *l)
{
	(void)l;
	fuzz_check(env.nr_sources <= 2, "sources of guests are left");
	env.loop = NULL;
}

int loop_add(struct loop *l, struct loop_source *src, int fd)
{
	(void)l;
	fuzz_check(env.nr_sources < SOURCES_MAX && fd >= 0, "source %d", fd);
	env.sources[env.nr_sources].src = src;
	env.sources[env.nr_sources++].fd = fd;
	return 0;
}

void loop_remove(struct loop *l, struct loop_source *src)
{
	(void)l;
	for (unsigned i = 0; i < env.nr_sources; i++)
		if (env.sources[i].src == src) {
			env.sources[i] = env.sources[--env.nr_sources];
			return;
		}
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

void loop_timer_start(struct loop *l, struct loop_timer *t, unsigned ms)
{
	unsigned i;

	(void)l;
	for (i = 0; i < TIMERS_MAX && env.timers[i].t; i++)
		;
	fuzz_check(i < TIMERS_MAX && !t->pending, "too many timers");
	env.timers[i].t = t;
	env.timers[i].at = env.now_ms + ms;
	t->pending = true;
}

/* For backends, which a watcher only knows the names of. */
struct io_uring_sqe *loop_get_sqe(struct loop *l, struct loop_op *op)
{
	(void)l;
	(void)op;
	fuzz_fail(__FILE__, __LINE__, "the watcher does input and output");
}

/* systemd/sd-daemon.h: what the watcher says of itself */

int sd_notify(int unset_environment, const char *state)
{
	(void)unset_environment;
	(void)state;
	return 0;
}

int sd_notifyf(int unset_environment, const char *format, ...)
{
	char text[64];
	va_list ap;

	(void)unset_environment;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fuzz_check(sscanf(text, "STATUS=%*u disks of %u guests", &env.guests) == 1, "%s", text);
	return 0;
}

/* daemon/spawn.h, and what the kernel knows of processes */

int spawn_worker(struct worker_process *ret, uint16_t domid, const struct log_subject *subject,
		 int state_fd, const struct worker_options *o)
{
	struct wenv_worker *w = &wenv_workers[wenv_nr_workers];
	int pair[2];

	(void)o;
	if ((env.spawn_countdown && !--env.spawn_countdown) || wenv_nr_workers == WENV_WORKERS_MAX)
		return fail(-EAGAIN, subject, "cannot start a worker");
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		fuzz_check(wenv_workers[i].domid != domid || wenv_workers[i].reaped,
			   "a second worker of domain %u", domid);
	*w = (struct wenv_worker){ .domid = domid, .alive = true };
	fuzz_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	/* The number may have been that of a link that the watcher has closed. */
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		if (wenv_workers[i].watcher_link_fd == pair[0])
			wenv_workers[i].watcher_link_fd = -1;
	w->watcher_link_fd = pair[0];
	w->link_fd = pair[1];
	w->state_fd = dup(state_fd);
	w->pidfd = eventfd(0, EFD_CLOEXEC);
	fuzz_check(w->state_fd >= 0 && w->pidfd >= 0, "descriptors");
	*ret = (struct worker_process){ .pid = PID0 + wenv_nr_workers++,
					.pidfd = w->pidfd,
					.link_fd = w->watcher_link_fd };
	return 0;
}

void spawn_kill(const struct worker_process *process)
{
	struct wenv_worker *w = &wenv_workers[process->pid - PID0];

	wenv_exit(w, SIGKILL);
	w->reaped = true;
}

void spawn_log_exit(const struct worker_process *w, int status, const struct log_subject *subject)
{
	log_err(subject, "the worker (pid %d) ended: %#x", w->pid, status);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_pidfd_send_signal(int pidfd, int number, siginfo_t *info, unsigned flags);

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	struct wenv_worker *w = &wenv_workers[pid - PID0];

	(void)options;
	fuzz_check((unsigned)(pid - PID0) < wenv_nr_workers && !w->reaped, "process %d", pid);
	if (w->alive)
		return 0;
	w->reaped = true;
	*status = w->status;
	return pid;
}

int __wrap_pidfd_send_signal(int pidfd, int number, siginfo_t *info, unsigned flags)
{
	(void)info;
	(void)flags;
	for (unsigned i = 0; i < wenv_nr_workers; i++) {
		struct wenv_worker *w = &wenv_workers[i];

		if (w->reaped || w->pidfd != pidfd)
			continue;
		fuzz_check(number == SIGKILL, "signal %d", number);
		if (w->alive)
			wenv_exit(w, SIGKILL);
		return 0;
	}
	fuzz_check(false, "a signal to nobody");
	return -1;
}

/* Other processes that hold an image are looked for in all of /proc, which takes its time. */
void image_holder_find(const struct stat *st, bool locked, int own_fd, char *ret, size_t size)
{
	(void)st;
	(void)locked;
	(void)own_fd;
	snprintf(ret, size, "in use by another process");
}

/* This machine has no /dev/xen. */
void xen_access_check_grants(void)
{
}

/* The C library; see FUZZ_WRAP_link in the Makefile. */

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_signalfd(int fd, const sigset_t *mask, int flags);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	if (!env.inside)
		return __real_clock_gettime(id, ret);
	ret->tv_sec = env.now_ms / 1000;
	ret->tv_nsec = env.now_ms % 1000 * 1000000;
	return 0;
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return env.inside ? 0 : __real_sigprocmask(how, set, old);
}

int __wrap_signalfd(int fd, const sigset_t *mask, int flags)
{
	int ends[2];

	(void)fd;
	(void)mask;
	(void)flags;
	fuzz_check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	env.signal_writer = ends[1];
	return env.signal_fd = ends[0];
}

/* Life */

void wenv_run(const struct watcher_options *o, void (*program)(void))
{
	memset(&env, 0, sizeof(env));
	env.signal_writer = -1;
	env.now_ms = START_MS;
	env.program = program;
	wenv_nr_workers = 0;
	env.inside = true;
	watcher_main(o);
	env.inside = false;
	closep(&env.signal_writer);
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		wenv_exit(&wenv_workers[i], 0);
}
