/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key table as the key reference of xvirtiod.conf(5). */
#include "config/keys.h"

#include "base/util.h"

/* The sections, in the order of the page.  A key is described once, in the first that has it. */
static const struct section {
	const char *title;
	bool disk_options;
	unsigned in;
} sections[] = {
	{ "Keys at the top level", false, IN_TOP },
	{ "Keys of an entry of guests", false, IN_GUEST },
	{ "Keys of an entry of disks", false, IN_DISK },
	{ "Disk options", true, IN_DEFAULTS | IN_GUEST | IN_DISK },
};

static const struct {
	unsigned in;
	const char *text;
} places[] = {
	{ IN_DEFAULTS, ".Ic defaults" },
	{ IN_GUEST, "entries of\n.Ic guests" },
	{ IN_DISK, "entries of\n.Ic disks" },
};

static void print_places(FILE *f, const struct key *k)
{
	unsigned i, first = 1;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!(k->places & places[i].in))
			break;
	/* the section says that options may stand everywhere; only exceptions are worth a line */
	if (i == ARRAY_SIZE(places))
		return;
	fputs("Only in\n", f);
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (k->places & places[i].in) {
			fprintf(f, "%s%s", first ? "" : " ,\n", places[i].text);
			first = 0;
		}
	fputs(" .\n", f);
}

static void print_key(FILE *f, const struct key *k)
{
	const void *base = key_is_disk_option(k) ? (const void *)&config_built_in.defaults
						 : &config_built_in;
	char text[300];

	fprintf(f, ".It Ic %s\n%s", k->name, k->help);
	if (key_is_disk_option(k))
		print_places(f, k);
	key_describe(k, text, sizeof(text));
	fprintf(f, ".Pp\nValue: %s.\n", text);
	if (k->required) {
		fputs("Must be given.\n", f);
		return;
	}
	key_format(k, base, text, sizeof(text));
	fprintf(f, "Default: %s.\n", k->unset ? k->unset : text);
}

void config_print_man(FILE *f)
{
	const struct section *s;
	unsigned i;

	for (s = sections; s < sections + ARRAY_SIZE(sections); s++) {
		fprintf(f, ".Ss %s\n", s->title);
		if (s->disk_options)
			fputs("They may stand in\n.Ic defaults ,\nin an entry of\n.Ic guests\nand "
			      "in an entry of\n.Ic disks .\nThe innermost place that sets an "
			      "option wins.\n",
			      f);
		fputs(".Bl -tag -width queue_size\n", f);
		for (i = 0; i < config_nr_keys; i++)
			if (key_is_disk_option(&config_keys[i]) == s->disk_options &&
			    config_keys[i].places & s->in)
				print_key(f, &config_keys[i]);
		fputs(".El\n", f);
	}
}
