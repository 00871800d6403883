// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .ndo_fill_forward_path.|control reaches end
#include <linux/netdevice.h>

bool nfo_probe_forward_path(const struct net_device *dev);
bool nfo_probe_forward_path(const struct net_device *dev)
{
	return dev->netdev_ops->ndo_fill_forward_path;
}
