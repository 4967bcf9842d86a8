/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request asks for, and whether it was answered right. */
#include "tests/torture/request.h"

#include <endian.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/torture/life.h"
#include "tests/torture/random.h"

#define RANGE_BYTES    16
#define RANGES_UNMAP   1
#define SERIAL_BYTES   20
#define RANGE_SECTORS  2048 /* of a DISCARD or WRITE_ZEROES: nobody else gets them meanwhile */
#define SECTOR_NOWHERE (1ull << 40)

/* Somewhere on the disk, with a liking for its beginning and its end. */
static struct extent somewhere(const struct device *dev, uint32_t nr_max, uint64_t *rng)
{
	uint64_t sectors = model_sectors(dev->model);
	struct extent e = { .nr = random_size(rng, nr_max) };

	if (e.nr > sectors)
		e.nr = sectors;
	switch (random_below(rng, 6)) {
	case 0:
		e.first = sectors - e.nr;
		break;
	case 1:
	case 2:
		e.first = random_below(rng, (sectors - e.nr < 64 ? sectors - e.nr : 64) + 1);
		break;
	default:
		e.first = random_below(rng, sectors - e.nr + 1);
	}
	return e;
}

static void decide_data(struct request *r, const struct device *dev, uint32_t type, uint32_t room,
			uint64_t *rng)
{
	r->type = type;
	r->access.extent[0] = somewhere(dev, room / MODEL_SECTOR, rng);
	r->access.nr = 1;
	r->sector = r->access.extent[0].first;
	r->accesses = r->stored = true;
	if (type == T_IN) {
		r->in_len = r->access.extent[0].nr * MODEL_SECTOR;
		return;
	}
	r->out_len = r->access.extent[0].nr * MODEL_SECTOR;
	r->access.writes = true;
	if (dev->plan->read_only) {
		r->expected = BLK_IOERR;
		r->accesses = r->stored = false;
	}
}

static void decide_ranges(struct request *r, const struct device *dev, uint32_t type, uint32_t room,
			  uint64_t *rng)
{
	unsigned most = room / RANGE_BYTES < MODEL_EXTENTS ? room / RANGE_BYTES : MODEL_EXTENTS;
	unsigned bit = type == T_DISCARD ? F_DISCARD : F_WRITE_ZEROES;

	r->type = type;
	r->access.nr = random_one_in(rng, 2) ? 1 : random_size(rng, most);
	for (unsigned i = 0; i < r->access.nr; i++)
		r->access.extent[i] = somewhere(dev, RANGE_SECTORS / r->access.nr, rng);
	r->out_len = r->access.nr * RANGE_BYTES;
	r->range_flags = type == T_WRITE_ZEROES && random_one_in(rng, 2) ? RANGES_UNMAP : 0;
	r->access.stamp = MODEL_ZEROES;
	r->expected = BLK_OK;
	r->access.writes = r->accesses = r->stored = true;
	if (!(dev->features & BIT64(bit))) {
		r->expected = dev->plan->read_only ? BLK_IOERR : BLK_UNSUPP;
		r->accesses = r->stored = false;
	}
}

static uint64_t beyond(const struct device *dev, uint64_t *rng)
{
	switch (random_below(rng, 5)) {
	case 0:
		return UINT64_MAX - random_below(rng, 8);
	case 1:
		return (UINT64_MAX >> 9) - random_below(rng, 2);
	case 2:
		return (UINT64_MAX >> 9) + 1 + random_below(rng, 2);
	case 3:
		return SECTOR_NOWHERE + random_below(rng, 1000);
	default:
		return dev->plan->room + random_below(rng, 1000);
	}
}

/* A request that is refused, or strange, and does no harm. */
static void decide_odd(struct request *r, const struct device *dev, uint32_t room, uint64_t *rng)
{
	static const uint32_t types[] = {
		2, 3, 5, 6, 7, 9, 10, 12, 14, 16, 24, 1u << 31, UINT32_MAX
	};
	bool write = random_one_in(rng, 2);
	uint32_t len = MODEL_SECTOR * random_size(rng, 8);

	r->type = write ? T_OUT : T_IN;
	r->sector = random_below(rng, 4);
	r->expected = BLK_IOERR;
	switch (random_below(rng, 8)) {
	case 0:
		r->type = types[random_below(rng, sizeof(types) / sizeof(*types))];
		r->expected = BLK_UNSUPP;
		break;
	case 1:
		r->sector = beyond(dev, rng);
		break;
	case 2:
		/* Half inside; but where the end is now, if it moves, is hard to say. */
		r->sector = dev->plan->resized ? beyond(dev, rng) : model_sectors(dev->model) - 1;
		len += MODEL_SECTOR;
		break;
	case 3:
		len -= random_between(rng, 1, MODEL_SECTOR - 1);
		break;
	case 4:
		len = 0;
		r->sector = 0;
		if (!write || !dev->plan->read_only)
			r->expected = BLK_OK;
		break;
	case 5:
		r->header_len = random_between(rng, 1, 15);
		len = write ? 0 : len;
		break;
	case 6:
		decide_ranges(r, dev, write ? T_DISCARD : T_WRITE_ZEROES, room, rng);
		r->range_flags = 1u << random_between(rng, 1, 31);
		r->accesses = r->stored = false;
		if (r->expected == BLK_OK)
			r->expected = BLK_UNSUPP;
		return;
	case 7:
		decide_ranges(r, dev, write ? T_DISCARD : T_WRITE_ZEROES, room, rng);
		r->access.extent[random_below(rng, r->access.nr)] = (struct extent){
			beyond(dev, rng), random_below(rng, 9)
		};
		r->accesses = r->stored = false;
		if (r->expected == BLK_OK)
			r->expected = BLK_IOERR;
		return;
	}
	if (write)
		r->out_len = len;
	else
		r->in_len = len;
}

void request_decide(struct request *r, const struct device *dev, uint32_t room, uint64_t stamp,
		    uint64_t *rng)
{
	unsigned dice = random_below(rng, 100);

	*r = (struct request){ .header_len = 16, .access.stamp = stamp, .expected = BLK_OK };
	if (dice < 36) {
		decide_data(r, dev, T_IN, room, rng);
	} else if (dice < 70) {
		decide_data(r, dev, T_OUT, room, rng);
	} else if (dice < 75) {
		r->type = T_FLUSH;
		r->stored = true;
	} else if (dice < 80) {
		decide_ranges(r, dev, T_DISCARD, room, rng);
	} else if (dice < 86) {
		decide_ranges(r, dev, T_WRITE_ZEROES, room, rng);
	} else if (dice < 89) {
		r->type = T_GET_ID;
		r->in_len = random_one_in(rng, 2) ? SERIAL_BYTES : random_size(rng, 64);
	} else {
		decide_odd(r, dev, room, rng);
	}
	/* Data in the direction that the type makes nothing of. */
	if (random_one_in(rng, 30) && r->type != T_IN && !r->in_len)
		r->in_len = random_size(rng, 64);
	if (random_one_in(rng, 30) && r->type != T_OUT && !r->out_len && r->header_len == 16)
		r->out_len = random_size(rng, 64);
}

/* The answer */

static const char *name_of(const struct request *r, const struct queue *q, char ret[96])
{
	snprintf(ret, 96, "queue %u, type %u at %llu (%u extents)", q->index, r->type,
		 (unsigned long long)r->sector, r->access.nr);
	return ret;
}

/* Nothing but what is writable was written; and has gaps between, which were not. */
static void check_memory(const struct request *r, const struct queue *q, const char *name)
{
	const struct memory *m = &q->dev->life->memory;
	uint64_t at = r->at, sum = 0;

	if (r->nr_direct < r->nr_segs) {
		at += 16 * (r->nr_segs - r->nr_direct);
		sum = memory_sum(m, r->at, at - r->at, sum);
	}
	for (unsigned k = 0; k < r->nr_segs; k++) {
		const struct drv_seg *s = &r->seg[r->backward ? r->nr_segs - 1 - k : k];

		sim_check(memory_is_poison(m, at, s->gpa - at),
			  "%s: %s: bytes before %#llx were written", q->dev->plan->name, name,
			  (unsigned long long)s->gpa);
		at = s->gpa + s->len;
		if (!s->write)
			sum = memory_sum(m, s->gpa, s->len, sum);
	}
	sim_check(memory_is_poison(m, at, r->at + r->bytes - at),
		  "%s: %s: bytes behind its memory were written", q->dev->plan->name, name);
	sim_check(sum == r->readable_sum, "%s: %s: what is readable was written",
		  q->dev->plan->name, name);
}

/* The writable stream: data and status. */
static void read_answer(const struct request *r, const struct queue *q)
{
	uint32_t at = 0;

	for (unsigned k = 0; k < r->nr_segs; k++) {
		const struct drv_seg *s = &r->seg[k];

		if (!s->write)
			continue;
		memory_read(&q->dev->life->memory, s->gpa, q->scratch + at, s->len);
		at += s->len;
	}
}

static void check_serial(const struct request *r, const struct queue *q, const char *name)
{
	const struct device *dev = q->dev;
	char expected[SERIAL_BYTES + 64] = "";

	snprintf(expected, sizeof(expected), "%s",
		 *dev->plan->serial ? dev->plan->serial : dev->life->guest->disk[dev->n].vdev);
	sim_check(
		!memcmp(expected, q->scratch, r->in_len < SERIAL_BYTES ? r->in_len : SERIAL_BYTES),
		"%s: %s: the serial number is not \"%s\"", dev->plan->name, name, expected);
}

static void served(struct request *r, struct queue *q, uint32_t used_len, const char *name)
{
	bool filled = r->type == T_IN || (r->type == T_GET_ID && r->in_len <= SERIAL_BYTES);

	sim_check(!filled || used_len == r->in_len + 1, "%s: %s: used length is %u, not %u",
		  q->dev->plan->name, name, used_len, r->in_len + 1);
	if (r->type == T_GET_ID)
		check_serial(r, q, name);
	if (r->type == T_IN && r->accesses)
		model_check(q->dev->model, &r->access, q->scratch, name);
	if (r->type == T_FLUSH)
		stable_flush(&q->dev->stable, r->asked);
	if ((r->type == T_OUT || r->type == T_WRITE_ZEROES) && r->accesses &&
	    device_is_writethrough(q->dev, r->cache))
		stable_write(&q->dev->stable, r->asked, &r->access);
}

static enum model_result result_of(const struct request *r, uint8_t status)
{
	if (!r->access.writes)
		return MODEL_NOT_WRITTEN;
	/* DISCARD is a hint. */
	return status == BLK_OK && r->type != T_DISCARD ? MODEL_WRITTEN : MODEL_MAYBE_WRITTEN;
}

/* No answer but the expected one is right, but that of bad storage. */
static void check_status(const struct request *r, struct device *dev, uint8_t status,
			 const char *name)
{
	if (status == r->expected)
		return;
	life_check(dev->life, r->stored && dev->trouble.errors && status == BLK_IOERR,
		   "%s: %s: status is %u, not %u", dev->plan->name, name, status, r->expected);
	/*
	 * A write that must be stable may end with an fdatasync, which tells of the pages of
	 * others, too; and where the cache can be switched it may have had to be.
	 */
	if (r->type == T_FLUSH || r->type == T_WRITE_ZEROES ||
	    (r->type == T_OUT &&
	     (dev->features & BIT64(F_CONFIG_WCE) || !(dev->features & BIT64(F_FLUSH)))))
		dev->not_flushed++;
	else
		dev->failed++;
}

void request_finish(struct request *r, struct queue *q, uint32_t used_len)
{
	struct device *dev = q->dev;
	char name[96];
	uint8_t status;

	name_of(r, q, name);
	check_memory(r, q, name);
	read_answer(r, q);
	status = q->scratch[r->in_len];
	sim_check(used_len <= r->in_len + 1, "%s: %s: used length is %u of %u", dev->plan->name,
		  name, used_len, r->in_len + 1);
	check_status(r, dev, status, name);
	if (status == BLK_OK)
		served(r, q, used_len, name);
	if (r->accesses)
		model_end(dev->model, &r->access, result_of(r, status));
}

void request_lose(struct request *r, struct queue *q)
{
	if (r->accesses)
		model_end(q->dev->model, &r->access, result_of(r, BLK_PENDING));
}
