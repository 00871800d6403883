/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events of routing: what of it changes.
 */
#ifndef _NFO_FIB_H
#define _NFO_FIB_H

#include "nfo_net.h"

struct fib_notifier_info;
struct net_device;
struct nlmsghdr;

bool nfo_fib_change(struct nfo_change *c, unsigned long event,
		    const struct fib_notifier_info *info);
void nfo_fib_note_route(struct nfo_net *nn, unsigned long event,
			const struct fib_notifier_info *info);
void nfo_fib_link6(struct nfo_net *nn, const struct net_device *dev,
		   void (*tell)(struct nfo_net *nn, const struct nfo_change *change));
void nfo_fib_nexthop_object(struct nfo_net *nn, const struct nlmsghdr *nlh,
			    void (*tell)(struct nfo_net *nn, const struct nfo_change *change));

#endif /* _NFO_FIB_H */
