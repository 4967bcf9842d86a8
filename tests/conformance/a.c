/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/conformance/conformance.h"

const struct clause clauses_a[] = {
	{ .id = NULL },
};
