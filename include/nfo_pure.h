/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that depend on their arguments alone. The rooms use them, and KUnit tests them
 * (tests/kunit).
 */
#ifndef _NFO_PURE_H
#define _NFO_PURE_H

#include <linux/ip.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <linux/nf_flow_offload.h>

/* ---- checksums: RFC 1624, eqn. 3; a flow's differences are computed once ---- */

static inline u16 nfo_csum_fold32(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/**
 * nfo_csum_delta() - the difference that replacing a value makes to a checksum
 * @from: old bytes, big endian as in the packet
 * @to:   new bytes
 * @len:  length of either, even
 *
 * Return: the difference for nfo_csum_apply(), folded. It is 0xffff when the values are
 * equal, so that applying it turns 0xffff into 0, as every incremental update does.
 */
static inline u16 nfo_csum_delta(const void *from, const void *to, unsigned int len)
{
	const u16 *f = from, *t = to;
	u32 sum = 0;

	for (; len >= 2; len -= 2)
		sum += (u16)~*f++ + *t++;

	return nfo_csum_fold32(sum);
}

/**
 * nfo_csum_delta_add() - the difference that two changes make together
 * @a: nfo_csum_delta() of one change
 * @b: nfo_csum_delta() of another change
 *
 * Return: their sum, folded.
 */
static inline u16 nfo_csum_delta_add(u16 a, u16 b)
{
	return nfo_csum_fold32((u32)a + b);
}

/**
 * nfo_csum_apply() - update a checksum field
 * @check: the field, as in the packet
 * @delta: nfo_csum_delta()
 *
 * Return: the new field. Of the two forms of zero it has the one that csum_fold() makes.
 */
static inline __sum16 nfo_csum_apply(__sum16 check, u16 delta)
{
	u32 sum = ((__force u16)check ^ 0xffffu) + delta;

	sum = (sum & 0xffff) + (sum >> 16);
	return (__force __sum16)(sum ^ 0xffff);
}

/**
 * nfo_csum_apply_partial() - update the field of a CHECKSUM_PARTIAL packet
 * @check: the pseudo header's sum, not complemented
 * @delta: nfo_csum_delta() of the addresses alone
 *
 * Return: the new field.
 */
static inline __sum16 nfo_csum_apply_partial(__sum16 check, u16 delta)
{
	u32 sum = (__force u16)check + (u32)delta;

	return (__force __sum16)((sum & 0xffff) + (sum >> 16));
}

/**
 * nfo_csum_delta_hop() - the difference that one hop makes to the checksum of an IPv4 header
 *
 * Return: for nfo_csum_apply(), of a TTL that becomes one less.
 */
static inline u16 nfo_csum_delta_hop(void)
{
	return (__force u16)~htons(0x0100);
}

/**
 * nfo_ip_csum_bad() - is the checksum of an IPv4 header without options wrong?
 * @iph: header
 */
static inline bool nfo_ip_csum_bad(const struct iphdr *iph)
{
#ifdef CONFIG_64BIT
	const u32 *w = (const u32 *)iph;

	/* A sum in ones' complement is the remainder of a division by 0xffff, which takes a
	 * multiplication.
	 */
	return ((u64)w[0] + w[1] + w[2] + w[3] + w[4]) % 0xffff;
#else
	return ip_fast_csum(iph, 5);
#endif
}

/* ---- ladders ---- */

enum nfo_verdict {
	NFO_PASS,	/* the packet takes the classic path */
	NFO_CLOSE,	/* likewise: a valid segment that opens, closes or resets */
	NFO_FORWARD,	/* the fast path may forward the packet */
};

/**
 * nfo_tcp_verdict() - may a segment with these flags take the fast path?
 * @th: TCP header
 *
 * SYN, FIN and RST are for conntrack to judge. Combinations of flags that conntrack calls
 * invalid get NFO_PASS and not NFO_CLOSE, because an attacker could send them.
 */
static inline enum nfo_verdict nfo_tcp_verdict(const struct tcphdr *th)
{
	if (likely(th->ack && !th->syn && !th->fin && !th->rst))
		return NFO_FORWARD;
	if (th->syn + th->fin + th->rst != 1)
		return NFO_PASS;
	if (th->fin && !th->ack)
		return NFO_PASS;
	if (th->urg && (th->rst || (th->syn && th->ack)))
		return NFO_PASS;
	return NFO_CLOSE;
}

/**
 * nfo_status_reason() - the reason in a conntrack entry's status against promotion
 * @status: IPS_* bits
 */
static inline enum nfo_reason nfo_status_reason(unsigned long status)
{
	if (!(status & IPS_CONFIRMED))
		return NFO_R_UNCONFIRMED;
	if (status & IPS_DYING)
		return NFO_R_DYING;
	if (status & IPS_SEQ_ADJUST)
		return NFO_R_SEQ_ADJUST;
	if (status & IPS_NAT_CLASH)
		return NFO_R_NAT_CLASH;
	if (status & IPS_FIXED_TIMEOUT)
		return NFO_R_FIXED_TIMEOUT;
	return NFO_R_NONE;
}

/* ---- time ---- */

/* The wheel has one slot for each second. A flow is visited every NFO_VISIT_MAX seconds at
 * least, because a conntrack entry that was deleted under an idle flow is noticed by a
 * visit only.
 */
#define NFO_WHEEL_SLOTS	64
#define NFO_VISIT_MAX	30

/**
 * nfo_wheel_slot() - where on the ageing wheel a flow goes
 * @now:   the second the wheel stands at
 * @delay: jiffies until it is due
 *
 * Return: slot number; it is not the current slot, and less than a turn ahead.
 */
static inline unsigned int nfo_wheel_slot(unsigned long now, u32 delay)
{
	/* Not DIV_ROUND_UP(): a timeout near U32_MAX would wrap around. */
	u32 secs = clamp_t(u32, delay / HZ + !!(delay % HZ), 1, NFO_VISIT_MAX);

	return (now + secs) % NFO_WHEEL_SLOTS;
}

/**
 * nfo_time_since() - how long ago something was
 * @now:  jiffies in 32 bits
 * @then: likewise
 *
 * Another processor may have written @then after the caller read @now. Return: jiffies; 0 when
 * @then is the later one.
 */
static inline u32 nfo_time_since(u32 now, u32 then)
{
	s32 since = now - then;

	return max(since, 0);
}

/**
 * nfo_timeout_left() - how much of a timeout is left
 * @timeout: jiffies
 * @idle:    jiffies spent
 */
static inline u32 nfo_timeout_left(u32 timeout, u32 idle)
{
	return timeout > idle ? timeout - idle : 0;
}

/* ---- turns: what each of many things does once in a period, not all at once ---- */

/**
 * nfo_turn_came() - did the turn of one of many objects come since it was last looked at?
 * @since:  jiffies of the last look
 * @now:    jiffies
 * @phase:  any number that differs from object to object
 * @period: jiffies between two turns of an object, not 0
 *
 * Return: true for one look in each period, if there is more than one.
 */
static inline bool nfo_turn_came(u32 since, u32 now, u32 phase, u32 period)
{
	phase %= period;

	return (since + phase) / period != (now + phase) / period;
}

/**
 * nfo_spread_period() - make a period so long that not too many turns come in a second
 * @period:  wanted period, jiffies
 * @many:    how many objects take turns
 * @rate:    turns that may come in a second
 * @doubled: how often the period may be doubled
 *
 * Periods are doubled, so that a turn of a longer one is a turn of a shorter one.
 * Return: jiffies, not 0.
 */
static inline u32 nfo_spread_period(u32 period, u32 many, u32 rate, unsigned int doubled)
{
	period = max(period, 1U);
	while (doubled-- && (u64)many * HZ > (u64)rate * period && period <= U32_MAX / 4)
		period *= 2;

	return period;
}

/* ---- what a rule makes of a field: new value = (old value & mask) ^ flip ---- */

/**
 * nfo_bits_are_plain() - is the new value of some bits either the old one or a constant?
 * @mask: bits of the old value that stay
 * @flip: bits that are turned over then
 * @bits: the field
 *
 * Return: false when the new value is another function of the old one, as after `| 1` or `^ 1`.
 */
static inline bool nfo_bits_are_plain(u16 mask, u16 flip, u16 bits)
{
	return !(mask & bits) || ((mask & bits) == bits && !(flip & bits));
}

#define NFO_DSCP_BITS4	0x00fc
#define NFO_DSCP_BITS6	0x0fc0

/**
 * nfo_dscp_is_plain() - is the new DSCP of a packet either its old one or a constant?
 * @family: NFPROTO_* of the rule's table
 * @mask:   of the first two bytes of the IP header, as a number with the first byte on top: bits
 *          that stay
 * @flip:   bits that are turned over then
 *
 * In a table of both families the bits that change tell which header the rule is for: IPv4 has the
 * TOS in the second byte alone, and IPv6 has a part of the flow label in that byte's lower half.
 * Return: false when it is another function of the old one, or when it is not clear.
 */
static inline bool nfo_dscp_is_plain(u8 family, u16 mask, u16 flip)
{
	u16 changed = ~mask | flip;

	if (family == NFPROTO_IPV4 || (family != NFPROTO_IPV6 && changed & 0x000f))
		return nfo_bits_are_plain(mask, flip, NFO_DSCP_BITS4);
	if (family == NFPROTO_IPV6 || changed & 0x0f00)
		return nfo_bits_are_plain(mask, flip, NFO_DSCP_BITS6);

	return nfo_bits_are_plain(mask, flip, NFO_DSCP_BITS4) &&
	       nfo_bits_are_plain(mask, flip, NFO_DSCP_BITS6);
}

/**
 * nfo_bits_have_ecn() - are ECN bits among some bits of an IP header?
 * @family: NFPROTO_* of the rule's table
 * @bits:   of the first two bytes of the header, as a number with the first byte on top
 *
 * In a table of both families a rule for the ECN of IPv6 has none of the flow label's bits, where
 * IPv4 has more of its DSCP. Return: true if so, or when it is not clear.
 */
static inline bool nfo_bits_have_ecn(u8 family, u16 bits)
{
	if (family != NFPROTO_IPV6 && bits & 0x0003)
		return true;

	return family != NFPROTO_IPV4 && bits & 0x0030 &&
	       (family == NFPROTO_IPV6 || !(bits & 0x000c));
}

#endif /* _NFO_PURE_H */
