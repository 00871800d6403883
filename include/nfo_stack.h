/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device stacks: the listed device below one that routing knows.
 */
#ifndef _NFO_STACK_H
#define _NFO_STACK_H

#include "nfo_table.h"

void nfo_lower_find(const struct nfo_table *t, const struct net_device *dev, const u8 *h_dest,
		    struct nfo_lower *lower);
struct net_device *nfo_lower_send_by(const struct nfo_table *t, struct net_device *out,
				     const struct nfo_lower *lower);
bool nfo_lower_has_hooks(const struct net_device *dev, bool all);
bool nfo_lower_filters(const struct net_device *dev);
int nfo_lower_each(const struct nfo_table *t, int iif, struct net_device *dev,
		   int (*use)(const struct nfo_table *t, struct net_device *dev,
			      unsigned int headers, void *data),
		   void *data);
enum nfo_reason nfo_lower_check(const struct nfo_table *t, int iif, struct net_device *dev);
void nfo_lower_count(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
		     u64 bytes);
void nfo_lower_count_sent(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
			  u64 bytes);
void nfo_lower_passed(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets, u64 bytes);
bool nfo_lower_passes(const struct nfo_table *t, int iif, struct net_device *dev, int ifindex);
bool nfo_lower_shows_ct(struct nfo_net *nn, const struct net_device *dev);
bool nfo_upper_takes(struct net_device *dev, const struct net_device *upper);
bool nfo_lower_covers(const struct nfo_table *t, const struct net_device *dev);

/* Return: true when a device, its qdiscs or filters look at the route of packets to be sent. */
static inline bool nfo_lower_shows_dst(const struct net_device *dev)
{
	return !(dev->priv_flags & IFF_XMIT_DST_RELEASE);
}

#endif /* _NFO_STACK_H */
