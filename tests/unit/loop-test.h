/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka and the headers it wants before it, for the tests of the loop. */
#ifndef TESTS_UNIT_LOOP_TEST_H
#define TESTS_UNIT_LOOP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* ours is in base/log.h */

#endif
