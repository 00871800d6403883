/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the packets of a connection go, and whether that is still true.
 */
#ifndef _NFO_ROUTE_H
#define _NFO_ROUTE_H

#include "nfo_table.h"

enum nfo_reason nfo_route_resolve(struct nfo_table *t, struct sk_buff *skb,
				  const struct net_device *in,
				  const struct nf_conn *ct,
				  enum ip_conntrack_dir dir,
				  struct nfo_route route[IP_CT_DIR_MAX]);
enum nfo_reason nfo_route_verify(struct nfo_entry *e, u8 tos, u32 mark);
enum nfo_reason nfo_route_refresh(struct nfo_entry *e, u8 tos, u32 mark);

#endif /* _NFO_ROUTE_H */
