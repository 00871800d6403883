// SPDX-License-Identifier: GPL-2.0
/*
 * Tunnel devices: which device carries what a tunnel sends, how much the tunnel takes
 * whole, and how the devices that packets pass count what they receive.
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

#include "nfo_compat.h"
#include "nfo_tunnel.h"

static bool nfo_dev_is_kind(const struct net_device *dev, const char *kind)
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

/* Return: the device of a route, valid under RCU, with its MTU; NULL without a route. */
static struct net_device *nfo_tunnel_route(struct net *net, struct flowi *fl, u8 family,
					   unsigned int *mtu)
{
	struct net_device *dev = NULL;
	struct dst_entry *dst = NULL;

	if (nf_route(net, &dst, fl, false, family) || !dst)
		return NULL;
	if (!dst->error) {
		dev = dst_dev(dst);
		*mtu = dst_mtu(dst);
	}
	dst_release(dst);

	return dev;
}

/* A tunnel without a remote address (6rd, 6to4, multipoint GRE) asks each packet where it goes. Its
 * lower device is the one that is configured, or else the one that has its local address.
 */
static struct net_device *nfo_tunnel_below_any(const struct ip_tunnel *t, unsigned int *mtu)
{
	struct net_device *link = NULL;

	if (t->parms.link)
		link = dev_get_by_index_rcu(t->net, t->parms.link);
	else if (t->parms.iph.saddr)
		link = __ip_dev_find(t->net, t->parms.iph.saddr, false);
	*mtu = link ? link->mtu : 0;

	return link;
}

static struct net_device *nfo_tunnel_below4(const struct net_device *dev, unsigned int *mtu,
					    unsigned int *len)
{
	const struct ip_tunnel *t = netdev_priv(dev);
	struct flowi fl = {};

	if (t->collect_md || !net_eq(t->net, dev_net(dev)))
		return NULL;
	*len = sizeof(struct iphdr) + t->hlen;
	if (!t->parms.iph.daddr)
		return nfo_tunnel_below_any(t, mtu);
	fl.u.ip4 = (struct flowi4) {
		.daddr		= t->parms.iph.daddr,
		.saddr		= t->parms.iph.saddr,
		.flowi4_oif	= t->parms.link,
		.flowi4_mark	= t->fwmark,
		.flowi4_proto	= t->parms.iph.protocol,
	};

	return nfo_tunnel_route(t->net, &fl, AF_INET, mtu);
}

static struct net_device *nfo_tunnel_below6(const struct net_device *dev, unsigned int *mtu,
					    unsigned int *len)
{
	const struct ip6_tnl *t = netdev_priv(dev);
	struct flowi fl = {};

	if (t->parms.collect_md || !net_eq(t->net, dev_net(dev)) ||
	    ipv6_addr_any(&t->parms.raddr))
		return NULL;
	*len = sizeof(struct ipv6hdr) + t->hlen;
	if (!(t->parms.flags & IP6_TNL_F_IGN_ENCAP_LIMIT))
		*len += 8;
	fl.u.ip6 = (struct flowi6) {
		.daddr		= t->parms.raddr,
		.saddr		= t->parms.laddr,
		.flowi6_oif	= t->parms.link,
		.flowi6_mark	= t->parms.fwmark,
		.flowi6_proto	= t->parms.proto,
	};

	return nfo_tunnel_route(t->net, &fl, AF_INET6, mtu);
}

/**
 * nfo_tunnel_below() - the device that carries what a tunnel sends now
 * @dev: any device
 * @mtu: set to the largest IP packet that the tunnel takes without cutting it, by the MTU
 *       of the path to its other end
 * @len: set to the bytes that the tunnel adds
 *
 * Context: rcu_read_lock(). Return: NULL when @dev is no tunnel that is known here, when its
 * other end is not routed, or when its packets belong to another namespace.
 */
struct net_device *nfo_tunnel_below(const struct net_device *dev, unsigned int *mtu,
				    unsigned int *len)
{
	struct net_device *below = NULL;

	if (nfo_tunnel_is4(dev))
		below = nfo_tunnel_below4(dev, mtu, len);
	else if (nfo_tunnel_is6(dev))
		below = nfo_tunnel_below6(dev, mtu, len);
	if (below == dev)
		return NULL;
	if (below)
		*mtu = *mtu > *len ? *mtu - *len : 0;

	return below;
}

/**
 * nfo_tunnel_hides() - are packets of a device not to be recognized at the device below?
 * @dev: any device
 *
 * VXLAN and MACsec devices are linked to the device that carries their packets. Each direction has
 * to be seen at the device itself, so listing the one below is not enough.
 */
bool nfo_tunnel_hides(const struct net_device *dev)
{
	return nfo_dev_is_kind(dev, "vxlan") || nfo_dev_is_kind(dev, "macsec");
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

/* The structures of different devices name these counters alike. @way: rx or tx. */
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
/* A VRF, from 6.7 on. */
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
 * nfo_dev_count_rx() - a device counts packets that were received through it unseen
 * @dev:     device
 * @packets: how many
 * @bytes:   of them, as the device counts
 *
 * A bond counts what its ports count. A device whose counters are its driver's secret counts
 * nothing: PPP and VRF before they had those of the core. Context: BH disabled,
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
	/* macvlan counts the Ethernet header as well. */
	else if (netif_is_macvlan(dev))
		nfo_count_percpu(((struct macvlan_dev *)netdev_priv(dev))->pcpu_stats, packets,
				 bytes + packets * ETH_HLEN);
}

/**
 * nfo_dev_count_tx() - a device counts packets that hardware sent in its place
 * @dev:     device above one whose hardware sends
 * @packets: how many
 * @bytes:   of them, without their Ethernet headers
 *
 * PPP in kernels before the core had its counters counts nothing. Context: BH disabled,
 * rcu_read_lock().
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
