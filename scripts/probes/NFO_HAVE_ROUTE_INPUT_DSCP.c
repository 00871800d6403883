// SPDX-License-Identifier: GPL-2.0
// absent: incompatible type for argument 4|incompatible pointer|static assertion failed
#include <net/route.h>

int nfo_probe_route_input(struct sk_buff *skb, struct net_device *dev, dscp_t dscp);
int nfo_probe_route_input(struct sk_buff *skb, struct net_device *dev, dscp_t dscp)
{
	_Static_assert(__same_type(&ip_route_input_noref,
				   (enum skb_drop_reason (*)(struct sk_buff *, __be32,
							     __be32, dscp_t,
							     struct net_device *))0),
		       "other signature");
	return ip_route_input_noref(skb, 0, 0, dscp, dev);
}
