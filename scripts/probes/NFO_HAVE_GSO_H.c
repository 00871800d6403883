// SPDX-License-Identifier: GPL-2.0
// absent: net/gso.h: No such file or directory
#include <linux/skbuff.h>
#include <net/gso.h>

bool nfo_probe_gso(const struct sk_buff *skb);
bool nfo_probe_gso(const struct sk_buff *skb)
{
	return skb_gso_validate_network_len(skb, 1500);
}
