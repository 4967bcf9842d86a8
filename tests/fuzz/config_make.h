/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files whose syntax is right: out of the key table, by decisions that an input
 * makes.
 */
#ifndef TESTS_FUZZ_CONFIG_MAKE_H
#define TESTS_FUZZ_CONFIG_MAKE_H

#include "tests/fuzz/common.h"

/* A file into text, cut at size bytes with the NUL behind it.  Most keys are where they belong, and
 * most values are of the right kind. */
void config_make(struct fuzz_input *in, char *text, size_t size);

#endif
