// SPDX-License-Identifier: GPL-2.0
/*
 * The slow path is the teacher: a direction of a connection is learned from a packet
 * of its own, where the classic path is finished with that packet.
 *
 * An ingress hook that does not forward a packet writes a note of what the packet
 * looked like. `flow add` writes a permit. At the very end of POSTROUTING, just before
 * conntrack confirms, route, output device, mark, priority, DSCP, TTL and NAT are
 * facts; the flow has to make the changes by which the packet differs from its note. A
 * packet that some rule drops never arrives here, so nothing is learned from it.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_labels.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "nfo_ct.h"
#include "nfo_encap.h"
#include "nfo_entry.h"
#include "nfo_hash.h"
#include "nfo_l4.h"
#include "nfo_learn.h"
#include "nfo_recheck.h"
#include "nfo_route.h"
#include "nfo_stack.h"
#include "nfo_test_point.h"
#include "nfo_trace.h"

/**
 * struct nfo_lesson - a packet at the end of POSTROUTING
 * @skb:   the packet
 * @ct:    its connection
 * @dir:   its direction
 * @in:    device that the packet came in by, as routing knows it; NULL: unknown
 * @out:   device that the packet leaves by
 * @thoff: offset of the layer 4 header from the network header
 * @note:  what the packet looked like at the ingress hook
 */
struct nfo_lesson {
	struct sk_buff			*skb;
	struct nf_conn			*ct;
	enum ip_conntrack_dir		dir;
	struct net_device		*in;
	struct net_device		*out;
	unsigned int			thoff;
	const struct nfo_note		*note;
};

/* ---- what the classic path did ---- */

static void nfo_learn_nat(struct nfo_entry *e, struct nfo_addr6 *a6, const struct nf_conn *ct,
			  enum ip_conntrack_dir dir)
{
	const struct nf_conntrack_tuple *t = nf_ct_tuple(ct, dir);
	const struct nf_conntrack_tuple *other = nf_ct_tuple(ct, !dir);
	unsigned int len = t->src.l3num == NFPROTO_IPV4 ? 4 : 16;
	u16 ports;

	/* A packet of this direction leaves with the other direction's tuple, both ends swapped. */
	e->sport = other->dst.u.all;
	e->dport = other->src.u.all;
	e->saddr = other->dst.u3.ip;
	e->daddr = other->src.u3.ip;
	if (t->src.l3num == NFPROTO_IPV6) {
		a6->saddr = t->src.u3.in6;
		a6->daddr = t->dst.u3.in6;
		a6->new_saddr = other->dst.u3.in6;
		a6->new_daddr = other->src.u3.in6;
	}

	e->addr_delta = nfo_csum_delta_add(nfo_csum_delta(&t->src.u3, &other->dst.u3, len),
					   nfo_csum_delta(&t->dst.u3, &other->src.u3, len));
	ports = nfo_csum_delta_add(nfo_csum_delta(&t->src.u.all, &other->dst.u.all, 2),
				   nfo_csum_delta(&t->dst.u.all, &other->src.u.all, 2));
	e->l4_delta = nfo_csum_delta_add(e->addr_delta, ports);
	if (!nfo_l4_is_main(t->dst.protonum))
		nfo_l4_learn_nat(e, ct, dir);
	e->ip_delta = nfo_csum_delta_hop();
	if (ct->status & IPS_NAT_MASK) {
		e->ip_delta = nfo_csum_delta_add(e->ip_delta, e->addr_delta);
		e->flags |= NFO_E_NAT;
	}
}

/* Does the start of the layer 4 header, which nfo_l4_sum() leaves out, leave as it came or as NAT
 * writes it? SCTP has ports and the tag there, ICMP the identifier.
 */
static bool nfo_learn_same_l4(const struct nfo_entry *e, const struct nfo_lesson *l,
			      unsigned int offset)
{
	const unsigned int ports = sizeof(e->sport) + sizeof(e->dport);
	u8 after[sizeof(l->note->l4)];

	if (skb_copy_bits(l->skb, offset, after, sizeof(after)))
		return true;
	if (!(e->flags & NFO_E_NAT))
		return !memcmp(after, l->note->l4, sizeof(after));
	if (!nfo_l4_is_sctp(e->key.l4proto))
		return true;
	return !memcmp(after, &e->sport, ports) &&
	       !memcmp(after + ports, l->note->l4 + ports, sizeof(after) - ports);
}

/* Does the noted packet leave unchanged in the parts that no checksum covers? @l->skb must be the
 * packet of the note itself, not another one of the direction.
 */
static bool nfo_learn_same_bytes(const struct nfo_entry *e, const struct nfo_lesson *l,
				 unsigned int offset)
{
	if (e->key.l4proto == IPPROTO_TCP && l->note->tcp != nfo_note_tcp(l->skb, offset))
		return false;
	if (l->note->has_body && l->note->body != nfo_note_body(l->skb, offset, e->key.l4proto))
		return false;

	return nfo_l4_is_main(e->key.l4proto) || nfo_learn_same_l4(e, l, offset);
}

/* Did the classic path change nothing but addresses and ports, and these as conntrack says? */
static enum nfo_reason nfo_learn_payload(const struct nfo_entry *e, const struct nfo_lesson *l)
{
	unsigned int offset = skb_network_offset(l->skb) + l->thoff;
	__sum16 before = l->note->check, after;

	if (!nfo_note_check(l->skb, offset, e->key.l4proto, &after))
		return NFO_R_PAYLOAD_CHANGED;
	if (l->note->skb == l->skb && !nfo_learn_same_bytes(e, l, offset))
		return NFO_R_PAYLOAD_CHANGED;

	if (!nfo_l4_is_main(e->key.l4proto))
		return before == after ? NFO_R_NONE : NFO_R_PAYLOAD_CHANGED;
	/* A UDP field of 0 says that there is no checksum, which NAT leaves so. A checksum that
	 * is 0 is sent as 0xffff.
	 */
	if (e->key.l4proto == IPPROTO_UDP && (!before || !after) &&
	    l->skb->ip_summed != CHECKSUM_PARTIAL)
		return before == after ? NFO_R_NONE : NFO_R_PAYLOAD_CHANGED;
	if (e->flags & NFO_E_NAT)
		before = nfo_l4_csum_nat(before, e, l->skb->ip_summed == CHECKSUM_PARTIAL);
	if (before == after)
		return NFO_R_NONE;
	/* 0 and 0xffff are the same checksum. */
	if (csum_fold((__force __wsum)(u32)((__force u16)before ^ 0xffff)) ==
	    csum_fold((__force __wsum)(u32)((__force u16)after ^ 0xffff)))
		return NFO_R_NONE;

	return NFO_R_PAYLOAD_CHANGED;
}

/* Does the packet leave with the addresses and ports that conntrack says? A rule may have written
 * others, and in a packet without a checksum nfo_learn_payload() does not see that. Conntrack says
 * what IPVS has told it, but does not call it NAT.
 */
static enum nfo_reason nfo_learn_addresses(const struct nfo_entry *e, const struct nfo_addr6 *a6,
					   const struct nfo_lesson *l)
{
	const void *l4hdr = skb_network_header(l->skb) + l->thoff;
	bool same;

	if (e->key.family == NFPROTO_IPV4)
		same = ip_hdr(l->skb)->saddr == e->saddr && ip_hdr(l->skb)->daddr == e->daddr;
	else
		same = ipv6_addr_equal(&ipv6_hdr(l->skb)->saddr, &a6->new_saddr) &&
		       ipv6_addr_equal(&ipv6_hdr(l->skb)->daddr, &a6->new_daddr);
	/* Both ports at once. */
	if (same && nfo_l4_is_main(e->key.l4proto))
		same = !memcmp(l4hdr, &e->sport, sizeof(e->sport) + sizeof(e->dport));

	return same && !nfo_skb_is_balanced(l->skb) ? NFO_R_NONE : NFO_R_HEADER_CHANGED;
}

/* Do the ECN bits leave as they came? A tunnel may also have copied the congestion mark of its
 * header, as the fast path does. Any other change is a rule's, and an entry cannot express it.
 */
static bool nfo_learn_ecn_ok(const struct nfo_lesson *l, const struct nfo_look *out)
{
	u8 before = l->note->look.tos & INET_ECN_MASK, after = out->tos & INET_ECN_MASK;

	return before == after || (l->note->tunnel && after == INET_ECN_CE);
}

/* Learn the fields that rulesets set from their values before and after the classic path. */
static enum nfo_reason nfo_learn_fields(struct nfo_net *nn, struct nfo_entry *e,
					struct nfo_route_refs *refs, const struct nfo_lesson *l)
{
	const u8 came = NFO_FIELD_MARK | NFO_FIELD_PRIORITY | NFO_FIELD_DSCP;
	const struct net *net = nf_ct_net(l->ct);
	struct nfo_look out = nfo_skb_look(l->skb, e->key.family);
	u8 by = nfo_recheck_by(nn), given;
	struct nfo_look in;

	if (nfo_skb_label(l->skb, e->key.family) != l->note->label || !nfo_learn_ecn_ok(l, &out))
		return NFO_R_HEADER_CHANGED;
	if (e->key.family == NFPROTO_IPV4 && l->note->skb == l->skb &&
	    ip_hdr(l->skb)->id != l->note->id)
		return NFO_R_HEADER_CHANGED;
	if (e->key.family == NFPROTO_IPV4 && READ_ONCE(net->ipv4.sysctl_ip_fwd_update_priority))
		e->flags |= NFO_E_PRIO_TOS;
	in = nfo_look_before(l->note->look, e);
	nfo_fields_learn(e, &in, &out);
	/* A rule that changes another field for this packet may do so for its ECN alone. */
	if (by & NFO_BY_UNSEEN && e->fields & came)
		by |= NFO_BY_ECN;
	given = by & ((e->fields & came) | NFO_BY_ECN);
	if (given)
		nfo_fields_came(refs, &in, given);

	return NFO_R_NONE;
}

/* When rules look at the flow label, or it chooses between equal-cost routes, the entry holds for
 * this label only.
 */
static void nfo_learn_label(struct nfo_net *nn, struct nfo_entry *e,
			    const struct nfo_route_refs *refs, const struct nfo_lesson *l)
{
	if (e->key.family != NFPROTO_IPV6)
		return;
	if (!(nfo_recheck_by(nn) & NFO_BY_LABEL) && !nfo_route_by_label(nn->net, refs->dst))
		return;
	e->label = l->note->label;
	e->flags |= NFO_E_LABEL;
}

static enum nfo_reason nfo_learn_in(const struct nfo_table *t, struct nfo_entry *e,
				    struct nfo_route_refs *refs, const struct nfo_lesson *l)
{
	/* A frame for the device's own address is PACKET_HOST, so no address must be compared. */
	if (l->note->has_dest && !l->note->own_dest) {
		ether_addr_copy(refs->in_dest, l->note->in_dest);
		e->flags |= NFO_E_IN_DEST;
	}
	/* A PPPoE session has one peer: a frame of another sender does not belong to it. */
	if (l->note->has_dest && nfo_encap_has_session(&e->key.encap)) {
		ether_addr_copy(refs->in_source, l->note->h_source);
		e->flags |= NFO_E_IN_SOURCE;
	}
	if (!l->in)
		return NFO_R_DEV_GONE;
	refs->in = l->in;
	netdev_hold(refs->in, &refs->in_tracker, GFP_ATOMIC);
	refs->rp_filter = nfo_route_rp_filter(refs->in);
	if (l->in->ifindex == e->key.iif)
		return NFO_R_NONE;

	e->flags |= NFO_E_LOWER;
	return nfo_lower_check(t, e->key.iif, l->in);
}

static void nfo_learn_origin(struct nfo_origin *o, const struct nfo_note *n)
{
	*o = (struct nfo_origin) { .mark = n->look.mark, .has_source = n->has_dest };
	if (n->has_dest)
		ether_addr_copy(o->h_source, n->h_source);
}

/* Allocate a struct nfo_extra if the direction needs one. Decrypted packets with NAT are refused,
 * because it is not known about which addresses a policy would be asked.
 */
static enum nfo_reason nfo_learn_extra(struct nfo_entry *e, struct nfo_route_refs *refs,
				       const struct nfo_lesson *l)
{
	bool decrypted = skb_sec_path(l->skb);
	bool encrypt = nfo_route_encrypts(l->skb);
	bool extra = decrypted || encrypt || l->note->deep;
	struct nfo_extra *x;

	/* A tunnel device makes a packet forget that it was decrypted (skb_scrub_packet()), so
	 * policies see another packet here than the hook would show them.
	 */
	if (decrypted != l->note->decrypted)
		return NFO_R_DEV_STACK;
	if (decrypted && e->flags & NFO_E_NAT)
		return NFO_R_DECRYPTED;
	if (!extra && !(e->flags & NFO_E_ORIGIN))
		return NFO_R_NONE;
	x = kzalloc_obj(*x, GFP_ATOMIC);
	if (!x)
		return NFO_R_NO_MEMORY;
	x->decrypted = decrypted;
	x->encrypt = encrypt;
	x->at = nfo_now();
	if (l->note->deep) {
		x->has_outer = true;
		x->tunnel = l->note->tunnel;
		x->outer = l->note->outer;
	}
	nfo_learn_origin(&x->origin, l->note);
	refs->extra = x;
	if (extra)
		e->flags |= NFO_E_EXTRA;

	return NFO_R_NONE;
}

static const struct tcphdr *nfo_lesson_th(const struct nfo_lesson *l)
{
	return (const void *)(skb_network_header(l->skb) + l->thoff);
}

/* Return: how many bytes of data a TCP segment has. */
static unsigned int nfo_lesson_data(const struct nfo_lesson *l)
{
	return l->skb->len - l->thoff - nfo_lesson_th(l)->doff * 4;
}

/* Return: the numbers of a TCP segment. */
static struct nfo_ct_tcp nfo_lesson_tcp(const struct nfo_lesson *l)
{
	const struct tcphdr *th = nfo_lesson_th(l);

	return (struct nfo_ct_tcp) {
		.known	= true,
		.end	= ntohl(th->seq) + nfo_lesson_data(l),
		.ack	= ntohl(th->ack_seq),
		.win	= ntohs(th->window),
	};
}

/* Begin with the numbers of this segment; later segments advance them. */
static void nfo_learn_tcp(struct nfo_entry *e, const struct nfo_lesson *l)
{
	const struct nfo_ct_tcp seen = nfo_lesson_tcp(l);

	WRITE_ONCE(e->end, seen.end);
	WRITE_ONCE(e->ack, seen.ack);
	WRITE_ONCE(e->win, seen.win);
}

/* Remember the numbers of a segment on the classic path as well. Conntrack may miss the segments of
 * the other direction, so it cannot check this one against them.
 */
static void nfo_learn_track(struct nfo_flow *f, const struct nfo_lesson *l)
{
	struct nfo_entry *e = &f->e[l->dir];

	if (nfo_flow_learned(f, l->dir) || READ_ONCE(e->end))
		nfo_entry_track_tcp(e, nfo_lesson_th(l), nfo_lesson_data(l));
	else
		nfo_learn_tcp(e, l);
}

/* Derive an entry from a packet. Return: NFO_R_NONE, or the reason why an entry cannot express what
 * happened to the packet. The references in @refs are the caller's in any case.
 */
static enum nfo_reason nfo_learn_entry(struct nfo_table *t, struct nfo_entry *e,
				       struct nfo_addr6 *a6, struct nfo_route_refs *refs,
				       const struct nfo_lesson *l)
{
	enum nfo_reason why;

	e->key = l->note->key;
	e->epoch = l->note->epoch;
	e->ct = l->ct;
	e->used = nfo_now();
	if (l->dir == IP_CT_DIR_REPLY)
		e->flags |= NFO_E_REPLY;
	if (nf_conn_acct_find(l->ct))
		e->flags |= NFO_E_ACCT;
	if (nf_ct_timeout_find(l->ct))
		e->flags |= NFO_E_TIMEOUT;
	if (nf_ct_labels_find(l->ct))
		e->flags |= NFO_E_LABELS;
	e->ct_mark = nfo_route_ct_mark(l->ct, e->flags);
	if (e->ct_mark || nfo_recheck_by(t->nn) & NFO_BY_CT_MARK)
		e->flags |= NFO_E_CT_MARK;
	if (READ_ONCE(t->nn->zones))
		e->flags |= NFO_E_ORIGIN;

	nfo_learn_nat(e, a6, l->ct, l->dir);
	why = nfo_learn_addresses(e, a6, l);
	if (why)
		return why;
	why = nfo_learn_payload(e, l);
	if (why)
		return why;
	why = nfo_learn_fields(t->nn, e, refs, l);
	if (why)
		return why;
	why = nfo_learn_in(t, e, refs, l);
	if (why)
		return why;
	why = nfo_learn_extra(e, refs, l);
	if (why)
		return why;

	if (e->key.l4proto == IPPROTO_TCP)
		nfo_learn_tcp(e, l);

	why = nfo_route_learn(t, e, refs, l->skb, l->out);
	if (!why)
		nfo_learn_label(t->nn, e, refs, l);

	return why;
}

/* ---- what becomes of it ---- */

/* Is the origin of packets the same? */
static bool nfo_same_origin(const struct nfo_origin *a, const struct nfo_origin *b)
{
	return a->mark == b->mark && a->has_source == b->has_source &&
	       ether_addr_equal(a->h_source, b->h_source);
}

static bool nfo_same_extra(const struct nfo_extra *a, const struct nfo_extra *b)
{
	if (!a || !b)
		return a == b;
	return a->has_outer == b->has_outer && a->decrypted == b->decrypted &&
	       a->encrypt == b->encrypt && !memcmp(&a->outer, &b->outer, sizeof(a->outer));
}

/* Does one more packet teach what is known of the direction, apart from the fields that
 * nf_flow_offload_fields.c looks after?
 */
static bool nfo_same_lesson(const struct nfo_flow *f, enum ip_conntrack_dir dir,
			    const struct nfo_entry *e, const struct nfo_route_refs *refs)
{
	const struct nfo_entry *old = &f->e[dir];
	const struct nfo_route_refs *r = nfo_flow_refs(f, dir);

	return !memcmp(&old->key, &e->key, sizeof(e->key)) && old->flags == e->flags &&
	       !memcmp(&old->saddr, &e->saddr,
		       offsetof(struct nfo_entry, win) - offsetof(struct nfo_entry, saddr)) &&
	       (!(e->flags & NFO_E_ORIGIN) ||
		nfo_same_origin(&r->extra->origin, &refs->extra->origin)) &&
	       nfo_route_refs_alike(r, refs) && nfo_same_extra(r->extra, refs->extra);
}

/* Do packets that the entry holds for still come? */
static bool nfo_used_lately(const struct nfo_entry *e)
{
	return nfo_now() - READ_ONCE(e->used) < HZ;
}

/* Has a packet another flow label than the entry, while packets of the entry's label still come? */
static bool nfo_label_differs(const struct nfo_entry *old, const struct nfo_entry *e)
{
	return old->flags & e->flags & NFO_E_LABEL && old->label != e->label &&
	       nfo_used_lately(old);
}

/* Does a packet come by another device than the entry's packets, or with other headers, while these
 * packets still come and the entry is true? Where packets of a direction come both ways in turns,
 * those of one way stay in the fast path, and the others teach nothing.
 */
static bool nfo_way_differs(struct nfo_flow *f, const struct nfo_lesson *l)
{
	const struct nfo_entry *e = &f->e[l->dir];

	return memcmp(&e->key, &l->note->key, sizeof(e->key)) && nfo_used_lately(e) &&
	       !nfo_route_changed(f->table->nn, e, READ_ONCE(e->epoch), l->note->epoch) &&
	       !nfo_flow_has_left(f, l->dir);
}

/* Has a packet another DSCP, ECN, mark or TTL than the entry, which is as new as the packet, and
 * are there rules that look at this field? Then the packet settles nothing, because a third value
 * may be treated otherwise.
 */
static bool nfo_field_differs(struct nfo_net *nn, const struct nfo_entry *old,
			      const struct nfo_lesson *l)
{
	struct nfo_look in = nfo_look_before(l->note->look, old);
	u8 unknown;

	if (READ_ONCE(old->epoch) != l->note->epoch)
		return false;
	unknown = nfo_fields_unknown(old, nfo_entry_refs(old), &in, READ_ONCE(old->fields));

	return unknown && unknown & nfo_recheck_by(nn);
}

/* Learn from one more packet of a known direction what the ruleset does to fields. Return: false
 * when the packet contradicts the entry.
 */
static bool nfo_learn_more_fields(struct nfo_entry *old, const struct nfo_entry *e,
				  const struct nfo_lesson *l)
{
	struct nfo_look in = nfo_look_before(l->note->look, e);
	struct nfo_look out = {
		.mark		= e->mark,
		.priority	= e->priority,
		.tos		= e->dscp,
		.ttl		= e->ttl_out,
	};

	if (READ_ONCE(old->epoch) != e->epoch)
		return nfo_fields_renew(old, e);
	return nfo_fields_settle(old, &in, &out);
}

/* Compare one more packet of the classic path with a known direction. Return: false when the entry
 * is wrong, and the direction has to be forgotten.
 */
static bool nfo_learn_again(struct nfo_flow *f, const struct nfo_lesson *l,
			    const struct nfo_entry *e, struct nfo_route_refs *refs)
{
	struct nfo_entry *old = &f->e[l->dir];

	if (READ_ONCE(old->epoch) == e->epoch && nfo_label_differs(old, e))
		return true;
	/* The entry stays while packets with its values come; otherwise it is learned anew. */
	if (nfo_field_differs(f->table->nn, old, l))
		return nfo_used_lately(old);
	if (!nfo_same_lesson(f, l->dir, e, refs) || !nfo_learn_more_fields(old, e, l))
		return false;
	/* The packets counted so far were handed to the old device, so they are settled first. */
	if (nfo_flow_refs(f, l->dir)->send != refs->send)
		nfo_flow_settle(f, l->dir);

	return nfo_route_renew(f, l->dir, refs, e);
}

/* Teach a direction that is not known. @refs is empty afterwards, unless memory ran out. */
static enum nfo_reason nfo_learn_anew(struct nfo_flow *f, const struct nfo_lesson *l,
				      struct nfo_entry *e, const struct nfo_addr6 *a6,
				      struct nfo_route_refs *refs, bool begin)
{
	enum nfo_reason why;

	e->refs = nfo_route_refs_share(f->table->nn, refs);
	if (!e->refs)
		return NFO_R_NO_MEMORY;
	if (test_bit(NFO_F_HAS_HW, &f->state))
		nfo_learn_origin(&nfo_flow_hw(f)->origin[l->dir], l->note);
	why = nfo_flow_teach(f, l->dir, e, a6, begin);
	if (why)
		nfo_route_refs_put(e->refs);

	return why;
}

static void nfo_learn_direction(struct nfo_flow *f, const struct nfo_lesson *l, bool begin)
{
	struct nfo_entry e __aligned(64) = {};
	struct nfo_route_refs refs = {};
	struct nfo_entry *old = &f->e[l->dir];
	struct nfo_addr6 a6 = {};
	enum nfo_reason why;

	if (nfo_flow_learned(f, l->dir) && nfo_way_differs(f, l))
		return;
	why = nfo_learn_entry(f->table, &e, &a6, &refs, l);
	if (!why && nfo_flow_learned(f, l->dir)) {
		if (!nfo_learn_again(f, l, &e, &refs))
			nfo_flow_forget(f, l->dir);
	} else if (!why) {
		why = nfo_learn_anew(f, l, &e, &a6, &refs, begin);
	} else if (nfo_flow_learned(f, l->dir) &&
		   !(nfo_field_differs(f->table->nn, old, l) && nfo_used_lately(old))) {
		nfo_flow_forget(f, l->dir);
	}
	nfo_route_refs_drop(&refs);

	if (!why) {
		nfo_route_learned(f->table->nn, old);
		return;
	}
	nfo_count_reason(f->table->nn, why);
	trace_nfo_refuse(l->ct, nfo_reason_names[why]);
}

static void nfo_learn_more(struct nfo_flow *f, const struct nfo_lesson *l)
{
	if (test_and_set_bit_lock(NFO_F_LEARNING + l->dir, &f->state))
		return;
	/* An earlier owner of this bit may have forgotten the direction: packets still use it. */
	if (!test_bit(NFO_F_FORGETTING + l->dir, &f->state))
		nfo_learn_direction(f, l, false);
	clear_bit_unlock(NFO_F_LEARNING + l->dir, &f->state);
}

/* Make a flow of a connection and teach its first direction. If that fails, the flow is freed. */
static void nfo_learn_first(struct nfo_table *t, const struct nfo_lesson *l)
{
	struct nfo_flow *f;

	if (test_and_set_bit(IPS_OFFLOAD_BIT, &l->ct->status))
		return;
	f = nfo_flow_alloc(t, l->ct);
	if (!f) {
		clear_bit(IPS_OFFLOAD_BIT, &l->ct->status);
		nfo_count_reason(t->nn, NFO_R_NO_MEMORY);
		return;
	}
	set_bit(NFO_F_LEARNING + l->dir, &f->state);
	nfo_learn_direction(f, l, true);
	clear_bit_unlock(NFO_F_LEARNING + l->dir, &f->state);
	if (!nfo_flow_learned(f, l->dir))
		nfo_flow_abandon(f);
}

/* Does the connection's layer 4 header follow the IP header? An ICMP error about the connection has
 * the same conntrack entry, and an IPv6 extension header may come first.
 */
static bool nfo_lesson_is_of_ct(const struct nfo_lesson *l)
{
	u8 proto = nf_ct_l3num(l->ct) == NFPROTO_IPV6 ? ipv6_hdr(l->skb)->nexthdr :
							ip_hdr(l->skb)->protocol;

	return proto == nf_ct_protonum(l->ct);
}

/* May the packet teach, as far as layer 4 goes? TCP segments that open or close do not: the fast
 * path never carries them.
 */
static bool nfo_lesson_l4_ok(const struct nfo_net *nn, const struct nfo_lesson *l)
{
	const struct tcphdr *th;
	unsigned int len;

	switch (nf_ct_protonum(l->ct)) {
	case IPPROTO_TCP:
		len = sizeof(struct tcphdr);
		break;
	case IPPROTO_UDP:
		len = sizeof(struct udphdr);
		break;
	default:
		return !nfo_l4_permit_check(l->skb, nn, l->ct, l->thoff);
	}
	if (skb_headlen(l->skb) < skb_network_offset(l->skb) + l->thoff + len)
		return false;
	if (len == sizeof(struct udphdr))
		return true;
	th = nfo_lesson_th(l);

	return !th->syn && !th->fin && !th->rst;
}

/* Somebody remembers the numbers of a TCP segment: the flow, or conntrack. @f: flow of the
 * connection, or NULL.
 */
static void nfo_learn_numbers(struct nfo_flow *f, const struct nfo_lesson *l)
{
	struct nfo_ct_tcp seen;

	if (f) {
		nfo_test_point(NFO_TP_JUDGED, f);
		nfo_learn_track(f, l);
		/* Pairs with test_and_set_bit() in nfo_flow_retire(), which reads them later. */
		smp_mb();
		if (likely(!test_bit(NFO_F_DEAD, &f->state)))
			return;
	}
	/* The flow has ended, or is about to, since conntrack let the segment pass unjudged:
	 * conntrack is told of it now, before the other end can answer it. Nearly always conntrack
	 * knows it.
	 */
	seen = nfo_lesson_tcp(l);
	nfo_ct_tcp_late(l->ct, l->dir, &seen);
}

/* From the first connection in a zone on, entries have NFO_E_ORIGIN. */
static void nfo_learn_zone(struct nfo_net *nn, const struct nf_conn *ct)
{
	static const struct nfo_change all = { .what = NFO_CHANGE_ALL };

	if (likely(nf_ct_zone(ct)->id == NF_CT_DEFAULT_ZONE_ID) || READ_ONCE(nn->zones))
		return;
	WRITE_ONCE(nn->zones, true);
	/* Entries without NFO_E_ORIGIN have an older epoch, so they are stale now. */
	nfo_change_add(nn, &all);
}

static void nfo_learn(struct sk_buff *skb, const struct nf_hook_state *state,
		      unsigned int thoff)
{
	enum ip_conntrack_info ctinfo;
	struct nfo_lesson l = {
		.skb	= skb,
		.ct	= nf_ct_get(skb, &ctinfo),
		.in	= state->in ?: dev_get_by_index_rcu(state->net, skb->skb_iif),
		.out	= state->out,
		.thoff	= thoff,
	};
	struct nfo_note note;
	struct nfo_table *t;
	struct nfo_flow *f;
	struct nfo_net *nn;
	bool tcp;

	nn = l.ct ? nfo_net_get_rcu(state->net) : NULL;
	if (!nn)
		return;
	nfo_learn_zone(nn, l.ct);
	/* An unconfirmed connection's first packet teaches nothing. */
	if (!nf_ct_is_confirmed(l.ct) || nf_ct_is_dying(l.ct))
		return;
	l.dir = CTINFO2DIR(ctinfo);
	t = nfo_permitted(nn, skb, l.ct);
	f = nfo_flow_of_ct(nn, l.ct);
	tcp = nf_ct_protonum(l.ct) == IPPROTO_TCP;
	if (!f && !t && !tcp)
		return;
	if (f && !nfo_ct_is_established(l.ct)) {
		nfo_flow_retire(f, nfo_ct_close_reason(l.ct));
		return;
	}
	if (!nfo_lesson_is_of_ct(&l) || !nfo_lesson_l4_ok(nn, &l))
		return;
	if (tcp)
		nfo_learn_numbers(f, &l);
	if (!f && !t)
		return;
	if (f)
		t = f->table;
	if (!nfo_note_find(t, l.skb, nf_ct_tuple(l.ct, l.dir), &note)) {
		if (!f || !nfo_flow_learned(f, l.dir))
			nfo_count_reason(nn, nfo_lower_covers(t, l.in) ?
					 NFO_R_NOT_AT_INGRESS : NFO_R_DEV_NOT_IN_TABLE);
		return;
	}
	l.note = &note;
	if (f)
		nfo_learn_more(f, &l);
	else
		nfo_learn_first(t, &l);
}

static unsigned int nfo_learn_hook4(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	if (IPCB(skb)->flags & IPSKB_FORWARDED && ip_hdrlen(skb) == sizeof(struct iphdr))
		nfo_learn(skb, state, sizeof(struct iphdr));

	return NF_ACCEPT;
}

/* IPv6 marks only multicast packets as forwarded. Here a packet counts as forwarded when there is a
 * note of it.
 */
static unsigned int nfo_learn_hook6(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	nfo_learn(skb, state, sizeof(struct ipv6hdr));

	return NF_ACCEPT;
}

/* ---- hooks ---- */

/* The closing hooks run just before conntrack looks at a packet, the learning hooks just before
 * conntrack confirms the connection, at priority INT_MAX.
 */
static const struct nf_hook_ops nfo_learn_ops[] = {
	{
		.hook		= nfo_closing_hook4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP_PRI_CONNTRACK - 1,
	}, {
		.hook		= nfo_closing_hook6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= NF_IP6_PRI_CONNTRACK - 1,
	}, {
		.hook		= nfo_learn_hook4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_POST_ROUTING,
		.priority	= INT_MAX - 1,
	}, {
		.hook		= nfo_learn_hook6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_POST_ROUTING,
		.priority	= INT_MAX - 1,
	},
};

/**
 * nfo_learn_net_start() - begin to learn in a namespace that gets its first flowtable
 * @nn: namespace
 *
 * Context: may sleep, nfo_net::lock held. Return: 0 or a negative errno.
 */
int nfo_learn_net_start(struct nfo_net *nn)
{
	return nf_register_net_hooks(nn->net, nfo_learn_ops, ARRAY_SIZE(nfo_learn_ops));
}

/**
 * nfo_learn_net_stop() - undo nfo_learn_net_start()
 * @nn: namespace
 *
 * Context: may sleep, nfo_net::lock held.
 */
void nfo_learn_net_stop(struct nfo_net *nn)
{
	nf_unregister_net_hooks(nn->net, nfo_learn_ops, ARRAY_SIZE(nfo_learn_ops));
}
