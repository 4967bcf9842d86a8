/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all keys of the configuration file.  Reading, checking, error texts and the key
 * reference of xvirtiod.conf(5) come from it: a new key is a field in config.h and an entry here.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stddef.h>
#include <stdio.h>

#include <libconfig.h>

#include "config/config.h"

/* Where a key may stand: key.places. */
#define IN_TOP	    (1u << 0)
#define IN_DEFAULTS (1u << 1)
#define IN_GUEST    (1u << 2)
#define IN_DISK	    (1u << 3)

/* What a key accepts, and the type of the field it fills. */
enum key_type {
	KEY_WORD,   /* one of words[]: int or enum, the word's value */
	KEY_NAME,   /* one of words[]: const char *, the word itself */
	KEY_BOOL,   /* true, false: enum config_bool */
	KEY_NUMBER, /* min...max or one of words[]: unsigned */
	KEY_SIZE,   /* text such as "64M", min...max, multiple of min: uint64_t, bytes */
	KEY_TEXT,   /* text that valid() accepts: array of char */
	KEY_GROUP,  /* { keys } */
	KEY_LIST,   /* ( { keys }, ... ) */
};

struct key_word {
	const char *text; /* NULL ends an array of words */
	int value;
};

struct key {
	const char *name;
	unsigned places; /* IN_* */
	enum key_type type;
	bool required;
	bool power_of_2; /* KEY_NUMBER */
	uint64_t min;
	uint64_t max;
	const struct key_word *words;
	bool (*valid)(const char *text, size_t len); /* the array has room for it */
	const char *rule;  /* KEY_TEXT: what valid() wants, to complete "is not ..." */
	const char *unset; /* what holds without the key; NULL: the value in config_built_in */
	const char *help;  /* mdoc(7) */
	size_t offset;	   /* of the field: of a disk option in struct config_disk, else in the
				struct of the place */
	size_t size;	   /* of the field, bytes */
};

/* The first CONFIG_NR_KEYS entries are the disk options, in the order of enum config_key. */
extern const struct key config_keys[];
extern const unsigned config_nr_keys;

/* What holds where the file says nothing. */
extern const struct config config_built_in;

/* The key of that name, or NULL.  A name has one meaning wherever it stands. */
const struct key *key_find(const char *name);

/* Is that the vdev of a generic virtio device?  The toolstack names no image for one. */
bool key_vdev_is_generic(const char *vdev);

/* Is it an option of a disk, which fills a struct config_disk? */
static inline bool key_is_disk_option(const struct key *k)
{
	return k - config_keys < CONFIG_NR_KEYS;
}

/*
 * Put what the key accepts into buf, such that "VALUE is not " may precede it: 'one of "direct",
 * "buffered"'.  Cut at size bytes.
 */
void key_describe(const struct key *k, char *buf, size_t size);

/* Put the key's value out of base (the struct that its offset counts from) into buf, as the file
 * would say it. */
void key_format(const struct key *k, const void *base, char *buf, size_t size);

/*
 * Check the setting's value and store it in the key's field of base.  For all types but KEY_GROUP
 * and KEY_LIST.  -EINVAL, with nothing stored, if it is not what key_describe() says.
 */
int key_store(const struct key *k, const config_setting_t *s, void *base);

/* Print the key reference of xvirtiod.conf(5), in mdoc(7). */
void config_print_man(FILE *f);

#endif
