/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What conntrack believes of a connection in the fast path.
 */
#ifndef _NFO_CT_H
#define _NFO_CT_H

#include <net/netfilter/nf_conntrack.h>

/**
 * struct nfo_ct_saved - what nfo_ct_offload_begin() changed
 * @timeout: ct->timeout
 * @liberal: by direction, IP_CT_TCP_FLAG_BE_LIBERAL was set already
 */
struct nfo_ct_saved {
	u32	timeout;
	bool	liberal[IP_CT_DIR_MAX];
};

void nfo_ct_hardware(struct nf_conn *ct, bool on);
struct nfo_ct_saved nfo_ct_offload_begin(struct nf_conn *ct);
void nfo_ct_offload_abort(struct nf_conn *ct, struct nfo_ct_saved saved);
void nfo_ct_hold_timeout(struct nf_conn *ct);
void nfo_ct_offload_end(struct nf_conn *ct, u32 idle);
u32 nfo_ct_flow_timeout(const struct nf_conn *ct);
u32 nfo_flow_timeout(const struct net *net, u8 l4proto);

#endif /* _NFO_CT_H */
