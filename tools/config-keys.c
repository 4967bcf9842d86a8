/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Print the key reference of xvirtiod.conf(5); tools/update-man puts it into the page. */
#include "config/keys.h"

int main(void)
{
	config_print_man(stdout);
	return ferror(stdout) || fclose(stdout) ? 1 : 0;
}
