/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzz harnesses share: bytes of the input, a check that ends the run, the product's log
 * lines counted instead of shown, and a hook before each load that the product does.
 */
#ifndef TESTS_FUZZ_COMMON_H
#define TESTS_FUZZ_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's two entry points. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct fuzz_input {
	const uint8_t *at, *end;
};

static inline size_t fuzz_left(const struct fuzz_input *in)
{
	return in->end - in->at;
}

/* The next n <= 8 bytes as a little-endian number; the input goes on with zeroes after its end. */
static inline uint64_t fuzz_take(struct fuzz_input *in, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n && in->at < in->end; i++)
		v |= (uint64_t)*in->at++ << 8 * i;
	return v;
}

/* Say what is wrong, and end as a crash.  Use fuzz_check(). */
void fuzz_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4), __noreturn__));

/* What must hold, with a text and its values behind it. */
#define fuzz_check(ok, ...)                                         \
	do {                                                        \
		if (!(ok))                                          \
			fuzz_fail(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

/*
 * From now on the product's log goes nowhere, but is formatted, and its lines are counted.
 * Everything else on standard error is shown.  With FUZZ_LOG in the environment all is shown.
 */
void fuzz_log_start(void);

/* Lines of the product's log so far. */
extern uint64_t fuzz_log_lines;

/*
 * The product is built with -fsanitize-coverage=trace-loads.  Loads are counted while
 * fuzz_loads_on; when the count reaches fuzz_loads_next, fuzz_loads_event is called, before that
 * load happens: the place to be a second vCPU.
 */
extern bool fuzz_loads_on;
extern uint64_t fuzz_loads, fuzz_loads_next;
extern void (*fuzz_loads_event)(void);

#endif
