/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport/xen_access.h"

#include <errno.h>

#include <xencall.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xen/xen.h>
#include <xen/version.h>

#define POLICY \
	" (Xen's policy forbids it; look at seclabel= of this domain and of the guest, and at "

#define NO_FOREIGN                                                     \
	" (Xen's policy forbids it: serve the disk by grants, or say " \
	"in domain 0: flask-set-bool domd_foreign 1)"

/* By enum xen_need: where FLASK says no.  The words in quotes are in policy/xvirtiod.te. */
static const char *const rules[] = {
	[XEN_NEED_DM] = POLICY "\"hvm dm\" in policy/xvirtiod.te)",
	[XEN_NEED_SERVER] = POLICY "\"event create\" and \"event bind\" in policy/xvirtiod.te)",
	[XEN_NEED_RESOURCE] = POLICY "\"domain2 resource_map\" in policy/xvirtiod.te)",
	[XEN_NEED_EVENT] = POLICY "\"event bind\" in policy/xvirtiod.te)",
	[XEN_NEED_GRANT_COPY] = POLICY "\"grant copy\" in policy/xvirtiod.te)",
	[XEN_NEED_FOREIGN] = NO_FOREIGN,
};

const char *xen_access_advice(enum xen_need need, int err)
{
	if (err == -EACCES)
		return rules[need];
	if (err == -EPERM)
		return " (Xen lets only domain 0 do that, unless it is built with FLASK and booted "
		       "with flask=enforcing and a policy that has policy/xvirtiod.te)";
	if (need == XEN_NEED_DM && (err == -ENOSYS || err == -EOPNOTSUPP))
		return " (is Xen built with CONFIG_IOREQ_SERVER?)";
	return "";
}

/* Why a device of Linux's can't be opened. */
static int cannot_open(const struct log_subject *subject, const char *device, const char *module)
{
	switch (errno) {
	case ENOENT:
		return fail(-ENOENT, subject,
			    "cannot open /dev/xen/%s (load the kernel's module %s; the kernel must "
			    "run on Xen)",
			    device, module);
	case ENXIO:
	case ENODEV:
		return fail(-errno, subject, "cannot open /dev/xen/%s (this is no domain of Xen)",
			    device);
	case EACCES:
	case EPERM:
		return fail(-errno, subject,
			    "cannot open /dev/xen/%s (run as root; a service needs "
			    "DeviceAllow=char-misc)",
			    device);
	default:
		return fail(-errno, subject, "cannot open /dev/xen/%s", device);
	}
}

int xen_access_check_kernel(const struct log_subject *subject)
{
	xencall_handle *call = xencall_open(NULL, 0);
	int r = 0;

	if (!call)
		return cannot_open(subject, "privcmd", "xen_privcmd");
	/* The version, which Xen tells everybody. */
	if (xencall2(call, __HYPERVISOR_xen_version, XENVER_version, 0) < 0)
		r = fail(-errno, subject, "cannot make hypercalls%s",
			 errno == EPERM ? " (the Linux of this domain forbids it: boot it with "
					  "xen_privcmd.unrestricted=1, and without lockdown)"
					: "");
	xencall_close(call);
	return r;
}

void xen_access_check_host(void)
{
	xenevtchn_handle *evtchn;

	xen_access_check_kernel(NULL);
	evtchn = xenevtchn_open(NULL, 0);
	if (evtchn)
		xenevtchn_close(evtchn);
	else
		cannot_open(NULL, "evtchn", "xen_evtchn");
}

void xen_access_check_grants(void)
{
	xengnttab_handle *gnttab = xengnttab_open(NULL, 0);

	if (gnttab)
		xengnttab_close(gnttab);
	else
		cannot_open(NULL, "gntdev", "xen_gntdev");
}
