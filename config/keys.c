/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/keys.h"

#include <regex.h>
#include <string.h>
#include <syslog.h>

#include "base/util.h"

#define FIELD(type, member) \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)NULL)->member)

#define VIRTIO	     "virtio"

#define IN_ANY_SCOPE (IN_DEFAULTS | IN_GUEST | IN_DISK)

static const struct key_word level_words[] = {
	{ "error", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
	{ "info", LOG_INFO }, { "debug", LOG_DEBUG },	  { NULL, 0 },
};

static const struct key_word backend_words[] = {
	{ "file", 0 },
	{ "null", 0 },
	{ NULL, 0 },
};

static const struct key_word cache_words[] = {
	{ "direct", CONFIG_CACHE_DIRECT },
	{ "buffered", CONFIG_CACHE_BUFFERED },
	{ NULL, 0 },
};

static const struct key_word memory_words[] = {
	{ "foreign", CONFIG_MEMORY_FOREIGN },
	{ "grants", CONFIG_MEMORY_GRANTS },
	{ NULL, 0 },
};

static const struct key_word queues_words[] = {
	{ "auto", 0 },
	{ NULL, 0 },
};

static bool guest_name_valid(const char *text, size_t len)
{
	(void)text;
	return len > 0;
}

/* What xl takes for vdev (xl-disk-configuration(5)), the number of a disk, a generic device. */
static bool vdev_valid(const char *text, size_t len)
{
	regex_t r;
	bool valid;

	if (regcomp(&r,
		    "^((xvd|hd|sd)[a-z]+[0-9]*|d[0-9]+p[0-9]+|[0-9]+|0x[0-9a-f]+|" VIRTIO
		    "[0-9]+)$",
		    REG_EXTENDED | REG_NOSUB))
		return false;
	valid = len > 0 && !regexec(&r, text, 0, NULL, 0);
	regfree(&r);
	return valid;
}

bool key_vdev_is_generic(const char *vdev)
{
	return !strncmp(vdev, VIRTIO, strlen(VIRTIO));
}

static bool image_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return text[0] == '/';
}

static bool serial_valid(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

const struct config config_built_in = {
	.log_level = LOG_INFO,
	.irqfd = CONFIG_BOOL_TRUE,
	.ioeventfd = CONFIG_BOOL_FALSE,
	.poll_us = 100,
	.defaults = {
		.backend = "file",
		.cache = CONFIG_CACHE_DIRECT,
		.queues = 0,
		.queue_size = 256,
		.null_size = 1ull << 30,
	},
};

/* clang-format off */
const struct key config_keys[] = {
	[CONFIG_KEY_BACKEND] = {
		.name = "backend", .places = IN_ANY_SCOPE, .type = KEY_NAME, .words = backend_words,
		FIELD(config_disk, backend),
		.help = "What serves the disk's requests:\n"
			".Cm file\n"
			"is the image file or block device that\n"
			".Cm target\n"
			"names in the guest's\n"
			".Xr xl.cfg 5 ;\n"
			".Cm null\n"
			"holds no data: a read leaves the guest's buffers as they are, "
			"and a write is\n"
			"dropped.\n"
			"It serves to measure what lies in front of the storage.\n",
	},
	[CONFIG_KEY_CACHE] = {
		.name = "cache", .places = IN_ANY_SCOPE, .type = KEY_WORD, .words = cache_words,
		FIELD(config_disk, cache),
		.help = "How requests reach an image.\n"
			".Cm direct\n"
			"bypasses the host's page cache\n"
			".Pq Dv O_DIRECT ;\n"
			"where the file system has no direct I/O, buffered I/O is used, "
			"and a line in\n"
			"the log says so.\n"
			".Cm buffered\n"
			"goes through the page cache.\n"
			"In both cases a flush by the guest is a flush of the image.\n"
			"A disk that the toolstack marks as\n"
			".Cm direct-io-safe\n"
			"is served as\n"
			".Cm direct\n"
			"unless its guest's or its own entry sets this key:\n"
			".Cm defaults\n"
			"does not outrank the mark.\n",
	},
	[CONFIG_KEY_QUEUES] = {
		.name = "queues", .places = IN_ANY_SCOPE, .type = KEY_NUMBER, .words = queues_words,
		.min = 1, .max = CONFIG_QUEUES_MAX, FIELD(config_disk, queues),
		.help = "Number of virtqueues offered to the guest.\n"
			".Cm auto\n"
			"is one per vCPU of the guest, up to 8.\n",
	},
	[CONFIG_KEY_QUEUE_SIZE] = {
		.name = "queue_size", .places = IN_ANY_SCOPE, .type = KEY_NUMBER,
		.min = 8, .max = 1024, .power_of_2 = true, FIELD(config_disk, queue_size),
		.help = "Largest number of descriptors per virtqueue; the guest may use fewer.\n",
	},
	[CONFIG_KEY_SERIAL] = {
		.name = "serial", .places = IN_DISK, .type = KEY_TEXT, .valid = serial_valid,
		.rule = "a text of up to 20 printable ASCII characters",
		.unset = "the virtual device name",
		FIELD(config_disk, serial),
		.help = "The disk's serial number: a Linux guest shows it in\n"
			".Pa /sys/block/vda/serial\n"
			"and in\n"
			".Pa /dev/disk/by-id .\n",
	},
	[CONFIG_KEY_READ_ONLY] = {
		.name = "read_only", .places = IN_ANY_SCOPE, .type = KEY_BOOL,
		.unset = "as the toolstack says", FIELD(config_disk, read_only),
		.help = "With\n"
			".Cm true\n"
			"the disk is read-only whatever the toolstack says.\n"
			".Cm false\n"
			"overrides an outer scope,\n"
			"but does not make writable what the toolstack set up as read-only.\n",
	},
	[CONFIG_KEY_DISCARD] = {
		.name = "discard", .places = IN_ANY_SCOPE, .type = KEY_BOOL,
		.unset = "as the toolstack says", FIELD(config_disk, discard),
		.help = "May the guest give back space of the image?\n"
			"The toolstack's word is\n"
			".Cm discard\n"
			"or\n"
			".Cm no-discard\n"
			"in the guest's disk specification.\n",
	},
	[CONFIG_KEY_NULL_SIZE] = {
		.name = "null_size", .places = IN_ANY_SCOPE, .type = KEY_SIZE,
		.min = 512, .max = 1ull << 50, FIELD(config_disk, null_size),
		.help = "Size of a disk whose\n"
			".Ic backend\n"
			"is\n"
			".Cm null .\n",
	},
	[CONFIG_KEY_IMAGE] = {
		.name = "image", .places = IN_DISK, .type = KEY_TEXT, .valid = image_valid,
		.rule = "an absolute path of up to 1023 bytes",
		.unset = "as the toolstack says",
		FIELD(config_disk, image),
		.help = "Path of the image of a generic virtio device, for which\n"
			".Xr xl.cfg 5\n"
			"has no word:\n"
			".Cm virtio\n"
			"with\n"
			".Cm type=virtio,device2 .\n"
			"The device is called\n"
			".Cm virtio0 ,\n"
			".Cm virtio1 ,\n"
			"and so on, in the order of that list.\n"
			"It is writable, unless\n"
			".Ic read_only\n"
			"says otherwise.\n"
			"A disk of the list\n"
			".Cm disk\n"
			"has its image there, and is refused if it has one here as well.\n",
	},
	[CONFIG_KEY_GUEST_MEMORY] = {
		.name = "guest_memory", .places = IN_ANY_SCOPE, .type = KEY_WORD,
		.words = memory_words, .unset = "as the toolstack says",
		FIELD(config_disk, guest_memory),
		.help = "How the memory of the guest is reached.\n"
			".Cm foreign\n"
			"maps what is needed;\n"
			".Cm grants\n"
			"uses what the guest grants with each request, and nothing else.\n"
			"It must be what the toolstack has told the guest, or the guest's driver\n"
			"does not work with it:\n"
			".Cm grant_usage\n"
			"in the guest's disk specification (Xen 4.19 and later);\n"
			"without it grants, unless the disk is served by domain 0.\n",
	},
	{
		.name = "log_level", .places = IN_TOP, .type = KEY_WORD, .words = level_words,
		FIELD(config, log_level),
		.help = "Least severe kind of line that is logged.\n"
			"The option\n"
			".Fl -log-level\n"
			"of\n"
			".Xr xvirtiod 8\n"
			"outranks it.\n",
	},
	{
		.name = "irqfd", .places = IN_TOP, .type = KEY_BOOL, FIELD(config, irqfd),
		.help = "Have interrupts raised by the kernel, which saves a system call each.\n"
			"Used where the kernel has it:\n"
			"Linux 6.7, built with\n"
			".Dv CONFIG_XEN_PRIVCMD_EVENTFD .\n",
	},
	{
		.name = "ioeventfd", .places = IN_TOP, .type = KEY_BOOL, FIELD(config, ioeventfd),
		.help = "Have notifications of queues answered by the kernel,\n"
			"so that the guest's CPU seldom waits for the daemon.\n"
			"Used where the kernel has it, as\n"
			".Ic irqfd .\n"
			"Off, because the kernel of the host goes on to use memory that it has\n"
			"taken back if a worker process is killed meanwhile.\n",
	},
	{
		.name = "poll_us", .places = IN_TOP, .type = KEY_NUMBER,
		.min = 0, .max = CONFIG_POLL_US_MAX, FIELD(config, poll_us),
		.help = "For how many microseconds a guest's worker process that has run out of\n"
			"work looks for more before it sleeps.\n"
			"Meanwhile the guest need not notify it, which is a trap into Xen.\n"
			"It does so only while that pays: one look in vain ends it for some time,\n"
			"and an idle guest costs nothing.\n"
			"0 is never.\n",
	},
	{
		.name = "defaults", .places = IN_TOP, .type = KEY_GROUP, .unset = "empty",
		.help = "Options for all disks of all guests.\n",
	},
	{
		.name = "guests", .places = IN_TOP, .type = KEY_LIST, .unset = "empty",
		.help = "Guests with options of their own.\n"
			"A guest need not be here to get its disks.\n",
	},
	{
		.name = "name", .places = IN_GUEST, .type = KEY_TEXT, .required = true,
		.valid = guest_name_valid, .rule = "a text of 1 to 255 bytes",
		FIELD(config_guest, name),
		.help = "The guest's name, as\n"
			".Xr xl 1\n"
			"lists it, or\n"
			".Cm *\n"
			"for a guest of any name, below what its own entry says.\n"
			"A driver domain may not read names:\n"
			"there the guest with domid 5 is\n"
			".Cm domain 5 .\n",
	},
	{
		.name = "disks", .places = IN_GUEST, .type = KEY_LIST, .unset = "empty",
		.help = "Disks of this guest with options of their own.\n",
	},
	{
		.name = "vdev", .places = IN_DISK, .type = KEY_TEXT, .required = true,
		.valid = vdev_valid,
		.rule = "a virtual device name of up to 23 bytes, "
			"such as \"xvda\", or \"virtio0\" for a generic virtio device",
		FIELD(config_guest_disk, vdev),
		.help = "The disk's\n"
			".Cm vdev\n"
			"in the guest's disk specification; of a generic virtio device\n"
			".Cm virtio\n"
			"and its number.\n",
	},
};
/* clang-format on */

const unsigned config_nr_keys = ARRAY_SIZE(config_keys);

int config_log_level(const char *word)
{
	for (const struct key_word *w = level_words; w->text; w++)
		if (!strcmp(w->text, word))
			return w->value;
	return -1;
}

const struct key *key_find(const char *name)
{
	unsigned i;

	for (i = 0; i < config_nr_keys; i++)
		if (!strcmp(config_keys[i].name, name))
			return &config_keys[i];
	return NULL;
}
