// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .pcpu_stat_type.|NETDEV_PCPU_STAT_TSTATS. undeclared|control reaches end
#include <linux/netdevice.h>

bool nfo_probe_pcpu_stat_type(const struct net_device *dev);
bool nfo_probe_pcpu_stat_type(const struct net_device *dev)
{
	return dev->pcpu_stat_type == NETDEV_PCPU_STAT_TSTATS;
}
