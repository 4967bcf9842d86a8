/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/worker.h"

/* Not fork(2): libxenstore has a thread in this process. */
static int spawn(char *const argv[], int link_fd, int state_fd, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, link_fd, WORKER_LINK_FD);
	posix_spawn_file_actions_adddup2(&actions, state_fd, WORKER_STATE_FD);
	/* The running program, even if the file has been replaced by an upgrade. */
	r = -posix_spawn(ret, "/proc/self/exe", &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return r;
}

/* A copy of fd that is out of the way of the numbers that a worker's descriptors have. */
static int copy_above(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, MAX(WORKER_LINK_FD, WORKER_STATE_FD) + 1);
}

static int start(struct worker_process *w, char *const argv[], int state_fd,
		 const struct log_subject *subject)
{
	_cleanup_(closep) int ours = -1, theirs = -1, link_copy = -1, state_copy = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(-errno, subject, "cannot make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	link_copy = copy_above(theirs);
	state_copy = copy_above(state_fd);
	if (link_copy < 0 || state_copy < 0)
		return fail(-errno, subject, "cannot copy descriptors for a worker");
	r = spawn(argv, link_copy, state_copy, &w->pid);
	if (r)
		return fail(r, subject, "cannot start a worker");
	w->pidfd = pidfd_open(w->pid, 0);
	if (w->pidfd < 0) {
		r = fail(-errno, subject, "cannot watch the worker");
		spawn_kill(w);
		return r;
	}
	w->link_fd = take_fd(&ours);
	return 0;
}

int spawn_worker(struct worker_process *ret, uint16_t domid, const struct log_subject *subject,
		 int state_fd, const struct worker_options *o)
{
	struct worker_process w = WORKER_PROCESS_NULL;
	char id[8], level[8], eventfds[8], poll[16], name[sizeof(subject->guest)];
	char *argv[] = { "xvirtiod", "--worker",
			 id,	     "--worker-name",
			 name,	     "--worker-log-level",
			 level,	     "--worker-eventfds",
			 eventfds,   "--worker-poll",
			 poll,	     NULL,
			 NULL,	     NULL };
	char **more = &argv[11];
	int r;

	if (o->foreground)
		*more++ = "--foreground";
	if (o->grants)
		*more++ = "--worker-grants";

	snprintf(id, sizeof(id), "%u", domid);
	snprintf(level, sizeof(level), "%d", o->log_level);
	snprintf(eventfds, sizeof(eventfds), "%u", o->eventfds);
	snprintf(poll, sizeof(poll), "%u", o->poll_us);
	snprintf(name, sizeof(name), "%s", subject->guest);
	r = start(&w, argv, state_fd, subject);
	if (!r)
		*ret = w;
	return r;
}

void spawn_kill(const struct worker_process *w)
{
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
}

void spawn_log_exit(const struct worker_process *w, int status, const struct log_subject *subject)
{
	if (WIFSIGNALED(status))
		log_err(subject, "the worker (pid %d) was ended by signal %d", w->pid,
			WTERMSIG(status));
	else if (WEXITSTATUS(status))
		log_err(subject, "the worker (pid %d) ended with status %d", w->pid,
			WEXITSTATUS(status));
}
