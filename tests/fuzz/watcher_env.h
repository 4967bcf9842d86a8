/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that surrounds a watcher, in this process: watcher_main() itself runs, with the real link,
 * state and images, but its loop is a function of the harness, its workers are played by the
 * harness, and time passes when told to.  Xenstore is tests/fuzz/libxenstore.h.
 */
#ifndef TESTS_FUZZ_WATCHER_ENV_H
#define TESTS_FUZZ_WATCHER_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/watcher.h"

/* More are not started: that fails, then. */
#define WENV_WORKERS_MAX 8

/* A worker process. */
struct wenv_worker {
	uint16_t domid;
	bool alive;   /* it runs */
	bool reaped;  /* it does not, and the watcher knows */
	int status;   /* as waitpid(2) gives it */
	int link_fd;  /* its end of the link; -1: it has closed that */
	int state_fd; /* its copy of the state */
	int watcher_link_fd, pidfd;
};

extern struct wenv_worker wenv_workers[WENV_WORKERS_MAX];
extern unsigned wenv_nr_workers;

/* A watcher from its beginning to its end: program() runs in the place of loop_run(). */
void wenv_run(const struct watcher_options *o, void (*program)(void));

/* The watcher wants to end. */
bool wenv_stopped(void);

/* The guests that it knows of. */
unsigned wenv_guests(void);

/* Start of workers number n from now on (0: the next one) fails. */
void wenv_fail_spawn(unsigned n);

/* What wakes the watcher; each is followed by its round. */
void wenv_xenstore(void);		     /* watches have fired */
void wenv_signal(int signal);		     /* SIGHUP, SIGTERM */
bool wenv_hear(const struct wenv_worker *w); /* the link is readable; false: it does not listen */
void wenv_see_exit(const struct wenv_worker *w); /* the process has ended */
void wenv_pass(unsigned ms);			 /* time passes, timers expire */

/* The time, as the watcher sees it; never 0. */
uint64_t wenv_now_ms(void);

/* A worker ends by itself, or is killed: its descriptors are closed, and nobody has noticed yet. */
void wenv_exit(struct wenv_worker *w, int status);

#endif
