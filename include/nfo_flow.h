/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flow is one connection in the fast path. It has two entries, one for each direction; an
 * entry is all that a packet of that direction needs.
 */
#ifndef _NFO_FLOW_H
#define _NFO_FLOW_H

#include <linux/in6.h>
#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <net/netfilter/nf_conntrack.h>

#include "nfo_compat.h"
#include "nfo_key.h"
#include "nfo_net.h"
#include "nfo_refs.h"

/* The value of nfo_entry_counts() has packets in bit 40 and above, bytes below it. */
#define NFO_COUNT_PACKET	BIT_ULL(40)
#define NFO_COUNT_BYTES		(NFO_COUNT_PACKET - 1)

/* struct nfo_entry::flags, fixed before the entry is published */
#define NFO_E_REPLY	BIT(0)	/* the connection's reply direction */
#define NFO_E_NAT	BIT(1)	/* addresses or ports are rewritten */
#define NFO_E_KEEP_DST	BIT(2)	/* the output device wants skb_dst() */
#define NFO_E_HEADER	BIT(3)	/* the output device has an Ethernet header: nfo_route_refs::hh */
#define NFO_E_IN_DEST	BIT(4)	/* frames come for nfo_route_refs::in_dest, not for the device */
#define NFO_E_PRIO_TOS	BIT(5)	/* forwarding gives packets the priority of their TOS */
#define NFO_E_LABEL	BIT(6)	/* holds for packets with the IPv6 flow label @label only */
#define NFO_E_LOWER	BIT(7)	/* nfo_route_refs::in is not the listed device */
#define NFO_E_ACCT	BIT(8)	/* conntrack counts the packets of the connection */
#define NFO_E_CT_MARK	BIT(9)	/* the connection's mark or labels matter, and may change */
#define NFO_E_ORIGIN	BIT(10)	/* zones are in use: packets must come from nfo_extra::origin */
#define NFO_E_EXTRA	BIT(11)	/* tunnels, IPsec, many headers: nfo_route_refs::extra */
#define NFO_E_TIMEOUT	BIT(12)	/* conntrack has a timeout policy for the connection */
#define NFO_E_SHOW_CT	BIT(13)	/* a qdisc or filter may look at the conntrack entry */
#define NFO_E_IN_SOURCE	BIT(14)	/* PPPoE: frames must come from nfo_route_refs::in_source */
#define NFO_E_LABELS	BIT(15)	/* the connection has room for labels: @ct_mark includes them */

/* Flags that few directions have, in two groups, so that packets of all other directions pay for
 * two tests. NFO_E_FRAME is for checks of the Ethernet header, NFO_E_RARE for checks that follow
 * those of the IP and layer 4 headers.
 */
#define NFO_E_FRAME	(NFO_E_IN_DEST | NFO_E_IN_SOURCE | NFO_E_ORIGIN)
#define NFO_E_RARE	(NFO_E_LABEL | NFO_E_LOWER | NFO_E_CT_MARK | NFO_E_EXTRA | NFO_E_SHOW_CT)

/* struct nfo_entry::fields, see nf_flow_offload_fields.c */
#define NFO_FIELD_MARK		BIT(0)	/* skb->mark becomes @mark */
#define NFO_FIELD_PRIORITY	BIT(1)	/* skb->priority becomes @priority */
#define NFO_FIELD_DSCP		BIT(2)	/* the DSCP becomes @dscp */
#define NFO_FIELD_TTL		BIT(3)	/* the TTL becomes @ttl_out */
#define NFO_FIELDS		GENMASK(3, 0)
#define NFO_FIELD_SETTLED	4	/* shift of the bits that say which fields are settled */

/* Beside NFO_FIELD_* in nfo_net::rules_by and nfo_route_refs::given: the ECN bits of the IP header,
 * which no entry fixes.
 */
#define NFO_BY_ECN		BIT(4)
/* Of nfo_recheck_by(): the rules of the latest commit were not scanned yet. */
#define NFO_BY_UNSEEN		BIT(5)
/* Of nfo_net::rules_by: the flow label of IPv6. An entry that depends on it has NFO_E_LABEL. */
#define NFO_BY_LABEL		BIT(6)
/* Likewise: the mark or the labels of the connection, also while they are 0. An entry that depends
 * on them has NFO_E_CT_MARK.
 */
#define NFO_BY_CT_MARK		BIT(7)

/**
 * struct nfo_entry - one direction of a flow, laid out for the packet path
 *
 *  line 0  identity, and where to               line 1  what becomes of the packet
 *  0  node     8  hash chain               64  saddr,daddr  8  new addresses
 *  8  refs     8  devices, link-layer      72  sport,dport  4  new ports
 *                 header, route            76  addr_delta,l4_delta,ip_delta  6
 *  16 key     24  struct nfo_key           82  win      2  TCP: last window, unscaled
 *  40 ct       8  its conntrack entry      84  ttl_in,ttl_out,dscp,fields  4
 *  48 epoch    4  nfo_net's when last true 88  used     4  jiffies of last packet
 *  52 mark     4  of packets that leave    92  ack,end  8  TCP: highest seen
 *  56 priority 4  of packets that leave    100 ct_mark  4  conntrack's when it was learned
 *  60 mtu      2  largest IP packet        104 counts   8  packets and bytes
 *  62 flags    2  NFO_E_*                  112 packets,bytes  16  what was counted before
 *
 * An IPv4 packet touches these two lines, the hash bucket and @refs, an object that directions
 * share; an IPv6 packet also its addresses in struct nfo_addr6. One more line is the status of the
 * conntrack entry, which each packet reads so that `conntrack -D` acts on the next packet.
 *
 * The packet path writes @epoch, @used, @ack, @end and @win each as a whole, and of two packets
 * that write at the same time either value is good; @mtu under nfo_flow_lock(); and @counts, which
 * is atomic and added to the totals @packets and @bytes twice a second. The packet that holds
 * NFO_F_LEARNING writes @refs, @mtu, @ct_mark and @epoch in nfo_route_renew(), and @fields and the
 * values of fields that are not fixed in nf_flow_offload_fields.c. Everything else is constant from
 * publication to the end of the RCU grace period after removal. The flow has a reference of @ct
 * and of @refs. The totals go on when a direction is forgotten and learned anew.
 */
struct nfo_entry {
	struct rhash_head	node;
	struct nfo_route_refs	*refs;
	struct nfo_key		key;
	struct nf_conn		*ct;
	u32			epoch;
	u32			mark;
	u32			priority;
	u16			mtu;
	u16			flags;

	__be32			saddr __aligned(64);
	union {
		__be32		daddr;	/* IPv4 */
		u32		label;	/* IPv6, NFO_E_LABEL */
	};
	__be16			sport;
	__be16			dport;
	u16			addr_delta;
	u16			l4_delta;
	u16			ip_delta;
	u16			win;
	u8			ttl_in;
	u8			ttl_out;
	u8			dscp;
	u8			fields;
	u32			used;
	u32			ack;
	u32			end;
	u32			ct_mark;
#ifdef CONFIG_64BIT
	atomic64_t		counts;
#else
	struct {
		atomic_t	packets;
		atomic_t	bytes;
	} counts;
#endif
	atomic64_t		packets;
	atomic64_t		bytes;
} __aligned(64);

/* The part of an entry that is copied from a lesson; @refs is published by itself. */
#define NFO_E_LESSON_FROM	offsetof(struct nfo_entry, key)
#define NFO_E_LESSON_TO		offsetof(struct nfo_entry, packets)

/**
 * struct nfo_addr6 - the IPv6 addresses of one direction, in one cache line
 * @saddr: source address that packets arrive with
 * @daddr: destination address that packets arrive with
 * @new_saddr: source address that packets leave with
 * @new_daddr: destination address that packets leave with
 *
 * Constant while the direction is known, as its entry is.
 */
struct nfo_addr6 {
	struct in6_addr		saddr;
	struct in6_addr		daddr;
	struct in6_addr		new_saddr;
	struct in6_addr		new_daddr;
};

struct nfo_dev;
struct nfo_table;

/**
 * enum nfo_hw_state - where a flow stands with the hardware
 * @NFO_HW_SOFT:     the flow has no rule in hardware or on the way there
 * @NFO_HW_QUEUED:   its rules are being added
 * @NFO_HW_LIVE:     all directions of nfo_hw_flow::want are in hardware
 * @NFO_HW_RETIRING: its rules are being deleted
 */
enum nfo_hw_state {
	NFO_HW_SOFT,
	NFO_HW_QUEUED,
	NFO_HW_LIVE,
	NFO_HW_RETIRING,
};

/**
 * enum nfo_hw_rule_state - where one direction's rule stands
 * @NFO_RULE_NONE:     the driver does not have it
 * @NFO_RULE_WAITING:  in nfo_hw_queue::add or nfo_hw_queue::back
 * @NFO_RULE_ADDING:   the driver is being asked
 * @NFO_RULE_IN:       in hardware, and in nfo_hw_queue::live
 * @NFO_RULE_LEAVING:  in nfo_hw_queue::del, nfo_hw_queue::stale or nfo_hw_queue::stuck
 * @NFO_RULE_DELETING: the driver is being told
 */
enum nfo_hw_rule_state {
	NFO_RULE_NONE,
	NFO_RULE_WAITING,
	NFO_RULE_ADDING,
	NFO_RULE_IN,
	NFO_RULE_LEAVING,
	NFO_RULE_DELETING,
};

/**
 * struct nfo_hw_rule - one direction's side of the hardware
 * @node:  in one of the lists of the device's queue
 * @dev:   device whose driver has or gets the rule; it stays bound because nfo_dev::users counts
 *         this rule; NULL when the direction is not meant to be in hardware
 * @state: enum nfo_hw_rule_state
 * @dir:   enum ip_conntrack_dir
 * @read:  jiffies when the driver last told how much the rule was used; at first, when the rule
 *         was added. Written by the worker of the device's queue
 * @owes:  the ruleset changed after a packet of the direction last passed all of it; written
 *         and read by that worker
 * @narrow: the rule matches the DSCP of the packet that taught the direction, because it was not
 *         known what the ruleset does to packets with another DSCP; likewise
 *
 * Protected by nfo_hw::lock. The ageing wheel reads @state and @read without it.
 */
struct nfo_hw_rule {
	struct list_head	node;
	struct nfo_dev		*dev;
	u8			state;
	u8			dir;
	bool			owes;
	bool			narrow;
	u32			read;
};

/**
 * struct nfo_hw_flow - a flow's side of the hardware
 * @flow:  the flow; constant
 * @rule:  by direction
 * @state: enum nfo_hw_state
 * @want:  directions meant to be in hardware, bit by enum ip_conntrack_dir
 * @evict: the rules are to be deleted, and the flow goes on in software
 * @returns: the flow left the hardware, or is about to, because a rule was not true any more; its
 *         rules go before those of other flows until they are back or a driver refuses one
 * @reason: what kept the flow, or one of its directions, out of hardware when it last asked for a
 *         place; NFO_R_NONE when nothing did. A reason is counted when @reason becomes it
 * @round: nfo_hw_queue::round when a chip last had no room for the flow; 0: that never happened
 * @crowded: a chip that has held more rules refused the flow, so the flow's bucket of the chip's
 *         table is full; false when the chip's size is not known any more
 * @has_ended: the flow has ended, but a driver did not delete a rule of it; @ended is valid
 * @ended: get_state_synchronize_rcu() when the flow had ended
 * @rate:  packets per second, both directions, by the last measurement
 * @at:    jiffies of the last measurement; of promotion before the first one
 * @seen:  packets of both directions at @at
 * @origin: by direction, where packets come from; written when the direction is learned, then
 *         constant while it is known
 *
 * Protected by nfo_hw::lock; the states are read without it for display. Flows of a table
 * without `flags offload` have none of their own, see nfo_flow_hw().
 */
struct nfo_hw_flow {
	struct nfo_flow		*flow;
	struct nfo_hw_rule	rule[IP_CT_DIR_MAX];
	u8			state;
	u8			want;
	bool			evict;
	bool			returns;
	u8			reason;
	u8			round;
	bool			crowded;
	bool			has_ended;
	unsigned long		ended;
	u32			rate;
	u32			at;
	u64			seen;
	struct nfo_origin	origin[IP_CT_DIR_MAX];
};

/* struct nfo_flow::state, bit numbers for atomic bit operations. A bit of the original direction
 * is followed by the same bit of the reply direction.
 */
#define NFO_F_DEAD	0	/* retired: the caller that set this bit does the rest */
#define NFO_F_BEGUN	1	/* nfo_flow_begin() has published the flow */
#define NFO_F_LEARNING	2	/* + direction: one packet may teach or forget it */
#define NFO_F_LEARNED	4	/* + direction: its entry is published */
#define NFO_F_FORGETTING	6	/* + direction: packets may still use its entry */
#define NFO_F_HARDWARE	8	/* hardware has forwarded packets of the flow */
#define NFO_F_REPLY_LEADS	9	/* walks meet the flow at its reply direction */
#define NFO_F_WAITING	10	/* + direction: nfo_flow::rcu waits for its last packets */
#define NFO_F_NEXT	12	/* + direction: needs another grace period after that */
#define NFO_F_LIBERAL	14	/* + direction: conntrack did not check its window before */
#define NFO_F_V6	16	/* the flow has nfo_flow::a6; constant */
#define NFO_F_HAS_HW	17	/* the flow has a struct nfo_hw_flow; constant */
/* + NFO_AWAY * direction: a bit for each of the last packets that came another way, see
 * nfo_flow_has_left()
 */
#define NFO_F_AWAY	18
#define NFO_AWAY	6

/**
 * struct nfo_flow - one connection in the fast path
 * @e:      its two directions, indexed by enum ip_conntrack_dir
 * @ct:     conntrack entry, one reference; constant. It is e[0].ct under a name that
 *          nfo_net::by_ct can use as its key
 * @table:  the flowtable that the flow is in, which outlives the flow; constant
 * @state:  NFO_F_* bits, atomic
 * @ct_node: in nfo_net::by_ct
 * @wheel:  place in the table's ageing wheel, protected by the wheel's lock
 * @added:  nfo_flow_clock() of promotion; constant
 * @refs:   one for being published, one while the hardware has the flow, one for each
 *          direction that is being forgotten or taught
 * @rcu:    ends NFO_F_FORGETTING of directions, and at last frees the flow
 * @a6:     IPv6 only: addresses of the two directions. What follows is the struct
 *          nfo_hw_flow, see nfo_flow_hw()
 *
 * A flow begins with the first direction that was learned; nothing is known of the other
 * one until a packet of its own teaches it. nfo_flow_retire() takes the flow out of the hash
 * tables and off the wheel and drops the reference of the published flow. After the last reference
 * an RCU callback drops what the flow holds and frees it. A reader without a reference uses a flow
 * under rcu_read_lock() only.
 */
struct nfo_flow {
	union {
		struct nfo_entry	e[IP_CT_DIR_MAX];
		struct {
			u8		before_ct[offsetof(struct nfo_entry, ct)];
			struct nf_conn	*ct;
		};
	};

	struct nfo_table	*table;
	unsigned long		state;
	struct rhash_head	ct_node;
	struct list_head	wheel;
	u32			added;
	refcount_t		refs;
	struct rcu_head		rcu;
	struct nfo_addr6	a6[] __aligned(64);
};

static inline enum ip_conntrack_dir nfo_dir(const struct nfo_entry *e)
{
	return e->flags & NFO_E_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
}

static inline struct nfo_flow *nfo_flow(const struct nfo_entry *e)
{
	return container_of(e - nfo_dir(e), struct nfo_flow, e[0]);
}

/**
 * nfo_flow_refs() - what a direction of a flow rests on
 * @f:   flow
 * @dir: direction
 *
 * Context: rcu_read_lock(), or NFO_F_LEARNING of the direction.
 *
 * Return: never NULL; nfo_route_refs_none when the direction was never learned. While the direction
 * is known, a lesson may replace the object by one with the same devices, headers and next hop.
 */
static inline struct nfo_route_refs *nfo_flow_refs(const struct nfo_flow *f,
						   enum ip_conntrack_dir dir)
{
	return READ_ONCE(f->e[dir].refs);
}

/* As nfo_flow_refs(), for the direction of an entry. */
static inline struct nfo_route_refs *nfo_entry_refs(const struct nfo_entry *e)
{
	return READ_ONCE(e->refs);
}

/* The next hop's Ethernet address, by which a bridge chooses its port; NULL for a direction
 * without a header. @refs: what the entry rests on, or is about to.
 */
static inline const u8 *nfo_entry_h_dest(const struct nfo_entry *e,
					 const struct nfo_route_refs *refs)
{
	return e->flags & NFO_E_HEADER ? ((const struct ethhdr *)refs->hh)->h_dest : NULL;
}

/* Not NULL for an entry with NFO_E_EXTRA or NFO_E_ORIGIN. */
static inline struct nfo_extra *nfo_entry_extra(const struct nfo_entry *e)
{
	return nfo_entry_refs(e)->extra;
}

static inline struct nfo_addr6 *nfo_addr6(const struct nfo_entry *e)
{
	return &nfo_flow(e)->a6[nfo_dir(e)];
}

static inline bool nfo_flow_is_v6(const struct nfo_flow *f)
{
	return test_bit(NFO_F_V6, &f->state);
}

static inline bool nfo_flow_learned(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	return test_bit(NFO_F_LEARNED + dir, &f->state);
}

/* One direction is learned, the other one is not. */
static inline bool nfo_flow_is_oneway(const struct nfo_flow *f)
{
	return nfo_flow_learned(f, IP_CT_DIR_ORIGINAL) != nfo_flow_learned(f, IP_CT_DIR_REPLY);
}

/* Counting a packet is one atomic operation. On 32-bit machines atomic64_t would take a hashed
 * spinlock, so there it is two operations on 32 bits.
 */
#ifdef CONFIG_64BIT
static inline void nfo_entry_count(struct nfo_entry *e, unsigned int len)
{
	atomic64_add(NFO_COUNT_PACKET + len, &e->counts);
}

static inline u64 nfo_entry_counts(const struct nfo_entry *e)
{
	return atomic64_read(&e->counts);
}

static inline u64 nfo_entry_counts_take(struct nfo_entry *e)
{
	return atomic64_xchg(&e->counts, 0);
}
#else
static inline void nfo_entry_count(struct nfo_entry *e, unsigned int len)
{
	atomic_inc(&e->counts.packets);
	atomic_add(len, &e->counts.bytes);
}

static inline u64 nfo_entry_counts(const struct nfo_entry *e)
{
	return (u32)atomic_read(&e->counts.packets) * NFO_COUNT_PACKET +
	       (u32)atomic_read(&e->counts.bytes);
}

static inline u64 nfo_entry_counts_take(struct nfo_entry *e)
{
	return (u32)atomic_xchg(&e->counts.packets, 0) * NFO_COUNT_PACKET +
	       (u32)atomic_xchg(&e->counts.bytes, 0);
}
#endif

/* Move what an entry has counted to the totals. Return: what was moved, as nfo_entry_counts(). */
static inline u64 nfo_flow_count(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	u64 counts = nfo_entry_counts_take(&f->e[dir]);

	atomic64_add(counts / NFO_COUNT_PACKET, &f->e[dir].packets);
	atomic64_add(counts & NFO_COUNT_BYTES, &f->e[dir].bytes);

	return counts;
}

/* Set @src and @dst to the first 32 bits, big endian, of the addresses whose routes an entry rests
 * on: the destination after NAT, and the source, for its reverse path may be checked. The family is
 * the key's, because the line of the flow that says it as well is cold twice a second. A direction
 * that is not known may have none, and rests on no route. Return: NFPROTO_IPV4 or NFPROTO_IPV6.
 */
static inline u8 nfo_entry_routed(const struct nfo_entry *e, __be32 *src, __be32 *dst)
{
	if (e->key.family == NFPROTO_IPV6) {
		*src = nfo_addr6(e)->saddr.s6_addr32[0];
		*dst = nfo_addr6(e)->new_daddr.s6_addr32[0];
		return NFPROTO_IPV6;
	}
	*src = e->key.saddr;
	*dst = e->daddr;

	return NFPROTO_IPV4;
}

/* Called before @used of an entry is written, and after an entry was learned, so that changes of
 * its routes move nfo_net::concerned; see nfo_net_watch().
 */
static inline void nfo_entry_watch(struct nfo_net *nn, const struct nfo_entry *e)
{
	__be32 src, dst;
	u8 family = nfo_entry_routed(e, &src, &dst);

	nfo_net_watch(nn, family, src, dst);
}

/* Has nothing changed since the entry's epoch that may concern an entry in use? If so, its packets
 * need not look at the journal.
 */
static inline bool nfo_entry_is_current(const struct nfo_net *nn, const struct nfo_entry *e)
{
	return READ_ONCE(e->epoch) - READ_ONCE(nn->concerned) < NFO_UNCONCERNED;
}

/* Make an entry stale until it has learned again, whatever the journal says. @epoch: the latest
 * one; the entry gets one so old that nfo_route_changed() reads no change.
 */
static inline void nfo_entry_make_stale(struct nfo_entry *e, u32 epoch)
{
	WRITE_ONCE(e->epoch, epoch - 2 * NFO_JOURNAL_ALL);
}

static inline u64 nfo_flow_packets(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	return atomic64_read(&f->e[dir].packets) +
	       nfo_entry_counts(&f->e[dir]) / NFO_COUNT_PACKET;
}

static inline u64 nfo_flow_bytes(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	return atomic64_read(&f->e[dir].bytes) +
	       (nfo_entry_counts(&f->e[dir]) & NFO_COUNT_BYTES);
}

/* A clock of 32 bits for the age of flows. Milliseconds would wrap around after seven weeks, this
 * clock does after eight years.
 */
#define NFO_FLOW_CLOCK	6	/* a shift: 64 ms */

static inline u32 nfo_flow_clock(void)
{
	return jiffies64_to_msecs(get_jiffies_64()) >> NFO_FLOW_CLOCK;
}

static inline u64 nfo_flow_age_ms(const struct nfo_flow *f)
{
	return (u64)(u32)(nfo_flow_clock() - f->added) << NFO_FLOW_CLOCK;
}

#endif /* _NFO_FLOW_H */
