/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A range that is empty, wraps, or reaches beyond the end of guest-physical space is NULL. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/guest-mem-test.h"

static const struct {
	uint64_t gpa, len;
} bad[] = {
	{ FAKE_RAM0_BASE, 0 },
	{ 0, 0 },
	{ GUEST_MEM_SIZE, 0 },
	{ UINT64_MAX, 0 },
	{ UINT64_MAX, 1 },
	{ UINT64_MAX, 2 },
	{ UINT64_MAX, UINT64_MAX },
	{ FAKE_RAM0_BASE, UINT64_MAX },
	{ FAKE_RAM0_BASE, UINT64_MAX - FAKE_RAM0_BASE },
	{ FAKE_RAM0_BASE, UINT64_MAX - FAKE_RAM0_BASE + 1 },
	{ FAKE_RAM0_BASE, UINT64_MAX - FAKE_RAM0_BASE + 2 },
	{ FAKE_RAM0_BASE, FAKE_RAM_BYTES + 1 },
	{ GUEST_MEM_SIZE - 1, 1 },
	{ GUEST_MEM_SIZE - 1, 2 },
	{ GUEST_MEM_SIZE, 1 },
	{ GUEST_MEM_SIZE + FAKE_RAM0_BASE, 1 },
	{ 1ull << 63 | FAKE_RAM0_BASE, 1 },
	{ 0, GUEST_MEM_SIZE },
	{ 0, GUEST_MEM_SIZE + 1 },
	{ 1, GUEST_MEM_SIZE },
};

static void refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		sim_check(!guest_mem_at(&mem, bad[i].gpa, bad[i].len), "%#llx + %#llx",
			  (unsigned long long)bad[i].gpa, (unsigned long long)bad[i].len);
}

/* Also when all the RAM there is has been mapped before. */
static void refused_when_mapped(void **state)
{
	expect_mapped(FAKE_RAM0_BASE, FAKE_RAM_BYTES);
	refused(state);
	assert_int_equal(mem.mapped_pages, FAKE_RAM_BYTES / PAGE);
}

/* Soft limit on the address space: what is in use now and some more; 0 lifts it. */
static void limit_address_space(uint64_t more)
{
	unsigned long long pages = 0;
	struct rlimit limit;
	FILE *f;

	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	if (more) {
		f = fopen("/proc/self/statm", "r");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "%llu", &pages), 1);
		fclose(f);
		limit.rlim_cur = pages * sysconf(_SC_PAGESIZE) + more;
	}
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

/* guest_mem_init_foreign(), which logs this text. */
static int init_says(const char *text)
{
	int saved = dup(STDERR_FILENO), log = memfd_create("stderr", MFD_CLOEXEC), r;
	char said[1024];
	ssize_t n;

	dup2(log, STDERR_FILENO);
	r = guest_mem_init_foreign(&mem, &xen);
	n = pread(log, said, sizeof(said) - 1, 0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(log);
	assert_true(n >= 0);
	said[n] = '\0';
	sim_check(strstr(said, text), "said: %s", said);
	return r;
}

/* A kernel that has no terabyte of addresses for us: the end is nearer then, which is said. */
static void smaller_address_space(void **state)
{
	uint64_t end = GUEST_MEM_SIZE_MIN;

	(void)state;
	log_force_text();
	guest_mem_fini(&mem);
	limit_address_space(end + (end >> 1));
	assert_int_equal(init_says("memory of the guest above 32 GiB is out of reach"), 0);
	limit_address_space(0);
	assert_int_equal(mem.size, end);
	assert_null(guest_mem_at(&mem, end, 1));
	assert_null(guest_mem_at(&mem, end - 1, 1));
	assert_null(guest_mem_at(&mem, end - 1, 2));
	assert_null(guest_mem_at(&mem, end + FAKE_RAM0_BASE, 1));
	refused(state);
	expect_mapped(FAKE_RAM1_BASE, FAKE_RAM_BYTES);
	guest_mem_invalidate(&mem);

	guest_mem_fini(&mem);
	limit_address_space(end / 2);
	assert_int_equal(init_says("cannot reserve address space"), -ENOMEM);
	limit_address_space(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refused),
		TEST(refused_when_mapped),
		TEST(smaller_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
