/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker goes on logging to the journal when its socket's path is out of reach, each line with
 * its fields, and what comes from outside can't make lines or fields of its own.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "tests/fake/test.h"

static void after_the_path_is_gone(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct log_subject subject = { .guest = "web", .disk = "xvda" };
	int journal = socket(AF_UNIX, SOCK_DGRAM, 0);
	char entry[2048];
	ssize_t n;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/xvirtiod-journal-%d", getpid());
	unlink(address.sun_path);
	assert_int_equal(bind(journal, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(log_open_journal(address.sun_path), 0);
	unlink(address.sun_path);

	log_warn(&subject, "one\nDISK=another");
	n = recv(journal, entry, sizeof(entry) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	entry[n] = '\0';
	assert_string_equal(entry, "PRIORITY=4\nSYSLOG_IDENTIFIER=xvirtiod\nGUEST=web\nDISK=xvda\n"
				   "MESSAGE=web xvda: one?DISK=another\n");
	log_force_text();
	close(journal);
}

static void without_a_journal(void **state)
{
	(void)state;
	assert_true(log_open_journal("/nowhere/socket") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_the_path_is_gone),
		cmocka_unit_test(without_a_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
