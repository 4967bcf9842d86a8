/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/stable.h"

#include <stdlib.h>

#include "tests/sim/check.h"
#include "tests/sim/sim.h"

void stable_init(struct stable *s, const char *image)
{
	*s = (struct stable){ .image = faults_file(image) };
	pthread_mutex_init(&s->lock, NULL);
	faults_record_start(&sim.faults, s->image);
}

uint64_t stable_time(void)
{
	return faults_clock(&sim.faults);
}

static void add(struct stable *s, uint64_t asked, struct extent e)
{
	const struct promise p = { asked, stable_time(), e };

	pthread_mutex_lock(&s->lock);
	if (s->nr == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->promise = realloc(s->promise, s->room * sizeof(p));
		sim_check(s->promise, "out of memory");
	}
	s->promise[s->nr++] = p;
	pthread_mutex_unlock(&s->lock);
}

void stable_flush(struct stable *s, uint64_t asked)
{
	add(s, asked, (struct extent){ 0, 0 });
}

void stable_write(struct stable *s, uint64_t asked, const struct access *a)
{
	for (unsigned k = 0; k < a->nr; k++)
		add(s, asked, a->extent[k]);
}

/* Records of one image in the order of time. */
struct records {
	const struct fault_record *record;
	size_t nr;
};

/* Of [from, to). */
static struct records between(const struct records *all, uint64_t from, uint64_t to)
{
	size_t low = 0, high = all->nr, end;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (all->record[middle].seq < from)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all->nr && all->record[end].seq < to; end++)
		;
	return (struct records){ all->record + low, end - low };
}

/* Was an fsync begun and ended well, behind the record number from? */
static bool is_synced(const struct records *r, size_t from)
{
	for (size_t i = from; i < r->nr; i++) {
		const struct fault_record *begin = &r->record[i];

		if (begin->op != FAULT_FSYNC || begin->event != FAULT_SUBMIT)
			continue;
		for (size_t k = i + 1; k < r->nr; k++)
			if (r->record[k].id == begin->id && r->record[k].result >= 0)
				return true;
	}
	return false;
}

/* The bytes that an operation has changed, if this is its end. */
static bool has_changed(const struct fault_record *r, uint64_t *ret_first, uint64_t *ret_end)
{
	if (r->event != FAULT_COMPLETE || r->result < 0)
		return false;
	if (r->op != FAULT_WRITE && r->op != FAULT_FALLOCATE)
		return false;
	*ret_first = r->offset;
	*ret_end = r->offset + (r->op == FAULT_WRITE ? (uint64_t)r->result : r->len);
	return true;
}

/* Was the sector written, and that with DSYNC, or an fsync followed? */
static bool is_stable(const struct records *r, uint64_t sector)
{
	uint64_t first, end;

	for (size_t i = 0; i < r->nr; i++)
		if (has_changed(&r->record[i], &first, &end) && first <= sector * MODEL_SECTOR &&
		    end >= (sector + 1) * MODEL_SECTOR &&
		    (r->record[i].dsync || is_synced(r, i + 1)))
			return true;
	return false;
}

static void check(const struct promise *p, const struct records *all, const char *name)
{
	struct records r = between(all, p->asked, p->answered);

	sim_check(p->extent.nr || is_synced(&r, 0), "%s: a FLUSH did not flush the image", name);
	for (uint32_t i = 0; i < p->extent.nr; i++)
		sim_check(is_stable(&r, p->extent.first + i),
			  "%s: a write of sector %llu is answered and not stable", name,
			  (unsigned long long)p->extent.first + i);
}

void stable_fini(struct stable *s, const char *name)
{
	struct fault_record *record;
	struct records all = { .nr = 0 };
	size_t n;

	faults_record_stop(&sim.faults, s->image);
	record = faults_records(&sim.faults, &n);
	for (size_t i = 0; i < n; i++)
		if (record[i].file.ino == s->image.ino && record[i].file.dev == s->image.dev)
			record[all.nr++] = record[i];
	all.record = record;
	for (unsigned i = 0; i < s->nr; i++)
		check(&s->promise[i], &all, name);
	free(record);
	free(s->promise);
	pthread_mutex_destroy(&s->lock);
}
