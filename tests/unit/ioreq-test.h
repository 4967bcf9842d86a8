/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows in one page, as libxl lays them out, each with a device that says who it is. */
#ifndef TESTS_UNIT_IOREQ_TEST_H
#define TESTS_UNIT_IOREQ_TEST_H

#include "tests/fake/test.h"
#include "tests/fake/xen.h"
#include "tests/guest/driver.h"
#include "transport/ioreq.h"

#define NR_WINDOWS 8

static struct xen_domain xen;
static struct guest_mem mem;
static struct ioreq_server server;

static struct window {
	struct virtio_mmio mmio;
	struct virtio_state state;
	unsigned writes, kicks;
	uint64_t written;
} windows[NR_WINDOWS];

/* Every byte of window i's configuration space is i + 1. */
static void who_am_i(struct virtio_device *dev, unsigned off, void *buf, unsigned len)
{
	(void)off;
	memset(buf, container_of(dev, struct window, mmio.dev) - windows + 1, len);
}

static bool remember(struct virtio_device *dev, unsigned off, const void *buf, unsigned len)
{
	struct window *w = container_of(dev, struct window, mmio.dev);

	(void)off;
	w->writes++;
	w->written = 0;
	memcpy(&w->written, buf, len);
	return true;
}

static void count_kick(struct virtio_device *dev, unsigned q)
{
	(void)q;
	container_of(dev, struct window, mmio.dev)->kicks++;
}

static void ignore(struct virtio_device *dev)
{
	(void)dev;
}

static const struct virtio_device_ops window_ops = {
	.device_id = 2,
	.read_config = who_am_i,
	.write_config = remember,
	.kick = count_kick,
	.negotiated = ignore,
	.start = ignore,
};

static uint64_t window_base(unsigned i)
{
	return FAKE_WINDOWS + i * VIRTIO_MMIO_WINDOW;
}

static int set_up(void **state)
{
	(void)state;
	fake_xen_start(&xen);
	assert_int_equal(guest_mem_init_foreign(&mem, &xen), 0);
	server = (struct ioreq_server){ .xen = &xen };
	memset(windows, 0, sizeof(windows));
	for (unsigned i = 0; i < NR_WINDOWS; i++) {
		struct virtio_device *dev = &windows[i].mmio.dev;

		dev->ops = &window_ops;
		dev->state = &windows[i].state;
		dev->nr_queues = 1;
		dev->queue_size_max = 16;
		virtio_mmio_init(&windows[i].mmio, &xen, &mem, window_base(i), FAKE_LINE + i);
		assert_int_equal(ioreq_add_window(&server, &windows[i].mmio), 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NR_WINDOWS; i++)
		ioreq_remove_window(&server, &windows[i].mmio);
	assert_int_equal(server.nr_windows, 0);
	guest_mem_fini(&mem);
	fake_xen_stop(&xen);
	return 0;
}

/* What the vCPU gets; it must be answered by the time ioreq_pump() returns. */
static uint64_t ask(unsigned vcpu, int type, uint64_t addr, uint32_t size, uint64_t data)
{
	struct xen_ioreq req = { .type = type, .addr = addr, .size = size, .data = data };
	uint64_t answer;

	fake_ioreq(vcpu, &req);
	ioreq_pump(&server);
	assert_true(fake_answered(vcpu, &answer));
	return answer;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
