/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per event, each naming the guest and the disk it is about.
 *
 * Where standard error is the journal, lines go there with the fields GUEST= and DISK= beside
 * PRIORITY=; anywhere else they are text on standard error.  Messages are
 * "what was tried", lower case, without a full stop; fail() adds why.
 *
 * All functions keep errno.  They are meant for the process's one thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "base/util.h"

/* What a line is about.  An empty string means "no guest" or "no disk in particular". */
struct log_subject {
	char guest[64]; /* domain name, or "domain 5" where the name can't be read */
	char disk[24];	/* virtual device name, such as xvda */
};

/*
 * Choose journal or standard error, and the most detailed syslog level shown (LOG_ERR ...
 * LOG_DEBUG).
 */
void log_open(int level);

/*
 * Send lines to the journal whose native socket is at path.  The socket is connected now and kept,
 * so logging goes on when a sandbox has taken the file system away (libsystemd's sd_journal_send()
 * goes by the path each time).  0 or -errno.
 */
int log_open_journal(const char *path);

/* Text on standard error, even if that is the journal. */
void log_force_text(void);

/* Change the level shown from now on. */
void log_set_level(int level);

/* Fill *s.  Bytes that are not printable ASCII become '?', too long names are cut. */
void log_subject_set(struct log_subject *s, const char *guest, const char *disk);

/* Log one line about *s (may be NULL: about the daemon itself) at a syslog level. */
void log_msg(int level, const struct log_subject *s, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_err(s, ...)	   log_msg(LOG_ERR, s, __VA_ARGS__)
#define log_warn(s, ...)   log_msg(LOG_WARNING, s, __VA_ARGS__)
#define log_notice(s, ...) log_msg(LOG_NOTICE, s, __VA_ARGS__)
#define log_info(s, ...)   log_msg(LOG_INFO, s, __VA_ARGS__)
#define log_debug(s, ...)  log_msg(LOG_DEBUG, s, __VA_ARGS__)

/*
 * Our own failure: log "what we tried: strerror" at LOG_ERR and return err, so that an error path
 * stays one line.  err is a negative errno.
 */
int fail(int err, const struct log_subject *s, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * Input that is wrong, and the text says how: log it at LOG_ERR and return -EINVAL.  Like fail(),
 * without a reason behind it.
 */
int refuse(const struct log_subject *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What the last fail() or refuse() said, without the subject; "" if there was none. */
const char *log_last_error(void);

/* Rate limit for lines that a guest can provoke: a burst, then a few per minute. */
struct log_limit {
	uint64_t window;     /* minute of CLOCK_MONOTONIC that passed counts for */
	unsigned passed;     /* lines let through in that minute */
	uint64_t suppressed; /* lines held back since the last one shown */
};

#define LOG_LIMIT_PER_MINUTE 10

/*
 * May another line be logged?  When true, *ret_suppressed is the number of lines that were held
 * back since the last one.
 */
bool log_limit_pass(struct log_limit *l, uint64_t *ret_suppressed);

#endif
