/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packet path's rare cases.
 */
#ifndef _NFO_RARE_H
#define _NFO_RARE_H

#include "nfo_table.h"

struct nfo_encap_popped;

/* Return: index of the device that packets come in by, as routing knows it. */
static __always_inline u32 nfo_in_ifindex(const struct nfo_entry *e)
{
	if (likely(!(e->flags & NFO_E_LOWER)))
		return e->key.iif;
	return nfo_entry_refs(e)->in->ifindex;
}

bool nfo_frame_ok(const struct sk_buff *skb, const struct nfo_entry *e);
bool nfo_forced_to_forward6(const struct net_device *in);
bool nfo_rare_ok(struct nfo_table *t, struct nfo_entry *e, struct sk_buff *skb,
		 const struct nfo_encap_popped *popped, u32 epoch, bool *set_ce);
bool nfo_leave_rare(struct sk_buff *skb, const struct nfo_entry *e, bool set_ce);
void nfo_rewrite_fields(struct sk_buff *skb, const struct nfo_entry *e, u8 fields);
bool nfo_put_outer(struct sk_buff *skb, const struct nfo_route_refs *refs);
void nfo_xmit_xfrm(struct sk_buff *skb, const struct nfo_entry *e);

#endif /* _NFO_RARE_H */
