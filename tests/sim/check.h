/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The assertion of everything in tests/sim: unlike cmocka's it may be used in any thread. */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

/*
 * The condition holds, or the process prints place, condition and text (printf's) to standard error
 * and aborts.  Evaluates the condition once, whatever NDEBUG says.
 */
#define sim_check(condition, ...) \
	((condition) ? (void)0 : sim_check_failed(__FILE__, __LINE__, #condition, __VA_ARGS__))

/* For the macro.  One write(2), so that the texts of two threads do not mix. */
_Noreturn void sim_check_failed(const char *file, int line, const char *condition, const char *fmt,
				...) __attribute__((format(printf, 4, 5)));

#endif
