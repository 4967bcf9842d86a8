/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka, the headers that it wants before it, and what every test needs besides. */
#ifndef TESTS_FAKE_TEST_H
#define TESTS_FAKE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#undef fail /* ours is in base/log.h */

#include "base/util.h"
#include "tests/sim/check.h" /* an assertion that says which case of a table it was */

#endif
