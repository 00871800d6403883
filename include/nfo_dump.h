/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dumps of flows, tables and devices.
 */
#ifndef _NFO_DUMP_H
#define _NFO_DUMP_H

#include <linux/netlink.h>

#include "nfo_filter.h"

struct genl_family;

enum nfo_reason nfo_flow_reason(const struct nfo_flow *f);
int nfo_put_flow(struct sk_buff *msg, const struct nfo_flow *f, enum nfo_reason why);
void nfo_dump_init(const struct genl_family *family);
int nfo_dump_start(struct netlink_callback *cb);
struct nfo_filter *nfo_dump_filter(struct netlink_callback *cb);
int nfo_dump_flows(struct sk_buff *msg, struct netlink_callback *cb);
int nfo_dump_tables(struct sk_buff *msg, struct netlink_callback *cb);
int nfo_dump_devs(struct sk_buff *msg, struct netlink_callback *cb);
int nfo_dump_done(struct netlink_callback *cb);

#endif /* _NFO_DUMP_H */
