/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family: commands and events.
 */
#ifndef _NFO_NETLINK_H
#define _NFO_NETLINK_H

#include "nfo_flow.h"

void nfo_netlink_notify(const struct nfo_flow *f, enum nfo_flow_event event,
			enum nfo_reason why);
int nfo_netlink_init(void);
void nfo_netlink_exit(void);

#endif /* _NFO_NETLINK_H */
