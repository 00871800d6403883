// SPDX-License-Identifier: GPL-2.0
/*
 * Conntrack: what it must believe while a connection is in the fast path, and
 * how it gets the connection back in a state to judge the next packet.
 */
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_timeout.h>

#include "nfo_compat.h"
#include "nfo_ct.h"
#include "nfo_pure.h"

/* Window tracking starts anew with the next packet of each side: maxima from
 * before the offload would condemn it, and a remembered highest ACK would
 * condemn a valid RST.
 */
static void nfo_ct_tcp_forget_windows(struct nf_conn *ct)
{
	int dir;

	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		ct->proto.tcp.seen[dir].td_maxwin = 0;
		ct->proto.tcp.seen[dir].flags &= ~IP_CT_TCP_FLAG_MAXACK_SET;
	}
	spin_unlock_bh(&ct->lock);
}

/**
 * nfo_ct_offload_begin() - prepare a conntrack entry for packets it will not see
 * @ct: confirmed entry with IPS_OFFLOAD set by the caller
 *
 * TCP windows become liberal: packets that conntrack missed would look like a
 * violation. Call before the first entry of the flow can be found. Context:
 * any, takes ct->lock.
 *
 * Return: what nfo_ct_offload_abort() needs.
 */
struct nfo_ct_saved nfo_ct_offload_begin(struct nf_conn *ct)
{
	struct nfo_ct_saved saved = { .timeout = READ_ONCE(ct->timeout) };
	int dir;

	if (nf_ct_protonum(ct) == IPPROTO_TCP) {
		spin_lock_bh(&ct->lock);
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
			u8 *flags = &ct->proto.tcp.seen[dir].flags;

			saved.liberal[dir] = *flags & IP_CT_TCP_FLAG_BE_LIBERAL;
			*flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
		}
		spin_unlock_bh(&ct->lock);
	}
	nfo_ct_hold_timeout(ct);

	return saved;
}

/**
 * nfo_ct_offload_abort() - undo nfo_ct_offload_begin() when no packet went past conntrack
 * @ct:    entry
 * @saved: what nfo_ct_offload_begin() returned
 *
 * Clears IPS_OFFLOAD. Context: any, takes ct->lock.
 */
void nfo_ct_offload_abort(struct nf_conn *ct, struct nfo_ct_saved saved)
{
	int dir;

	if (nf_ct_protonum(ct) == IPPROTO_TCP) {
		spin_lock_bh(&ct->lock);
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
			if (!saved.liberal[dir])
				ct->proto.tcp.seen[dir].flags &=
					~IP_CT_TCP_FLAG_BE_LIBERAL;
		spin_unlock_bh(&ct->lock);
	}
	WRITE_ONCE(ct->timeout, saved.timeout);

	/* Whoever sees it clear sees the entry as it was left above. */
	smp_mb__before_atomic();
	clear_bit(IPS_OFFLOAD_BIT, &ct->status);
}

/**
 * nfo_ct_hold_timeout() - keep a conntrack entry from expiring under its flow
 * @ct: entry of a live flow
 *
 * Newer kernels leave this to the flowtable, older ones do it in conntrack's
 * own collector as well. Context: any, no lock: conntrack's packet path writes
 * ct->timeout the same way.
 */
void nfo_ct_hold_timeout(struct nf_conn *ct)
{
	s32 left = (s32)(READ_ONCE(ct->timeout) - nfct_time_stamp);

	if (left < NF_CT_DAY / 2)
		WRITE_ONCE(ct->timeout, nfct_time_stamp + NF_CT_DAY);
}

/* The timeout conntrack itself would give the entry now, in jiffies. */
static u32 nfo_ct_normal_timeout(struct nf_conn *ct)
{
	const unsigned int *timeouts = nf_ct_timeout_lookup(ct);
	struct net *net = nf_ct_net(ct);
	unsigned int state;

	if (nf_ct_protonum(ct) == IPPROTO_TCP) {
		state = READ_ONCE(ct->proto.tcp.state);
		if (!timeouts)
			timeouts = nf_tcp_pernet(net)->timeouts;
	} else {
		state = test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ?
			UDP_CT_REPLIED : UDP_CT_UNREPLIED;
		if (!timeouts)
			timeouts = nf_udp_pernet(net)->timeouts;
	}

	return READ_ONCE(timeouts[state]);
}

/**
 * nfo_ct_offload_end() - return a connection to conntrack
 * @ct:   entry of a flow that can no longer be found
 * @idle: jiffies since the flow's last packet; they count as spent
 *
 * The entry gets the timeout of the state it is in, less the idle time, and
 * IPS_OFFLOAD goes last: whoever sees it clear may promote again at once.
 * Context: any, takes ct->lock.
 */
void nfo_ct_offload_end(struct nf_conn *ct, u32 idle)
{
	u32 left;

	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		nfo_ct_tcp_forget_windows(ct);

	left = nfo_timeout_left(nfo_ct_normal_timeout(ct), idle);
	WRITE_ONCE(ct->timeout, nfct_time_stamp + left);

	/* Whoever sees it clear sees the entry as it was left above. */
	smp_mb__before_atomic();
	clear_bit(IPS_OFFLOAD_BIT, &ct->status);
}

/**
 * nfo_ct_hardware() - say whether a connection is in hardware
 * @ct: its entry
 * @on: both directions are
 *
 * Context: any.
 */
void nfo_ct_hardware(struct nf_conn *ct, bool on)
{
	if (on)
		set_bit(IPS_HW_OFFLOAD_BIT, &ct->status);
	else
		clear_bit(IPS_HW_OFFLOAD_BIT, &ct->status);
}

/**
 * nfo_flow_timeout() - how long flows of a protocol may be idle
 * @net:     namespace
 * @l4proto: IPPROTO_TCP or IPPROTO_UDP
 *
 * Return: net.netfilter.nf_flowtable_{tcp,udp}_timeout, jiffies.
 */
u32 nfo_flow_timeout(const struct net *net, u8 l4proto)
{
	if (l4proto == IPPROTO_TCP)
		return READ_ONCE(net->ct.nf_ct_proto.tcp.offload_timeout);
	return READ_ONCE(net->ct.nf_ct_proto.udp.offload_timeout);
}

/**
 * nfo_ct_flow_timeout() - how long a flow may be idle
 * @ct: its conntrack entry, TCP or UDP
 *
 * Return: jiffies.
 */
u32 nfo_ct_flow_timeout(const struct nf_conn *ct)
{
	return nfo_flow_timeout(nf_ct_net(ct), nf_ct_protonum(ct));
}
