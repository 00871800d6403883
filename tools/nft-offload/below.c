// SPDX-License-Identifier: GPL-2.0
/*
 * Is a listed device below the one that routing uses? The search goes as in the module: through
 * VLAN and macvlan devices, bridges, bonds and VRFs, PPPoE sessions and IP tunnels.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* How many devices below each other the search goes through. */
#define DEPTH	6

/**
 * struct search - the search for a listed device
 * @is_listed: says whether the device with a name is listed
 * @arg:       argument of @is_listed
 * @devs:      all devices of the namespace
 * @n:         how many devices
 * @found:     set to the name of the listed device
 */
struct search {
	bool		(*is_listed)(const void *arg, const char *name);
	const void	*arg;
	struct dev	*devs;
	size_t		n;
	char		*found;
};

static bool covered(const struct search *s, const struct dev *d, int depth);

static const struct dev *by_index(const struct search *s, uint32_t ifindex)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->devs[i].ifindex == ifindex)
			return &s->devs[i];
	return NULL;
}

/* The kernel does not tell which PPPoE session belongs to which PPP device, so the device of any
 * session will do.
 */
static bool session_covered(const struct search *s, int depth)
{
	FILE *f = fopen("/proc/net/pppoe", "r");
	char line[128], name[IFNAMSIZ];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %15s", name) != 1)
			continue;
		for (size_t i = 0; i < s->n && !found; i++)
			found = !strcmp(s->devs[i].name, name) && covered(s, &s->devs[i], depth);
	}
	if (f)
		fclose(f);

	return found;
}

/* A tunnel is above the device by which its other end is reached. */
static bool tunnel_covered(const struct search *s, const struct dev *d, int depth)
{
	const struct dev *below;
	char why[128];
	struct route r;

	if (route_get(d->remote_l3, &d->remote, NULL, 0, &r, why, sizeof(why)))
		return false;
	below = by_index(s, r.oif);

	return below && covered(s, below, depth);
}

/* Return: true for a device whose IFLA_LINK is the device below it. For other kinds the link means
 * something else (veth), or the module does not look for frames there (VXLAN).
 */
static bool is_linked(const struct dev *d)
{
	static const char *const kinds[] = { "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(d->kind, kinds[i]))
			return true;
	return false;
}

/* Return: true for a master whose ports send frames with headers or a trailer of its own. */
static bool hides_ports(const struct dev *d)
{
	static const char *const kinds[] = { "batadv", "hsr", "openvswitch" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(d->kind, kinds[i]))
			return true;
	return false;
}

static bool covered(const struct search *s, const struct dev *d, int depth)
{
	if (s->is_listed(s->arg, d->name)) {
		snprintf(s->found, IFNAMSIZ, "%s", d->name);
		return true;
	}
	if (!depth || hides_ports(d))
		return false;
	if (d->type == ARPHRD_PPP)
		return session_covered(s, depth - 1);
	if (d->remote_l3)
		return tunnel_covered(s, d, depth - 1);
	for (size_t i = 0; i < s->n; i++)
		if (((s->devs[i].ifindex == d->link && is_linked(d)) ||
		     s->devs[i].master == d->ifindex) && covered(s, &s->devs[i], depth - 1))
			return true;

	return false;
}

/**
 * dev_covered() - is a device or one below it listed?
 * @d:         device
 * @is_listed: says whether the device with a name is listed
 * @arg:       argument of @is_listed
 * @found:     set to the name of the listed device
 *
 * Return: true when there is one; false also when the devices cannot be read.
 */
bool dev_covered(const struct dev *d, bool (*is_listed)(const void *arg, const char *name),
		 const void *arg, char found[IFNAMSIZ])
{
	struct search s = { .is_listed = is_listed, .arg = arg, .found = found };
	bool yes;

	if (devs_get(&s.devs, &s.n))
		return false;
	yes = covered(&s, d, DEPTH);
	free(s.devs);

	return yes;
}
