/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decisions that need nothing but their arguments. KUnit tests them here
 * (tests/kunit), the rooms use them.
 */
#ifndef _NFO_PURE_H
#define _NFO_PURE_H

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/tcp.h>
#include <linux/nf_flow_offload.h>

/* ---- checksums: RFC 1624, eqn. 3, with the sums of a flow made once ---- */

static inline u16 nfo_csum_fold32(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/**
 * nfo_csum_delta() - what replacing one value by another adds to a checksum
 * @from: old bytes, big endian as in the packet
 * @to:   new bytes
 * @len:  of both, even
 *
 * Return: the difference as nfo_csum_apply() takes it, folded; 0xffff when
 * nothing changes, so that applying it turns 0xffff into 0 as every incremental
 * update does.
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
 * nfo_csum_delta_add() - both of two changes
 * @a: nfo_csum_delta() of the one
 * @b: of the other
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
 * Return: the new field, of the two forms of zero the one csum_fold() makes.
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

/* ---- ladders ---- */

enum nfo_verdict {
	NFO_PASS,	/* to the classic path, flow unharmed */
	NFO_CLOSE,	/* to the classic path, and the flow ends */
	NFO_FORWARD,
};

/**
 * nfo_tcp_verdict() - may a segment with these flags take the fast path?
 * @th: TCP header
 *
 * SYN, FIN and RST are conntrack's business. Combinations that conntrack calls
 * invalid must not end the flow: anybody could send them.
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
 * nfo_status_reason() - what the status of a conntrack entry has against promotion
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

/* One slot a second. A flow is looked at this often at least, for a conntrack
 * entry deleted under an idle flow is found only then.
 */
#define NFO_WHEEL_SLOTS	64
#define NFO_VISIT_MAX	30

/**
 * nfo_wheel_slot() - where on the ageing wheel a flow goes
 * @now:   the second the wheel stands at
 * @delay: jiffies until it is due
 *
 * Return: slot number; never the current slot, never past one turn.
 */
static inline unsigned int nfo_wheel_slot(unsigned long now, u32 delay)
{
	/* Not DIV_ROUND_UP(): a timeout near U32_MAX would wrap around. */
	u32 secs = clamp_t(u32, delay / HZ + !!(delay % HZ), 1, NFO_VISIT_MAX);

	return (now + secs) % NFO_WHEEL_SLOTS;
}

/**
 * nfo_timeout_left() - a timeout that has partly gone by
 * @timeout: jiffies
 * @idle:    jiffies spent
 */
static inline u32 nfo_timeout_left(u32 timeout, u32 idle)
{
	return timeout > idle ? timeout - idle : 0;
}

#endif /* _NFO_PURE_H */
