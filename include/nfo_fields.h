/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mark, priority, DSCP and TTL: the fields of a packet that rulesets set.
 */
#ifndef _NFO_FIELDS_H
#define _NFO_FIELDS_H

#include <linux/types.h>

struct nfo_entry;
struct nfo_route_refs;

/**
 * struct nfo_look - these fields of a packet at one moment
 * @mark:     skb->mark
 * @priority: skb->priority; before the ruleset: the priority that the packet leaves with unless
 *            a rule sets one
 * @tos:      type of service or traffic class, ECN included
 * @ttl:      time to live or hop limit
 */
struct nfo_look {
	u32	mark;
	u32	priority;
	u8	tos;
	u8	ttl;
};

void nfo_fields_learn(struct nfo_entry *e, const struct nfo_look *in,
		      const struct nfo_look *out);
bool nfo_fields_settle(struct nfo_entry *e, const struct nfo_look *in,
		       const struct nfo_look *out);
bool nfo_fields_renew(struct nfo_entry *e, const struct nfo_entry *fresh);
void nfo_fields_came(struct nfo_route_refs *refs, const struct nfo_look *in, u8 given);
u8 nfo_fields_unknown(const struct nfo_entry *e, const struct nfo_route_refs *refs,
		      const struct nfo_look *in, u8 fields);

#endif /* _NFO_FIELDS_H */
