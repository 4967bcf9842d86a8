/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/link_model.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/util.h"
#include "daemon/discover.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/libxenstore.h"

/* What one thing that a worker said may be worth in lines of the log. */
#define LINES_MAX 8

/* What a worker has to let go of a disk; and how often the watcher looks. */
#define LEAVE_MS 5000
#define LOOK_MS	 1000

bool model_tidy;
struct model models[WENV_WORKERS_MAX];
ino_t model_inodes[IMAGES];

static struct {
	bool nothing;
	uint16_t domid;
	uint32_t devid;
	bool may_serve;
} allowed;

void model_allow(uint16_t domid, uint32_t devid, bool may_serve)
{
	allowed.nothing = false;
	allowed.domid = domid;
	allowed.devid = devid;
	allowed.may_serve = may_serve;
}

void model_allow_nothing(void)
{
	allowed.nothing = true;
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* The watcher writes to xenstore. */
static void check_write(const char *path, const char *old, const char *new)
{
	const char *key = strrchr(path, '/') + 1;
	uint16_t domid = 0;
	struct disk_id id;

	fuzz_check(!allowed.nothing, "%s is written for no reason", path);
	fuzz_check(discover_split(path, &domid, &id) == 2, "%s is written", path);
	fuzz_check(!allowed.domid || domid == allowed.domid, "%s is another guest's", path);
	fuzz_check(!allowed.devid || (id.devid == allowed.devid && !id.generic),
		   "%s is another disk's", path);
	if (!strcmp(key, "error")) {
		fuzz_check(!new || (is_printable(new) && strlen(new) < 1024), "error \"%s\"", new);
		return;
	}
	fuzz_check(!strcmp(key, "state") && old && new, "%s is written", path);
	if (!strcmp(new, "2"))
		fuzz_check(!strcmp(old, "1") && allowed.may_serve, "state 2 after %s", old);
	else
		fuzz_check(!strcmp(new, "6") && !strcmp(old, "5"), "state %s after %s", new, old);
}

void model_reset(void)
{
	model_tidy = true;
	memset(models, 0, sizeof(models));
	libxenstore_written = check_write;
}

void model_close_kept(unsigned worker)
{
	struct model *k = &models[worker];

	while (k->nr_kept)
		close(k->kept[--k->nr_kept]);
}

static void check_attach(const struct link_message *m, const int *fds, unsigned nr)
{
	unsigned disk = (m->params.devid - model_devid(0)) / 16;
	struct stat st;

	fuzz_check(m->params.devid == model_devid(disk) && disk < 26, "device %u", m->params.devid);
	fuzz_check(memchr(m->params.vdev, 0, sizeof(m->params.vdev)) &&
			   memchr(m->backend, 0, sizeof(m->backend)),
		   "text without an end");
	fuzz_check(m->params.vdev[3] == (char)('a' + disk), "device %u is %s", m->params.devid,
		   m->params.vdev);
	fuzz_check(m->params.nr_queues <= VIRTIO_QUEUES_MAX && is_power_of_2(m->params.queue_size),
		   "queues");
	fuzz_check(m->image.size && m->image.size % 512 == 0, "a size of %llu",
		   (unsigned long long)m->image.size);
	fuzz_check(disk % 4 < IMAGES ? nr >= 1 : disk % 4 == 2 && !nr, "%u descriptors", nr);
	for (unsigned i = 0; i < nr; i++)
		fuzz_check(fstat(fds[i], &st) == 0 && st.st_ino == model_inodes[disk % 4],
			   "the image of another disk");
}

/* A guest whose worker has ended while it served is not served again. */
static void check_not_lost(const struct model *k)
{
	unsigned worker = k - models;

	for (unsigned i = 0; model_tidy && i < worker; i++)
		fuzz_check(wenv_workers[i].domid != wenv_workers[worker].domid || !models[i].lost ||
				   models[i].removed,
			   "a worker takes the place of one that is lost");
}

static void check_message(struct model *k, const struct link_message *m, const int *fds,
			  unsigned nr)
{
	fuzz_check(m->slot < STATE_DISKS_MAX, "slot %u", m->slot);
	switch (m->type) {
	case LINK_ATTACH:
		fuzz_check(k->slots[m->slot].is == MODEL_FREE, "slot %u is in use", m->slot);
		check_attach(m, fds, nr);
		check_not_lost(k);
		k->slots[m->slot].is = MODEL_ASKED;
		k->slots[m->slot].devid = m->params.devid;
		k->slots[m->slot].wanted_ms = 0;
		return;
	case LINK_DETACH:
		fuzz_check(k->slots[m->slot].is == MODEL_SERVED && !nr, "detach %u", m->slot);
		k->slots[m->slot].is = MODEL_LEAVING;
		if (!k->slots[m->slot].wanted_ms)
			k->slots[m->slot].wanted_ms = wenv_now_ms();
		return;
	default:
		fuzz_check(m->type == LINK_RESIZE && !nr && k->slots[m->slot].is != MODEL_FREE &&
				   k->slots[m->slot].is != MODEL_LEAVING,
			   "message %d", m->type);
	}
}

static bool read_one(unsigned worker)
{
	struct model *k = &models[worker];
	struct link_message m;
	struct image image;
	int r = link_receive(wenv_workers[worker].link_fd, &m, &image), fds[2];
	unsigned nr = 0;

	if (r <= 0) {
		fuzz_check(r == 0 || r == -EAGAIN, "the watcher says nonsense: %d", r);
		k->hung_up |= !r;
		return false;
	}
	if (image.fd >= 0)
		fds[nr++] = image.fd;
	if (image.direct_fd >= 0)
		fds[nr++] = image.direct_fd;
	k->asked++;
	check_message(k, &m, fds, nr);
	for (unsigned i = 0; i < nr; i++)
		if (k->nr_kept < ARRAY_SIZE(k->kept))
			k->kept[k->nr_kept++] = fds[i];
		else
			close(fds[i]);
	return true;
}

void model_read_all(void)
{
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		while (wenv_workers[i].link_fd >= 0 && read_one(i))
			;
}

static unsigned messages(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < wenv_nr_workers; i++)
		n += models[i].asked;
	return n;
}

/* Is it an answer to what the watcher has asked?  Then it has one now. */
static bool is_answer(struct model *k, const struct said *s)
{
	if (s->broken)
		return false;
	if (s->slot >= STATE_DISKS_MAX)
		return false;
	if (s->type == LINK_ATTACHED && k->slots[s->slot].is == MODEL_ASKED)
		k->slots[s->slot].is = s->result ? MODEL_FREE : MODEL_SERVED;
	else if (s->type == LINK_DETACHED && k->slots[s->slot].is == MODEL_LEAVING)
		k->slots[s->slot].is = MODEL_FREE;
	else
		return false;
	return true;
}

void model_hear(unsigned worker)
{
	const struct wenv_worker *w = &wenv_workers[worker];
	struct model *k = &models[worker];
	unsigned asked = messages();
	uint64_t lines = fuzz_log_lines;
	struct said s;
	bool answer;

	/* Without a word to come the descriptor is readable only at the end of file. */
	if (!k->nr_said) {
		if (w->link_fd >= 0 || w->reaped)
			return;
		model_allow_nothing();
		wenv_hear(w);
		return;
	}
	s = k->said[0];
	memmove(k->said, k->said + 1, --k->nr_said * sizeof(s));
	/* What a worker can't hear any more, it can't be asked. */
	answer = is_answer(k, &s) || w->link_fd < 0;
	/* A worker that has failed holds its images, and maybe more, until it has ended. */
	if (!answer || s.type == LINK_FAILED)
		model_allow_nothing();
	else if (w->link_fd < 0)
		model_allow(w->domid, 0, s.type == LINK_ATTACHED);
	else
		model_allow(w->domid, k->slots[s.slot].devid, s.type == LINK_ATTACHED && !s.result);
	wenv_hear(w);
	model_read_all();
	fuzz_check(answer || messages() == asked, "an answer to nonsense");
	fuzz_check(fuzz_log_lines - lines <= (answer ? LINES_MAX : 1), "%llu lines",
		   (unsigned long long)(fuzz_log_lines - lines));
}

void model_see_exit(unsigned worker)
{
	struct model *k = &models[worker];
	bool served = false;

	for (unsigned i = 0; i < STATE_DISKS_MAX && !k->nr_said; i++)
		k->lost |= k->slots[i].is == MODEL_SERVED;
	for (unsigned i = 0; i < k->nr_said; i++)
		served |= !k->said[i].broken && k->said[i].type == LINK_ATTACHED;
	k->nr_said = 0;
	model_close_kept(worker);
	model_allow(wenv_workers[worker].domid, 0, served);
	wenv_see_exit(&wenv_workers[worker]);
	model_read_all();
}

void model_want(uint16_t domid, uint32_t devid, bool removed)
{
	for (unsigned i = 0; i < wenv_nr_workers; i++)
		for (unsigned s = 0; s < STATE_DISKS_MAX && wenv_workers[i].domid == domid; s++) {
			models[i].removed |= removed;
			if ((!devid || models[i].slots[s].devid == devid) &&
			    !models[i].slots[s].wanted_ms)
				models[i].slots[s].wanted_ms = wenv_now_ms();
		}
}

/* The longest that a worker has kept a disk, or 0. */
static uint64_t kept_ms(const struct model *k)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (k->slots[i].is != MODEL_FREE && k->slots[i].wanted_ms)
			longest = MAX(longest, wenv_now_ms() - k->slots[i].wanted_ms);
	return longest;
}

void model_check_deadlines(void)
{
	for (unsigned i = 0; i < wenv_nr_workers && model_tidy; i++) {
		const struct wenv_worker *w = &wenv_workers[i];
		uint64_t kept = kept_ms(&models[i]);

		fuzz_check(!w->alive || kept < LEAVE_MS + LOOK_MS, "a disk is kept for %llu ms",
			   (unsigned long long)kept);
		fuzz_check(w->alive || w->reaped || models[i].hung_up || kept >= LEAVE_MS,
			   "a worker is killed after %llu ms", (unsigned long long)kept);
	}
}

void model_check_closing(uint16_t domid, uint32_t devid)
{
	for (unsigned i = 0; i < wenv_nr_workers; i++) {
		const struct wenv_worker *w = &wenv_workers[i];

		for (unsigned k = 0; k < STATE_DISKS_MAX; k++)
			fuzz_check(w->domid != domid || w->link_fd < 0 || models[i].hung_up ||
					   models[i].slots[k].is != MODEL_SERVED ||
					   models[i].slots[k].devid != devid,
				   "a worker is not told to detach");
	}
}

int model_open_question(unsigned worker)
{
	const struct model *k = &models[worker];

	for (unsigned i = 0; i < STATE_DISKS_MAX; i++)
		if (k->slots[i].is == MODEL_ASKED || k->slots[i].is == MODEL_LEAVING)
			return i;
	return -1;
}
