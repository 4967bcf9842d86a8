/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of loop and backends share: cmocka and its includes. */
#ifndef TESTS_UNIT_STORAGE_H
#define TESTS_UNIT_STORAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif
