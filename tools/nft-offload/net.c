// SPDX-License-Identifier: GPL-2.0
/*
 * Devices, routes and neighbours, asked of rtnetlink one by one.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static uint8_t af(uint8_t l3proto)
{
	return l3proto == NFPROTO_IPV6 ? AF_INET6 : AF_INET;
}

static size_t addr_len(uint8_t family)
{
	return family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

/* Send one request on a socket of its own. Return: 0, or -errno with the text in @why. */
static int ask(struct nlmsghdr *req, uint16_t type, nl_fn fn, void *arg, char *why, size_t len)
{
	struct nl nl = {};
	int rc = nl_open(&nl, NETLINK_ROUTE);

	req->nlmsg_type = type;
	/* A dump ends with NLMSG_DONE; another request needs an acknowledgment to end. */
	req->nlmsg_flags |= NLM_F_REQUEST | (req->nlmsg_flags & NLM_F_DUMP ? 0 : NLM_F_ACK);
	if (!rc)
		rc = nl_talk(&nl, req, fn, arg);
	if (rc && why)
		snprintf(why, len, "%s", nl.why);
	nl_close(&nl);

	return rc;
}

/* ---- devices ---- */

/* Find the remote address of an IP tunnel. There is none for a tunnel whose packets are in UDP
 * (fou, gue), or which has no fixed remote.
 */
static void dev_remote(struct dev *d, const struct nlattr *data)
{
	static const struct {
		const char *kind;
		int remote;
		int encap;
		uint8_t l3proto;
	} tunnels[] = {
		{ "ipip", IFLA_IPTUN_REMOTE, IFLA_IPTUN_ENCAP_TYPE, NFPROTO_IPV4 },
		{ "sit", IFLA_IPTUN_REMOTE, IFLA_IPTUN_ENCAP_TYPE, NFPROTO_IPV4 },
		{ "gre", IFLA_GRE_REMOTE, IFLA_GRE_ENCAP_TYPE, NFPROTO_IPV4 },
		{ "ip6tnl", IFLA_IPTUN_REMOTE, IFLA_IPTUN_ENCAP_TYPE, NFPROTO_IPV6 },
		{ "ip6gre", IFLA_GRE_REMOTE, IFLA_GRE_ENCAP_TYPE, NFPROTO_IPV6 },
	};
	static const union addr none;
	const void *bytes;
	struct attrs a;
	size_t len;

	attrs_nested(&a, data);
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(*tunnels); i++) {
		if (strcmp(d->kind, tunnels[i].kind))
			continue;
		len = addr_len(af(tunnels[i].l3proto));
		bytes = attr_bytes(&a, tunnels[i].encap, sizeof(uint16_t));
		if (bytes && memcmp(bytes, &none, sizeof(uint16_t)))
			return;
		bytes = attr_bytes(&a, tunnels[i].remote, len);
		if (!bytes || !memcmp(bytes, &none, len))
			return;
		memcpy(&d->remote, bytes, len);
		d->remote_l3 = tunnels[i].l3proto;
	}
}

static int dev_one(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct dev *d = arg;
	struct attrs a, info;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	attrs_read(&a, nlh, sizeof(*ifi));
	attrs_nested(&info, a.a[IFLA_LINKINFO]);
	d->ifindex = ifi->ifi_index;
	d->flags = ifi->ifi_flags;
	d->type = ifi->ifi_type;
	d->mtu = attr_uint(&a, IFLA_MTU);
	d->master = attr_uint(&a, IFLA_MASTER);
	d->link = attr_uint(&a, IFLA_LINK);
	snprintf(d->name, sizeof(d->name), "%s", attr_str(&a, IFLA_IFNAME));
	snprintf(d->kind, sizeof(d->kind), "%s", attr_str(&info, IFLA_INFO_KIND));
	snprintf(d->master_kind, sizeof(d->master_kind), "%s", attr_str(&info, IFLA_INFO_SLAVE_KIND));
	dev_remote(d, info.a[IFLA_INFO_DATA]);

	return 0;
}

int dev_get(const char *name, struct dev *d)
{
	char buf[256] = {};
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);

	memset(d, 0, sizeof(*d));
	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	strcpy(d->name, name);
	mnl_nlmsg_put_extra_header(req, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(req, IFLA_IFNAME, name);
	return ask(req, RTM_GETLINK, dev_one, d, NULL, 0);
}

struct dev_list {
	struct dev *dev;
	size_t n;
};

static int dev_next(const struct nlmsghdr *nlh, void *arg)
{
	struct dev_list *list = arg;
	struct dev *dev;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	dev = reallocarray(list->dev, list->n + 1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	list->dev = dev;
	memset(&dev[list->n], 0, sizeof(*dev));

	return dev_one(nlh, &dev[list->n++]);
}

int devs_get(struct dev **devs, size_t *n)
{
	char buf[256] = {};
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct dev_list list = {};
	int rc;

	mnl_nlmsg_put_extra_header(req, sizeof(struct ifinfomsg));
	req->nlmsg_flags = NLM_F_DUMP;
	rc = ask(req, RTM_GETLINK, dev_next, &list, NULL, 0);
	if (rc) {
		free(list.dev);
		list = (struct dev_list) {};
	}
	*devs = list.dev;
	*n = list.n;

	return rc;
}

/* ---- routes ---- */

static int route_one(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route *r = arg;
	struct attrs a;
	const void *gw;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	attrs_read(&a, nlh, sizeof(*rtm));
	r->type = rtm->rtm_type;
	r->oif = attr_uint(&a, RTA_OIF);
	r->encap = attr_has(&a, RTA_ENCAP_TYPE);
	gw = attr_bytes(&a, RTA_GATEWAY, addr_len(rtm->rtm_family));
	r->gw_family = rtm->rtm_family;
	if (!gw && attr_has(&a, RTA_VIA)) {
		const struct rtvia *via = attr_bytes(&a, RTA_VIA, sizeof(*via) + 4);

		if (via && attr_bytes(&a, RTA_VIA, sizeof(*via) + addr_len(via->rtvia_family))) {
			r->gw_family = via->rtvia_family;
			gw = via->rtvia_addr;
		}
	}
	if (gw) {
		memcpy(&r->gw, gw, addr_len(r->gw_family));
		r->has_gw = true;
	}
	return 0;
}

int route_get(uint8_t l3proto, const union addr *dst, const union addr *src,
	      uint32_t iif, struct route *r, char *why, size_t len)
{
	size_t size = addr_len(af(l3proto));
	char buf[256] = {};
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(req, sizeof(*rtm));

	memset(r, 0, sizeof(*r));
	rtm->rtm_family = af(l3proto);
	rtm->rtm_dst_len = size * 8;
	mnl_attr_put(req, RTA_DST, size, dst);
	if (src) {
		rtm->rtm_src_len = size * 8;
		mnl_attr_put(req, RTA_SRC, size, src);
	}
	if (iif)
		mnl_attr_put_u32(req, RTA_IIF, iif);
	return ask(req, RTM_GETROUTE, route_one, r, why, len);
}

const char *route_type_name(uint8_t type)
{
	static const char * const names[] = {
		[RTN_UNICAST] = "unicast", [RTN_LOCAL] = "local", [RTN_BROADCAST] = "broadcast",
		[RTN_ANYCAST] = "anycast", [RTN_MULTICAST] = "multicast",
		[RTN_BLACKHOLE] = "blackhole", [RTN_UNREACHABLE] = "unreachable",
		[RTN_PROHIBIT] = "prohibit", [RTN_THROW] = "throw",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "unknown";
}

/* ---- neighbours ---- */

static int neigh_one(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == RTM_NEWNEIGH)
		*(uint16_t *)arg = ndm->ndm_state;
	return 0;
}

uint16_t neigh_get(uint8_t l3proto, const union addr *a, uint32_t ifindex)
{
	char buf[256] = {};
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(req, sizeof(*ndm));
	uint16_t state = 0;

	ndm->ndm_family = af(l3proto);
	ndm->ndm_ifindex = ifindex;
	mnl_attr_put(req, NDA_DST, addr_len(af(l3proto)), a);
	return ask(req, RTM_GETNEIGH, neigh_one, &state, NULL, 0) ? 0 : state;
}

const char *neigh_state_name(uint16_t state)
{
	static const struct {
		uint16_t state;
		const char *name;
	} names[] = {
		{ NUD_PERMANENT, "permanent" }, { NUD_NOARP, "noarp" },
		{ NUD_REACHABLE, "reachable" }, { NUD_STALE, "stale" },
		{ NUD_DELAY, "delay" }, { NUD_PROBE, "probe" },
		{ NUD_FAILED, "failed" }, { NUD_INCOMPLETE, "incomplete" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (state & names[i].state)
			return names[i].name;
	return "none";
}
