/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/device.h"

#include "tests/torture/life.h"
#include "tests/torture/random.h"

void device_init(struct device *dev, struct life *life, unsigned n, uint64_t memory_share,
		 uint64_t seed)
{
	const struct disk_plan *plan = &life->plan->disk[n];
	pthread_rwlockattr_t attr;

	dev->life = life;
	dev->n = n;
	dev->plan = plan;
	dev->model = &life->disk[n].model;
	dev->lost = dev->failed = dev->not_flushed = 0;
	dev->features = 0;
	atomic_store(&dev->cache, 0);
	pthread_rwlockattr_init(&attr);
	/* Who resets it must not wait for ever. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&dev->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&dev->select, NULL);

	drv_init(&dev->ctl, &life->machine, life->guest->disk[n].base, life->guest->disk[n].irq, 0);
	dev->ctl.grants = toolstack_uses_grants(&life->guest->disk[n]);
	dev->nr_queues = plan_queues(life->plan, plan);
	dev->queue_size_max = drv_queue_size_max(&dev->ctl, 0);
	sim_check(drv_config(&dev->ctl, C_NUM_QUEUES, 2) == dev->nr_queues &&
			  drv_queue_size_max(&dev->ctl, dev->nr_queues) == 0,
		  "%s: it has not %u queues", plan->name, dev->nr_queues);
	sim_check(dev->queue_size_max == plan->queue_size, "%s: the size of its queues is %u",
		  plan->name, dev->queue_size_max);
	for (unsigned i = 0; i < dev->nr_queues; i++)
		queue_init(&dev->queue[i], dev, i, memory_share, random_mix(seed, i));
}

void device_fini(struct device *dev)
{
	for (unsigned i = 0; i < dev->nr_queues; i++)
		queue_fini(&dev->queue[i]);
	pthread_mutex_destroy(&dev->select);
	pthread_rwlock_destroy(&dev->lock);
}

static uint64_t choose_features(uint64_t offered, uint64_t *rng)
{
	uint64_t chosen = 0;
	bool all = random_one_in(rng, 4);

	for (unsigned bit = 0; bit < 64; bit++)
		if (offered & BIT64(bit) && (all || !random_one_in(rng, 3)))
			chosen |= BIT64(bit);
	return chosen | BIT64(F_VERSION_1) | (offered & BIT64(F_ACCESS_PLATFORM));
}

/* A choice that the device must not accept: no VERSION_1, or something that is not offered. */
static uint64_t spoil_features(uint64_t features, uint64_t offered, uint64_t *rng)
{
	uint64_t missing = BIT64(random_below(rng, 64)) & ~offered;

	return missing ? features | missing : features & ~BIT64(F_VERSION_1);
}

static unsigned next_cache(const struct device *dev)
{
	const unsigned bits = DEVICE_CACHE_CHANGES | DEVICE_CACHE_WRITETHROUGH;

	return (atomic_load(&dev->cache) | bits) + 1;
}

void device_start(struct device *dev, uint64_t *rng)
{
	const uint32_t ready = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK;
	struct drv *d = &dev->ctl;
	struct life *life = dev->life;
	unsigned nr_queues;
	uint64_t offered;

	atomic_store(&dev->cache, next_cache(dev));
	drv_reset(d);
	for (unsigned i = 0; i < dev->nr_queues; i++)
		queue_lose(&dev->queue[i]);
	offered = drv_offered(d);
	dev->features = choose_features(offered, rng);
	if (random_one_in(rng, 8)) {
		uint64_t bad = spoil_features(dev->features, offered, rng);

		life_check(life, !drv_negotiate(d, bad), "%s: features %#llx are accepted",
			   dev->plan->name, (unsigned long long)bad);
	}
	life_check(life, drv_negotiate(d, dev->features), "%s: features %#llx are refused",
		   dev->plan->name, (unsigned long long)dev->features);
	nr_queues = dev->features & BIT64(F_MQ) ? random_between(rng, 1, dev->nr_queues) : 1;
	for (unsigned i = 0; i < nr_queues; i++)
		queue_start(&dev->queue[i], rng);
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	life_check(life, drv_status(d) == ready, "%s: the status is %#x", dev->plan->name,
		   drv_status(d));
	life_say(life, "%s: features %#llx, %u queues", dev->plan->name,
		 (unsigned long long)dev->features, nr_queues);
}

bool device_is_writethrough(const struct device *dev, unsigned cache)
{
	if (!(dev->features & BIT64(F_FLUSH)))
		return true;
	return atomic_load(&dev->cache) == cache && cache & DEVICE_CACHE_WRITETHROUGH &&
	       !(cache & DEVICE_CACHE_CHANGES);
}

static void set_cache(struct device *dev, struct drv *d, bool writethrough)
{
	unsigned cache;

	pthread_mutex_lock(&dev->select);
	cache = next_cache(dev);
	atomic_store(&dev->cache, cache | DEVICE_CACHE_CHANGES);
	if (dev->features & BIT64(F_CONFIG_WCE))
		drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, !writethrough);
	else
		writethrough = false;
	writethrough |= !(dev->features & BIT64(F_FLUSH));
	life_check(dev->life, drv_config(d, C_WRITEBACK, 1) == !writethrough,
		   "%s: writeback is not %u", dev->plan->name, !writethrough);
	atomic_store(&dev->cache, cache | (writethrough ? DEVICE_CACHE_WRITETHROUGH : 0));
	pthread_mutex_unlock(&dev->select);
}

void device_look(struct device *dev, struct drv *d, uint64_t *rng)
{
	const uint32_t never = S_FAILED | S_NEEDS_RESET;
	struct life *life = dev->life;
	uint64_t sectors;
	uint32_t value;

	switch (random_below(rng, 5)) {
	case 0:
		value = drv_status(d);
		life_check(life, value & S_DRIVER_OK && !(value & never), "%s: the status is %#x",
			   dev->plan->name, value);
		break;
	case 1:
		value = drv_interrupt(d);
		life_check(life, value <= 3, "%s: reasons %#x of an interrupt", dev->plan->name,
			   value);
		break;
	case 2:
		sectors = drv_capacity(d);
		life_check(life,
			   dev->plan->resized ? sectors <= dev->plan->room
					      : sectors == model_sectors(dev->model),
			   "%s: the capacity is %llu", dev->plan->name,
			   (unsigned long long)sectors);
		break;
	case 3:
		set_cache(dev, d, random_one_in(rng, 2));
		break;
	case 4:
		drv_write(d, R_QUEUE_NOTIFY, 0);
		break;
	}
}
