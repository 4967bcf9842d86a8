/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/sim/check.h"
#include "tests/sim/sim.h"
#include "tests/torture/random.h"

#define WORDS (MODEL_SECTOR / sizeof(uint64_t))

static void holds_only(struct model_sector *s, uint64_t stamp, uint32_t time)
{
	s->nr = 1;
	s->mixed = false;
	s->write[0] = (struct model_write){ .stamp = stamp, .begin = time, .end = time };
}

void model_init(struct model *m, const char *name, uint64_t sectors, uint64_t room, uint64_t stamp)
{
	*m = (struct model){ .name = name, .sectors = sectors, .room = room, .time = 1 };
	pthread_mutex_init(&m->lock, NULL);
	m->sector = calloc(room, sizeof(*m->sector));
	sim_check(m->sector, "out of memory");
	for (uint64_t s = 0; s < room; s++)
		holds_only(&m->sector[s], s < sectors ? stamp : MODEL_ZEROES, m->time);
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

/*
 * A write's sectors begin with its stamp and their number: what is found elsewhere says where
 * it is from.
 */
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

/* The list of a sector */

/* Has anything been written since, or is it now? */
static bool is_written_since(const struct model_sector *s, uint32_t time)
{
	for (unsigned i = 0; i < s->nr; i++)
		if (!s->write[i].end || s->write[i].end > time)
			return true;
	return false;
}

static bool is_idle(const struct model_sector *s, uint32_t time)
{
	return !s->readers && !is_written_since(s, time);
}

static struct model_write *find(struct model_sector *s, uint32_t begin)
{
	for (unsigned i = 0; i < s->nr; i++)
		if (s->write[i].begin == begin)
			return &s->write[i];
	return NULL;
}

/* Nobody reads who could find it. */
static void forget_gone(struct model_sector *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nr; i++)
		if (!s->write[i].gone)
			s->write[n++] = s->write[i];
	s->nr = n;
}

static bool can_begin(const struct model *m, const struct model_sector *s, bool write, bool meets)
{
	if (write)
		return s->nr < MODEL_WRITES && (meets || is_idle(s, m->time));
	return meets || !is_written_since(s, m->time);
}

static void begin(struct model_sector *s, const struct access *a)
{
	if (!a->writes)
		s->readers++;
	else if (!find(s, a->begin)) /* extents of a request may overlap */
		s->write[s->nr++] = (struct model_write){ .stamp = a->stamp, .begin = a->begin };
}

static void end_write(struct model_sector *s, const struct access *a, enum model_result result,
		      uint32_t time)
{
	struct model_write *w = find(s, a->begin);
	unsigned left = 0;

	if (!w || w->end) /* done, by an extent that overlaps with this one */
		return;
	w->end = time;
	if (result == MODEL_NOT_WRITTEN)
		w->gone = time;
	for (unsigned i = 0; i < s->nr && !w->gone; i++) {
		struct model_write *other = &s->write[i];
		bool met = !other->end || other->end > a->begin;

		if (other == w || other->gone)
			continue;
		s->mixed |= met;
		if (other->end && ((result == MODEL_WRITTEN && !met) || other->stamp == w->stamp))
			other->gone = time;
		left += !other->gone;
	}
	if (!w->gone && !left)
		s->mixed = false;
	if (!s->readers)
		forget_gone(s);
}

static void end_read(struct model_sector *s)
{
	if (!--s->readers)
		forget_gone(s);
}

/* Accesses */

static bool all_can_begin(const struct model *m, const struct access *a, bool meets)
{
	for (unsigned k = 0; k < a->nr; k++) {
		const struct extent *e = &a->extent[k];

		if (e->first >= m->sectors || e->nr > m->sectors - e->first)
			return false;
		for (uint32_t i = 0; i < e->nr; i++)
			if (!can_begin(m, &m->sector[e->first + i], a->writes, meets))
				return false;
	}
	return true;
}

bool model_begin(struct model *m, struct access *a, bool meets)
{
	bool can;

	pthread_mutex_lock(&m->lock);
	can = all_can_begin(m, a, meets);
	if (can) {
		a->begin = ++m->time;
		for (unsigned k = 0; k < a->nr; k++)
			for (uint32_t i = 0; i < a->extent[k].nr; i++)
				begin(&m->sector[a->extent[k].first + i], a);
	}
	pthread_mutex_unlock(&m->lock);
	return can;
}

void model_end(struct model *m, const struct access *a, enum model_result result)
{
	pthread_mutex_lock(&m->lock);
	m->time++;
	for (unsigned k = 0; k < a->nr; k++)
		for (uint32_t i = 0; i < a->extent[k].nr; i++) {
			struct model_sector *s = &m->sector[a->extent[k].first + i];

			if (a->writes)
				end_write(s, a, result, m->time);
			else
				end_read(s);
		}
	pthread_mutex_unlock(&m->lock);
}

/*
 * Are data, of a read since then, those of one of the writes; or, mixed, byte by byte of
 * any of them?
 */
static struct model_write *match(struct model_sector *s, uint64_t sector, uint32_t since,
				 bool mixed, const uint8_t *data)
{
	struct model_write *last = NULL;
	bool known[MODEL_SECTOR] = { false };
	unsigned nr_known = 0;

	for (unsigned i = 0; i < s->nr; i++) {
		struct model_write *w = &s->write[i];
		uint8_t expected[MODEL_SECTOR];

		if (w->gone && w->gone <= since)
			continue;
		model_fill(w->stamp, sector, expected);
		if (!memcmp(expected, data, MODEL_SECTOR))
			return w;
		last = w;
		for (unsigned k = 0; k < MODEL_SECTOR; k++) {
			nr_known += !known[k] && expected[k] == data[k];
			known[k] |= expected[k] == data[k];
		}
	}
	return mixed && nr_known == MODEL_SECTOR ? last : NULL;
}

static void check(struct model *m, uint64_t sector, uint32_t since, const void *data,
		  const char *who)
{
	struct model_sector *s = &m->sector[sector];
	bool meets = is_written_since(s, since);
	const struct model_write *w;
	uint64_t got[2];

	memcpy(got, data, sizeof(got));
	w = match(s, sector, since, s->mixed || meets, data);
	sim_check(w,
		  "%s: %s: sector %llu begins with %#llx %#llx, which is none of %u that it may "
		  "hold, "
		  "of which the last is %#llx",
		  m->name, who, (unsigned long long)sector, (unsigned long long)got[0],
		  (unsigned long long)got[1], s->nr, (unsigned long long)s->write[s->nr - 1].stamp);
	for (unsigned i = 0; i < s->nr && !meets && !s->mixed; i++)
		if (&s->write[i] != w && !s->write[i].gone)
			s->write[i].gone = m->time;
	if (!s->readers)
		forget_gone(s);
}

static void check_extent(struct model *m, const struct extent *e, uint32_t since, const void *data,
			 const char *who)
{
	for (uint32_t i = 0; i < e->nr; i++)
		check(m, e->first + i, since, (const char *)data + (uint64_t)i * MODEL_SECTOR, who);
}

void model_check(struct model *m, const struct access *a, const void *data, const char *who)
{
	pthread_mutex_lock(&m->lock);
	check_extent(m, &a->extent[0], a->begin, data, who);
	pthread_mutex_unlock(&m->lock);
}

/* The size */

void model_limit(struct model *m, uint64_t sectors)
{
	pthread_mutex_lock(&m->lock);
	m->sectors = sectors;
	pthread_mutex_unlock(&m->lock);
}

bool model_is_limited(struct model *m)
{
	bool idle = true;

	pthread_mutex_lock(&m->lock);
	for (uint64_t s = m->sectors; s < m->room && idle; s++)
		idle = is_idle(&m->sector[s], m->time);
	pthread_mutex_unlock(&m->lock);
	return idle;
}

void model_cut(struct model *m)
{
	pthread_mutex_lock(&m->lock);
	for (uint64_t s = m->sectors; s < m->room; s++)
		holds_only(&m->sector[s], MODEL_ZEROES, m->time);
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
	const struct extent all = { 0, bytes / MODEL_SECTOR };
	uint8_t *data = malloc(bytes);
	struct stat st;

	sim_check(data && stat(path, &st) == 0, "look at %s", path);
	sim_check((uint64_t)st.st_size == bytes, "%s: the image has %llu bytes, not %llu", m->name,
		  (unsigned long long)st.st_size, (unsigned long long)bytes);
	sim_image_read(path, 0, data, bytes);
	pthread_mutex_lock(&m->lock);
	for (uint64_t s = 0; s < all.nr; s++)
		sim_check(is_idle(&m->sector[s], m->time), "%s: sector %llu is accessed", m->name,
			  (unsigned long long)s);
	check_extent(m, &all, m->time, data, "the image from outside");
	pthread_mutex_unlock(&m->lock);
	free(data);
}
