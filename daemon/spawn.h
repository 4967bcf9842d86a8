/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the watcher makes a worker: our own program again, with two descriptors in place. */
#ifndef DAEMON_SPAWN_H
#define DAEMON_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "daemon/worker.h"

/* A worker as its parent sees it.  Owns the descriptors. */
struct worker_process {
	pid_t pid;   /* 0: none */
	int pidfd;   /* readable when it has ended; -1: none */
	int link_fd; /* our end of the link (daemon/link.h); -1: none */
};

#define WORKER_PROCESS_NULL ((struct worker_process){ .pidfd = -1, .link_fd = -1 })

/*
 * Start a worker for a domain.  It gets a copy of state_fd and the other end of the link, and
 * nothing else that is open here.  0 or -errno, logged about *subject; on failure *ret is
 * untouched.
 */
int spawn_worker(struct worker_process *ret, uint16_t domid, const struct log_subject *subject,
		 int state_fd, const struct worker_options *o);

/* End a worker that cannot be used, and wait for it. */
void spawn_kill(const struct worker_process *w);

/* Log how it ended, if not well; status is waitpid(2)'s. */
void spawn_log_exit(const struct worker_process *w, int status, const struct log_subject *subject);

#endif
