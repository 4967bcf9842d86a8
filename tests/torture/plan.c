/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/plan.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/torture/random.h"

#define MIB	    (1ull << 20)
#define SECTORS_MAX 16384

static void make_disk(struct disk_plan *d, unsigned guest, unsigned n, uint64_t *rng)
{
	uint64_t sectors = random_one_in(rng, 4) ? random_size(rng, SECTORS_MAX)
						 : random_between(rng, 1000, SECTORS_MAX);

	*d = (struct disk_plan){
		.bytes = sectors * 512,
		.room = sectors + random_between(rng, 1, 8192),
		.pattern = random_one_in(rng, 2),
		.buffered = random_one_in(rng, 2),
		.direct_io_safe = random_one_in(rng, 8),
		.read_only = random_one_in(rng, 10),
		.discard = !random_one_in(rng, 3),
		.queues = random_one_in(rng, 2) ? 0 : random_between(rng, 1, 8),
		.queue_size = 1u << random_between(rng, 3, 10),
		.resized = random_one_in(rng, 3),
	};
	snprintf(d->name, sizeof(d->name), "g%u-xvd%c", guest, 'a' + n);
	if (random_one_in(rng, 2))
		snprintf(d->serial, sizeof(d->serial), "%.*s", (int)random_between(rng, 1, 20),
			 "serial-number-of-disk");
}

static void make_guest(struct guest_plan *g, unsigned n, uint64_t *rng)
{
	*g = (struct guest_plan){
		.vcpus = random_between(rng, 1, 4),
		.ram0 = 2 * MIB * random_between(rng, 8, 16),
		.ram1 = random_one_in(rng, 2) ? 2 * MIB * random_between(rng, 1, 8) : 0,
		.nr_disks = random_between(rng, 1, PLAN_DISKS),
		.boots = random_between(rng, 1, 2),
	};
	if (random_mix(*rng, n) % 4 == 0)
		g->mapping_limit = PLAN_MAPPING_LIMIT;
	snprintf(g->name, sizeof(g->name), "g%u", n);
	for (unsigned i = 0; i < g->nr_disks; i++)
		make_disk(&g->disk[i], n, i, rng);
}

static void print_disk(FILE *f, const struct disk_plan *d, unsigned n)
{
	fprintf(f, "%s{ vdev = \"xvd%c\"; cache = \"%s\"; queue_size = %u;", n ? ", " : "", 'a' + n,
		d->buffered ? "buffered" : "direct", d->queue_size);
	if (d->queues)
		fprintf(f, " queues = %u;", d->queues);
	if (*d->serial)
		fprintf(f, " serial = \"%s\";", d->serial);
	fprintf(f, " }");
}

static void print_config(const struct plan *p, FILE *f)
{
	fprintf(f, "guests = (");
	for (unsigned i = 0; i < p->nr_guests; i++) {
		const struct guest_plan *g = &p->guest[i];

		fprintf(f, "%s{ name = \"%s\"; disks = (", i ? ", " : "", g->name);
		for (unsigned k = 0; k < g->nr_disks; k++)
			print_disk(f, &g->disk[k], k);
		fprintf(f, "); }");
	}
	fprintf(f, ");\n");
}

void plan_make(uint64_t seed, struct plan *ret)
{
	uint64_t rng = random_mix(seed, 0);
	FILE *f;

	memset(ret, 0, sizeof(*ret));
	ret->seed = seed;
	ret->generations = random_one_in(&rng, 3) ? 2 : 1;
	ret->nr_guests = random_between(&rng, 1, PLAN_GUESTS);
	for (unsigned i = 0; i < ret->nr_guests; i++)
		make_guest(&ret->guest[i], i, &rng);
	f = fmemopen(ret->config, sizeof(ret->config), "w");
	sim_check(f, "print the configuration");
	print_config(ret, f);
	sim_check(fclose(f) == 0, "print the configuration");
}

unsigned plan_queues(const struct guest_plan *g, const struct disk_plan *d)
{
	return d->queues ? d->queues : g->vcpus;
}

void plan_print(const struct plan *p)
{
	fprintf(stderr, "seed %llu: %u generations of guests\n", (unsigned long long)p->seed,
		p->generations);
	for (unsigned i = 0; i < p->nr_guests; i++) {
		const struct guest_plan *g = &p->guest[i];

		fprintf(stderr, "%s: %u vCPUs, %llu MiB + %llu MiB%s, %u boots in each\n", g->name,
			g->vcpus, (unsigned long long)(g->ram0 / MIB),
			(unsigned long long)(g->ram1 / MIB),
			g->mapping_limit ? ", not all can be mapped" : "", g->boots);
		for (unsigned k = 0; k < g->nr_disks; k++) {
			const struct disk_plan *d = &g->disk[k];

			fprintf(stderr, "%s: %llu bytes%s%s%s%s\n", d->name,
				(unsigned long long)d->bytes, d->pattern ? "" : ", empty",
				d->read_only ? ", read-only" : "", d->discard ? ", discard" : "",
				d->resized ? ", resized" : "");
		}
	}
	fputs(p->config, stderr);
}
