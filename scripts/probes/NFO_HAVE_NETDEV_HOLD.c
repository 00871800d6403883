// SPDX-License-Identifier: GPL-2.0
// absent: unknown type name .netdevice_tracker.|implicit declaration of function .netdev_hold.
#include <linux/netdevice.h>

void nfo_probe_hold(struct net_device *dev, netdevice_tracker *tracker);
void nfo_probe_hold(struct net_device *dev, netdevice_tracker *tracker)
{
	netdev_hold(dev, tracker, GFP_ATOMIC);
}
