/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/sim/check.h"
#include "tests/sim/sim.h"
#include "tests/torture/random.h"

#define WORDS (MODEL_SECTOR / sizeof(uint64_t))

void model_init(struct model *m, const char *name, uint64_t sectors, uint64_t room, uint64_t stamp)
{
	*m = (struct model){ .name = name, .sectors = sectors, .room = room };
	pthread_mutex_init(&m->lock, NULL);
	m->sector = calloc(room, sizeof(*m->sector));
	sim_check(m->sector, "out of memory");
	for (uint64_t s = 0; s < room; s++) {
		m->sector[s].nr = 1;
		m->sector[s].stamp[0] = s < sectors ? stamp : MODEL_ZEROES;
	}
}

void model_fini(struct model *m)
{
	free(m->sector);
	pthread_mutex_destroy(&m->lock);
}

uint64_t model_sectors(struct model *m)
{
	uint64_t sectors;

	pthread_mutex_lock(&m->lock);
	sectors = m->sectors;
	pthread_mutex_unlock(&m->lock);
	return sectors;
}

/* A write's sectors begin with its stamp and their number: what is found elsewhere says where it is from. */
void model_fill(uint64_t stamp, uint64_t sector, void *ret)
{
	uint64_t word[WORDS] = { stamp, sector };

	if (stamp == MODEL_PATTERN) {
		sim_pattern(sector, ret);
		return;
	}
	if (stamp == MODEL_ZEROES)
		memset(word, 0, sizeof(word));
	else
		for (unsigned i = 2; i < WORDS; i++)
			word[i] = random_mix(stamp + i, sector);
	memcpy(ret, word, sizeof(word));
}

static bool can_hold(const struct model *m, const struct extent *e, bool write)
{
	if (e->first >= m->sectors || e->nr > m->sectors - e->first)
		return false;
	for (uint32_t i = 0; i < e->nr; i++) {
		int holders = m->sector[e->first + i].holders;

		if (holders < 0 || (write && holders))
			return false;
	}
	return true;
}

static void add_holder(struct model *m, const struct extent *e, int what)
{
	for (uint32_t i = 0; i < e->nr; i++)
		m->sector[e->first + i].holders += what;
}

static void release(struct model *m, const struct extent *e, unsigned n)
{
	for (unsigned k = 0; k < n; k++)
		for (uint32_t i = 0; i < e[k].nr; i++) {
			int16_t *holders = &m->sector[e[k].first + i].holders;

			*holders = *holders < 0 ? 0 : *holders - 1;
		}
}

bool model_hold(struct model *m, const struct extent *e, unsigned n, bool write)
{
	unsigned k;

	pthread_mutex_lock(&m->lock);
	for (k = 0; k < n && can_hold(m, &e[k], write); k++)
		add_holder(m, &e[k], write ? -1 : 1);
	if (k < n)
		release(m, e, k);
	pthread_mutex_unlock(&m->lock);
	return k == n;
}

void model_release(struct model *m, const struct extent *e, unsigned n)
{
	pthread_mutex_lock(&m->lock);
	release(m, e, n);
	pthread_mutex_unlock(&m->lock);
}

void model_write(struct model *m, const struct extent *e, unsigned n, uint64_t stamp)
{
	pthread_mutex_lock(&m->lock);
	for (unsigned k = 0; k < n; k++)
		for (uint32_t i = 0; i < e[k].nr; i++) {
			struct model_sector *s = &m->sector[e[k].first + i];

			s->nr = 1;
			s->stamp[0] = stamp;
		}
	pthread_mutex_unlock(&m->lock);
}

static void may_have(struct model_sector *s, uint64_t stamp)
{
	for (unsigned i = 0; i < s->nr; i++)
		if (s->stamp[i] == stamp)
			return;
	if (s->nr == MODEL_STAMPS)
		s->nr = 0;
	else if (s->nr)
		s->stamp[s->nr++] = stamp;
}

void model_maybe(struct model *m, const struct extent *e, unsigned n, uint64_t stamp)
{
	pthread_mutex_lock(&m->lock);
	for (unsigned k = 0; k < n; k++)
		for (uint32_t i = 0; i < e[k].nr; i++)
			may_have(&m->sector[e[k].first + i], stamp);
	pthread_mutex_unlock(&m->lock);
}

/* The sector turns out to hold data; fails if it may not. */
static void resolve(struct model *m, uint64_t sector, const void *data, const char *who)
{
	struct model_sector *s = &m->sector[sector];
	uint64_t expected[WORDS], got[WORDS];

	for (unsigned i = 0; i < s->nr; i++) {
		model_fill(s->stamp[i], sector, expected);
		if (!memcmp(expected, data, MODEL_SECTOR)) {
			s->stamp[0] = s->stamp[i];
			s->nr = 1;
			return;
		}
	}
	memcpy(got, data, MODEL_SECTOR);
	sim_check(!s->nr,
		  "%s: %s: sector %llu begins with %#llx %#llx, not with %#llx %#llx (the last of "
		  "%u)",
		  m->name, who, (unsigned long long)sector, (unsigned long long)got[0],
		  (unsigned long long)got[1], (unsigned long long)expected[0],
		  (unsigned long long)expected[1], s->nr);
}

void model_check(struct model *m, uint64_t first, uint32_t nr, const void *data, const char *who)
{
	const uint8_t *p = data;

	pthread_mutex_lock(&m->lock);
	for (uint32_t i = 0; i < nr; i++)
		resolve(m, first + i, p + (uint64_t)i * MODEL_SECTOR, who);
	pthread_mutex_unlock(&m->lock);
}

void model_limit(struct model *m, uint64_t sectors)
{
	pthread_mutex_lock(&m->lock);
	m->sectors = sectors;
	pthread_mutex_unlock(&m->lock);
}

bool model_is_limited(struct model *m)
{
	bool free = true;

	pthread_mutex_lock(&m->lock);
	for (uint64_t s = m->sectors; s < m->room && free; s++)
		free = !m->sector[s].holders;
	pthread_mutex_unlock(&m->lock);
	return free;
}

void model_cut(struct model *m)
{
	pthread_mutex_lock(&m->lock);
	for (uint64_t s = m->sectors; s < m->room; s++) {
		m->sector[s].nr = 1;
		m->sector[s].stamp[0] = MODEL_ZEROES;
	}
	pthread_mutex_unlock(&m->lock);
}

void model_grow(struct model *m, uint64_t sectors)
{
	sim_check(sectors <= m->room, "%s has no room for %llu sectors", m->name,
		  (unsigned long long)sectors);
	model_limit(m, sectors);
}

void model_check_image(struct model *m, const char *path, uint64_t bytes)
{
	uint8_t *data = malloc(bytes);
	struct stat st;

	sim_check(data && stat(path, &st) == 0, "look at %s", path);
	sim_check((uint64_t)st.st_size == bytes, "%s: the image has %llu bytes, not %llu", m->name,
		  (unsigned long long)st.st_size, (unsigned long long)bytes);
	sim_image_read(path, 0, data, bytes);
	for (uint64_t s = 0; s < bytes / MODEL_SECTOR; s++)
		sim_check(!m->sector[s].holders, "%s: sector %llu is held", m->name,
			  (unsigned long long)s);
	model_check(m, 0, bytes / MODEL_SECTOR, data, "the image from outside");
	free(data);
}
