/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes through the link between watcher and worker arrives whole, with 0, 1 or 2 descriptors
 * if they are wanted; a message that is not one of ours is refused, and leaves no descriptor open.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "daemon/link.h"
#include "tests/fake/test.h"

static int pair[2];
static unsigned open_before;

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int set_up(void **state)
{
	(void)state;
	open_before = open_descriptors();
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(open_descriptors(), open_before);
	return 0;
}

static struct link_message make_message(void)
{
	struct link_message m;

	memset(&m, 0x5a, sizeof(m));
	m.why[sizeof(m.why) - 1] = '\0';
	m.type = LINK_ATTACH;
	m.slot = 3;
	m.image.size = 123 << 20;
	return m;
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_ino == sb.st_ino;
}

static void send_and_receive(bool fd, bool direct)
{
	struct link_message m = make_message(), got;
	struct image image = IMAGE_NULL, got_image;

	if (fd)
		image.fd = memfd_create("a", MFD_CLOEXEC);
	if (direct)
		image.direct_fd = memfd_create("b", MFD_CLOEXEC);
	assert_int_equal(link_send(pair[0], &m, &image), 0);
	assert_int_equal(link_receive(pair[1], &got, &got_image), 1);
	assert_memory_equal(&got, &m, sizeof(m));
	assert_int_equal(got_image.info.size, m.image.size);
	assert_int_equal(got_image.fd >= 0, fd);
	assert_int_equal(got_image.direct_fd >= 0, direct);
	if (fd) {
		assert_true(same_file(image.fd, got_image.fd));
		assert_true(fcntl(got_image.fd, F_GETFD) & FD_CLOEXEC);
	}
	if (direct) {
		assert_true(same_file(image.direct_fd, got_image.direct_fd));
		assert_true(fcntl(got_image.direct_fd, F_GETFD) & FD_CLOEXEC);
	}
	image_close(&image);
	image_close(&got_image);
}

static void none_one_or_two(void **state)
{
	struct link_message m = make_message(), got;
	struct image image;

	(void)state;
	send_and_receive(false, false);
	send_and_receive(true, false);
	send_and_receive(true, true);
	assert_int_equal(link_send(pair[0], &m, NULL), 0);
	assert_int_equal(link_receive(pair[1], &got, &image), 1);
	assert_int_equal(image.fd, -1);
	assert_int_equal(image.direct_fd, -1);
}

static void in_order_and_apart(void **state)
{
	struct link_message m = make_message(), got;
	struct image image;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		m.slot = i;
		assert_int_equal(link_send(pair[0], &m, NULL), 0);
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(link_receive(pair[1], &got, &image), 1);
		assert_int_equal(got.slot, i);
	}
	assert_int_equal(link_receive(pair[1], &got, &image), -EAGAIN);
}

static void end_of_file(void **state)
{
	struct link_message m = make_message(), got;
	struct image image;

	(void)state;
	assert_int_equal(link_send(pair[0], &m, NULL), 0);
	close(pair[0]);
	/* What was sent before is still there. */
	assert_int_equal(link_receive(pair[1], &got, &image), 1);
	assert_int_equal(link_receive(pair[1], &got, &image), 0);
	assert_int_equal(link_send(pair[1], &m, NULL), -EPIPE);
	pair[0] = -1;
}

/* bytes of garbage, with nr descriptors. */
static void send_garbage(size_t bytes, unsigned nr)
{
	char junk[2 * sizeof(struct link_message)] = { 1 };
	struct iovec iov = { junk, bytes };
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[4];

	for (unsigned i = 0; i < nr; i++)
		fds[i] = memfd_create("junk", MFD_CLOEXEC);
	if (nr) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, nr * sizeof(int));
	}
	assert_int_equal(sendmsg(pair[0], &msg, 0), bytes);
	for (unsigned i = 0; i < nr; i++)
		close(fds[i]);
}

static void garbage_is_refused(void **state)
{
	static const size_t sizes[] = { 1, 4, sizeof(struct link_message) - 1,
					sizeof(struct link_message) + 1,
					2 * sizeof(struct link_message) };
	struct link_message got;
	struct image image;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		for (unsigned nr = 0; nr <= 4; nr++) {
			send_garbage(sizes[i], nr);
			sim_check(link_receive(pair[1], &got, &image) == -EPROTO,
				  "%zu bytes with %u descriptors", sizes[i], nr);
			assert_int_equal(image.fd, -1);
			assert_int_equal(image.direct_fd, -1);
		}
	/* The next good one is understood. */
	send_and_receive(true, true);
}

/* More descriptors than any message has: no more than two stay, for the caller to close. */
static void too_many_descriptors(void **state)
{
	struct link_message got;
	struct image image;
	int r;

	(void)state;
	send_garbage(sizeof(struct link_message), 4);
	r = link_receive(pair[1], &got, &image);
	assert_true(r == -EPROTO || r == 1);
	image_close(&image);
}

/* It looks like an end of file, and may be taken for one. */
static void empty_message(void **state)
{
	struct link_message got;
	struct image image;

	(void)state;
	send_garbage(0, 2);
	assert_true(link_receive(pair[1], &got, &image) <= 0);
	assert_int_equal(image.fd, -1);
}

/* A worker's: the watcher wants none of them. */
static void unwanted_descriptors(void **state)
{
	struct link_message got;

	(void)state;
	for (unsigned nr = 1; nr <= 4; nr++) {
		send_garbage(sizeof(got), nr);
		assert_int_equal(link_receive(pair[1], &got, NULL), -EPROTO);
	}
	send_garbage(sizeof(got), 0);
	assert_int_equal(link_receive(pair[1], &got, NULL), 1);
}

/* A worker that cannot begin says why and leaves, without having read what it should do. */
static void last_words(void **state)
{
	struct link_message m = make_message(), got;

	(void)state;
	assert_int_equal(link_send(pair[1], &m, NULL), 0);
	m.type = LINK_FAILED;
	assert_int_equal(link_send(pair[0], &m, NULL), 0);
	close(pair[0]);
	assert_int_equal(link_receive(pair[1], &got, NULL), 1);
	assert_int_equal(got.type, LINK_FAILED);
	assert_int_equal(link_receive(pair[1], &got, NULL), 0);
	pair[0] = -1;
}

static void reasons_are_text(void **state)
{
	struct link_message m = make_message(), got;

	(void)state;
	memset(m.why, 'x', sizeof(m.why));
	m.why[3] = '\n';
	m.why[4] = '\x1b';
	m.why[5] = '\xff';
	assert_int_equal(link_send(pair[0], &m, NULL), 0);
	assert_int_equal(link_receive(pair[1], &got, NULL), 1);
	assert_int_equal(strlen(got.why), sizeof(got.why) - 1);
	assert_memory_equal(got.why, "xxx???xxx", 9);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(none_one_or_two),	    TEST(in_order_and_apart),	TEST(end_of_file),
		TEST(garbage_is_refused),   TEST(too_many_descriptors), TEST(empty_message),
		TEST(unwanted_descriptors), TEST(last_words),		TEST(reasons_are_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
