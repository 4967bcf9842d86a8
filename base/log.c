/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define LINE_MAX_BYTES 1024
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static int log_level = LOG_INFO;
static int journal_fd = -1;
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
	if (stderr_is_journal())
		log_open_journal(JOURNAL_SOCKET);
}

int log_open_journal(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	log_force_text();
	journal_fd = take_fd(&fd);
	return 0;
}

void log_force_text(void)
{
	if (journal_fd >= 0)
		close(journal_fd);
	journal_fd = -1;
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

/* One datagram of the journal's native protocol; no value of ours has a line break. */
static bool send_to_journal(int level, const struct log_subject *s, const char *line)
{
	char entry[LINE_MAX_BYTES + 2 * sizeof(*s) + 128];
	int n;

	if (journal_fd < 0)
		return false;
	n = snprintf(entry, sizeof(entry),
		     "PRIORITY=%d\nSYSLOG_IDENTIFIER=xvirtiod\nGUEST=%s\nDISK=%s\nMESSAGE=%s\n",
		     level, s->guest, s->disk, line);
	return write(journal_fd, entry, MIN((size_t)n, sizeof(entry))) >= 0;
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

	/* What came from outside (a path, say) must not make lines, or fields, of its own. */
	snprintf(line, sizeof(line), "%s%s%s%s%s", s->guest, s->guest[0] && s->disk[0] ? " " : "",
		 s->disk, colon, text);
	for (char *c = line; *c; c++)
		if (*c == '\n')
			*c = '?';
	if (!send_to_journal(level, s, line))
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
