/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tunnel devices, and the counters of devices that packets pass.
 */
#ifndef _NFO_TUNNEL_H
#define _NFO_TUNNEL_H

#include <linux/netdevice.h>

/**
 * struct nfo_tunnel_way - what becomes of a tunnel's packets on their way to the device below
 * @mtu:    the largest IP packet that the tunnel takes without fragmenting it, by the MTU of the
 *          path to its other end; 0: not known
 * @len:    bytes that the tunnel adds to a packet
 * @hidden: a hook at the device below cannot recognize the packets inside, because they are in UDP,
 *          behind a GRE header that differs from packet to packet, or IPsec encrypts them
 */
struct nfo_tunnel_way {
	unsigned int	mtu;
	unsigned int	len;
	bool		hidden;
};

bool nfo_dev_is_kind(const struct net_device *dev, const char *kind);
struct net_device *nfo_tunnel_below(const struct net_device *dev, struct nfo_tunnel_way *way);
bool nfo_tunnel_hides(const struct net_device *dev);
bool nfo_tunnel_encrypts_to(const struct net_device *dev, const u8 *addr);
bool nfo_tunnel_has_header(const struct net_device *dev);
bool nfo_tunnel_decides(const struct net_device *dev);
bool nfo_tunnel_is_plain(const struct net_device *dev);
void nfo_dev_count_rx(struct net_device *dev, u64 packets, u64 bytes);
void nfo_dev_count_tx(struct net_device *dev, u64 packets, u64 bytes);

#endif /* _NFO_TUNNEL_H */
