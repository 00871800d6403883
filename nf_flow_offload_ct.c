// SPDX-License-Identifier: GPL-2.0
/*
 * Conntrack: what its entry must say while a connection is in the fast path, and
 * how conntrack gets the connection back in a state to judge the next packet.
 */
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/tcp.h>

#include "nfo_compat.h"
#include "nfo_ct.h"
#include "nfo_key.h"
#include "nfo_pure.h"

static void nfo_ct_tcp_set_liberal(struct nf_conn *ct, u8 dirs)
{
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (dirs & BIT(dir))
			ct->proto.tcp.seen[dir].flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
		else
			ct->proto.tcp.seen[dir].flags &= ~IP_CT_TCP_FLAG_BE_LIBERAL;
}

static u8 nfo_ct_tcp_liberal(const struct nf_conn *ct)
{
	u8 dirs = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (READ_ONCE(ct->proto.tcp.seen[dir].flags) & IP_CT_TCP_FLAG_BE_LIBERAL)
			dirs |= BIT(dir);

	return dirs;
}

/**
 * nfo_ct_tcp_is_strict() - does conntrack check the window of a direction?
 * @ct: TCP entry
 *
 * Context: any. Return: false while the windows of both directions are liberal.
 */
bool nfo_ct_tcp_is_strict(const struct nf_conn *ct)
{
	return nfo_ct_tcp_liberal(ct) != NFO_CT_BOTH;
}

/**
 * nfo_ct_offload_begin() - prepare a conntrack entry for packets it will not see
 * @ct: confirmed entry with IPS_OFFLOAD set by the caller
 *
 * TCP windows become liberal: packets that conntrack missed would look like a
 * violation. Call before the first entry of the flow can be found. Context:
 * any, takes ct->lock.
 *
 * Return: directions that were liberal before, for nfo_ct_tcp_sync().
 */
u8 nfo_ct_offload_begin(struct nf_conn *ct)
{
	u8 before = 0;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return 0;
	spin_lock_bh(&ct->lock);
	before = nfo_ct_tcp_liberal(ct);
	nfo_ct_tcp_set_liberal(ct, NFO_CT_BOTH);
	spin_unlock_bh(&ct->lock);

	return before;
}

/* Do the numbers of a direction fit those of the other one? If not, somebody else has sent segments
 * as well.
 */
static bool nfo_ct_tcp_plausible(const struct nf_conn *ct, const struct nfo_ct_tcp seen[],
				 int dir)
{
	const struct nfo_ct_tcp *s = &seen[dir], *r = &seen[!dir];
	u32 window = (u32)r->win << ct->proto.tcp.seen[!dir].td_scale;

	return !after(s->ack, r->end) && !after(s->end, r->ack + max(window, 1u));
}

static void nfo_ct_tcp_advance_ack(struct ip_ct_tcp_state *s, u32 ack)
{
	if (!(s->flags & IP_CT_TCP_FLAG_MAXACK_SET) || after(ack, s->td_maxack))
		s->td_maxack = ack;
	s->flags |= IP_CT_TCP_FLAG_MAXACK_SET;
}

static void nfo_ct_tcp_advance(struct nf_conn *ct, const struct nfo_ct_tcp *seen, int dir)
{
	struct ip_ct_tcp_state *s = &ct->proto.tcp.seen[dir];
	struct ip_ct_tcp_state *r = &ct->proto.tcp.seen[!dir];
	u32 window = max((u32)seen->win << s->td_scale, 1u);

	if (after(seen->end, s->td_end))
		s->td_end = seen->end;
	if (window > s->td_maxwin)
		s->td_maxwin = window;
	nfo_ct_tcp_advance_ack(s, seen->ack);
	if (after(seen->ack + window, r->td_maxend))
		r->td_maxend = seen->ack + window;
}

/* Take conntrack's own numbers for a direction of which the flow has seen no segment, because then
 * conntrack has seen all of its segments.
 */
static void nfo_ct_tcp_own(const struct nf_conn *ct, struct nfo_ct_tcp *seen, int dir)
{
	const struct ip_ct_tcp_state *s = &ct->proto.tcp.seen[dir];

	*seen = (struct nfo_ct_tcp) {
		.known	= true,
		.end	= s->td_end,
		.ack	= s->flags & IP_CT_TCP_FLAG_MAXACK_SET ? s->td_maxack :
								 ct->proto.tcp.seen[!dir].td_end,
		.win	= min_t(u32, s->td_maxwin >> s->td_scale, U16_MAX),
	};
}

/**
 * nfo_ct_tcp_sync() - make up for the segments that conntrack did not see
 * @ct:      TCP entry
 * @seen:    by direction, the highest sequence and acknowledgment numbers
 * @liberal: what nfo_ct_offload_begin() returned
 *
 * Windows are checked again from here on (RFC 5961 depends on it), unless what was seen
 * does not fit together: then somebody else has sent segments as well, conntrack keeps
 * what it knows, and its windows are liberal. Context: any, takes ct->lock.
 *
 * Return: directions whose numbers are beyond what the other end has sent or waits for, as bits; 0
 * when what was seen fits together.
 */
u8 nfo_ct_tcp_sync(struct nf_conn *ct, const struct nfo_ct_tcp seen[IP_CT_DIR_MAX],
		   u8 liberal)
{
	struct nfo_ct_tcp all[IP_CT_DIR_MAX] = { seen[0], seen[1] };
	u8 beyond = 0;
	int dir;

	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (!seen[dir].known)
			nfo_ct_tcp_own(ct, &all[dir], dir);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (!nfo_ct_tcp_plausible(ct, all, dir))
			beyond |= BIT(dir);
	if (!beyond) {
		nfo_ct_tcp_advance(ct, &all[IP_CT_DIR_ORIGINAL], IP_CT_DIR_ORIGINAL);
		nfo_ct_tcp_advance(ct, &all[IP_CT_DIR_REPLY], IP_CT_DIR_REPLY);
	} else {
		/* An earlier call may have made them strict. */
		liberal = NFO_CT_BOTH;
	}
	nfo_ct_tcp_set_liberal(ct, liberal);
	spin_unlock_bh(&ct->lock);

	return beyond;
}

/**
 * nfo_ct_tcp_guard() - have a closing segment judged although windows are liberal
 * @ct:      TCP entry
 * @dir:     direction of the segment; nfo_ct_tcp_sync() found its numbers beyond those of the other
 *           one
 * @seq:     the segment's sequence number
 * @other:   what was seen of the other direction
 * @liberal: what nfo_ct_offload_begin() returned
 *
 * Whoever sends segments without seeing the connection makes the numbers of their direction
 * worthless, but not what the other end has acknowledged. A segment out of that end's window finds
 * strict windows, and conntrack judges it by the numbers that it has itself. For a segment in the
 * window conntrack is told of the acknowledgment, by which it knows a RST that the end waits for.
 * Context: any, takes ct->lock.
 */
void nfo_ct_tcp_guard(struct nf_conn *ct, enum ip_conntrack_dir dir, u32 seq,
		      const struct nfo_ct_tcp *other, u8 liberal)
{
	struct ip_ct_tcp_state *r = &ct->proto.tcp.seen[!dir];
	struct nfo_ct_tcp o = *other;
	u32 window;

	spin_lock_bh(&ct->lock);
	if (!o.known)
		nfo_ct_tcp_own(ct, &o, !dir);
	window = max((u32)o.win << r->td_scale, r->td_maxwin);
	if (before(seq, o.ack - window) || after(seq, o.ack + window))
		nfo_ct_tcp_set_liberal(ct, liberal);
	else
		nfo_ct_tcp_advance_ack(r, o.ack);
	spin_unlock_bh(&ct->lock);
}

/* Has conntrack judged a segment with these numbers? Then it remembers them. */
static bool nfo_ct_tcp_knows(const struct nf_conn *ct, const struct nfo_ct_tcp *seen, int dir)
{
	const struct ip_ct_tcp_state *s = &ct->proto.tcp.seen[dir];
	const struct ip_ct_tcp_state *r = &ct->proto.tcp.seen[!dir];
	u32 window = (u32)seen->win << s->td_scale;

	return !after(seen->end, READ_ONCE(s->td_end)) &&
	       !after(seen->ack + window, READ_ONCE(r->td_maxend));
}

/* Not while a connection opens: its numbers may be those of the connection before. */
static bool nfo_ct_tcp_is_open(const struct nf_conn *ct)
{
	u8 state = READ_ONCE(ct->proto.tcp.state);

	return state >= TCP_CONNTRACK_ESTABLISHED && state <= TCP_CONNTRACK_LAST_ACK;
}

/**
 * nfo_ct_tcp_late() - make up for a segment that nfo_ct_tcp_sync() did not know of
 * @ct:   TCP entry
 * @dir:  direction of the segment
 * @seen: its numbers
 *
 * Conntrack let the segment pass while the windows were liberal because of a flow, and the flow
 * has ended, or is ending, before it noted the numbers. Windows that are liberal without a flow are
 * so for other reasons, and conntrack does without the numbers. Strict windows stay strict.
 * Context: any, takes ct->lock.
 */
void nfo_ct_tcp_late(struct nf_conn *ct, enum ip_conntrack_dir dir, const struct nfo_ct_tcp *seen)
{
	struct nfo_ct_tcp all[IP_CT_DIR_MAX];

	if (likely(nfo_ct_tcp_knows(ct, seen, dir)) || !nfo_ct_tcp_is_open(ct))
		return;
	spin_lock_bh(&ct->lock);
	all[dir] = *seen;
	nfo_ct_tcp_own(ct, &all[!dir], !dir);
	if ((test_bit(IPS_OFFLOAD_BIT, &ct->status) || !(nfo_ct_tcp_liberal(ct) & BIT(dir))) &&
	    nfo_ct_tcp_plausible(ct, all, dir) && nfo_ct_tcp_plausible(ct, all, !dir))
		nfo_ct_tcp_advance(ct, seen, dir);
	spin_unlock_bh(&ct->lock);
}

/**
 * nfo_ct_tcp_forget() - forget window tracking, because hardware forwarded segments unseen
 * @ct: TCP entry
 *
 * Window tracking starts anew with the next segment of each side: maxima from before would
 * condemn that segment, and a remembered highest acknowledgment would condemn a valid RST.
 * Context: any, takes ct->lock.
 */
void nfo_ct_tcp_forget(struct nf_conn *ct)
{
	int dir;

	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		ct->proto.tcp.seen[dir].td_maxwin = 0;
		ct->proto.tcp.seen[dir].flags &= ~IP_CT_TCP_FLAG_MAXACK_SET;
	}
	spin_unlock_bh(&ct->lock);
}

static bool nfo_ct_state_is_established(const struct nf_conn *ct, u8 l4proto)
{
	if (nfo_l4_is_sctp(l4proto))
		return READ_ONCE(ct->proto.sctp.state) == SCTP_CONNTRACK_ESTABLISHED;
	return l4proto != IPPROTO_TCP ||
	       READ_ONCE(ct->proto.tcp.state) == TCP_CONNTRACK_ESTABLISHED;
}

/**
 * nfo_ct_is_established() - is a connection in the state in which it may be offloaded?
 * @ct: entry
 *
 * Context: any.
 */
bool nfo_ct_is_established(const struct nf_conn *ct)
{
	return nfo_ct_state_is_established(ct, nf_ct_protonum(ct));
}

/**
 * nfo_ct_close_reason() - why a connection that is not established leaves the fast path
 * @ct: entry
 *
 * Context: any.
 */
enum nfo_reason nfo_ct_close_reason(const struct nf_conn *ct)
{
	return nfo_l4_is_sctp(nf_ct_protonum(ct)) ? NFO_R_SCTP_STATE : NFO_R_TCP_CLOSE;
}

/* @timeouts: set to the namespace's timeouts of the protocol, jiffies. Return: index of the timeout
 * for the state that the connection is in.
 */
static unsigned int nfo_ct_timeout_state(const struct nf_conn *ct, u8 l4proto,
					 const unsigned int **timeouts)
{
	unsigned int replied = test_bit(IPS_SEEN_REPLY_BIT, &ct->status);
	struct net *net = nf_ct_net(ct);

	switch (l4proto) {
	case IPPROTO_TCP:
		*timeouts = nf_tcp_pernet(net)->timeouts;
		return READ_ONCE(ct->proto.tcp.state);
	case IPPROTO_UDP:
#if IS_ENABLED(CONFIG_NF_CT_PROTO_UDPLITE)
	case IPPROTO_UDPLITE:
#endif
		*timeouts = nf_udp_pernet(net)->timeouts;
		return replied ? UDP_CT_REPLIED : UDP_CT_UNREPLIED;
#if IS_ENABLED(CONFIG_NF_CT_PROTO_SCTP)
	case IPPROTO_SCTP:
		*timeouts = nf_sctp_pernet(net)->timeouts;
		return READ_ONCE(ct->proto.sctp.state);
#endif
#if IS_ENABLED(CONFIG_NF_CT_PROTO_GRE)
	case IPPROTO_GRE:
		*timeouts = nf_gre_pernet(net)->timeouts;
		return replied ? GRE_CT_REPLIED : GRE_CT_UNREPLIED;
#endif
	case IPPROTO_ICMP:
		*timeouts = &nf_icmp_pernet(net)->timeout;
		return 0;
	case IPPROTO_ICMPV6:
		*timeouts = &nf_icmpv6_pernet(net)->timeout;
		return 0;
	default:
		*timeouts = &nf_generic_pernet(net)->timeout;
		return 0;
	}
}

/* @policy: the connection may have a timeout policy. Return: the timeout that conntrack itself
 * would give the entry for a packet now, in jiffies.
 */
static u32 nfo_ct_normal_timeout(struct nf_conn *ct, u8 l4proto, bool policy)
{
	const unsigned int *own = policy ? nf_ct_timeout_lookup(ct) : NULL, *timeouts;
	unsigned int state = nfo_ct_timeout_state(ct, l4proto, &timeouts);

	return READ_ONCE((own ?: timeouts)[state]);
}

/* Conntrack itself may write the timeout at the same time: then conntrack's value stays. */
static void nfo_ct_set_timeout(struct nf_conn *ct, u32 from, u32 to)
{
	cmpxchg(&ct->timeout, from, to);
}

static void nfo_ct_hold(struct nf_conn *ct, u8 l4proto, bool policy, u32 was, u32 idle)
{
	u32 flow = nfo_flow_timeout(nf_ct_net(ct), l4proto) + (NFO_VISIT_MAX + 5) * HZ;
	u32 normal = nfo_ct_normal_timeout(ct, l4proto, policy);
	/* Conntrack compares times as signed numbers. */
	u32 live = min_t(u32, max(normal, flow), S32_MAX);
	u32 want = nfct_time_stamp + nfo_timeout_left(live, idle);

	if ((s32)(want - was) > (s32)HZ && !nfo_ct_has_fixed_timeout(ct))
		nfo_ct_set_timeout(ct, was, want);
}

/**
 * nfo_ct_hold_timeout() - keep a conntrack entry from expiring under its flow
 * @ct:   entry of a live flow
 * @was:  ct->timeout before the caller found that the flow is alive
 * @idle: jiffies since the flow's last packet
 *
 * A timeout that conntrack wrote since @was, for a connection that closed, stays. Otherwise the
 * entry gets what conntrack would have given it for the flow's last packet, or, where flows
 * may be idle for longer, as long as the flow may live. Newer kernels leave this to the
 * flowtable, older ones do it in conntrack's garbage collector as well. Context: any.
 */
void nfo_ct_hold_timeout(struct nf_conn *ct, u32 was, u32 idle)
{
	nfo_ct_hold(ct, nf_ct_protonum(ct), true, was, idle);
}

/* Would a packet of today assure an entry that has seen a reply? Conntrack's own answer, by
 * protocol; a TCP or SCTP entry is assured by its handshake.
 */
static bool nfo_ct_assures(const struct nf_conn *ct, u8 l4proto)
{
	switch (l4proto) {
	case IPPROTO_UDP:
		return time_after(jiffies, READ_ONCE(ct->proto.udp.stream_ts));
	case IPPROTO_UDPLITE:
	case IPPROTO_GRE:
		return true;
	default:
		return false;
	}
}

/**
 * nfo_ct_refresh() - do what conntrack would have done for the packets of half a second
 * @ct: entry of a flow that has packets
 * @l4proto: IPPROTO_* of @ct; an argument because @ct has it in a cache line of its own
 * @policy: @ct may have a timeout policy; likewise
 *
 * Context: any.
 */
void nfo_ct_refresh(struct nf_conn *ct, u8 l4proto, bool policy)
{
	u32 was = READ_ONCE(ct->timeout);

	if (nfo_ct_state_is_established(ct, l4proto))
		nfo_ct_hold(ct, l4proto, policy, was, 0);
	if (l4proto == IPPROTO_TCP) {
		/* nfo_flow_sync_tcp() made windows strict for a closing segment, which conntrack
		 * then found invalid: the flow goes on, and they become liberal again.
		 */
		if (nfo_ct_tcp_is_strict(ct))
			nfo_ct_offload_begin(ct);
		return;
	}
	if (test_bit(IPS_ASSURED_BIT, &ct->status) || !nfo_ct_assures(ct, l4proto) ||
	    !test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ||
	    test_bit(IPS_NAT_CLASH_BIT, &ct->status))
		return;
	if (test_and_set_bit(IPS_ASSURED_BIT, &ct->status))
		return;
	nf_conntrack_event_cache(IPCT_ASSURED, ct);
	nf_ct_deliver_cached_events(ct);
}

/**
 * nfo_ct_offload_end() - return a connection to conntrack
 * @ct:   entry of a flow that can no longer be found
 * @idle: jiffies since the flow's last packet; they count as spent
 *
 * The entry gets the timeout of the state it is in, less the idle time. When a packet has
 * closed the connection, conntrack has just written the timeout, and that one stays. A fixed
 * timeout stays as well, unless it is longer: older kernels write a day for an offloaded entry.
 * IPS_OFFLOAD is cleared last, because a packet that sees it clear may promote the connection at
 * once. Context: any.
 */
void nfo_ct_offload_end(struct nf_conn *ct, u32 idle)
{
	u32 old = READ_ONCE(ct->timeout);
	u32 left = nfo_timeout_left(nfo_ct_normal_timeout(ct, nf_ct_protonum(ct), true), idle);
	u32 want = nfct_time_stamp + left;

	if (nfo_ct_is_established(ct) && !(nfo_ct_has_fixed_timeout(ct) && (s32)(want - old) > 0))
		nfo_ct_set_timeout(ct, old, want);

	/* A packet that sees the bit clear also sees what was written above. */
	smp_mb__before_atomic();
	clear_bit(IPS_OFFLOAD_BIT, &ct->status);
}

/**
 * nfo_ct_hardware() - say whether a connection is in hardware
 * @ct: its entry
 * @on: both directions are in hardware
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
 * @l4proto: IPPROTO_*; TCP has a timeout of its own
 *
 * Return: net.netfilter.nf_flowtable_{tcp,udp}_timeout, jiffies; 30 seconds in kernels
 * without these settings.
 */
u32 nfo_flow_timeout(const struct net *net, u8 l4proto)
{
	return nfo_ct_offload_timeout(net, l4proto);
}

/**
 * nfo_ct_flow_timeout() - how long a flow may be idle
 * @ct: its conntrack entry
 *
 * Return: jiffies.
 */
u32 nfo_ct_flow_timeout(const struct nf_conn *ct)
{
	return nfo_flow_timeout(nf_ct_net(ct), nf_ct_protonum(ct));
}
