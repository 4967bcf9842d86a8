/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fake/machine.h"

#define HEAP (4u << 20)

struct vm vm;

/* struct machine */

static unsigned offset_of(uint64_t addr)
{
	sim_check(addr - FAKE_WINDOWS < VIRTIO_MMIO_WINDOW, "nobody serves %#llx",
		  (unsigned long long)addr);
	return addr - FAKE_WINDOWS;
}

static uint64_t machine_read(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size)
{
	(void)m;
	(void)vcpu;
	return virtio_mmio_read(&vm.disk.mmio, offset_of(addr), size);
}

static void machine_write(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size,
			  uint64_t value)
{
	(void)m;
	(void)vcpu;
	virtio_mmio_write(&vm.disk.mmio, offset_of(addr), size, value);
}

static void *machine_ram(struct machine *m, uint64_t gpa, uint64_t len)
{
	(void)m;
	return fake_ram_range(gpa, len);
}

static uint64_t machine_alloc(struct machine *m, uint64_t bytes)
{
	uint64_t gpa = vm.next;

	vm.next = (gpa + bytes + XEN_PAGE_SIZE - 1) & ~(XEN_PAGE_SIZE - 1ull);
	sim_check(machine_ram(m, gpa, bytes), "no memory left for %llu bytes",
		  (unsigned long long)bytes);
	return gpa;
}

static unsigned machine_interrupts(struct machine *m, unsigned line)
{
	(void)m;
	return fake_interrupts(line);
}

/* While the driver sleeps the worker works. */
static unsigned machine_interrupt_wait(struct machine *m, unsigned line, unsigned seen,
				       int timeout_ms)
{
	(void)m;
	(void)seen;
	(void)timeout_ms;
	vm_round();
	return fake_interrupts(line);
}

static const struct machine_ops machine_ops = {
	.read = machine_read,
	.write = machine_write,
	.ram = machine_ram,
	.alloc = machine_alloc,
	.interrupts = machine_interrupts,
	.interrupt_wait = machine_interrupt_wait,
};

/* Life */

static void make_disk(const struct vm_options *o)
{
	struct disk_params p = {
		.vdev = "xvda", .devid = 51712, .base = FAKE_WINDOWS, .irq = FAKE_LINE
	};
	const char *serial = o->serial ? o->serial : "serial";

	fake_backend_init(&vm.backend, o->size ? o->size : 65536,
			  o->caps || o->no_caps ? o->caps : IMAGE_DISCARD);
	p.nr_queues = o->nr_queues ? o->nr_queues : 1;
	p.queue_size = o->queue_size ? o->queue_size : 64;
	memcpy(p.serial, serial, strnlen(serial, sizeof(p.serial)));
	assert_int_equal(disk_init(&vm.disk, &p, vm.st, &vm.backend.b, &vm.xen, &vm.mem), 0);
}

void vm_start(struct drv *d, const struct vm_options *o)
{
	static const struct vm_options defaults;

	if (!o)
		o = &defaults;
	vm = (struct vm){ .machine = { &machine_ops }, .driver = d, .faulty = o->faulty };
	vm.next = FAKE_RAM0_BASE;
	fake_xen_start(&vm.xen);
	assert_int_equal(guest_mem_init_foreign(&vm.mem, &vm.xen), 0);
	vm.st = calloc(1, sizeof(*vm.st));
	assert_non_null(vm.st);
	make_disk(o);
	drv_init(d, &vm.machine, FAKE_WINDOWS, FAKE_LINE, HEAP);
	d->queue_limit = VIRTQ_SIZE_MAX;
	if (o->untouched)
		return;
	drv_ready(d, drv_offered(d) & ~o->without, vm.disk.mmio.dev.nr_queues);
	vm_round();
}

void vm_stop(void)
{
	vm.backend.hold = false;
	fake_backend_complete_all(&vm.backend, 0);
	vm_round();
	drv_write(vm.driver, R_STATUS, 0);
	assert_int_equal(drv_status(vm.driver), 0);
	assert_int_equal(disk_inflight(&vm.disk), 0);
	assert_true(vm.faulty || !vm.st->virtio.faults);
	disk_fini(&vm.disk);
	assert_int_equal(vm.backend.closed, 1);
	fake_backend_fini(&vm.backend);
	guest_mem_fini(&vm.mem);
	free(vm.st);
	fake_xen_stop(&vm.xen);
}

int vm_set_up(void **state)
{
	const struct vm_options *o = *state;

	vm_start(o->driver, o);
	return 0;
}

int vm_tear_down(void **state)
{
	(void)state;
	vm_stop();
	return 0;
}

void vm_round(void)
{
	unsigned rounds = 0;
	bool more;

	do {
		more = disk_run(&vm.disk);
		disk_publish(&vm.disk);
		assert_true(rounds++ < 1000);
	} while (more || disk_settle(&vm.disk));
}

void vm_go(struct drv_queue *q)
{
	drv_kick(q);
	vm_round();
}

void vm_hold_reads(struct drv_queue *q, struct drv_blk *r, unsigned n)
{
	unsigned before = vm.backend.nr_held;

	vm.backend.hold = true;
	for (unsigned i = 0; i < n; i++) {
		r[i] = drv_blk_usual(T_IN, i, NULL, 0, 512);
		if (i % 2)
			r[i].direct = 0;
		drv_blk_add(q, &r[i]);
	}
	vm_go(q);
	assert_int_equal(vm.backend.nr_held, before + n);
}

struct virtq *vm_virtq(unsigned i)
{
	return &vm.disk.mmio.dev.queues[i];
}
