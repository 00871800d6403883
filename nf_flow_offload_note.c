// SPDX-License-Identifier: GPL-2.0
/*
 * What a CPU remembers of the packets it has in hand: notes of those that came in and take the
 * classic path, and the permit of the last one that `flow add` matched.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/jhash.h>
#include <linux/percpu.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/xfrm.h>

#include "nfo_entry.h"
#include "nfo_hash.h"
#include "nfo_l4.h"
#include "nfo_learn.h"

/* Packets that an ingress hook may see before the first of them is at the end of
 * POSTROUTING: a NAPI poll hands over up to 64 in a list.
 */
#define NFO_NOTES	128

/* A packet in a tunnel is noted by its own addresses and by the tunnel's, because the hook does
 * not know whether the tunnel ends here. In one array the two notes would share a place for one
 * of NFO_NOTES pairs of a connection and a tunnel, and such a connection would never learn.
 */
#define NFO_NOTES_INNER	32

/**
 * struct nfo_permit - the last packet that `flow add` matched
 * @skb: packet; compared, never followed
 * @ct:  its connection; compared, never followed
 * @t:   flowtable; valid while @gen is nfo_tables_gen
 * @gen: nfo_tables_gen at that time
 */
struct nfo_permit {
	const struct sk_buff	*skb;
	const struct nf_conn	*ct;
	struct nfo_table	*t;
	int			gen;
};

/**
 * struct nfo_note_cpu - what a CPU remembers of the packets it has in hand
 * @lock:   see nfo_note_lock()
 * @permit: the last one that `flow add` matched
 * @taken:  counts notes
 * @note:   those that came in, by a hash of their addresses and ports
 * @inner:  those that came in a tunnel, without the tunnel's headers
 *
 * Written and read on that CPU alone, under nfo_note_lock(). Allocated, for modules have little
 * room for static data of each CPU.
 */
struct nfo_note_cpu {
	spinlock_t		lock;	/* the rest, with PREEMPT_RT */
	struct nfo_permit	permit;
	u32			taken;
	struct nfo_note		note[NFO_NOTES];
	struct nfo_note		inner[NFO_NOTES_INNER];
};

static struct nfo_note_cpu __percpu *nfo_note_cpus __read_mostly;

/* Kernels with lock debugging see whether the caller may be preempted, or moved to another CPU. */
static struct nfo_note_cpu *nfo_note_this_cpu(void)
{
	WARN_ON_ONCE(IS_ENABLED(CONFIG_PROVE_LOCKING) && !in_softirq());

	return this_cpu_ptr(nfo_note_cpus);
}

/* No other packet of this CPU comes in between. The hooks that forward and send run in process
 * context as well, for what the router itself sends and for what a program of nfqueue gives back.
 * With PREEMPT_RT, from 6.18 on, code that runs with softirqs disabled is preempted by other such
 * code.
 */
static struct nfo_note_cpu *nfo_note_lock(void)
{
	struct nfo_note_cpu *c;

	local_bh_disable();
	c = nfo_note_this_cpu();
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_lock(&c->lock);

	return c;
}

static void nfo_note_unlock(struct nfo_note_cpu *c)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_unlock(&c->lock);
	local_bh_enable();
}

/* Without device and encapsulation: who looks for a note does not know those. */
static struct nfo_note *nfo_note_slot(struct nfo_note_cpu *c, const struct nfo_table *t,
				      __be32 saddr, __be32 daddr, __be16 sport, __be16 dport,
				      bool inner)
{
	u32 hash = jhash_3words((__force u32)saddr, (__force u32)daddr,
				(__force u32)sport << 16 | (__force u32)dport,
				(u32)(unsigned long)t);

	return inner ? &c->inner[hash % NFO_NOTES_INNER] : &c->note[hash % NFO_NOTES];
}

/**
 * nfo_note_check() - what is noted of the payload
 * @skb:     packet
 * @offset:  of the layer 4 header from skb->data
 * @l4proto: IPPROTO_* of it
 * @check:   the header's checksum field; of other protocols than TCP and UDP a sum of the payload
 *
 * Context: any. Return: false when the packet ends before.
 */
bool nfo_note_check(const struct sk_buff *skb, unsigned int offset, u8 l4proto, __sum16 *check)
{
	__sum16 copy;
	const __sum16 *field;

	if (!nfo_l4_is_main(l4proto))
		return nfo_l4_sum(skb, offset, l4proto, check);
	offset += l4proto == IPPROTO_TCP ? offsetof(struct tcphdr, check) :
					   offsetof(struct udphdr, check);
	field = skb_header_pointer(skb, offset, sizeof(copy), &copy);
	if (field)
		*check = *field;

	return field;
}

/**
 * nfo_note_tcp() - what is noted of a TCP header
 * @skb:    packet
 * @offset: of the TCP header from skb->data
 *
 * The checksum field of a packet whose checksum is yet to be made does not depend on the header,
 * in which rules rewrite options. Context: any.
 *
 * Return: sum of the header without its ports and checksum; 0 when the packet ends before.
 */
__sum16 nfo_note_tcp(const struct sk_buff *skb, unsigned int offset)
{
	const unsigned int seq = offsetof(struct tcphdr, seq);
	const unsigned int check = offsetof(struct tcphdr, check);
	const unsigned int urg = offsetof(struct tcphdr, urg_ptr);
	u8 copy[15 * 4];
	const struct tcphdr *th = skb_header_pointer(skb, offset, sizeof(*th), copy);
	unsigned int len = th ? th->doff * 4 : 0;
	const u8 *header;
	__wsum sum;

	if (len < sizeof(*th))
		return 0;
	header = skb_header_pointer(skb, offset, len, copy);
	if (!header)
		return 0;
	sum = csum_partial(header + seq, check - seq, 0);

	return csum_fold(csum_partial(header + urg, len - urg, sum));
}

/* Rules reach no further: an offset into the packet has eight bits. */
#define NFO_NOTE_BODY	288

/**
 * nfo_note_body() - what is noted of the payload where the checksum does not show that it changes
 * @skb:    packet
 * @offset: of the layer 4 header from skb->data
 * @l4proto: IPPROTO_TCP or IPPROTO_UDP
 *
 * The checksum of the packet is yet to be made, or it has none. Context: any.
 *
 * Return: sum of what follows the checksum of UDP, or the header of TCP, as far as rules reach.
 */
__sum16 nfo_note_body(const struct sk_buff *skb, unsigned int offset, u8 l4proto)
{
	/* The header of TCP is noted by itself, see nfo_note_tcp(); options count twice. */
	unsigned int skip = l4proto == IPPROTO_UDP ? sizeof(struct udphdr) : sizeof(struct tcphdr);
	unsigned int len = min_t(unsigned int, skb->len - min(offset, skb->len), NFO_NOTE_BODY);

	if (len <= skip)
		return 0;

	return csum_fold(skb_checksum(skb, offset + skip, len - skip, 0));
}

static bool nfo_note_sender_differs(const struct nfo_note *n, const struct sk_buff *skb)
{
	return n->has_dest && skb_mac_header_was_set(skb) &&
	       !ether_addr_equal_unaligned(n->h_source, eth_hdr(skb)->h_source);
}

/* Was the last packet of the same direction another in what may be learned? */
static bool nfo_note_differs(const struct nfo_note *n, const struct nfo_table *t,
			     const struct sk_buff *skb, const struct nfo_key *key)
{
	return n->t == t && !memcmp(&n->key, key, sizeof(*key)) &&
	       (n->look.mark != skb->mark || n->look.priority != skb->priority ||
		n->look.tos != nfo_skb_tos(skb, key->family) ||
		n->look.ttl != nfo_skb_ttl(skb, key->family) ||
		n->label != nfo_skb_label(skb, key->family) ||
		nfo_note_sender_differs(n, skb));
}

static void nfo_note_addresses(struct nfo_note *n, const struct sk_buff *skb)
{
	ether_addr_copy(n->in_dest, eth_hdr(skb)->h_dest);
	n->own_dest = ether_addr_equal(n->in_dest, skb->dev->dev_addr);
	ether_addr_copy(n->h_source, eth_hdr(skb)->h_source);
}

/* What the packet has, of which @n has the layer 4 checksum already. */
static void nfo_note_fill(struct nfo_note *n, const struct sk_buff *skb,
			  const struct nfo_key *key, const struct nfo_encap_popped *popped)
{
	n->skb = skb;
	n->head = skb->head;
	n->key = *key;
	n->look = nfo_skb_look(skb, key->family);
	n->len = nfo_skb_len(skb, key->family);
	n->label = nfo_skb_label(skb, key->family);
	/* GRE without a remote address shows its own header there, which differs in each packet. */
	n->has_dest = skb->dev->type == ARPHRD_ETHER && skb_mac_header_was_set(skb) &&
		      skb_mac_header_len(skb) >= ETH_HLEN;
	if (n->has_dest)
		nfo_note_addresses(n, skb);
	n->decrypted = skb_sec_path(skb);
	n->deep = popped && nfo_encap_is_deep(popped);
	if (n->deep) {
		n->tunnel = popped->tunnel;
		n->outer = popped->outer;
	}
}

/**
 * nfo_note_take() - remember what a packet looks like that takes the classic path
 * @t:     flowtable whose hook sees it
 * @skb:   packet, data at the network header
 * @key:   what identifies the packets of its direction
 * @popped: headers that were taken off it, or NULL
 * @thoff: offset of the layer 4 header from the network header
 * @epoch: nfo_epoch() when it came in
 *
 * Context: softirq.
 */
void nfo_note_take(const struct nfo_table *t, const struct sk_buff *skb,
		   const struct nfo_key *key, const struct nfo_encap_popped *popped,
		   unsigned int thoff, u32 epoch)
{
	struct nfo_note_cpu *c = nfo_note_lock();
	struct nfo_note *n = nfo_note_slot(c, t, key->saddr, key->daddr, key->sport, key->dport,
					   popped && popped->tunnel);
	bool mixed = nfo_note_differs(n, t, skb, key);

	n->t = NULL;
	if (!nfo_note_check(skb, thoff, key->l4proto, &n->check))
		goto out;
	if (key->l4proto == IPPROTO_TCP)
		n->tcp = nfo_note_tcp(skb, thoff);
	if (!nfo_l4_is_main(key->l4proto) && skb_copy_bits(skb, thoff, n->l4, sizeof(n->l4)))
		memset(n->l4, 0, sizeof(n->l4));
	n->has_body = nfo_l4_is_main(key->l4proto) &&
		      (skb->ip_summed == CHECKSUM_PARTIAL || !n->check);
	if (n->has_body)
		n->body = nfo_note_body(skb, thoff, key->l4proto);
	n->id = key->family == NFPROTO_IPV4 ? ip_hdr(skb)->id : 0;
	n->t = t;
	n->at = ++c->taken;
	n->mixed = mixed;
	n->epoch = epoch;
	nfo_note_fill(n, skb, key, popped);
out:
	nfo_note_unlock(c);
}

/**
 * nfo_permit() - `flow add` matched a packet
 * @t:   flowtable
 * @skb: packet in the forward hook
 * @ct:  its connection, which may be promoted
 *
 * Context: any, rcu_read_lock(). A table that goes advances nfo_tables_gen before it waits for
 * an RCU grace period, so that a permit outlives its table by its bytes only. One number serves
 * all namespaces: two of their own may be alike.
 */
void nfo_permit(struct nfo_table *t, const struct sk_buff *skb, const struct nf_conn *ct)
{
	struct nfo_note_cpu *c = nfo_note_lock();

	c->permit = (struct nfo_permit) {
		.skb	= skb,
		.ct	= ct,
		.t	= t,
		.gen	= atomic_read(&nfo_tables_gen),
	};
	nfo_note_unlock(c);
}

/**
 * nfo_permitted() - did `flow add` match a packet?
 * @nn:  namespace
 * @skb: packet at the end of POSTROUTING
 * @ct:  its connection
 *
 * Context: any, rcu_read_lock(). A permit is good for one call.
 *
 * Return: the table that the connection may be promoted to, or NULL.
 */
struct nfo_table *nfo_permitted(const struct nfo_net *nn, const struct sk_buff *skb,
				const struct nf_conn *ct)
{
	struct nfo_note_cpu *c = nfo_note_lock();
	struct nfo_permit p = c->permit;

	if (p.skb == skb)
		c->permit.skb = NULL;
	nfo_note_unlock(c);
	/* The same address may be that of another namespace's packet, long after. */
	if (p.skb != skb || p.ct != ct || p.gen != atomic_read(&nfo_tables_gen))
		return NULL;
	return p.t->nn == nn ? p.t : NULL;
}

/* Return: of packets that came in as a tuple says, in a tunnel or without one, the later note. */
static const struct nfo_note *nfo_note_of(struct nfo_note_cpu *c, const struct nfo_table *t,
					  const struct nf_conntrack_tuple *tuple)
{
	bool v6 = tuple->src.l3num == NFPROTO_IPV6;
	__be32 saddr = v6 ? nfo_fold6(&tuple->src.u3.in6) : tuple->src.u3.ip;
	__be32 daddr = v6 ? nfo_fold6(&tuple->dst.u3.in6) : tuple->dst.u3.ip;
	const struct nfo_note *n, *latest = NULL;
	int inner;

	for (inner = 0; inner < 2; inner++) {
		n = nfo_note_slot(c, t, saddr, daddr, tuple->src.u.all, tuple->dst.u.all, inner);
		if (n->t != t || n->key.saddr != saddr || n->key.daddr != daddr ||
		    n->key.sport != tuple->src.u.all || n->key.dport != tuple->dst.u.all ||
		    n->key.l4proto != tuple->dst.protonum || n->key.family != tuple->src.l3num)
			continue;
		if (!latest || (s32)(n->at - latest->at) > 0)
			latest = n;
	}

	return latest;
}

/* Return: false when the note may be another packet's. */
static bool nfo_note_is_of(const struct nfo_note *n, const struct sk_buff *skb)
{
	if (n->len != nfo_skb_len(skb, n->key.family))
		return false;
	if (n->skb == skb || n->head == skb->head)
		return true;
	/* A copy of the packet, or another one of the same direction. A layer 4 checksum that
	 * is consistent will tell; one that is yet to be made, or none, does not, and then it
	 * has to be all the same.
	 */
	return !n->mixed && !((n->look.tos ^ nfo_skb_tos(skb, n->key.family)) & INET_ECN_MASK);
}

/**
 * nfo_note_find() - what a packet looked like when it came in
 * @t:     flowtable whose hook saw it
 * @skb:   packet at the end of POSTROUTING
 * @tuple: conntrack's, of the packet's direction
 * @note:  filled: packets that come in meanwhile write to the CPU's own
 *
 * Context: any. Return: false without a note, or when it may be another packet's.
 */
bool nfo_note_find(const struct nfo_table *t, const struct sk_buff *skb,
		   const struct nf_conntrack_tuple *tuple, struct nfo_note *note)
{
	struct nfo_note_cpu *c = nfo_note_lock();
	const struct nfo_note *n = nfo_note_of(c, t, tuple);
	bool found = n && nfo_note_is_of(n, skb);

	if (found)
		*note = *n;
	nfo_note_unlock(c);

	return found;
}

/**
 * nfo_note_init() - memory for notes and permits. Return: 0 or -ENOMEM.
 */
int __init nfo_note_init(void)
{
	int cpu;

	nfo_note_cpus = alloc_percpu(struct nfo_note_cpu);
	if (!nfo_note_cpus)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		spin_lock_init(&per_cpu_ptr(nfo_note_cpus, cpu)->lock);

	return 0;
}

/**
 * nfo_note_exit() - undo nfo_note_init(); no hook takes notes any more
 */
void nfo_note_exit(void)
{
	free_percpu(nfo_note_cpus);
}
