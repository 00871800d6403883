/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets that software sends in place of VLAN devices and PPPoE sessions.
 */
#ifndef _NFO_PUSH_H
#define _NFO_PUSH_H

#include <linux/skbuff.h>

#include "nfo_flow.h"

void nfo_push_xmit(struct sk_buff *skb, const struct nfo_entry *e,
		   const struct nfo_route_refs *refs);

#endif /* _NFO_PUSH_H */
