// SPDX-License-Identifier: GPL-2.0
/*
 * What the numbers of the interface are called: reasons, states, events,
 * protocols, devices.
 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* The names are the module's own; a test compares them with what it says. */
static const struct {
	const char *name, *text;
} reasons[] = {
	[NFO_R_NONE] = { "none", "nothing keeps it there" },
	[NFO_R_NO_CONNTRACK] = { "no-conntrack", "the packet has no connection tracking entry" },
	[NFO_R_UNTRACKED] = { "untracked", "the packet is not tracked (notrack, or invalid)" },
	[NFO_R_DECRYPTED] = { "decrypted", "the packet arrived through IPsec" },
	[NFO_R_IP_OPTIONS] = { "ip-options", "the packet carries IP options or extension headers" },
	[NFO_R_PROTOCOL] = { "protocol", "only TCP and UDP are offloaded" },
	[NFO_R_TCP_FLAGS] = { "tcp-flags", "the packet opens or closes the TCP connection" },
	[NFO_R_TCP_STATE] = { "tcp-state", "the TCP connection is not established" },
	[NFO_R_UNCONFIRMED] = { "unconfirmed", "conntrack has not confirmed it yet" },
	[NFO_R_DYING] = { "dying", "its conntrack entry is being deleted" },
	[NFO_R_HELPER] = { "helper", "a conntrack helper reads its payload" },
	[NFO_R_SEQ_ADJUST] = { "seq-adjust", "its TCP sequence numbers are rewritten" },
	[NFO_R_NAT_CLASH] = { "nat-clash", "its NAT mapping clashes with another's" },
	[NFO_R_FIXED_TIMEOUT] = { "fixed-timeout", "its conntrack entry has a fixed end" },
	[NFO_R_ALREADY] = { "already", "it is offloaded already" },
	[NFO_R_NO_ROUTE] = { "no-route", "one of its directions has no route" },
	[NFO_R_ROUTE_TYPE] = { "route-type",
		"a route of it is local, broadcast, multicast or encapsulating, or faked by a bridge" },
	[NFO_R_XFRM] = { "xfrm", "an IPsec policy applies to it" },
	[NFO_R_DEV_DOWN] = { "dev-down", "an output device is down" },
	[NFO_R_DEV_TYPE] = { "dev-type", "an output device has a link layer that cannot be prepared" },
	[NFO_R_DEV_NOT_IN_TABLE] = { "dev-not-in-table", "a device it uses is not listed in the flowtable" },
	[NFO_R_NEIGH] = { "neighbour", "a next hop has no valid neighbour entry" },
	[NFO_R_NO_MEMORY] = { "no-memory", "memory ran out" },
	[NFO_R_TUPLE_BUSY] = { "tuple-busy", "another flow has the same addresses, ports and device" },
	[NFO_R_EXPIRED] = { "expired", "it was idle for the flowtable timeout" },
	[NFO_R_CT_GONE] = { "conntrack-gone", "its conntrack entry was deleted" },
	[NFO_R_TCP_CLOSE] = { "tcp-close", "a FIN, RST or SYN was seen" },
	[NFO_R_ROUTE_CHANGED] = { "route-changed", "its route changed" },
	[NFO_R_NEIGH_CHANGED] = { "neighbour-changed", "its next hop changed or failed" },
	[NFO_R_DEV_GONE] = { "dev-gone", "one of its devices went down or away" },
	[NFO_R_TABLE_GONE] = { "table-gone", "its flowtable was deleted" },
	[NFO_R_NETNS_GONE] = { "netns-gone", "its network namespace ended" },
	[NFO_R_HW_DRIVER] = { "hw-driver",
		"the device's driver offers no flow offload, or lost the device (ENODEV)" },
	[NFO_R_PROMOTE_AFTER] = { "promote-after",
		"it has not shown enough packets yet (setting promote_after)" },
	[NFO_R_MAX_FLOWS] = { "max-flows",
		"the namespace has as many flows as it may (setting max_flows)" },
	[NFO_R_USER] = { "user", "somebody asked for its removal" },
	[NFO_R_HW_OFF] = { "hw-off",
		"its flowtable does not ask for hardware (flags offload)" },
	[NFO_R_HW_FEATURE] = { "hw-feature",
		"hw-tc-offload is switched off for the device (ethtool -K)" },
	[NFO_R_HW_SHAPE] = { "hw-shape",
		"the driver cannot do rules of this kind, or this pair of devices" },
	[NFO_R_HW_FULL] = { "hw-full",
		"the hardware's table is full and nothing in it is colder" },
	[NFO_R_HW_BUSY] = { "hw-busy", "the driver failed in passing and is given time" },
	[NFO_R_HW_QUEUE] = { "hw-queue", "the queue to the hardware is full" },
	[NFO_R_HW_EVICTED] = { "hw-evicted", "it gave its place in hardware to a busier one" },
	[NFO_R_DEV_STACK] = { "dev-stack",
		"between a device it uses and the listed one below stands what cannot be seen through" },
};

/* A module newer than this tool may know more: then its number is its name. */
const char *reason_name(uint32_t reason)
{
	char buf[32];

	if (reason < ARRAY_SIZE(reasons) && reasons[reason].name)
		return reasons[reason].name;
	snprintf(buf, sizeof(buf), "reason-%u", reason);
	return intern(buf);
}

const char *reason_text(uint32_t reason)
{
	if (reason < ARRAY_SIZE(reasons) && reasons[reason].text)
		return reasons[reason].text;
	return "for a reason this version of nft-offload does not know";
}

static const char * const states[] = {
	[NFO_STATE_SOFTWARE]	= "software",
	[NFO_STATE_ONEWAY]	= "oneway",
	[NFO_STATE_QUEUED]	= "queued",
	[NFO_STATE_HARDWARE]	= "hardware",
	[NFO_STATE_HALF]	= "half",
};

static const char * const events[] = {
	[NFO_EVENT_NEW]		= "new",
	[NFO_EVENT_HARDWARE]	= "hardware",
	[NFO_EVENT_FAILED]	= "failed",
	[NFO_EVENT_EVICTED]	= "evicted",
	[NFO_EVENT_DESTROY]	= "destroy",
};

static const char * const dev_hws[] = {
	[NFO_DEV_HW_NONE]	= "none",
	[NFO_DEV_HW_FT]		= "ft",
	[NFO_DEV_HW_BLOCK]	= "block",
	[NFO_DEV_HW_INDIRECT]	= "indirect",
};

static const char *name_in(const char * const *names, size_t n, unsigned int i,
			   const char *what)
{
	char buf[32];

	if (i < n && names[i])
		return names[i];
	snprintf(buf, sizeof(buf), "%s-%u", what, i);
	return intern(buf);
}

const char *state_name(uint8_t state)
{
	return name_in(states, ARRAY_SIZE(states), state, "state");
}

const char *event_name(uint8_t event)
{
	return name_in(events, ARRAY_SIZE(events), event, "event");
}

const char *dev_hw_name(uint8_t hw)
{
	return name_in(dev_hws, ARRAY_SIZE(dev_hws), hw, "hw");
}

bool state_parse(const char *s, uint8_t *state)
{
	for (size_t i = 1; i < ARRAY_SIZE(states); i++) {
		if (states[i] && !strcmp(s, states[i])) {
			*state = i;
			return true;
		}
	}
	return false;
}

const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	}
	return name_in(NULL, 0, family, "family");
}

const char *l3proto_name(uint8_t proto)
{
	return proto == NFPROTO_IPV6 ? "ipv6" : "ipv4";
}

const char *l4proto_name(uint8_t proto)
{
	char buf[8];

	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	}
	snprintf(buf, sizeof(buf), "%u", proto);
	return intern(buf);
}

bool l4proto_parse(const char *s, uint8_t *proto)
{
	uint64_t v;

	if (!strcmp(s, "tcp"))
		*proto = IPPROTO_TCP;
	else if (!strcmp(s, "udp"))
		*proto = IPPROTO_UDP;
	else if (parse_u64(s, 255, &v) && v)
		*proto = v;
	else
		return false;
	return true;
}

/* Few different strings in very many flows. */
const char *intern(const char *s)
{
	static char **strings;
	static size_t n;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(strings[i], s))
			return strings[i];
	strings = xrealloc(strings, (n + 1) * sizeof(*strings));
	strings[n] = strdup(s);
	if (!strings[n])
		exit(refused("out of memory"));
	return strings[n++];
}

/* Asking the kernel costs a socket, so every index is asked for once. */
const char *dev_name(uint32_t ifindex)
{
	static struct { uint32_t ifindex; const char *name; } *known;
	static size_t n;
	char name[IFNAMSIZ];

	if (!ifindex)
		return "";
	for (size_t i = 0; i < n; i++)
		if (known[i].ifindex == ifindex)
			return known[i].name;
	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "#%u", ifindex);
	known = xrealloc(known, (n + 1) * sizeof(*known));
	known[n].ifindex = ifindex;
	known[n].name = intern(name);
	return known[n++].name;
}
