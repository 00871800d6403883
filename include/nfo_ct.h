/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What conntrack believes of a connection in the fast path.
 */
#ifndef _NFO_CT_H
#define _NFO_CT_H

#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <linux/nf_flow_offload.h>

#define NFO_CT_BOTH	(BIT(IP_CT_DIR_ORIGINAL) | BIT(IP_CT_DIR_REPLY))

/**
 * struct nfo_ct_tcp - what a flow has seen of one direction of a TCP connection
 * @known: the flow has seen a segment of the direction
 * @end:   highest sequence number of what was sent, plus one
 * @ack:   highest acknowledgment number
 * @win:   last window, not scaled
 *
 * CPU byte order.
 */
struct nfo_ct_tcp {
	bool	known;
	u32	end;
	u32	ack;
	u16	win;
};

/**
 * nfo_ct_count_many() - count packets where conntrack counts
 * @ct:      connection
 * @dir:     direction of the packets
 * @packets: how many
 * @bytes:   their bytes
 *
 * Does what nf_ct_acct_add() does, without a call for each packet and without its limit of 32
 * bits, because hardware may forward more bytes between two readings. Context: any.
 */
static inline void nfo_ct_count_many(struct nf_conn *ct, enum ip_conntrack_dir dir,
				     u64 packets, u64 bytes)
{
	struct nf_conn_acct *acct = nf_conn_acct_find(ct);

	if (!acct)
		return;
	atomic64_add(packets, &acct->counter[dir].packets);
	atomic64_add(bytes, &acct->counter[dir].bytes);
}

/* As nfo_ct_count_many(), for one packet. */
static inline void nfo_ct_count(struct nf_conn *ct, enum ip_conntrack_dir dir, unsigned int len)
{
	nfo_ct_count_many(ct, dir, 1, len);
}

/* Has somebody said when the entry is to end, whatever packets come? */
static inline bool nfo_ct_has_fixed_timeout(const struct nf_conn *ct)
{
	return test_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status);
}

void nfo_ct_hardware(struct nf_conn *ct, bool on);
u8 nfo_ct_offload_begin(struct nf_conn *ct);
void nfo_ct_offload_end(struct nf_conn *ct, u32 idle);
bool nfo_ct_tcp_is_strict(const struct nf_conn *ct);
u8 nfo_ct_tcp_sync(struct nf_conn *ct, const struct nfo_ct_tcp seen[IP_CT_DIR_MAX],
		   u8 liberal);
void nfo_ct_tcp_guard(struct nf_conn *ct, enum ip_conntrack_dir dir, u32 seq,
		      const struct nfo_ct_tcp *other, u8 liberal);
void nfo_ct_tcp_late(struct nf_conn *ct, enum ip_conntrack_dir dir, const struct nfo_ct_tcp *seen);
void nfo_ct_tcp_forget(struct nf_conn *ct);
bool nfo_ct_is_established(const struct nf_conn *ct);
enum nfo_reason nfo_ct_close_reason(const struct nf_conn *ct);
void nfo_ct_hold_timeout(struct nf_conn *ct, u32 was, u32 idle);
void nfo_ct_refresh(struct nf_conn *ct, u8 l4proto, bool policy);
u32 nfo_ct_flow_timeout(const struct nf_conn *ct);
u32 nfo_flow_timeout(const struct net *net, u8 l4proto);

#endif /* _NFO_CT_H */
