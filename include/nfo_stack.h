/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device stacks: the listed device below one that routing knows.
 */
#ifndef _NFO_STACK_H
#define _NFO_STACK_H

#include "nfo_table.h"

enum nfo_reason nfo_lower_find(const struct nfo_table *t, const struct net_device *dev,
			       struct nfo_lower *lower);
bool nfo_lower_filters(const struct nfo_table *t, const struct net_device *dev);
enum nfo_reason nfo_lower_check(const struct nfo_table *t, int iif, struct net_device *dev);
void nfo_lower_count(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
		     u64 bytes);
bool nfo_lower_covers(const struct nfo_table *t, const struct net_device *dev);

#endif /* _NFO_STACK_H */
