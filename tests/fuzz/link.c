/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory
 *
 * The input is a story of a watcher, two guests, and a toolstack: disks come and go, time passes,
 * signals arrive.  The guests' workers are broken, or taken over by their guests: they say anything
 * at any time, send no messages but bytes, with descriptors or without, close the link, write into
 * the shared state, die, or answer as they should.  watcher_main() itself runs, with all that it
 * calls down to the sockets; tests/fuzz/watcher_env.h is its surroundings.
 *
 * Whatever a worker does, its watcher
 *
 *   - takes an answer to what it has asked, once, and changes xenstore for that guest and disk
 *     only; anything else is nonsense: at most a line in the log, nothing in xenstore, nothing
 *     said;
 *   - gives a worker the images of its own guest's disks and no other descriptor;
 *   - lets no control character into xenstore, and keeps no descriptor;
 *   - is rid of it 5 s after a disk is wanted back that it keeps, whatever else happens, and not
 *     before; what it has failed with is told when it has ended;
 *   - is rid of it, and has forgotten its guest, some seconds after the guest is gone;
 *   - ends when it is told to.
 *
 * In the other direction, what is no message from a watcher is refused by a worker, too.  What a
 * worker does with messages that are, at any time, is for the harness mmio.
 *
 * The input: bytes, each a step and often a guest, then the step's arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "config/keys.h"
#include "daemon/discover.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/libxenstore.h"
#include "tests/fuzz/link_model.h"
#include "tests/fuzz/link_toolstack.h"

#define GUESTS	  2
#define DISKS	  18 /* more than are served */
#define IMAGE	  8192
#define STEPS_MAX 200

static char dir[] = "/dev/shm/xvirtiod-fuzz.XXXXXX", images[IMAGES][64];
static int to_worker[2];
static struct fuzz_input in;

static struct config_guest_disk null_disks[DISKS];
static struct config_guest config_guests[GUESTS];
static struct config config;

static void clean_up(void)
{
	for (unsigned i = 0; i < IMAGES; i++)
		unlink(images[i]);
	rmdir(dir);
}

static void set_config(void)
{
	unsigned nr = 0;

	config = config_built_in;
	config.guests = config_guests;
	config.nr_guests = GUESTS;
	for (unsigned i = 2; i < DISKS; i += 4, nr++) {
		snprintf(null_disks[nr].vdev, sizeof(null_disks[nr].vdev), "xvd%c", 'a' + i);
		null_disks[nr].options = config_built_in.defaults;
		null_disks[nr].options.backend = "null";
		null_disks[nr].options.from[CONFIG_KEY_BACKEND] = CONFIG_SCOPE_DISK;
	}
	for (unsigned i = 0; i < GUESTS; i++) {
		snprintf(config_guests[i].name, sizeof(config_guests[i].name), "guest%u", i + 1);
		config_guests[i].disks = null_disks;
		config_guests[i].nr_disks = nr;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct stat st;

	(void)argc;
	(void)argv;
	fuzz_check(mkdtemp(dir), "cannot make %s", dir);
	for (unsigned i = 0; i < IMAGES; i++) {
		FILE *f;

		snprintf(images[i], sizeof(images[i]), "%s/%u", dir, i);
		f = fopen(images[i], "we");
		fuzz_check(f && ftruncate(fileno(f), IMAGE) == 0 && fstat(fileno(f), &st) == 0,
			   "cannot make %s", images[i]);
		model_inodes[i] = st.st_ino;
		fclose(f);
	}
	atexit(clean_up);
	fuzz_check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, to_worker) == 0, "socketpair");
	set_config();
	fuzz_log_start();
	log_set_level(LOG_DEBUG);
	return 0;
}

/* The toolstack */

/* A watch fires, and the watcher looks; it may not serve anything by that. */
static void fire(const char *path)
{
	libxenstore_event(path);
	model_allow(0, 0, false);
	wenv_xenstore();
	model_read_all();
}

static void fire_disk(uint16_t domid, unsigned disk)
{
	char path[XENSTORE_PATH_MAX];

	discover_dir(path, domid, (struct disk_id){ false, model_devid(disk) });
	fire(path);
}

static void toolstack(uint16_t domid)
{
	unsigned a = fuzz_take(&in, 1), disk = a % DISKS, what = a / DISKS;

	switch (what) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		toolstack_add_disk(domid, disk, disk % 4 < IMAGES ? images[disk % 4] : "/nowhere");
		break;
	case 5:
	case 6:
	case 7:
		toolstack_close_disk(domid, disk);
		fire_disk(domid, disk);
		model_want(domid, model_devid(disk), false);
		if (model_tidy)
			model_check_closing(domid, model_devid(disk));
		return;
	case 8:
	case 9:
		toolstack_remove_disk(domid, disk);
		fire_disk(domid, disk);
		model_want(domid, model_devid(disk), true);
		return;
	case 10:
		toolstack_remove_domain(domid);
		fire("@releaseDomain");
		model_want(domid, 0, true);
		return;
	case 11:
		toolstack_remove_domain(domid);
		fire(DISCOVER_ROOT);
		model_want(domid, 0, true);
		return;
	default:
		toolstack_change(domid, disk, fuzz_take(&in, 1));
	}
	fire_disk(domid, disk);
}

/* The workers */

/* The last one of a domain that lives, or -1. */
static int worker_of(uint16_t domid)
{
	for (int i = wenv_nr_workers - 1; i >= 0; i--)
		if (wenv_workers[i].domid == domid && wenv_workers[i].alive)
			return i;
	return -1;
}

/* Send bytes, and copies of the sending descriptor. */
static bool send_bytes(int fd, const void *data, size_t bytes, unsigned nr)
{
	struct iovec iov = { (void *)data, bytes };
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr) {
		struct cmsghdr *c;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nr * sizeof(int));
		for (unsigned i = 0; i < nr; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void say(int worker, const void *data, size_t bytes, unsigned nr_fds)
{
	struct model *k = &models[worker];
	const struct link_message *m = data;
	struct said *s = &k->said[k->nr_said];

	if (k->nr_said == SAID_MAX || wenv_workers[worker].link_fd < 0 ||
	    !send_bytes(wenv_workers[worker].link_fd, data, bytes, nr_fds))
		return;
	*s = (struct said){ .broken = bytes != sizeof(*m) || nr_fds };
	if (!s->broken) {
		s->type = m->type;
		s->slot = m->slot;
		s->result = m->result;
	}
	k->nr_said++;
}

static void take_text(char *text, size_t size)
{
	size_t len = fuzz_take(&in, 1) % size;

	for (size_t i = 0; i < len; i++)
		text[i] = fuzz_take(&in, 1);
}

static void say_message(int worker)
{
	unsigned a = fuzz_take(&in, 1);
	struct link_message m = { .type = (enum link_type)(a & 7), .slot = a >> 3 };

	if (m.slot == 31)
		m.slot = fuzz_take(&in, 4);
	if (m.type == 7)
		m.type = (enum link_type)fuzz_take(&in, 4);
	m.result = (int8_t)fuzz_take(&in, 1);
	if (m.result)
		take_text(m.why, sizeof(m.why) + 1);
	say(worker, &m, sizeof(m), 0);
}

/* As it should. */
static void say_answer(int worker)
{
	struct link_message m = { 0 };
	int slot = model_open_question(worker);

	if (slot < 0)
		return;
	m.slot = slot;
	m.type = models[worker].slots[slot].is == MODEL_ASKED ? LINK_ATTACHED : LINK_DETACHED;
	say(worker, &m, sizeof(m), 0);
}

static void say_bytes(int worker)
{
	unsigned char junk[2 * sizeof(struct link_message)] = { LINK_ATTACHED };
	unsigned a = fuzz_take(&in, 1);
	size_t bytes = a & 128 ? sizeof(struct link_message) : fuzz_take(&in, 2) % sizeof(junk);

	take_text((char *)junk, 32);
	say(worker, junk, bytes, a & 7);
}

static void scribble(const struct wenv_worker *w)
{
	uint64_t value = fuzz_take(&in, 8);
	unsigned at = fuzz_take(&in, 2) % (sizeof(struct state) / sizeof(value));

	if (w->state_fd >= 0)
		fuzz_check(pwrite(w->state_fd, &value, sizeof(value), at * sizeof(value)) ==
				   sizeof(value),
			   "cannot write the state");
}

static void die(int worker, int status)
{
	wenv_exit(&wenv_workers[worker], status);
	model_see_exit(worker);
}

static void act(int worker, unsigned what)
{
	struct wenv_worker *w = &wenv_workers[worker];

	switch (what) {
	case 0:
		say_message(worker);
		break;
	case 1:
		say_bytes(worker);
		break;
	case 2:
	case 3:
		say_answer(worker);
		break;
	case 4:
		scribble(w);
		break;
	case 5:
		closep(&w->link_fd);
		w->link_fd = -1;
		models[worker].hung_up = true;
		break;
	case 6:
		die(worker, fuzz_take(&in, 1) << 8);
		return;
	case 7:
		die(worker, SIGSEGV);
		return;
	}
	model_hear(worker);
}

/* What is no message from a watcher: a worker must take what is one, and nothing else. */
static void try_worker(void)
{
	unsigned char bytes[sizeof(struct link_message) + 16] = { 0 };
	unsigned a = fuzz_take(&in, 1), nr = a & 3;
	size_t size = sizeof(struct link_message) + (int8_t)fuzz_take(&in, 1) % 16;
	struct link_message m;
	struct image image;
	int r;

	take_text((char *)bytes, 32);
	if (a & 128)
		size = a & 64 ? 0 : size / 2;
	fuzz_check(send_bytes(to_worker[0], bytes, size, nr), "cannot send");
	r = link_receive(to_worker[1], &m, &image);
	if (size != sizeof(m) || nr > 2) {
		fuzz_check(r == (size ? -EPROTO : 0), "%zu bytes and %u descriptors: %d", size, nr,
			   r);
		fuzz_check(image.fd < 0 && image.direct_fd < 0, "a descriptor is left");
		return;
	}
	fuzz_check(r == 1 && !memcmp(&m, bytes, offsetof(struct link_message, why)),
		   "a message is not taken: %d", r);
	fuzz_check((image.fd >= 0) + (image.direct_fd >= 0) == (int)nr, "%u descriptors", nr);
	image_close(&image);
}

/* The story */

/* Those that were killed are gone. */
static void see_deaths(void)
{
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		if (!wenv_workers[i].alive && !wenv_workers[i].reaped)
			model_see_exit(i);
}

static void pass(unsigned ms)
{
	model_allow_nothing();
	wenv_pass(ms);
	model_check_deadlines();
	if (!wenv_stopped())
		see_deaths();
}

static void surroundings(unsigned what)
{
	static const int errors[] = { EAGAIN, ENOENT, EACCES, EIO, ENOMEM, EINVAL };
	unsigned a;

	switch (what) {
	case 0:
	case 1:
		pass(fuzz_take(&in, 1) * 100);
		break;
	case 2:
		model_allow_nothing();
		wenv_signal(SIGHUP);
		model_read_all();
		break;
	case 3:
		model_tidy = false;
		a = fuzz_take(&in, 1);
		libxenstore_fail(a / 6, errors[a % 6]);
		break;
	case 4:
		wenv_fail_spawn(fuzz_take(&in, 1) % 4);
		break;
	case 5:
		model_tidy = false;
		model_allow_nothing();
		wenv_signal(SIGTERM);
		model_read_all();
		break;
	default:
		try_worker();
	}
}

/* Workers that have closed their link are ended, whatever their guests do. */
static void end_of_links(void)
{
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		if (wenv_workers[i].link_fd < 0 && !wenv_workers[i].reaped) {
			while (models[i].nr_said)
				model_hear(i);
			model_hear(i);
		}
	pass(6000);
	for (unsigned i = 0; i < wenv_nr_workers && model_tidy; i++)
		fuzz_check(wenv_workers[i].link_fd >= 0 || wenv_workers[i].reaped,
			   "worker %u can't be talked to, and stays", i);
}

/* The guests are gone, and their workers say and do nothing. */
static void end_of_story(void)
{
	libxenstore_fail(UINT_MAX, 0);
	end_of_links();
	for (unsigned i = 1; i <= GUESTS; i++)
		toolstack_remove_domain(i);
	fire("@releaseDomain");
	fire(DISCOVER_ROOT);
	for (unsigned i = 1; i <= GUESTS; i++)
		model_want(i, 0, true);
	for (unsigned i = 0; i < 4 && !wenv_stopped(); i++)
		pass(6000);
	if (wenv_stopped())
		return;
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		fuzz_check(wenv_workers[i].reaped, "worker %u outlives its guest", i);
	fuzz_check(!wenv_guests(), "%u guests are not forgotten", wenv_guests());
	wenv_signal(SIGTERM);
	fuzz_check(wenv_stopped(), "the watcher does not end");
}

static void program(void)
{
	unsigned steps = 0;

	fire(DISCOVER_ROOT);
	while (fuzz_left(&in) && steps++ < STEPS_MAX && !wenv_stopped()) {
		unsigned a = fuzz_take(&in, 1);
		uint16_t domid = 1 + (a >> 7);
		int worker = worker_of(domid);

		if (a & 64)
			surroundings(a & 7);
		else if (worker < 0 || a & 32)
			toolstack(domid);
		else
			act(worker, a & 7);
	}
	if (!wenv_stopped())
		end_of_story();
}

/* How many are open, of those that an execution may reach. */
static unsigned descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 100; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct watcher_options options = {
		.config = &config,
		.domain = size && data[0] & 1 ? "guest1" : NULL,
		.log_level = LOG_INFO,
	};
	unsigned before = descriptors();

	in = (struct fuzz_input){ data, data + size };
	fuzz_take(&in, 1);
	libxenstore_reset();
	model_reset();
	wenv_run(&options, program);
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		model_close_kept(i);
	fuzz_check(descriptors() == before, "%u descriptors were %u", descriptors(), before);
	return 0;
}
