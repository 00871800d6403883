/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rules whose answer changes without a commit, and how often live flows pass them again.
 */
#ifndef _NFO_RECHECK_H
#define _NFO_RECHECK_H

#include "nfo_net.h"

struct fib_notifier_info;

void nfo_recheck_net_init(struct nfo_net *nn);
void nfo_recheck_net_exit(struct nfo_net *nn);
bool nfo_recheck_due(struct nfo_net *nn, const void *what, u32 since);
u8 nfo_recheck_by(struct nfo_net *nn);
void nfo_recheck_routing(struct nfo_net *nn);
void nfo_recheck_route(struct nfo_net *nn, unsigned long event,
		       const struct fib_notifier_info *info);
u32 nfo_recheck_period(const struct nfo_net *nn);

#endif /* _NFO_RECHECK_H */
