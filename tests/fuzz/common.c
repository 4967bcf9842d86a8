/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t fuzz_log_lines;

bool fuzz_loads_on;
uint64_t fuzz_loads, fuzz_loads_next;
void (*fuzz_loads_event)(void);

static bool show_log;

void fuzz_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	dprintf(STDERR_FILENO, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "\n");
	abort();
}

static ssize_t write_stderr(void *cookie, const char *text, size_t n)
{
	static const char ours[] = "xvirtiod: ";
	bool log = n >= sizeof(ours) - 1 && !memcmp(text, ours, sizeof(ours) - 1);

	(void)cookie;
	fuzz_log_lines += log;
	if (log && !show_log)
		return n;
	return write(STDERR_FILENO, text, n);
}

void fuzz_log_start(void)
{
	const cookie_io_functions_t io = { .write = write_stderr };
	FILE *f = fopencookie(NULL, "w", io);

	if (!f)
		abort();
	show_log = getenv("FUZZ_LOG") != NULL;
	setvbuf(f, NULL, _IOLBF, BUFSIZ);
	stderr = f;
}

/* The compiler calls these before each load. */
#define LOAD_HOOK(bytes)                                                                          \
	void __sanitizer_cov_load##bytes(const void *address);                                    \
	__attribute__((no_sanitize("all"))) void __sanitizer_cov_load##bytes(const void *address) \
	{                                                                                         \
		(void)address;                                                                    \
		if (fuzz_loads_on && ++fuzz_loads == fuzz_loads_next)                             \
			fuzz_loads_event();                                                       \
	}

LOAD_HOOK(1)
LOAD_HOOK(2)
LOAD_HOOK(4)
LOAD_HOOK(8)
LOAD_HOOK(16)
