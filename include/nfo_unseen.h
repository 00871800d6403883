/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filters and shapers of devices, which packets in hardware would not meet.
 */
#ifndef _NFO_UNSEEN_H
#define _NFO_UNSEEN_H

#include "nfo_flow.h"
#include "nfo_net.h"

/* Notes of devices that are older than this, in jiffies, are renewed. */
#define NFO_UNSEEN_AGE	(HZ / 2)

enum nfo_reason nfo_unseen_check(const struct nfo_flow *f, enum ip_conntrack_dir dir);
enum nfo_reason nfo_unseen_dev_reason(struct nfo_net *nn, const struct nfo_dev *d);
void nfo_unseen_soon(struct nfo_net *nn);
bool nfo_unseen_renew(struct nfo_net *nn);
void nfo_unseen_net_exit(struct nfo_net *nn);

/* A caller that relies on the notes of devices calls this, because no event tells of some filters:
 * old notes are renewed. Context: any.
 */
static inline void nfo_unseen_keep(struct nfo_net *nn)
{
	if (nfo_now() - READ_ONCE(nn->unseen_at) > NFO_UNSEEN_AGE)
		nfo_unseen_soon(nn);
}

#endif /* _NFO_UNSEEN_H */
