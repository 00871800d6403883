/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filters and shapers that do not see what hardware forwards.
 */
#ifndef _NFO_UNSEEN_H
#define _NFO_UNSEEN_H

#include "nfo_flow.h"
#include "nfo_net.h"

/* How old a note becomes, in jiffies. */
#define NFO_UNSEEN_AGE	(HZ / 2)

enum nfo_reason nfo_unseen_check(const struct nfo_flow *f, enum ip_conntrack_dir dir);
enum nfo_reason nfo_unseen_dev_reason(struct nfo_net *nn, const struct nfo_dev *d);
void nfo_unseen_soon(struct nfo_net *nn);
bool nfo_unseen_renew(struct nfo_net *nn);
void nfo_unseen_net_exit(struct nfo_net *nn);

/* Somebody goes by what is noted of devices, and events do not tell everything. Context: any. */
static inline void nfo_unseen_keep(struct nfo_net *nn)
{
	if (nfo_now() - READ_ONCE(nn->unseen_at) > NFO_UNSEEN_AGE)
		nfo_unseen_soon(nn);
}

#endif /* _NFO_UNSEEN_H */
