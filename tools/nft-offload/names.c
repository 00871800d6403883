// SPDX-License-Identifier: GPL-2.0
/*
 * The names of numbers in messages: reasons, states, events, protocols, devices.
 * names_gen.c has the generated lists.
 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool.h"

/* A newer module may have reasons that this tool does not know: such a reason is named by its
 * number.
 */
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
	return "this version of nft-offload does not know the reason";
}

/* Return: what the user can do about a reason; may be empty. */
const char *reason_remedy(uint32_t reason)
{
	if (reason < ARRAY_SIZE(reasons) && reasons[reason].remedy)
		return reasons[reason].remedy;
	return "";
}

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
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	}
	return name_in(NULL, 0, family, "family");
}

const char *l3proto_name(uint8_t proto)
{
	return proto == NFPROTO_IPV6 ? "ipv6" : "ipv4";
}

/* The protocols that the fast path carries. */
static const struct { uint8_t proto; const char *name; } l4protos[] = {
	{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_UDPLITE, "udplite" },
	{ IPPROTO_SCTP, "sctp" }, { IPPROTO_GRE, "gre" }, { IPPROTO_ESP, "esp" },
	{ IPPROTO_IPIP, "ipip" }, { IPPROTO_IPV6, "ipv6" }, { IPPROTO_ICMP, "icmp" },
	{ IPPROTO_ICMPV6, "icmpv6" },
};

const char *l4proto_name(uint8_t proto)
{
	char buf[8];

	for (size_t i = 0; i < ARRAY_SIZE(l4protos); i++)
		if (l4protos[i].proto == proto)
			return l4protos[i].name;
	snprintf(buf, sizeof(buf), "%u", proto);
	return intern(buf);
}

bool l4proto_parse(const char *s, uint8_t *proto)
{
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(l4protos); i++) {
		if (strcmp(s, l4protos[i].name))
			continue;
		*proto = l4protos[i].proto;
		return true;
	}
	if (!parse_u64(s, 255, &v) || !v)
		return false;
	*proto = v;
	return true;
}

bool l4proto_offloadable(uint8_t proto)
{
	for (size_t i = 0; i < ARRAY_SIZE(l4protos); i++)
		if (l4protos[i].proto == proto)
			return true;
	return false;
}

/* Return: a copy of the string that is kept for good. Very many flows have few different strings,
 * so each string is kept once.
 */
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

/* Return: how many bytes the character has; 0 when it is not UTF-8 as JSON has it. */
static size_t utf8_len(const unsigned char *s)
{
	size_t n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than it had to be, half of a pair of UTF-16, or above U+10FFFF. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* The kernel takes any bytes for the name of a device or of a table; JSON and Prometheus do not. A
 * bad byte is written out, so that two names stay two names.
 */
const char *utf8(const char *s)
{
	const char *good = s, *kept;
	char *buf, *to;

	while (*good && utf8_len((const unsigned char *)good))
		good += utf8_len((const unsigned char *)good);
	if (!*good)
		return intern(s);

	buf = to = xalloc(4 * strlen(s) + 1);
	while (*s) {
		size_t n = utf8_len((const unsigned char *)s);

		if (n)
			memcpy(to, s, n);
		else
			sprintf(to, "\\x%02x", *(const unsigned char *)s);
		to += n ? n : 4;
		s += n ? n : 1;
	}
	*to = 0;
	kept = intern(buf);
	free(buf);

	return kept;
}

/* Each question to the kernel takes a socket, so the answers are kept, for less than a second: top
 * and monitor may run for days, and devices come and are renamed. Return: the name of a device, ""
 * for index 0.
 */
const char *dev_name(uint32_t ifindex)
{
	static struct { uint32_t ifindex; const char *name; } *known;
	static struct timespec since;
	static size_t n;
	struct timespec now;
	char name[IFNAMSIZ];

	if (!ifindex)
		return "";
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec != since.tv_sec)
		n = 0;
	since = now;
	for (size_t i = 0; i < n; i++)
		if (known[i].ifindex == ifindex)
			return known[i].name;
	if (!if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "#%u", ifindex);
	known = xrealloc(known, (n + 1) * sizeof(*known));
	known[n].ifindex = ifindex;
	known[n].name = utf8(name);
	return known[n++].name;
}
