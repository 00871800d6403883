/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tunnel devices, and the counters of devices that packets pass.
 */
#ifndef _NFO_TUNNEL_H
#define _NFO_TUNNEL_H

#include <linux/netdevice.h>

struct net_device *nfo_tunnel_below(const struct net_device *dev, unsigned int *mtu,
				    unsigned int *len);
bool nfo_tunnel_hides(const struct net_device *dev);
bool nfo_tunnel_is_plain(const struct net_device *dev);
void nfo_dev_count_rx(struct net_device *dev, u64 packets, u64 bytes);
void nfo_dev_count_tx(struct net_device *dev, u64 packets, u64 bytes);

#endif /* _NFO_TUNNEL_H */
