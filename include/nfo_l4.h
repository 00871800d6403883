/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Layer 4 protocols other than TCP and UDP: SCTP, UDP-Lite, GRE, ESP, ICMP echo.
 *
 * In place of ports a key has what conntrack has in the tuple of such a packet: the ports of
 * SCTP and, where conntrack reads them, of UDP-Lite; identifier, and type and code, of ICMP echo;
 * 0 for all other protocols.
 */
#ifndef _NFO_L4_H
#define _NFO_L4_H

#include <linux/sctp.h>

#include "nfo_hash.h"

/**
 * nfo_sctp_chunk_ok() - may a packet with such a chunk take the fast path?
 * @type: the chunk's type
 *
 * Chunks of data, and those that acknowledge or accompany data, do not change conntrack's state of
 * an association. Chunks that open, close or test an association are for conntrack to judge.
 */
static inline bool nfo_sctp_chunk_ok(u8 type)
{
	switch (type) {
	case SCTP_CID_DATA:
	case SCTP_CID_SACK:
	case SCTP_CID_ECN_ECNE:
	case SCTP_CID_ECN_CWR:
	case SCTP_CID_AUTH:
	case SCTP_CID_I_DATA:
	case SCTP_CID_FWD_TSN:
	case SCTP_CID_I_FWD_TSN:
		return true;
	default:
		return false;
	}
}

bool nfo_l4_parse(struct sk_buff *skb, const struct net_device *in, const struct nfo_net *nn,
		  struct nfo_lookup *l, unsigned int *thoff);
bool nfo_l4_pkt_ok(struct sk_buff *skb, const struct nfo_entry *e, const struct net *net,
		   unsigned int thoff, unsigned int len);
void nfo_l4_nat(struct sk_buff *skb, const struct nfo_entry *e, void *l4hdr);
void nfo_l4_learn_nat(struct nfo_entry *e, const struct nf_conn *ct, enum ip_conntrack_dir dir);
bool nfo_l4_sum(const struct sk_buff *skb, unsigned int offset, u8 l4proto, __sum16 *sum);
enum nfo_reason nfo_l4_permit_check(struct sk_buff *skb, const struct nfo_net *nn,
				    const struct nf_conn *ct, unsigned int thoff);

#endif /* _NFO_L4_H */
