// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_mroute NAMESPACE IN OUT SOURCE GROUP - a multicast router of one stream, IPv4 or IPv6: what
 * SOURCE sends to GROUP, and comes by the device IN, leaves by OUT. The first line is "ok mroute".
 * A line on stdin takes the stream away, "ok gone"; the next one brings it back, "ok back". At the
 * end of stdin the router ends.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
/* These want what netinet/in.h has declared. */
#include <linux/mroute.h>
#include <linux/mroute6.h>
#include "../lib/net.h"

/* Virtual devices have numbers, as the routes name them. */
enum { IN = 0, OUT = 1 };

static int fd, level;

static void set(int name, const void *value, socklen_t len, const char *what)
{
	if (setsockopt(fd, level, name, value, len))
		die("%s: %m", what);
}

static unsigned int device(const char *name)
{
	unsigned int ifindex = if_nametoindex(name);

	if (!ifindex)
		die("%s: %m", name);
	return ifindex;
}

static void add_device4(int number, const char *name)
{
	struct vifctl v = {
		.vifc_vifi = number, .vifc_flags = VIFF_USE_IFINDEX, .vifc_threshold = 1,
		.vifc_lcl_ifindex = device(name),
	};

	set(MRT_ADD_VIF, &v, sizeof(v), name);
}

static void add_device6(int number, const char *name)
{
	struct mif6ctl m = {
		.mif6c_mifi = number, .vifc_threshold = 1, .mif6c_pifi = device(name),
	};

	set(MRT6_ADD_MIF, &m, sizeof(m), name);
}

static void route4(bool add, const struct addr *source, const struct addr *group)
{
	struct mfcctl c = {
		.mfcc_origin = ((const struct sockaddr_in *)&source->ss)->sin_addr,
		.mfcc_mcastgrp = ((const struct sockaddr_in *)&group->ss)->sin_addr,
		.mfcc_parent = IN,
	};

	c.mfcc_ttls[OUT] = 1;
	set(add ? MRT_ADD_MFC : MRT_DEL_MFC, &c, sizeof(c), "route");
}

static void route6(bool add, const struct addr *source, const struct addr *group)
{
	struct mf6cctl c = { .mf6cc_parent = IN };

	memcpy(&c.mf6cc_origin, &source->ss, sizeof(c.mf6cc_origin));
	memcpy(&c.mf6cc_mcastgrp, &group->ss, sizeof(c.mf6cc_mcastgrp));
	IF_SET(OUT, &c.mf6cc_ifset);
	set(add ? MRT6_ADD_MFC : MRT6_DEL_MFC, &c, sizeof(c), "route");
}

int main(int argc, char **argv)
{
	struct addr source, group;
	char line[64];
	bool six, there = true;
	int one = 1;

	if (argc != 6)
		die("usage: nfo_mroute NAMESPACE IN OUT SOURCE GROUP");
	if (netns_enter_name(argv[1]))
		die("%s: %m", argv[1]);
	source = addr_parse(argv[4], 0);
	group = addr_parse(argv[5], 0);
	six = group.ss.ss_family == AF_INET6;
	level = six ? IPPROTO_IPV6 : IPPROTO_IP;
	fd = socket(group.ss.ss_family, SOCK_RAW, six ? IPPROTO_ICMPV6 : IPPROTO_IGMP);
	if (fd < 0)
		die("socket: %m");
	set(six ? MRT6_INIT : MRT_INIT, &one, sizeof(one), "no multicast routing");
	for (int i = IN; i <= OUT; i++)
		(six ? add_device6 : add_device4)(i, argv[2 + i]);
	(six ? route6 : route4)(true, &source, &group);
	say("ok mroute");
	while (fgets(line, sizeof(line), stdin)) {
		there = !there;
		(six ? route6 : route4)(there, &source, &group);
		say(there ? "ok back" : "ok gone");
	}
	return 0;
}
