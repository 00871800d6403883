/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a packet's route means for its direction, and whether that is still true.
 */
#ifndef _NFO_ROUTE_H
#define _NFO_ROUTE_H

#include "nfo_neigh.h"
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

/* How many changes a glance takes in. */
#define NFO_GLANCE	4

/**
 * struct nfo_glance - the changes between two epochs, read once for many entries
 * @from:  the first epoch
 * @to:    the second epoch
 * @n:     how many neighbours changed between the two, and nothing else did; -1: other things
 *         changed, or too many, so nfo_route_changed() has to look at each entry
 * @neigh: these neighbours; the pointers hold no reference, so they are compared and never followed
 */
struct nfo_glance {
	u32			from;
	u32			to;
	int			n;
	const struct neighbour	*neigh[NFO_GLANCE];
};

/**
 * nfo_glance_spares() - does a glance show that no change concerns an entry?
 * @g: changes since the epoch of the entry
 * @e: entry found under rcu_read_lock()
 *
 * Return: false when a change concerns the entry, or when nfo_route_changed() has to tell.
 */
static inline bool nfo_glance_spares(const struct nfo_glance *g, const struct nfo_entry *e)
{
	const struct nfo_neigh *neigh = nfo_entry_refs(e)->neigh;
	int i;

	for (i = 0; neigh && i < g->n; i++)
		if (neigh->n == g->neigh[i])
			return false;

	return g->n >= 0;
}

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
void nfo_route_glance(const struct nfo_net *nn, struct nfo_glance *g, u32 from);
void nfo_route_learned(struct nfo_net *nn, const struct nfo_entry *e);
bool nfo_route_refresh(struct nfo_table *t, struct nfo_flow *f, enum ip_conntrack_dir dir);

#endif /* _NFO_ROUTE_H */
