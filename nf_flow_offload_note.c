// SPDX-License-Identifier: GPL-2.0
/*
 * What a CPU remembers of the packets that it works on: notes of packets that came in and take the
 * classic path, the permit of the last packet that `flow add` matched, and how many answers it
 * matched lately of connections that have no flow.
 */
#include <linux/etherdevice.h>
#include <linux/hash.h>
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

/* How many notes have a place. A NAPI poll hands over a list of up to 64 packets, and an ingress
 * hook sees all of them before the first one is at the end of POSTROUTING.
 */
#define NFO_NOTES	128

/* A packet in a tunnel is noted twice, by its own addresses and by the tunnel's, because the hook
 * does not know whether the tunnel ends here. In a single array both notes of a packet could have
 * the same place, and the connection inside would never learn. So there are two arrays.
 */
#define NFO_NOTES_INNER	32

/* Answers are counted by a hash of their connection. A CPU forgets all of its counts after
 * NFO_ANSWERS_KEPT answers, so that few connections share a count.
 */
#define NFO_ANSWER_BITS		12
#define NFO_ANSWERS_KEPT	512

/**
 * struct nfo_permit - the last packet that `flow add` matched
 * @skb: packet; compared, never followed
 * @ct:  its connection; compared, never followed
 * @t:   flowtable; valid while @gen is nfo_tables_gen
 * @gen: nfo_tables_gen when `flow add` matched
 */
struct nfo_permit {
	const struct sk_buff	*skb;
	const struct nf_conn	*ct;
	struct nfo_table	*t;
	int			gen;
};

/**
 * struct nfo_note_cpu - what a CPU remembers of the packets that it works on
 * @lock:   protects the rest
 * @permit: of the last packet that `flow add` matched
 * @taken:  counts notes
 * @asked:  jiffies at which this CPU last looked through the notes of others
 * @asks:   how often it has done so since
 * @note:   notes of packets that came in, by a hash of their addresses and ports
 * @inner:  notes of packets that came in a tunnel, by the addresses and ports inside
 * @answered: how many answers were counted since all counts were forgotten
 * @answers: counts of answers, by a hash of the connection
 *
 * Written on its own CPU only, under nfo_note_lock(). Other CPUs read notes, see
 * nfo_note_elsewhere(). Allocated, because modules have little room for static data of each CPU.
 */
struct nfo_note_cpu {
	spinlock_t		lock;	/* the rest */
	struct nfo_permit	permit;
	u32			taken;
	unsigned long		asked;
	unsigned int		asks;
	struct nfo_note		note[NFO_NOTES];
	struct nfo_note		inner[NFO_NOTES_INNER];
	unsigned int		answered;
	u8			answers[1 << NFO_ANSWER_BITS];
};

static struct nfo_note_cpu __percpu *nfo_note_cpus __read_mostly;

/* Kernels with lock debugging warn when the caller may be preempted or moved to another CPU. */
static struct nfo_note_cpu *nfo_note_this_cpu(void)
{
	WARN_ON_ONCE(IS_ENABLED(CONFIG_PROVE_LOCKING) && !in_softirq());

	return this_cpu_ptr(nfo_note_cpus);
}

/* Keep other packets of this CPU out until nfo_note_unlock(). Softirqs are disabled because hooks
 * run in process context as well, for packets that the router itself sends and for those that a
 * program of nfqueue gives back. The lock keeps out CPUs that look through the notes of others,
 * and with PREEMPT_RT this CPU's own code: from 6.18 on, code that runs with softirqs disabled is
 * preempted by other such code.
 */
static struct nfo_note_cpu *nfo_note_lock(void)
	__acquires(nfo_note_cpus)
{
	struct nfo_note_cpu *c;

	local_bh_disable();
	c = nfo_note_this_cpu();
	spin_lock(&c->lock);

	return c;
}

static void nfo_note_unlock(struct nfo_note_cpu *c)
	__releases(nfo_note_cpus)
{
	spin_unlock(&c->lock);
	local_bh_enable();
}

/* The hash leaves out device and encapsulation, because nfo_note_find() does not know them. */
static u32 nfo_note_hash(const struct nfo_table *t, __be32 saddr, __be32 daddr, __be16 sport,
			 __be16 dport)
{
	return jhash_3words((__force u32)saddr, (__force u32)daddr,
			    (__force u32)sport << 16 | (__force u32)dport, (u32)(unsigned long)t);
}

/* A note has one of these places. */
#define NFO_NOTE_PLACES	3

static struct nfo_note *nfo_note_slot(struct nfo_note_cpu *c, u32 hash, int place, bool inner)
{
	hash += place;

	return inner ? &c->inner[hash % NFO_NOTES_INNER] : &c->note[hash % NFO_NOTES];
}

static bool nfo_note_has(const struct nfo_note *n, __be32 saddr, __be32 daddr, __be16 sport,
			 __be16 dport)
{
	return n->key.saddr == saddr && n->key.daddr == daddr &&
	       n->key.sport == sport && n->key.dport == dport;
}

/* Is a note of this very packet, taken for another table? */
static bool nfo_note_is_others(const struct nfo_note *n, const struct nfo_table *t,
			       const struct sk_buff *skb, const struct nfo_key *key)
{
	return n->t && n->t != t && n->skb == skb &&
	       nfo_note_has(n, key->saddr, key->daddr, key->sport, key->dport);
}

/* Where several flowtables list a device, each takes a note of the packet. The hashes of two tables
 * may name the same place for each packet of a direction, so the note of another table is left.
 */
static struct nfo_note *nfo_note_place(struct nfo_note_cpu *c, const struct nfo_table *t,
				       const struct sk_buff *skb, const struct nfo_key *key,
				       bool inner)
{
	u32 hash = nfo_note_hash(t, key->saddr, key->daddr, key->sport, key->dport);
	struct nfo_note *n;
	int place = 0;

	do {
		n = nfo_note_slot(c, hash, place, inner);
	} while (nfo_note_is_others(n, t, skb, key) && ++place < NFO_NOTE_PLACES);

	return n;
}

/**
 * nfo_note_check() - a number that shows whether a packet's payload changes
 * @skb:     packet
 * @offset:  of the layer 4 header from skb->data
 * @l4proto: IPPROTO_* of that header
 * @check:   set to the header's checksum field; for other protocols than TCP and UDP to a sum of
 *           the payload
 *
 * Context: any. Return: false when the packet is too short.
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
 * nfo_note_tcp() - a sum that shows whether a TCP header changes
 * @skb:    packet
 * @offset: of the TCP header from skb->data
 *
 * Rules may rewrite TCP options. While a packet's checksum is yet to be made, its checksum field
 * does not show that. Context: any.
 *
 * Return: sum of the header without its ports and checksum; 0 when the packet is too short.
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

/* Bytes after which rules cannot write: their offset into the packet has eight bits. */
#define NFO_NOTE_BODY	288

/**
 * nfo_note_body() - a sum that shows whether the payload changes, where the checksum does not
 * @skb:    packet whose checksum is yet to be made, or that has none
 * @offset: of the layer 4 header from skb->data
 * @l4proto: IPPROTO_TCP or IPPROTO_UDP
 *
 * Context: any.
 *
 * Return: sum of what follows the checksum of UDP, or the header of TCP, as far as rules reach.
 */
__sum16 nfo_note_body(const struct sk_buff *skb, unsigned int offset, u8 l4proto)
{
	/* nfo_note_tcp() sums up the header of TCP; its options are in both sums. */
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

/* Is the note of a packet of the same direction that differs in something that is learned? */
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

/* Fill in what nfo_note_take() has not yet: all but what depends on layer 4. */
static void nfo_note_fill(struct nfo_note *n, const struct sk_buff *skb,
			  const struct nfo_key *key, const struct nfo_encap_popped *popped)
{
	n->skb = skb;
	n->head = skb->head;
	n->key = *key;
	n->look = nfo_skb_look(skb, key->family);
	n->len = nfo_skb_len(skb, key->family);
	n->label = nfo_skb_label(skb, key->family);
	/* A GRE device without a remote address has its own header in place of Ethernet's, and that
	 * header differs from packet to packet.
	 */
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
 * @epoch: nfo_epoch() when the packet came in
 *
 * The note replaces one that has the same place. Context: softirq.
 */
void nfo_note_take(const struct nfo_table *t, const struct sk_buff *skb,
		   const struct nfo_key *key, const struct nfo_encap_popped *popped,
		   unsigned int thoff, u32 epoch)
{
	struct nfo_note_cpu *c = nfo_note_lock();
	struct nfo_note *n = nfo_note_place(c, t, skb, key, popped && popped->tunnel);
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
	n->when = jiffies;
	n->mixed = mixed;
	n->epoch = epoch;
	nfo_note_fill(n, skb, key, popped);
out:
	nfo_note_unlock(c);
}

/**
 * nfo_permit() - remember that `flow add` matched a packet
 * @t:   flowtable
 * @skb: packet in the forward hook
 * @ct:  its connection, which may be promoted
 *
 * Context: any, rcu_read_lock(). When a table is deleted, nfo_table_drain() advances nfo_tables_gen
 * before it waits for an RCU grace period, so nobody follows the pointer of an older permit.
 * The number is one for all namespaces, because numbers of two namespaces could be equal.
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
 * Context: any, rcu_read_lock(). The call uses the permit up.
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
	/* Long after, the skb's address may be that of a packet of another namespace. */
	if (p.skb != skb || p.ct != ct || p.gen != atomic_read(&nfo_tables_gen))
		return NULL;
	return p.t->nn == nn ? p.t : NULL;
}

/* A connection that has ended may have had the same address, but hardly the same ports too. */
static u32 nfo_answer_hash(const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *t = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	u32 ports = (__force u32)t->src.u.all << 16 | (__force u32)t->dst.u.all;

	return hash_32((u32)(unsigned long)ct ^ ports, NFO_ANSWER_BITS);
}

/**
 * nfo_note_answer() - count an answer: a packet of the reply direction of a connection without flow
 * @ct: the connection
 *
 * Context: any.
 *
 * Return: how many answers of the connection this CPU has counted, this one included. The count
 * is too high when another connection has the same hash, and too low when counts were forgotten
 * or other answers came to another CPU.
 */
unsigned int nfo_note_answer(const struct nf_conn *ct)
{
	struct nfo_note_cpu *c = nfo_note_lock();
	u8 *count = &c->answers[nfo_answer_hash(ct)];
	unsigned int answers;

	if (c->answered++ >= NFO_ANSWERS_KEPT) {
		memset(c->answers, 0, sizeof(c->answers));
		c->answered = 1;
	}
	if (*count < U8_MAX)
		++*count;
	answers = *count;
	nfo_note_unlock(c);

	return answers;
}

/* Return: the latest note of a packet with the addresses and ports of a tuple, in a tunnel or
 * without one; NULL without a note.
 */
static const struct nfo_note *nfo_note_of(struct nfo_note_cpu *c, const struct nfo_table *t,
					  const struct nf_conntrack_tuple *tuple)
{
	bool v6 = tuple->src.l3num == NFPROTO_IPV6;
	__be32 saddr = v6 ? nfo_fold6(&tuple->src.u3.in6) : tuple->src.u3.ip;
	__be32 daddr = v6 ? nfo_fold6(&tuple->dst.u3.in6) : tuple->dst.u3.ip;
	u32 hash = nfo_note_hash(t, saddr, daddr, tuple->src.u.all, tuple->dst.u.all);
	const struct nfo_note *n, *latest = NULL;
	int i;

	for (i = 0; i < 2 * NFO_NOTE_PLACES; i++) {
		n = nfo_note_slot(c, hash, i / 2, i % 2);
		if (n->t != t ||
		    !nfo_note_has(n, saddr, daddr, tuple->src.u.all, tuple->dst.u.all) ||
		    n->key.l4proto != tuple->dst.protonum || n->key.family != tuple->src.l3num)
			continue;
		if (!latest || (s32)(n->at - latest->at) > 0)
			latest = n;
	}

	return latest;
}

/* A packet is at the end of POSTROUTING long before its note is this old. */
static bool nfo_note_is_old(const struct nfo_note *n)
{
	return time_after(jiffies, n->when + HZ);
}

static bool nfo_note_is_same_skb(const struct nfo_note *n, const struct sk_buff *skb)
{
	return n->len == nfo_skb_len(skb, n->key.family) &&
	       (n->skb == skb || n->head == skb->head);
}

/* Return: false when the note may be another packet's. */
static bool nfo_note_is_of(const struct nfo_note *n, const struct sk_buff *skb)
{
	if (nfo_note_is_same_skb(n, skb))
		return true;
	/* If the note is old, the direction's packets come to another CPU by now. */
	if (n->len != nfo_skb_len(skb, n->key.family) || nfo_note_is_old(n))
		return false;
	/* @skb is a copy of the noted packet, or another packet of the direction. A full layer 4
	 * checksum tells them apart later; a checksum that is yet to be made, or none, does not.
	 * So the note counts only if it does not matter which packet it is of.
	 */
	return !n->mixed && !((n->look.tos ^ nfo_skb_tos(skb, n->key.family)) & INET_ECN_MASK);
}

/* How often in a jiffy a CPU may look through the notes of all others. */
#define NFO_NOTE_ASKS	16

/* May this CPU look through the notes of others? A packet that no listed device saw has no note
 * anywhere, and with many CPUs its search costs more than the rest of its way.
 */
static bool nfo_note_may_ask(struct nfo_note_cpu *c)
{
	unsigned long now = jiffies;

	if (c->asked != now) {
		c->asked = now;
		c->asks = 0;
	}

	return num_online_cpus() > 1 && c->asks++ < NFO_NOTE_ASKS;
}

/* Look for the note where another CPU took it. Receive packet steering asks again for each device
 * above the listed one (a bridge, a PPP session, a tunnel), so a packet may pass the ingress hook
 * on one CPU and the end of POSTROUTING on another. Only a note of this very skb counts. A CPU that
 * the direction's packets came to earlier may still have an old note of an skb at the same address,
 * so the latest is taken, and none when two are equally late.
 */
static bool nfo_note_elsewhere(const struct nfo_table *t, const struct sk_buff *skb,
			       const struct nf_conntrack_tuple *tuple, struct nfo_note *note)
{
	const struct nfo_note *n;
	struct nfo_note_cpu *c;
	bool found = false, sure = false;
	int cpu;

	for_each_online_cpu(cpu) {
		c = per_cpu_ptr(nfo_note_cpus, cpu);
		spin_lock_bh(&c->lock);
		n = nfo_note_of(c, t, tuple);
		if (n && nfo_note_is_same_skb(n, skb) && !nfo_note_is_old(n) &&
		    (!found || time_after_eq(n->when, note->when))) {
			sure = !found || n->when != note->when;
			found = true;
			*note = *n;
		}
		spin_unlock_bh(&c->lock);
	}

	return sure;
}

/**
 * nfo_note_find() - what a packet looked like when it came in
 * @t:     flowtable whose hook saw it
 * @skb:   packet at the end of POSTROUTING
 * @tuple: conntrack's, of the packet's direction
 * @note:  filled with a copy, because packets that come in meanwhile write to the CPU's notes
 *
 * Context: any. Return: false without a note, or when the note may be another packet's.
 */
bool nfo_note_find(const struct nfo_table *t, const struct sk_buff *skb,
		   const struct nf_conntrack_tuple *tuple, struct nfo_note *note)
{
	struct nfo_note_cpu *c = nfo_note_lock();
	const struct nfo_note *n = nfo_note_of(c, t, tuple);
	bool found = n && nfo_note_is_of(n, skb);
	bool ask = !found && nfo_note_may_ask(c);

	if (found)
		*note = *n;
	nfo_note_unlock(c);

	return found || (ask && nfo_note_elsewhere(t, skb, tuple, note));
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
 * nfo_note_exit() - undo nfo_note_init(). The caller knows that no hook takes notes any more.
 */
void nfo_note_exit(void)
{
	free_percpu(nfo_note_cpus);
}
