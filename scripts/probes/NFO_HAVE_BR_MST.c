// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .br_mst_enabled.
#include <linux/if_bridge.h>

bool nfo_probe_mst(const struct net_device *dev);
bool nfo_probe_mst(const struct net_device *dev)
{
	return br_mst_enabled(dev);
}
