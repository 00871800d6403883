// SPDX-License-Identifier: GPL-2.0
/*
 * Frames: between the CPU port, where they carry MediaTek's tag, and the plugs, where they do not;
 * and between ports of a bridge, past the CPU.
 *
 * The tag stands after the two addresses. From the CPU it is {kind of VLAN tag, port mask, TCI}: a
 * VLAN tag becomes part of it, so that the kind stands in the place of the tag's EtherType. To the
 * CPU it is {0, port, 0, 0}, and a VLAN tag follows.
 */
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include "dsasim.h"

#define TAG_LEN		4
#define TAG_PLACE	(2 * ETH_ALEN)

enum { TAG_PLAIN, TAG_8100, TAG_88A8 };

/* Take the tag of the CPU's frames off. Return: the ports that the frame is for. */
static int untag(struct sk_buff *skb)
{
	u8 *tag;
	int mask;

	if (skb_cow_head(skb, 0) || !pskb_may_pull(skb, TAG_PLACE + TAG_LEN))
		return 0;
	tag = skb->data + TAG_PLACE;
	mask = tag[1] & GENMASK(5, 0);
	switch (tag[0]) {
	case TAG_PLAIN:
		memmove(skb->data + TAG_LEN, skb->data, TAG_PLACE);
		skb_pull(skb, TAG_LEN);
		break;
	case TAG_8100:
		put_unaligned_be16(ETH_P_8021Q, tag);
		break;
	case TAG_88A8:
		put_unaligned_be16(ETH_P_8021AD, tag);
		break;
	default:
		return 0;
	}
	skb_reset_mac_header(skb);

	return mask;
}

/* Give a frame room for four bytes behind the addresses. */
static u8 *make_room(struct sk_buff *skb)
{
	if (skb_cow_head(skb, TAG_LEN))
		return NULL;
	skb_push(skb, TAG_LEN);
	memmove(skb->data, skb->data + TAG_LEN, TAG_PLACE);
	skb_reset_mac_header(skb);

	return skb->data + TAG_PLACE;
}

static void receive(struct net_device *dev, struct sk_buff *skb)
{
	unsigned int len = skb->len;

	if (dev_forward_skb(dev, skb) == NET_RX_SUCCESS)
		dev_sw_netstats_rx_add(dev, len);
	else
		dev_core_stats_rx_dropped_inc(dev);
}

/* The frame leaves by these ports. */
static void to_plugs(struct dsasim *sim, struct sk_buff *skb, unsigned long mask)
{
	struct sk_buff *copy;
	unsigned int i;

	for_each_set_bit(i, &mask, DSASIM_CPU) {
		copy = sim->port[i].plug ? skb_copy(skb, GFP_ATOMIC) : NULL;
		if (copy)
			receive(sim->port[i].plug, copy);
	}
	consume_skb(skb);
}

static struct dsasim_station *station_find(struct dsasim *sim, const u8 *addr, u16 vid,
					   unsigned int bridge)
{
	struct dsasim_station *s;

	for (s = sim->station; s < sim->station + sim->stations; s++)
		if (s->bridge == bridge && s->vid == vid && ether_addr_equal(s->addr, addr))
			return s;

	return NULL;
}

static void station_learn(struct dsasim *sim, const u8 *addr, u16 vid, unsigned int bridge,
			  unsigned int port)
{
	struct dsasim_station *s;

	if (!is_valid_ether_addr(addr))
		return;
	spin_lock_bh(&sim->lock);
	s = station_find(sim, addr, vid, bridge);
	if (!s && sim->stations < DSASIM_STATIONS)
		s = &sim->station[sim->stations++];
	if (!s)
		s = &sim->station[sim->next++ % DSASIM_STATIONS];
	ether_addr_copy(s->addr, addr);
	s->vid = vid;
	s->bridge = bridge;
	s->port = port;
	spin_unlock_bh(&sim->lock);
}

/**
 * dsasim_forget() - the switch forgets the stations of a port
 * @sim:  switch
 * @port: number of the port
 */
void dsasim_forget(struct dsasim *sim, unsigned int port)
{
	unsigned int i;

	spin_lock_bh(&sim->lock);
	for (i = 0; i < sim->stations; i++)
		if (sim->station[i].port == port)
			sim->station[i].bridge = 0;
	spin_unlock_bh(&sim->lock);
}

/* Return: the ports that a frame of a bridged port is for, the CPU port among them. */
static unsigned long way_of(struct dsasim *sim, const struct sk_buff *skb, unsigned int port,
			    u16 vid)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;
	unsigned int bridge = sim->port[port].bridge, i;
	unsigned long mask = BIT(DSASIM_CPU);
	struct dsasim_station *s = NULL;

	spin_lock_bh(&sim->lock);
	if (!is_multicast_ether_addr(eth->h_dest))
		s = station_find(sim, eth->h_dest, vid, bridge);
	if (s)
		mask = BIT(s->port);
	spin_unlock_bh(&sim->lock);
	for (i = 0; !s && i < DSASIM_CPU; i++)
		if (sim->port[i].bridge == bridge && sim->port[i].state == BR_STATE_FORWARDING &&
		    (!vid || test_bit(vid, sim->port[i].vlans)))
			mask |= BIT(i);

	return mask & ~BIT(port);
}

/* The VLAN that a frame without a tag, or with one, is in at a port. Return: false if in none. */
static bool vlan_of(const struct dsasim_port *p, const struct sk_buff *skb, bool *tagged, u16 *vid)
{
	const struct vlan_ethhdr *veth = (const struct vlan_ethhdr *)skb->data;

	*vid = 0;
	*tagged = veth->h_vlan_proto == htons(ETH_P_8021Q);
	if (!p->aware)
		return true;
	if (*tagged && pskb_may_pull((struct sk_buff *)skb, VLAN_ETH_HLEN))
		*vid = ntohs(veth->h_vlan_TCI) & VLAN_VID_MASK;
	if (!*vid)
		*vid = p->pvid;

	return *vid && test_bit(*vid, p->vlans);
}

/* The frame goes to the CPU port, where frames of VLANs have a tag. */
static void to_cpu(struct dsasim *sim, struct sk_buff *skb, unsigned int port, u16 vid)
{
	u8 *tag;

	if (vid) {
		tag = make_room(skb);
		if (!tag)
			goto drop;
		put_unaligned_be16(ETH_P_8021Q, tag);
		put_unaligned_be16(vid, tag + 2);
	}
	tag = make_room(skb);
	if (!tag)
		goto drop;
	put_unaligned_be16(port, tag);
	put_unaligned_be16(0, tag + 2);
	receive(sim->conduit, skb);
	return;

drop:
	kfree_skb(skb);
}

/**
 * dsasim_plug_xmit() - a frame comes in by a port
 * @skb: frame
 * @dev: the plug
 *
 * Return: NETDEV_TX_OK.
 */
netdev_tx_t dsasim_plug_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct dsasim *sim = &dsasim;
	unsigned int port = *(unsigned int *)netdev_priv(dev);
	struct dsasim_port *p = &sim->port[port];
	unsigned long mask = BIT(DSASIM_CPU);
	struct sk_buff *copy;
	bool tagged;
	u16 vid;

	dev_sw_netstats_tx_add(dev, 1, skb->len);
	if (!netif_running(sim->conduit) || !vlan_of(p, skb, &tagged, &vid)) {
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}
	if (p->bridge) {
		if (p->state >= BR_STATE_LEARNING)
			station_learn(sim, eth_hdr(skb)->h_source, vid, p->bridge, port);
		if (p->state == BR_STATE_FORWARDING)
			mask = way_of(sim, skb, port, vid);
	}
	if (mask & GENMASK(DSASIM_CPU - 1, 0)) {
		atomic_inc(&sim->bridged);
		copy = skb_copy(skb, GFP_ATOMIC);
		if (copy)
			to_plugs(sim, copy, mask);
	}
	if (mask & BIT(DSASIM_CPU))
		to_cpu(sim, skb, port, tagged ? 0 : vid);
	else
		consume_skb(skb);

	return NETDEV_TX_OK;
}

/**
 * dsasim_conduit_xmit() - a frame comes from the host
 * @skb: frame
 * @dev: the conduit
 *
 * The CPU port learns addresses too, so that frames to the router do not leave by all ports.
 *
 * Return: NETDEV_TX_OK.
 */
netdev_tx_t dsasim_conduit_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct dsasim *sim = &dsasim;
	struct dsasim_port *p;
	unsigned long mask;
	bool tagged;
	u16 vid;

	dev_sw_netstats_tx_add(dev, 1, skb->len);
	mask = untag(skb);
	p = &sim->port[mask ? __ffs(mask) : DSASIM_CPU];
	if (p->bridge && vlan_of(p, skb, &tagged, &vid))
		station_learn(sim, eth_hdr(skb)->h_source, vid, p->bridge, DSASIM_CPU);
	to_plugs(sim, skb, mask);

	return NETDEV_TX_OK;
}
