/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packet path: the ingress hooks of the flowtable types.
 */
#ifndef _NFO_IP_H
#define _NFO_IP_H

#include <linux/netfilter.h>

unsigned int nfo_hook_ip(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state);
unsigned int nfo_hook_ip6(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);
unsigned int nfo_hook_inet(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state);
bool nfo_hook_is_own(nf_hookfn *hook);

#endif /* _NFO_IP_H */
