/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small things every file needs: ownership, arithmetic, containers. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b)                              \
	({                                     \
		__typeof__(a) min_a = (a);     \
		__typeof__(b) min_b = (b);     \
		min_a < min_b ? min_a : min_b; \
	})

#define MAX(a, b)                              \
	({                                     \
		__typeof__(a) max_a = (a);     \
		__typeof__(b) max_b = (b);     \
		max_a > max_b ? max_a : max_b; \
	})

/* printf-like function: format is argument f, values start at v. */
#define PRINTF_LIKE(f, v) __attribute__((__format__(__printf__, f, v)))

/* _cleanup_(f) T x: f(&x) runs when x goes out of scope. */
#define _cleanup_(f) __attribute__((__cleanup__(f)))

/* Cleanup for a file descriptor; a negative one is no descriptor. */
static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Cleanup for memory from malloc(). */
static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Hand over a descriptor held in a cleanup variable: returns it, and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int ret = *fd;

	*fd = -1;
	return ret;
}

/* For loops that wait for another CPU. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Milliseconds of the same clock. */
static inline uint64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

/* The earlier of two times of that clock; 0 is none. */
static inline uint64_t clock_first(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* Is v a power of two (1, 2, 4, ...)? */
static inline bool is_power_of_2(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* Does [start, start + len) lie within [0, total)?  Never overflows. */
static inline bool range_within(uint64_t start, uint64_t len, uint64_t total)
{
	return start <= total && len <= total - start;
}

#endif
