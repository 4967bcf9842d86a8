/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest fault is in the log, with the guest and the disk it is about; a guest can neither flood
 * the log, with faults or with starting over, nor hide a fault behind harmless mistakes.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fake/machine.h"

static struct drv d;
static int saved_stderr, text;

static int set_up(void **state)
{
	log_force_text();
	vm_set_up(state);
	text = memfd_create("stderr", MFD_CLOEXEC);
	saved_stderr = dup(STDERR_FILENO);
	return dup2(text, STDERR_FILENO) < 0;
}

static void restore_stderr(void)
{
	if (saved_stderr >= 0) {
		dup2(saved_stderr, STDERR_FILENO);
		close(saved_stderr);
	}
	saved_stderr = -1;
}

static int tear_down(void **state)
{
	restore_stderr();
	close(text);
	log_set_level(LOG_INFO);
	return vm_tear_down(state);
}

/* Lines of the log with this in them. */
static unsigned lines_with(const char *what)
{
	char buf[65536], *line, *save = NULL;
	ssize_t n = pread(text, buf, sizeof(buf) - 1, 0);
	unsigned count = 0;

	restore_stderr();
	assert_true(n >= 0);
	buf[n] = '\0';
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		count += strstr(line, what) != NULL;
	return count;
}

static void break_ring(void)
{
	drv_avail(&d.q[0], 0xffff);
	vm_go(&d.q[0]);
}

static void names_guest_and_disk(void **state)
{
	(void)state;
	break_ring();
	assert_int_equal(lines_with("fake xvda: guest fault: "), 1);
}

static void not_hidden_by_mistakes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		drv_write(&d, R_MAGIC, 0);
	break_ring();
	assert_int_equal(lines_with("guest fault: "), 1);
	assert_int_equal(vm.st->virtio.bad_access, 1000);
}

static void no_flood(void **state)
{
	(void)state;
	log_set_level(LOG_DEBUG);
	for (unsigned i = 0; i < 1000; i++) {
		guest_fault(&vm.disk.mmio.dev, "made up");
		guest_mistake(&vm.disk.mmio.dev, "nonsense");
	}
	/* A minute may have begun meanwhile. */
	assert_in_range(lines_with("guest fault: "), 1, 2 * LOG_LIMIT_PER_MINUTE);
	assert_in_range(lines_with("guest mistake"), 1, 2 * LOG_LIMIT_PER_MINUTE);
	assert_int_equal(vm.st->virtio.faults, 1000);
}

static void no_flood_of_drivers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		drv_ready(&d, BIT64(F_VERSION_1), 1);
		assert_false(drv_negotiate(&d, UINT64_MAX));
	}
	assert_in_range(lines_with("fake xvda: "), 1, 2 * LOG_LIMIT_PER_MINUTE);
}

#define TEST(f) VM_TEST_WITH(set_up, tear_down, f, .faulty = true)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_guest_and_disk),
		TEST(not_hidden_by_mistakes),
		TEST(no_flood),
		TEST(no_flood_of_drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
