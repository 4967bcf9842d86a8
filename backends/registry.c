/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "backends/backend.h"

const struct backend_ops *const backend_table[] = {
	&file_backend_ops,
	&null_backend_ops,
	NULL,
};

const struct backend_ops *backend_find(const char *name)
{
	for (size_t i = 0; backend_table[i]; i++)
		if (!strcmp(backend_table[i]->name, name))
			return backend_table[i];
	return NULL;
}
