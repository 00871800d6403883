// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .tcx_ingress.|control reaches end
#include <linux/netdevice.h>

const void *nfo_probe_tcx_ingress(const struct net_device *dev);
const void *nfo_probe_tcx_ingress(const struct net_device *dev)
{
	return rcu_access_pointer(dev->tcx_ingress);
}
