/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image in use is refused, and the text says who uses it: another process, or ourselves for
 * another guest.  Readers share.  The lock goes with the last copy of the descriptor.
 */
#include "tests/unit/storage.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static char path[64];

static int try(bool read_only, struct image *ret, char *why, size_t size)
{
	struct image_params p = { .path = path, .read_only = read_only };

	return open_image(ret, &p, why, size);
}

/* A child that holds the image until it is killed. */
static pid_t hold(bool read_only)
{
	struct image image;
	char why[256], c;
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The first byte of its command line. */
		program_invocation_name[0] = '\n';
		if (try(read_only, &image, why, sizeof(why)) < 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void release(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void names_other_process(void **state)
{
	struct image image = IMAGE_NULL;
	char why[512], expected[512];
	pid_t pid = hold(false);
	/* Has it open, but is not in the way. */
	int bystander = open(path, O_RDONLY);

	(void)state;
	assert_int_equal(try(false, &image, why, sizeof(why)), -EBUSY);
	snprintf(expected, sizeof(expected), "%s: cannot lock for writing: in use by ?%s (pid %d)",
		 path, program_invocation_name + 1, pid);
	assert_string_equal(why, expected);
	assert_int_equal(try(true, &image, why, sizeof(why)), -EBUSY);
	assert_int_equal(image.fd, -1);

	release(pid);
	assert_int_equal(try(false, &image, why, sizeof(why)), 0);
	image_close(&image);
	close(bystander);
}

static void names_ourselves(void **state)
{
	struct image first, second = IMAGE_NULL;
	char why[512], expected[64];
	int copy;

	(void)state;
	assert_int_equal(try(false, &first, why, sizeof(why)), 0);
	assert_int_equal(try(false, &second, why, sizeof(why)), -EBUSY);
	snprintf(expected, sizeof(expected), "(pid %d)", getpid());
	assert_non_null(strstr(why, expected));

	copy = dup(first.fd);
	image_close(&first);
	image_close(&first);
	assert_int_equal(try(false, &second, why, sizeof(why)), -EBUSY);
	close(copy);
	assert_int_equal(try(false, &second, why, sizeof(why)), 0);
	image_close(&second);
}

static void readers_share(void **state)
{
	struct image image = IMAGE_NULL;
	pid_t pid = hold(true);
	char why[512];

	(void)state;
	assert_int_equal(try(true, &image, why, sizeof(why)), 0);
	assert_int_equal(image.info.caps, IMAGE_READ_ONLY);
	image_close(&image);
	assert_int_equal(try(false, &image, why, sizeof(why)), -EBUSY);
	release(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_other_process),
		cmocka_unit_test(names_ourselves),
		cmocka_unit_test(readers_share),
	};
	int failed;

	make_file(path, "/var/tmp", KIB(4), 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
