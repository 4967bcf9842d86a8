/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watcher: the process that sees xenstore, the configuration and the images, and never a byte
 * that a guest wrote.  It starts a worker for each guest and hands it the disks.
 */
#ifndef DAEMON_WATCHER_H
#define DAEMON_WATCHER_H

#include <stdbool.h>

#include "config/config.h"

struct watcher_options {
	const struct config *config; /* borrowed */
	const char *domain;	     /* serve only this guest, by name or domid; NULL: all */
	int log_level;		     /* for the workers, too */
	bool foreground;	     /* all log text to standard error in any case */
};

/* Serve guests until SIGTERM or SIGINT.  Returns the exit status. */
int watcher_main(const struct watcher_options *o);

#endif
