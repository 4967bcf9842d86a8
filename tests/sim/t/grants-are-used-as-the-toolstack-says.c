/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kind of guest memory a disk has: by libxl's node grant_usage; where there is none (libxl
 * 4.17), by whether this is domain 0; and before both by guest_memory of the configuration.  Only a
 * worker that may need grants has the means for them; the others say what is missing.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

/* What the configuration says of some guests. */
static const char config[] = "guests = (\n"
			     "{ name = \"as-grants\"; guest_memory = \"grants\"; },\n"
			     "{ name = \"as-foreign\"; guest_memory = \"foreign\"; } );\n";

static const struct {
	const char *name;
	bool driver_domain;
	enum toolstack_grants node;
	bool grants;
} cases[] = {
	{ "dom0-unsaid", false, TOOLSTACK_GRANTS_UNSAID, false },
	{ "dom0-no", false, TOOLSTACK_GRANTS_NO, false },
	{ "dom0-yes", false, TOOLSTACK_GRANTS_YES, true },
	{ "domd-unsaid", true, TOOLSTACK_GRANTS_UNSAID, true },
	{ "domd-no", true, TOOLSTACK_GRANTS_NO, false },
	{ "domd-yes", true, TOOLSTACK_GRANTS_YES, true },
	{ "as-grants", false, TOOLSTACK_GRANTS_NO, true },
	{ "as-foreign", false, TOOLSTACK_GRANTS_YES, false },
};

static struct guest_spec spec_of(const char *name, const char *image, enum toolstack_grants node)
{
	struct guest_spec spec = { .name = name, .nr_disks = 1 };

	spec.disk[0] = toolstack_disk(0, image);
	spec.disk[0].grants = node;
	return spec;
}

static void one(unsigned i, const char *image)
{
	struct guest_spec spec = spec_of(cases[i].name, image, cases[i].node);
	uint8_t data[512], expected[512];
	struct hyp_grant_counts counts;
	struct guest *g;
	struct drv d;

	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	d.grants = cases[i].grants;
	sim_check(!!(drv_offered(&d) & BIT64(F_ACCESS_PLATFORM)) == cases[i].grants,
		  "%s: the features", cases[i].name);
	drv_boot(&d, 0);
	sim_check(drv_io(&d, T_IN, 5, NULL, 0, data, 512) == BLK_OK, "%s: a read", cases[i].name);
	sim_pattern(5, expected);
	sim_check(!memcmp(data, expected, 512), "%s: what was read", cases[i].name);
	counts = hyp_grant_counts(g->dom);
	sim_check((counts.maps && counts.copies) == cases[i].grants &&
			  (hyp_pages_mapped(g->dom) > counts.mapped) != cases[i].grants,
		  "%s: what is mapped", cases[i].name);
	guest_destroy(g);
}

/* No /dev/xen/gntdev. */
static void no_grant_interface(const char *image)
{
	unsigned rule = faults_add(&sim.faults,
				   &(struct fault_rule){ .ops = FAULT_BIT(FAULT_GNTTAB_OPEN),
							 .action = FAULT_FAIL,
							 .error = 2 });
	struct guest_spec spec = spec_of("no-gntdev", image, TOOLSTACK_GRANTS_YES);
	struct sim_error err = { "" };
	struct guest *g;

	sim_check(guest_try(&spec, &g, &err) < 0 && strstr(err.text, "no grant interface"),
		  "the error is: %s", err.text);
	/* In a driver domain the worker would have it, too, but this disk does not need it. */
	spec = spec_of("no-gntdev-no-grants", image, TOOLSTACK_GRANTS_NO);
	guest_destroy(guest_create(&spec));
	faults_remove(&sim.faults, rule);
}

/* The first disk decides what its worker gets. */
static void one_of_each(const char *image)
{
	struct guest_spec spec = spec_of("both", image, TOOLSTACK_GRANTS_YES);
	struct sim_error err = { "" };
	struct guest *g;

	spec.nr_disks = 2;
	spec.disk[1] = toolstack_disk(1, sim_image("second", 1 << 20, true));
	spec.disk[1].grants = TOOLSTACK_GRANTS_NO;
	guest_destroy(guest_create(&spec));
	spec.disk[0].grants = TOOLSTACK_GRANTS_NO;
	spec.disk[1].grants = TOOLSTACK_GRANTS_YES;
	sim_check(guest_try(&spec, &g, &err) < 0 && strstr(err.text, "xvdb") &&
			  strstr(err.text, "guest_memory"),
		  "the error is: %s", err.text);
}

/* An entry for guests of any name is one for each of them. */
static void any_guest(void)
{
	struct guest_spec spec;

	sim_start("guests = ( { name = \"*\"; disks = "
		  "( { vdev = \"xvdb\"; guest_memory = \"grants\"; } ); } );\n");
	spec = spec_of("any", sim_image("disk", 1 << 20, true), TOOLSTACK_GRANTS_NO);
	spec.nr_disks = 2;
	spec.disk[1] = toolstack_disk(1, sim_image("second", 1 << 20, true));
	guest_destroy(guest_create(&spec));
	sim_stop();
}

static void in_a_domain(bool driver_domain)
{
	const char *image;

	if (driver_domain)
		sim_start_driver_domain(config);
	else
		sim_start(config);
	image = sim_image("disk", 1 << 20, true);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (cases[i].driver_domain == driver_domain)
			one(i, image);
	no_grant_interface(image);
	if (!driver_domain)
		one_of_each(image);
	sim_stop();
}

int main(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		in_a_domain(true);
		return 0;
	}
	sim_check(waitpid(pid, &status, 0) == pid && status == 0, "in a driver domain");
	in_a_domain(false);
	any_guest();
	return 0;
}
