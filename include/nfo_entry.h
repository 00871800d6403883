/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Steps of the packet path that learning needs as well. Inline: they run per packet.
 */
#ifndef _NFO_ENTRY_H
#define _NFO_ENTRY_H

#include <linux/skbuff.h>
#include <linux/tcp.h>

#include "nfo_flow.h"
#include "nfo_pure.h"

/**
 * nfo_l4_csum_nat() - a layer 4 checksum after the addresses and ports of an entry
 * @check:   field of the packet that came in
 * @e:       entry with NFO_E_NAT
 * @partial: the packet is CHECKSUM_PARTIAL: the field has the pseudo header's sum
 *
 * Return: the field of the packet that leaves. UDP's "no checksum" is the caller's matter.
 */
static inline __sum16 nfo_l4_csum_nat(__sum16 check, const struct nfo_entry *e, bool partial)
{
	if (partial)
		return nfo_csum_apply_partial(check, e->addr_delta);
	return nfo_csum_apply(check, e->l4_delta);
}

/**
 * nfo_entry_track_tcp() - remember the highest numbers that a TCP segment shows
 * @e:   entry of its direction
 * @th:  TCP header
 * @len: bytes after the TCP header
 */
static inline void nfo_entry_track_tcp(struct nfo_entry *e, const struct tcphdr *th,
				       unsigned int len)
{
	u32 end = ntohl(th->seq) + len;
	u32 ack = ntohl(th->ack_seq);

	if ((s32)(end - e->end) > 0)
		WRITE_ONCE(e->end, end);
	if ((s32)(ack - e->ack) > 0)
		WRITE_ONCE(e->ack, ack);
	WRITE_ONCE(e->win, ntohs(th->window));
}

#endif /* _NFO_ENTRY_H */
