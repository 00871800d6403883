/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a packet's route means for its direction, and whether that is still true.
 */
#ifndef _NFO_ROUTE_H
#define _NFO_ROUTE_H

#include "nfo_table.h"

/**
 * enum nfo_news - what happened since an entry was known to be true
 * @NFO_NEWS_NONE:    nothing that concerns the entry
 * @NFO_NEWS_RULESET: the ruleset changed, and nothing else that concerns the entry
 * @NFO_NEWS_ROUTE:   something that the entry rests on changed
 */
enum nfo_news {
	NFO_NEWS_NONE,
	NFO_NEWS_RULESET,
	NFO_NEWS_ROUTE,
};

enum nfo_reason nfo_route_learn(struct nfo_table *t, struct nfo_entry *e,
				struct nfo_route_refs *refs, const struct sk_buff *skb,
				struct net_device *out);
bool nfo_route_encrypts(const struct sk_buff *skb);
u8 nfo_route_rp_filter(const struct net_device *dev);
u32 nfo_route_ct_mark(const struct nf_conn *ct, u16 flags);
bool nfo_route_by_label(const struct net *net, const struct dst_entry *dst);
bool nfo_route_renew(struct nfo_flow *f, enum ip_conntrack_dir dir,
		     struct nfo_route_refs *refs, const struct nfo_entry *shown);
enum nfo_news nfo_route_changed(const struct nfo_net *nn, const struct nfo_entry *e, u32 from,
				u32 to);
void nfo_route_learned(struct nfo_net *nn, const struct nfo_entry *e);
bool nfo_route_refresh(struct nfo_table *t, struct nfo_flow *f, enum ip_conntrack_dir dir);

#endif /* _NFO_ROUTE_H */
