/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include <systemd/sd-journal.h>

#define LINE_MAX_BYTES 1024

static int log_level = LOG_INFO;
static bool log_to_journal;
static char last_error[LINE_MAX_BYTES];

/* systemd.exec(5): JOURNAL_STREAM names the device and inode of a stream that is the journal. */
static bool stderr_is_journal(void)
{
	const char *e = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!e || sscanf(e, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st) < 0)
		return false;
	return st.st_dev == dev && st.st_ino == ino;
}

void log_open(int level)
{
	log_level = level;
	log_to_journal = stderr_is_journal();
	if (log_to_journal)
		sd_journal_send("MESSAGE=logging to the journal", "PRIORITY=%i", LOG_DEBUG, NULL);
}

void log_force_text(void)
{
	log_to_journal = false;
}

void log_set_level(int level)
{
	log_level = level;
}

static void copy_printable(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; src && src[i] && i < size - 1; i++)
		dst[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
	dst[i] = '\0';
}

void log_subject_set(struct log_subject *s, const char *guest, const char *disk)
{
	copy_printable(s->guest, sizeof(s->guest), guest);
	copy_printable(s->disk, sizeof(s->disk), disk);
}

static void emit(int level, const struct log_subject *s, const char *text)
{
	static const struct log_subject nobody;
	static const char *const names[] = {
		"", "", "", "error: ", "warning: ", "", "", "debug: "
	};
	char line[LINE_MAX_BYTES + sizeof(*s) + 32];
	const char *colon;

	if (!s)
		s = &nobody;
	colon = s->guest[0] || s->disk[0] ? ": " : "";

	snprintf(line, sizeof(line), "%s%s%s%s%s", s->guest, s->guest[0] && s->disk[0] ? " " : "",
		 s->disk, colon, text);
	if (log_to_journal)
		sd_journal_send("MESSAGE=%s", line, "PRIORITY=%i", level, "GUEST=%s", s->guest,
				"DISK=%s", s->disk, NULL);
	else
		fprintf(stderr, "xvirtiod: %s%s\n", names[level & 7], line);
}

void log_msg(int level, const struct log_subject *s, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;
	va_list ap;

	if (level > log_level)
		return;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	emit(level, s, text);
	errno = saved;
}

int fail(int err, const struct log_subject *s, const char *fmt, ...)
{
	int saved = errno;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	n = strlen(last_error);
	snprintf(last_error + n, sizeof(last_error) - n, ": %s", strerror(-err));
	emit(LOG_ERR, s, last_error);
	errno = saved;
	return err;
}

int refuse(const struct log_subject *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	emit(LOG_ERR, s, last_error);
	return -EINVAL;
}

const char *log_last_error(void)
{
	return last_error;
}

bool log_limit_pass(struct log_limit *l, uint64_t *ret_suppressed)
{
	struct timespec now;
	uint64_t minute;

	clock_gettime(CLOCK_MONOTONIC, &now);
	minute = now.tv_sec / 60 + 1;
	if (minute != l->window) {
		l->window = minute;
		l->passed = 0;
	}
	if (l->passed >= LOG_LIMIT_PER_MINUTE) {
		l->suppressed++;
		return false;
	}
	l->passed++;
	*ret_suppressed = l->suppressed;
	l->suppressed = 0;
	return true;
}
