// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .iph_totlen.
#include <linux/ip.h>

unsigned int nfo_probe_totlen(const struct sk_buff *skb, const struct iphdr *iph);
unsigned int nfo_probe_totlen(const struct sk_buff *skb, const struct iphdr *iph)
{
	return iph_totlen(skb, iph);
}
