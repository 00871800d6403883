// SPDX-License-Identifier: GPL-2.0
/*
 * Tunnel devices: which device carries what a tunnel sends, how large a packet the tunnel takes
 * without fragmenting it, and how packets are added to the counters of devices that they pass
 * unseen.
 *
 * The fast path sends through the tunnel's own device, which makes the outer header,
 * looks at the path MTU, and gives the packet to the output hooks; nothing of that is
 * repeated here.
 */
#include <linux/if_arp.h>
#include <linux/if_macvlan.h>
#include <linux/if_team.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <linux/u64_stats_sync.h>
#include <net/flow.h>
#include <net/ip6_tunnel.h>
#include <net/ip_tunnels.h>
#include <net/rtnetlink.h>
#include <net/xfrm.h>

#include "nfo_compat.h"
#include "nfo_tunnel.h"

/**
 * nfo_dev_is_kind() - is a device one of this kind?
 * @dev:  device
 * @kind: as in `ip link add ... type KIND`
 *
 * Context: any.
 */
bool nfo_dev_is_kind(const struct net_device *dev, const char *kind)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, kind);
}

/* Devices whose private data begin with struct ip_tunnel. */
static bool nfo_tunnel_is4(const struct net_device *dev)
{
	return (dev->type == ARPHRD_TUNNEL && nfo_dev_is_kind(dev, "ipip")) ||
	       (dev->type == ARPHRD_SIT && nfo_dev_is_kind(dev, "sit")) ||
	       (dev->type == ARPHRD_IPGRE && nfo_dev_is_kind(dev, "gre"));
}

/* Devices whose private data begin with struct ip6_tnl. */
static bool nfo_tunnel_is6(const struct net_device *dev)
{
	return (dev->type == ARPHRD_TUNNEL6 && nfo_dev_is_kind(dev, "ip6tnl")) ||
	       (dev->type == ARPHRD_IP6GRE && nfo_dev_is_kind(dev, "ip6gre"));
}

/* nf_route() applies IPsec policies to a route of IPv4, but not to one of IPv6. Consumes @dst.
 * Return: a route, which may be an IPsec bundle, or NULL.
 */
static struct dst_entry *nfo_tunnel_policy(struct net *net, struct flowi *fl, u8 family,
					   struct dst_entry *dst)
{
	if (family != AF_INET6 || dst->error)
		return dst;
	dst = xfrm_lookup(net, dst, fl, NULL, 0);

	return IS_ERR(dst) ? NULL : dst;
}

/* Return: the device of a route, valid under RCU; NULL without a route. */
static struct net_device *nfo_tunnel_route(struct net *net, struct flowi *fl, u8 family,
					   struct nfo_tunnel_way *way)
{
	struct net_device *dev = NULL;
	struct dst_entry *dst = NULL;

	if (nf_route(net, &dst, fl, false, family) || !dst)
		return NULL;
	dst = nfo_tunnel_policy(net, fl, family, dst);
	if (!dst)
		return NULL;
	if (!dst->error) {
		dev = dst_dev(dst);
		way->mtu = dst_mtu(dst);
		way->hidden |= !!dst_xfrm(dst);
	}
	dst_release(dst);

	return dev;
}

/* A tunnel that carries both IPv4 and IPv6 has protocol 0, for which routing would ask no IPsec
 * policy. Return: IPPROTO_*, never 0.
 */
static u8 nfo_tunnel_proto(const struct net_device *dev, u8 proto)
{
	return proto ?: dev->type == ARPHRD_TUNNEL ? IPPROTO_IPIP : IPPROTO_IPV6;
}

static struct net_device *nfo_tunnel_route4(const struct ip_tunnel *t, __be32 daddr,
					    struct nfo_tunnel_way *way)
{
	struct flowi fl = {
		.u.ip4 = {
			.daddr		= daddr,
			.saddr		= t->parms.iph.saddr,
			.flowi4_oif	= t->parms.link,
			.flowi4_mark	= t->fwmark,
			.flowi4_proto	= nfo_tunnel_proto(t->dev, t->parms.iph.protocol),
			.fl4_gre_key	= t->parms.o_key,
		},
	};

	return nfo_tunnel_route(t->net, &fl, AF_INET, way);
}

/* A tunnel without a remote address (6rd, 6to4, multipoint GRE) derives the other end from each
 * packet. Its lower device is the one that is configured, or else the one with its local address.
 */
static struct net_device *nfo_tunnel_below_any(const struct ip_tunnel *t,
					       struct nfo_tunnel_way *way)
{
	struct net_device *link = NULL;

	if (t->parms.link)
		link = dev_get_by_index_rcu(t->net, t->parms.link);
	else if (t->parms.iph.saddr)
		link = __ip_dev_find(t->net, t->parms.iph.saddr, false);
	way->mtu = link ? link->mtu : 0;

	return link;
}

static struct net_device *nfo_tunnel_below4(const struct net_device *dev,
					    struct nfo_tunnel_way *way)
{
	const struct ip_tunnel *t = netdev_priv(dev);

	if (t->collect_md || !net_eq(t->net, dev_net(dev)))
		return NULL;
	way->len = sizeof(struct iphdr) + t->hlen;
	/* SIT has flags of its own there. */
	way->hidden = t->encap_hlen ||
		      (dev->type != ARPHRD_SIT && nfo_gre_varies(t->parms.i_flags));
	if (!t->parms.iph.daddr)
		return nfo_tunnel_below_any(t, way);

	return nfo_tunnel_route4(t, t->parms.iph.daddr, way);
}

static struct net_device *nfo_tunnel_below6(const struct net_device *dev,
					    struct nfo_tunnel_way *way)
{
	const struct ip6_tnl *t = netdev_priv(dev);
	struct flowi fl = {};

	if (t->parms.collect_md || !net_eq(t->net, dev_net(dev)) ||
	    ipv6_addr_any(&t->parms.raddr))
		return NULL;
	way->len = sizeof(struct ipv6hdr) + t->hlen;
	way->hidden = t->encap_hlen || nfo_gre_varies(t->parms.i_flags);
	if (!(t->parms.flags & IP6_TNL_F_IGN_ENCAP_LIMIT))
		way->len += 8;
	fl.u.ip6 = (struct flowi6) {
		.daddr		= t->parms.raddr,
		.saddr		= t->parms.laddr,
		.flowi6_oif	= t->parms.link,
		.flowi6_mark	= t->parms.fwmark,
		.flowi6_proto	= nfo_tunnel_proto(dev, t->parms.proto),
		.fl6_gre_key	= t->parms.o_key,
	};

	return nfo_tunnel_route(t->net, &fl, AF_INET6, way);
}

/**
 * nfo_tunnel_below() - the device that carries what a tunnel sends now
 * @dev: any device
 * @way: filled
 *
 * Context: rcu_read_lock(). Return: NULL when @dev is no tunnel that is known here, when there is
 * no route to its other end, or when its outer packets are sent in another namespace.
 */
struct net_device *nfo_tunnel_below(const struct net_device *dev, struct nfo_tunnel_way *way)
{
	struct net_device *below = NULL;

	*way = (struct nfo_tunnel_way) {};
	if (nfo_tunnel_is4(dev))
		below = nfo_tunnel_below4(dev, way);
	else if (nfo_tunnel_is6(dev))
		below = nfo_tunnel_below6(dev, way);
	if (below == dev)
		return NULL;
	if (below)
		way->mtu = way->mtu > way->len ? way->mtu - way->len : 0;

	return below;
}

static bool nfo_dev_is_one_of(const struct net_device *dev, const char * const *kinds,
			      unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (nfo_dev_is_kind(dev, kinds[i]))
			return true;

	return false;
}

/* Kinds of devices that are linked to the device below them and whose packets have headers or a
 * trailer of the upper device there, or are encrypted.
 */
static const char * const nfo_kinds_that_hide[] = {
	"amt", "batadv", "dsa", "hsr", "macsec", "openvswitch", "rmnet", "vxlan",
};

/* Kinds of devices that decide about packets which look like any other packet at the device below:
 * PRP drops the second copy, Open vSwitch does what its rules say, and where hardware has
 * decrypted MACsec, packets that came without MACsec look the same.
 */
static const char * const nfo_kinds_that_decide[] = { "hsr", "macsec", "openvswitch" };

/**
 * nfo_tunnel_hides() - are packets of a device unrecognizable at the device below?
 * @dev: any device
 *
 * VXLAN and MACsec devices, for example, are linked to the device that carries their packets. An
 * ingress hook there cannot read the packets inside, so the device itself has to be listed.
 */
bool nfo_tunnel_hides(const struct net_device *dev)
{
	return nfo_dev_is_one_of(dev, nfo_kinds_that_hide, ARRAY_SIZE(nfo_kinds_that_hide));
}

/**
 * nfo_tunnel_has_header() - does a tunnel have neighbours, each with the address of an other end?
 * @dev: any device
 *
 * The neighbours of a GRE device without a remote address have IPv4 addresses as link-layer
 * addresses. The device wants packets with the header that dev_hard_header() makes of such an
 * address.
 */
bool nfo_tunnel_has_header(const struct net_device *dev)
{
	return dev->type == ARPHRD_IPGRE && nfo_tunnel_is4(dev) && dev->header_ops &&
	       dev->addr_len == sizeof(__be32);
}

/**
 * nfo_tunnel_encrypts_to() - does IPsec encrypt what a tunnel sends to one of its neighbours?
 * @dev:  device for which nfo_tunnel_has_header() is true
 * @addr: link-layer address of the neighbour
 *
 * Context: rcu_read_lock().
 */
bool nfo_tunnel_encrypts_to(const struct net_device *dev, const u8 *addr)
{
	const struct ip_tunnel *t = netdev_priv(dev);
	struct nfo_tunnel_way way = {};
	__be32 daddr;

	memcpy(&daddr, addr, sizeof(daddr));

	return nfo_tunnel_route4(t, daddr, &way) && way.hidden;
}

/**
 * nfo_tunnel_decides() - does a device decide about packets that need not have a header of its own?
 * @dev: any device
 *
 * Flows must not pass such a device unseen.
 */
bool nfo_tunnel_decides(const struct net_device *dev)
{
	return nfo_dev_is_one_of(dev, nfo_kinds_that_decide, ARRAY_SIZE(nfo_kinds_that_decide));
}

/**
 * nfo_tunnel_is_plain() - does a device do no more to a packet than take a header off?
 * @dev: any device
 *
 * Return: false for a tunnel that copies the outer DSCP into each packet.
 */
bool nfo_tunnel_is_plain(const struct net_device *dev)
{
	const struct ip6_tnl *t = netdev_priv(dev);

	return !nfo_tunnel_is6(dev) || !(t->parms.flags & IP6_TNL_F_RCV_DSCP_COPY);
}

/* ---- counters ---- */

/* Each kind of device has a structure of its own for counters, but the fields have the same names.
 * @way: rx or tx.
 */
#define nfo_count_way(percpu, way, packets, bytes) do {		\
	__auto_type nfo_stats = this_cpu_ptr(percpu);		\
								\
	u64_stats_update_begin(&nfo_stats->syncp);		\
	nfo_stats_add(&nfo_stats->way##_packets, packets);	\
	nfo_stats_add(&nfo_stats->way##_bytes, bytes);		\
	u64_stats_update_end(&nfo_stats->syncp);		\
} while (0)
#define nfo_count_percpu(percpu, packets, bytes) nfo_count_way(percpu, rx, packets, bytes)

#ifdef NFO_HAVE_PCPU_STAT_TYPE
/* A VRF has such counters from 6.7 on. */
static bool nfo_count_dstats(struct net_device *dev, u64 packets, u64 bytes)
{
	if (dev->pcpu_stat_type != NETDEV_PCPU_STAT_DSTATS || !dev->dstats)
		return false;
	nfo_count_percpu(dev->dstats, packets, bytes);

	return true;
}
#else
static bool nfo_count_dstats(struct net_device *dev, u64 packets, u64 bytes)
{
	return false;
}
#endif

/**
 * nfo_dev_count_rx() - add packets that passed a device unseen to what it has received
 * @dev:     device
 * @packets: how many
 * @bytes:   bytes of IP packets, and of headers inside of which the device counts
 *
 * A bond adds up its ports' counters by itself. Counters that a driver keeps to itself cannot be
 * added to: those of PPP and VRF before they used the core's. Context: BH disabled,
 * rcu_read_lock().
 */
void nfo_dev_count_rx(struct net_device *dev, u64 packets, u64 bytes)
{
	if (netif_is_l3_master(dev) && nfo_count_dstats(dev, packets, bytes))
		return;
	if (netif_is_bridge_master(dev) || nfo_tunnel_is4(dev) || nfo_tunnel_is6(dev) ||
	    (dev->type == ARPHRD_PPP && nfo_dev_has_tstats(dev))) {
		if (dev->tstats)
			nfo_count_percpu(dev->tstats, packets, bytes);
		return;
	}
#if IS_ENABLED(CONFIG_VLAN_8021Q)
	if (is_vlan_dev(dev)) {
		nfo_count_percpu(vlan_dev_priv(dev)->vlan_pcpu_stats, packets, bytes);
		return;
	}
#endif
	if (netif_is_team_master(dev))
		nfo_count_percpu(((struct team *)netdev_priv(dev))->pcpu_stats, packets, bytes);
	/* macvlan counts the bytes of the Ethernet header as well. */
	else if (netif_is_macvlan(dev))
		nfo_count_percpu(((struct macvlan_dev *)netdev_priv(dev))->pcpu_stats, packets,
				 bytes + packets * ETH_HLEN);
}

/**
 * nfo_dev_count_tx() - add packets that were sent in a device's place to what it has sent
 * @dev:     device above one whose hardware sends, or that software hands packets to
 * @packets: how many
 * @bytes:   bytes of the packets, without Ethernet headers
 *
 * The counters of PPP cannot be added to in kernels where PPP keeps them to itself. Context: BH
 * disabled, rcu_read_lock().
 */
void nfo_dev_count_tx(struct net_device *dev, u64 packets, u64 bytes)
{
	if (dev->type == ARPHRD_PPP && nfo_dev_has_tstats(dev) && dev->tstats)
		nfo_count_way(dev->tstats, tx, packets, bytes);
	bytes += packets * ETH_HLEN;
	if (netif_is_bridge_master(dev) && dev->tstats)
		nfo_count_way(dev->tstats, tx, packets, bytes);
#if IS_ENABLED(CONFIG_VLAN_8021Q)
	if (is_vlan_dev(dev))
		nfo_count_way(vlan_dev_priv(dev)->vlan_pcpu_stats, tx, packets, bytes);
#endif
}
