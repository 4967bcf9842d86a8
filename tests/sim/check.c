/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void sim_check_failed(const char *file, int line, const char *condition, const char *fmt, ...)
{
	char text[512], all[1024];
	va_list args;
	int n;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	n = snprintf(all, sizeof(all), "%s:%d: not true: %s: %s\n", file, line, condition, text);
	if (n >= (int)sizeof(all))
		n = sizeof(all) - 1;
	if (write(STDERR_FILENO, all, n) < 0)
		perror(file);
	abort();
}
