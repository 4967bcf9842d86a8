/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/xenstored.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenstore.h>

#include "base/util.h"

/* It answers within milliseconds; a machine that is busy may take much longer. */
#define START_LIMIT_MS 60000
#define START_POLL_US  2000

int sim_error_set(struct sim_error *err, int e, const char *format, ...)
{
	va_list args;

	if (!err)
		return e;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return e;
}

/* DIR/name */
static void path_of(const struct xenstored *x, const char *name, char *ret)
{
	snprintf(ret, PATH_MAX, "%s/%s", x->dir, name);
}

/* Debian has the version in the path; whichever is installed. */
static int find_program(char *ret, struct sim_error *err)
{
	static const char pattern[] = "/usr/lib/xen-*/bin/xenstored";
	glob_t g;
	bool found = !glob(pattern, 0, NULL, &g);

	if (found)
		snprintf(ret, PATH_MAX, "%s", g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
	return found ? 0 : sim_error_set(err, -ENOENT, "there is no %s", pattern);
}

static int create_files(struct xenstored *x, struct sim_error *err)
{
	_cleanup_(closep) int fd = -1;
	char path[PATH_MAX];
	void *p;

	path_of(x, "xenstore", path);
	if (mkdir(path, 0700))
		return sim_error_set(err, -errno, "cannot create %s: %m", path);
	path_of(x, "virq", path);
	if (mkfifo(path, 0600))
		return sim_error_set(err, -errno, "cannot create %s: %m", path);
	/*
	 * Open for reading as well: so it can be opened, and written to, whether anybody
	 * reads or not.
	 */
	x->virq = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (x->virq < 0)
		return sim_error_set(err, -errno, "cannot open %s: %m", path);
	path_of(x, "domains", path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, XENSTORED_DOMAINS))
		return sim_error_set(err, -errno, "cannot create %s: %m", path);
	p = mmap(NULL, XENSTORED_DOMAINS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return sim_error_set(err, -errno, "cannot map %s: %m", path);
	x->domains = p;
	x->domains[0] = XENSTORED_DOMAIN_RUNNING;
	return 0;
}

/* In the child, which may only make system calls. */
static void become_xenstored(pid_t parent, int log, char *const argv[], char *const envp[])
{
	int null = open("/dev/null", O_RDONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 ||
	    dup2(log, 2) < 0 || close_range(3, UINT_MAX, 0))
		_exit(126);
	execve(argv[0], argv, envp);
	_exit(127);
}

static int spawn(struct xenstored *x, struct sim_error *err)
{
	char program[PATH_MAX], log_path[PATH_MAX], sim_dir[PATH_MAX], rundir[PATH_MAX];
	char preload[] = "LD_PRELOAD=" SIM_XENSTORED_SHIM, no_fork[] = "-N";
	char *argv[] = { program, no_fork, NULL };
	char *envp[] = { preload, sim_dir, rundir, NULL };
	_cleanup_(closep) int log = -1;
	pid_t parent = getpid();
	int e = find_program(program, err);

	if (e)
		return e;
	path_of(x, "xenstored.log", log_path);
	log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return sim_error_set(err, -errno, "cannot create %s: %m", log_path);
	snprintf(sim_dir, sizeof(sim_dir), "XENSIM_DIR=%s", x->dir);
	snprintf(rundir, sizeof(rundir), "XENSTORED_RUNDIR=%s/xenstore", x->dir);
	x->pid = fork();
	if (x->pid == 0)
		become_xenstored(parent, log, argv, envp);
	if (x->pid < 0) {
		x->pid = 0;
		return sim_error_set(err, -errno, "cannot fork: %m");
	}
	return 0;
}

/* It has ended by itself: how, and what did it say? */
static int ended(struct xenstored *x, int status, struct sim_error *err)
{
	char path[PATH_MAX], said[300];
	_cleanup_(closep) int log = -1;
	ssize_t n;

	x->pid = 0;
	path_of(x, "xenstored.log", path);
	log = open(path, O_RDONLY | O_CLOEXEC);
	n = log < 0 ? 0 : read(log, said, sizeof(said));
	return sim_error_set(err, -ECHILD, "xenstored ended with %s %d: %.*s",
			     WIFSIGNALED(status) ? "signal" : "status",
			     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			     (int)MAX(n, 0), said);
}

/* Wait until it listens and answers; then write what xen-init-dom0 writes. */
static int wait_until_up(struct xenstored *x, struct sim_error *err)
{
	uint64_t deadline = clock_ms() + START_LIMIT_MS;
	struct xs_handle *xs;
	int status;
	bool ok;

	while (!(xs = xenstored_connect(x))) {
		if (waitpid(x->pid, &status, WNOHANG) == x->pid)
			return ended(x, status, err);
		if (clock_ms() > deadline)
			return sim_error_set(err, -ETIMEDOUT, "xenstored in %s does not answer",
					     x->dir);
		usleep(START_POLL_US);
	}
	ok = xs_write(xs, XBT_NULL, "/local/domain/0/domid", "0", 1) &&
	     xs_write(xs, XBT_NULL, "/local/domain/0/name", "Domain-0", 8);
	xs_close(xs);
	return ok ? 0 : sim_error_set(err, -EIO, "xenstored in %s refuses to write", x->dir);
}

int xenstored_start(struct xenstored *x, const char *dir, struct sim_error *err)
{
	int e;

	*x = XENSTORED_NULL;
	if (strlen(dir) >= sizeof(x->dir))
		return sim_error_set(err, -ENAMETOOLONG, "%s: the name is too long", dir);
	strcpy(x->dir, dir);
	unsetenv("XENSTORED_PATH"); /* it would outrank XENSTORED_RUNDIR */
	e = create_files(x, err);
	if (!e)
		e = spawn(x, err);
	if (!e)
		e = wait_until_up(x, err);
	if (e)
		xenstored_stop(x, NULL);
	return e;
}

int xenstored_stop(struct xenstored *x, struct sim_error *err)
{
	static const char *const names[] = { "xenstore/socket", "domains", "virq",
					     "xenstored.log" };
	char path[PATH_MAX];
	int status, e = 0;

	if (x->pid && waitpid(x->pid, &status, WNOHANG) == x->pid)
		e = ended(x, status, err);
	if (x->pid) {
		kill(x->pid, SIGKILL);
		waitpid(x->pid, NULL, 0);
	}
	if (x->domains)
		munmap(x->domains, XENSTORED_DOMAINS);
	closep(&x->virq);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		path_of(x, names[i], path);
		unlink(path);
	}
	path_of(x, "xenstore", path);
	rmdir(path);
	*x = XENSTORED_NULL;
	return e;
}

struct xs_handle *xenstored_connect(const struct xenstored *x)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct xs_handle *xs;
	char rundir[PATH_MAX];
	const char *now;

	path_of(x, "xenstore", rundir);
	pthread_mutex_lock(&lock);
	/* libxenstore takes the way to xenstored from the environment only. */
	now = getenv("XENSTORED_RUNDIR");
	if (!now || strcmp(now, rundir))
		setenv("XENSTORED_RUNDIR", rundir, 1);
	xs = xs_open(XS_OPEN_SOCKETONLY);
	pthread_mutex_unlock(&lock);
	return xs;
}

void xenstored_set_domain(struct xenstored *x, unsigned domid, enum xenstored_domain state)
{
	uint32_t virq = XENSTORED_VIRQ_DOM_EXC;

	__atomic_store_n(&x->domains[domid], state, __ATOMIC_RELEASE);
	/* A FIFO that is full is as good: xenstored looks at all domains after the last one. */
	if (state != XENSTORED_DOMAIN_RUNNING && write(x->virq, &virq, sizeof(virq)) < 0 &&
	    errno != EAGAIN)
		abort();
}

enum xenstored_domain xenstored_get_domain(const struct xenstored *x, unsigned domid)
{
	return __atomic_load_n(&x->domains[domid], __ATOMIC_ACQUIRE);
}

int xenstored_introduce(struct xs_handle *xs, unsigned domid, struct sim_error *err)
{
	/* Frame and port of its ring: xenstored wants a port, and nobody uses either. */
	if (!xs_introduce_domain(xs, domid, 1, 1))
		return sim_error_set(err, -errno, "cannot introduce domain %u: %m", domid);
	return 0;
}
