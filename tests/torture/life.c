/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/life.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/torture/random.h"

#define PAGE_SECTORS (4096 / MODEL_SECTOR)

bool life_is_verbose;

void life_say(const struct life *life, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (!life_is_verbose)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "%s: %s\n", life->plan->name, text);
}

/* The guest's machine, on which a vCPU is used by one thread at a time */

static struct life *life_of(struct machine *m)
{
	return (struct life *)((char *)m - offsetof(struct life, machine));
}

static uint64_t machine_read(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size)
{
	struct life *life = life_of(m);
	struct machine *real = &life->guest->machine;
	uint64_t value;

	pthread_mutex_lock(&life->access[vcpu]);
	value = real->ops->read(real, vcpu, addr, size);
	pthread_mutex_unlock(&life->access[vcpu]);
	return value;
}

static void machine_write(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size,
			  uint64_t value)
{
	struct life *life = life_of(m);
	struct machine *real = &life->guest->machine;

	pthread_mutex_lock(&life->access[vcpu]);
	real->ops->write(real, vcpu, addr, size, value);
	pthread_mutex_unlock(&life->access[vcpu]);
}

static void *machine_ram(struct machine *m, uint64_t gpa, uint64_t len)
{
	struct machine *real = &life_of(m)->guest->machine;

	return real->ops->ram(real, gpa, len);
}

static uint64_t machine_alloc(struct machine *m, uint64_t bytes)
{
	struct machine *real = &life_of(m)->guest->machine;

	sim_check(!bytes, "memory is taken elsewhere");
	return real->ops->alloc(real, bytes);
}

static unsigned machine_interrupts(struct machine *m, unsigned line)
{
	struct machine *real = &life_of(m)->guest->machine;

	return real->ops->interrupts(real, line);
}

static unsigned machine_interrupt_wait(struct machine *m, unsigned line, unsigned seen,
				       int timeout_ms)
{
	struct machine *real = &life_of(m)->guest->machine;

	return real->ops->interrupt_wait(real, line, seen, timeout_ms);
}

static uint64_t machine_grant(struct machine *m, uint64_t owner, uint64_t gpa, uint64_t len,
			      bool read_only)
{
	return guest_grant(&life_of(m)->guest->machine, owner, gpa, len, read_only);
}

static bool machine_grant_end(struct machine *m, uint64_t owner, uint64_t addr)
{
	return guest_grant_end(&life_of(m)->guest->machine, owner, addr);
}

static bool machine_grant_end_all(struct machine *m, uint64_t owner)
{
	return guest_grant_end_all(&life_of(m)->guest->machine, owner);
}

static uint64_t machine_grant_gpa(struct machine *m, uint64_t owner, uint64_t addr, bool again)
{
	return guest_grant_gpa(&life_of(m)->guest->machine, owner, addr, again);
}

static const struct machine_ops machine_ops = {
	.read = machine_read,
	.write = machine_write,
	.ram = machine_ram,
	.alloc = machine_alloc,
	.grant = machine_grant,
	.grant_end = machine_grant_end,
	.grant_end_all = machine_grant_end_all,
	.grant_gpa = machine_grant_gpa,
	.interrupts = machine_interrupts,
	.interrupt_wait = machine_interrupt_wait,
};

/* Disks */

void life_init(struct life *life, const struct guest_plan *plan)
{
	life->plan = plan;
	life->machine.ops = &machine_ops;
	for (unsigned v = 0; v < LIFE_VCPUS; v++)
		pthread_mutex_init(&life->access[v], NULL);
	for (unsigned i = 0; i < plan->nr_disks; i++) {
		const struct disk_plan *d = &plan->disk[i];

		life->disk[i].image = sim_image(d->name, d->bytes, d->pattern);
		life->disk[i].bytes = d->bytes;
		model_init(&life->disk[i].model, d->name, d->bytes / MODEL_SECTOR, d->room,
			   d->pattern ? MODEL_PATTERN : MODEL_ZEROES);
	}
}

void life_fini(struct life *life)
{
	for (unsigned i = 0; i < life->plan->nr_disks; i++)
		model_fini(&life->disk[i].model);
}

static struct guest *create(struct life *life)
{
	const struct guest_plan *plan = life->plan;
	struct guest *g;
	struct guest_spec spec = {
		.name = plan->name,
		.vcpus = plan->vcpus,
		.ram0 = plan->ram0,
		.ram1 = plan->ram1,
		.nr_disks = plan->nr_disks,
	};

	for (unsigned i = 0; i < plan->nr_disks; i++) {
		spec.disk[i] = toolstack_disk(i, life->disk[i].image);
		spec.disk[i].read_only = plan->disk[i].read_only;
		spec.disk[i].discard = plan->disk[i].discard;
		spec.disk[i].direct_io_safe = plan->disk[i].direct_io_safe;
	}
	g = guest_create(&spec);
	hyp_limit_mapping(g->dom, plan->mapping_limit);
	return g;
}

/* What happens to it */

/* A wait loop's step: steps of the vCPUs are progress. */
struct patience {
	unsigned steps, n;
};

static void wait_a_moment(struct life *life, struct patience *p, const char *waiting_for)
{
	unsigned steps = atomic_load(&life->steps);

	if (steps != p->steps)
		*p = (struct patience){ .steps = steps };
	sim_step(&p->n, waiting_for);
}

/* False if the vCPUs have done it all. */
static bool wait_for_step(struct life *life, unsigned wanted)
{
	struct patience p = { 0, 0 };

	while (atomic_load(&life->steps) < wanted) {
		if (!atomic_load(&life->running))
			return false;
		wait_a_moment(life, &p, "the vCPUs to go on");
	}
	return true;
}

/* The image has another size, and the daemon is told: until the guest can see it. */
static void set_size(struct life *life, unsigned disk, uint64_t bytes)
{
	struct drv d = { .m = &life->machine, .base = life->guest->disk[disk].base };
	unsigned n = 0;

	sim_check(truncate(life->disk[disk].image, bytes) == 0, "truncate %s",
		  life->disk[disk].image);
	life->disk[disk].bytes = bytes;
	sim_check(kill(sim.daemon, SIGHUP) == 0, "cannot send SIGHUP");
	while (drv_capacity(&d) != bytes / MODEL_SECTOR)
		sim_step(&n, "the disk's new size");
	life_say(life, "xvd%c has %llu bytes now", 'a' + disk, (unsigned long long)bytes);
}

/* The guest's part in that: no requests from there on. */
static void leave_end_alone(struct life *life, struct model *m, uint64_t sectors)
{
	struct patience p = { 0, 0 };

	model_limit(m, sectors);
	while (!model_is_limited(m))
		wait_a_moment(life, &p, "requests at the end of the disk");
}

static void resize(struct life *life, unsigned disk, uint64_t *rng)
{
	struct model *m = &life->disk[disk].model;
	uint64_t old = model_sectors(m), sectors;

	if (!life->plan->disk[disk].resized)
		return;
	if (random_one_in(rng, 2) && old < m->room) {
		/*
		 * The host's kernel fills the page at the end of a file by way of the page cache
		 * when the file grows, and does not wait for O_DIRECT.
		 */
		sectors = random_between(rng, old + 1, m->room);
		leave_end_alone(life, m, old - old % PAGE_SECTORS);
		set_size(life, disk, sectors * MODEL_SECTOR);
		model_grow(m, sectors);
	} else if (old > 1) {
		sectors = random_between(rng, 1, old - 1);
		leave_end_alone(life, m, sectors);
		set_size(life, disk, sectors * MODEL_SECTOR);
		model_cut(m);
	}
}

/* While the vCPUs run, and until they have ended. */
static void let_things_happen(struct life *life, uint64_t *rng)
{
	unsigned steps = life->plan->vcpus * VCPU_STEPS, at = 0;
	bool dies = random_one_in(rng, 3);

	while (wait_for_step(life, at += random_between(rng, steps / 8, steps / 2))) {
		if (dies && random_one_in(rng, 3)) {
			life_say(life, "is killed");
			atomic_store(&life->killed, true);
			guest_kill(life->guest);
			break;
		}
		resize(life, random_below(rng, life->plan->nr_disks), rng);
	}
	for (unsigned v = 0; v < life->plan->vcpus; v++)
		guest_join(life->vcpu[v].thread);
}

/* A boot */

static void bring_up(struct life *life, uint64_t *rng)
{
	const struct guest_plan *plan = life->plan;
	unsigned queues = 0;
	uint64_t share;

	atomic_store(&life->killed, false);
	atomic_store(&life->steps, 0);
	memory_init(&life->memory, life->guest);
	for (unsigned i = 0; i < plan->nr_disks; i++)
		queues += plan_queues(plan, &plan->disk[i]);
	/* Besides the slots there are rings, and what is left of a bank. */
	share = (memory_left(&life->memory) - (4 << 20)) / queues;
	for (unsigned i = 0; i < plan->nr_disks; i++)
		device_init(&life->device[i], life, i, share, random_mix(life->seed, i));
	for (unsigned v = 0; v < plan->vcpus; v++)
		vcpu_init(&life->vcpu[v], life, v, random_mix(life->seed, 100 + v));
	for (unsigned i = 0; i < plan->nr_disks; i++) {
		stable_init(&life->device[i].stable, life->disk[i].image);
		trouble_start(&life->device[i].trouble, life->disk[i].image, life->guest->domid,
			      rng);
	}
	for (unsigned i = 0; i < plan->nr_disks; i++)
		device_start(&life->device[i], rng);
	atomic_store(&life->running, plan->vcpus);
	for (unsigned v = 0; v < plan->vcpus; v++)
		life->vcpu[v].thread = guest_run(vcpu_run, &life->vcpu[v]);
}

/*
 * No vCPU runs any more.  Each error of the storage has become one of the guest's, and no other
 * has; but a killed guest's requests may end in any way.
 */
static void check_device(struct life *life, struct device *dev)
{
	const struct state_disk *state;
	unsigned long long errors, failed, not_flushed;

	for (unsigned i = 0; i < dev->nr_queues; i++)
		queue_lose(&dev->queue[i]);
	stable_fini(&dev->stable, dev->plan->name);
	errors = trouble_stop(&dev->trouble);
	if (atomic_load(&life->killed))
		return;
	state = guest_disk_state(life->guest, dev->n);
	life_say(life,
		 "%s: %llu reads, %llu writes, %llu flushes; %llu without an answer, %llu failed",
		 dev->plan->name, (unsigned long long)state->counters.reads,
		 (unsigned long long)state->counters.writes,
		 (unsigned long long)state->counters.flushes, (unsigned long long)dev->lost,
		 (unsigned long long)dev->failed);
	failed = dev->failed;
	not_flushed = dev->not_flushed;
	sim_check(failed <= errors && (dev->lost || failed + not_flushed >= errors),
		  "%s: %llu errors of the storage, %llu failed requests and %llu flushes",
		  dev->plan->name, errors, failed, not_flushed);
	sim_check(state->virtio.faults == 0, "%s: the guest is said to have broken the rules",
		  dev->plan->name);
}

static void check_images(struct life *life)
{
	for (unsigned i = 0; i < life->plan->nr_disks; i++)
		model_check_image(&life->disk[i].model, life->disk[i].image, life->disk[i].bytes);
}

/* The guest exists when this begins, and when it ends; killed: only what is to be freed of it. */
static void boot(struct life *life)
{
	uint64_t rng = random_mix(life->seed, 1000);

	bring_up(life, &rng);
	let_things_happen(life, &rng);
	for (unsigned i = 0; i < life->plan->nr_disks; i++)
		check_device(life, &life->device[i]);
	for (unsigned v = 0; v < life->plan->vcpus; v++)
		vcpu_fini(&life->vcpu[v]);
	for (unsigned i = 0; i < life->plan->nr_disks; i++)
		device_fini(&life->device[i]);
}

void life_run(struct life *life, uint64_t seed)
{
	life->guest = create(life);
	for (unsigned n = 0;; n++) {
		life->seed = random_mix(seed, n);
		boot(life);
		if (!atomic_load(&life->killed) && n + 1 < life->plan->boots) {
			life_say(life, "reboots");
			guest_reboot(&life->guest);
			hyp_limit_mapping(life->guest->dom, life->plan->mapping_limit);
			check_images(life);
			continue;
		}
		if (atomic_load(&life->killed))
			guest_free(life->guest);
		else
			guest_destroy(life->guest);
		check_images(life);
		if (n + 1 >= life->plan->boots)
			return;
		life->guest = create(life);
	}
}
