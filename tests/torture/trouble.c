/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/trouble.h"

#include <errno.h>

#include "tests/sim/check.h"
#include "tests/sim/sim.h"
#include "tests/torture/model.h"
#include "tests/torture/random.h"

#define DATA	 (FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE))
#define ANYTHING (DATA | FAULT_BIT(FAULT_FSYNC) | FAULT_BIT(FAULT_FALLOCATE))

static void add(struct trouble *t, const struct fault_rule *rule, bool error)
{
	sim_check(t->nr < TROUBLE_RULES, "too much trouble");
	t->error[t->nr] = error;
	t->errors |= error;
	t->rule[t->nr++] = faults_add(&sim.faults, rule);
}

/* What the daemon has to get over by itself. */
static void add_harmless(struct trouble *t, struct fault_rule rule, uint64_t *rng)
{
	rule.skip = random_size(rng, 100) - 1;
	switch (random_below(rng, 5)) {
	case 0:
		rule.ops = random_one_in(rng, 2) ? ANYTHING : DATA;
		rule.action = FAULT_DELAY;
		rule.amount = random_between(rng, 1, 5);
		rule.count = random_size(rng, 200);
		break;
	case 1:
		rule.ops = ANYTHING;
		rule.action = FAULT_REORDER;
		rule.amount = random_below(rng, 1000);
		rule.count = random_size(rng, 300);
		break;
	case 2:
		/* Whole sectors: half of one that is written would be neither old nor new. */
		rule.ops = DATA;
		rule.action = FAULT_SHORT;
		rule.amount = MODEL_SECTOR * random_size(rng, 64);
		rule.count = random_size(rng, 100);
		break;
	case 3:
		/* Three such rules may meet one request, which is tried 8 times more. */
		rule.ops = ANYTHING;
		rule.action = FAULT_FAIL;
		rule.error = random_one_in(rng, 2) ? EINTR : EAGAIN;
		rule.count = random_between(rng, 1, 2);
		break;
	case 4:
		rule.ops = FAULT_BIT(FAULT_FALLOCATE);
		rule.action = FAULT_FAIL;
		rule.error = EOPNOTSUPP;
		rule.count = 1;
		break;
	}
	add(t, &rule, false);
}

static void add_error(struct trouble *t, struct fault_rule rule, uint64_t *rng)
{
	static const uint64_t ops[] = {
		FAULT_BIT(FAULT_READ),
		FAULT_BIT(FAULT_WRITE),
		FAULT_BIT(FAULT_FSYNC),
		FAULT_BIT(FAULT_FALLOCATE),
		ANYTHING,
	};

	rule.ops = ops[random_below(rng, 5)];
	rule.action = FAULT_FAIL;
	rule.error = random_one_in(rng, 2) ? EIO : ENOSPC;
	rule.skip = random_size(rng, 200);
	rule.count = random_between(rng, 1, 4);
	add(t, &rule, true);
}

void trouble_start(struct trouble *t, const char *path, uint16_t domid, uint64_t *rng)
{
	const struct fault_rule rule = { .process = domid, .file = faults_file(path) };
	unsigned harmless = random_below(rng, 4), errors = random_one_in(rng, 3) ? 2 : 0;

	*t = (struct trouble){ .nr = 0 };
	for (unsigned i = 0; i < harmless; i++)
		add_harmless(t, rule, rng);
	for (unsigned i = 0; i < errors; i++)
		add_error(t, rule, rng);
}

uint64_t trouble_stop(struct trouble *t)
{
	uint64_t hits = 0;

	for (unsigned i = 0; i < t->nr; i++) {
		if (t->error[i])
			hits += faults_hits(&sim.faults, t->rule[i]);
		faults_remove(&sim.faults, t->rule[i]);
	}
	return hits;
}
