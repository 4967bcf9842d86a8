/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that surrounds a worker, in this process: worker_main() itself runs, but its loop is a
 * function of the harness, the link to the watcher is a variable, and its disks lie on
 * tests/fake/backend.h.  Xen is tests/fuzz/libxen.h.
 */
#ifndef TESTS_FUZZ_WORKER_ENV_H
#define TESTS_FUZZ_WORKER_ENV_H

#include <stdbool.h>

#include "daemon/link.h"
#include "daemon/state.h"
#include "tests/fake/backend.h"

/* Once, before anything else. */
void env_start(void);

/*
 * A worker from its beginning to its end.  program() runs in the place of loop_run() and returns
 * when the worker is to end.  Checks that the worker leaves nothing behind.  failing: which call
 * fails of those that the worker begins with; -1: none.
 */
void env_run(void (*program)(void), int failing);

/* For program(): a message from the watcher comes in; the watcher is gone; a vCPU has asked. */
void env_message(const struct link_message *m);
void env_hang_up(void);
bool env_hung_up(void);
void env_event(void);

/* The worker's round.  True if it has more to do. */
bool env_round(void);

/* The worker wants to end. */
bool env_stopped(void);

/* What the worker says of a slot: what was answered last (0: nothing). */
enum link_type env_answer(unsigned slot);

/* The backend of a slot that is attached, else NULL. */
struct fake_backend *env_backend(unsigned slot);

/* What the worker shows to the watcher. */
extern struct state env_state;

#endif
