/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside nf_flow_offload: what the rooms share.
 *
 * A flow is one connection. It has two entries, one a direction; an entry is
 * all that a packet of that direction needs. Calls go down the list of rooms:
 * core, event, nft, ip -> route -> stack -> table -> ct.
 */
#ifndef _NFO_H
#define _NFO_H

#define NFO_VERSION "0.2.0"

#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/jhash.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <net/flow_offload.h>
#include <net/netns/generic.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_flow_table.h>
#include <linux/nf_flow_offload.h>

#include "nfo_compat.h"
#include "nfo_netlink_gen.h"
#include "nfo_pure.h"

/* Headers between Ethernet and IP. Those of a packet make up one byte, the
 * outermost in the lowest bits.
 */
enum nfo_encap_kind {
	NFO_ENCAP_NONE,
	NFO_ENCAP_8021Q,
	NFO_ENCAP_8021AD,
	NFO_ENCAP_PPPOE,
};

#define NFO_ENCAP_BITS	2
#define NFO_ENCAP_MASK	(BIT(NFO_ENCAP_BITS) - 1)
#define NFO_ENCAPS	2

/**
 * struct nfo_key - what identifies the packets of one direction
 * @saddr:  IPv4 source address; for IPv6 a hash of the source address
 * @daddr:  likewise the destination
 * @sport:  layer 4 source port
 * @dport:  layer 4 destination port
 * @iif:    index of the device whose ingress hook sees the packet
 * @encap:  VLAN or PPPoE session ids between Ethernet and IP, outermost first
 * @l4proto: IPPROTO_TCP or IPPROTO_UDP
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @kinds:  what @encap are, see enum nfo_encap_kind
 * @pad:    zero
 *
 * Addresses and ports are big endian, as on the wire. Compared as three
 * 64-bit words, hashed as six 32-bit ones: no hole may be left unset.
 */
struct nfo_key {
	__be32	saddr;
	__be32	daddr;
	__be16	sport;
	__be16	dport;
	u32	iif;
	__be16	encap[NFO_ENCAPS];
	u8	l4proto;
	u8	family;
	u8	kinds;
	u8	pad;
} __aligned(8);

#define NFO_KEY_WORDS	(sizeof(struct nfo_key) / sizeof(u32))

/* Room for an Ethernet header; leaves space for two VLAN tags and PPPoE. */
#define NFO_HH_MAX	32

/* struct nfo_entry::flags, fixed before the entry is published */
#define NFO_E_REPLY	BIT(0)	/* the connection's reply direction */
#define NFO_E_NAT	BIT(1)	/* addresses or ports are rewritten */
#define NFO_E_KEEP_DST	BIT(2)	/* the output device wants skb_dst() */

/**
 * struct nfo_entry - one direction of a flow, laid out for the packet path
 *
 *  line 0  who am I, am I still true       line 1  what becomes of the packet
 *  0  node     8  hash chain               64  out       8  output device
 *  8  key     24  struct nfo_key           72  ct        8  for its status word
 *  32 epoch    4  topology epoch           80  saddr,daddr  8  new addresses
 *  36 used     4  jiffies of last packet   88  sport,dport  4  new ports
 *  40 mtu      2  largest IP packet        92  addr_delta,l4_delta  4
 *  42 hh_len   1  link-layer header        96  hh       32  link-layer header,
 *  43 flags    1  NFO_E_*                               its end at the end
 *  44 in       4  device routing knows
 *  48 packets  8
 *  56 bytes    8
 *
 * An IPv4 packet touches these two lines, the hash bucket, and the status word
 * of its conntrack entry; IPv6 has its addresses in a third (struct nfo_addr6).
 *
 * Written by the packet path: @epoch, @used (WRITE_ONCE, racing writers write
 * the same kind of truth), @mtu (by re-verification), @packets and @bytes.
 * Everything else is constant from publication to the end of the RCU grace
 * period after removal.
 */
struct nfo_entry {
	struct rhash_head	node;
	struct nfo_key		key;
	u32			epoch;
	u32			used;
	u16			mtu;
	u8			hh_len;
	u8			flags;
	u32			in;
	atomic64_t		packets;
	atomic64_t		bytes;

	struct net_device	*out __aligned(64);
	struct nf_conn		*ct;
	__be32			saddr;
	__be32			daddr;
	__be16			sport;
	__be16			dport;
	u16			addr_delta;
	u16			l4_delta;
	u8			hh[NFO_HH_MAX];
} __aligned(64);

/**
 * struct nfo_addr6 - the IPv6 addresses of one direction, one cache line
 * @saddr: source address packets arrive with
 * @daddr: destination address they arrive with
 * @new_saddr: source address they leave with
 * @new_daddr: destination address they leave with
 */
struct nfo_addr6 {
	struct in6_addr		saddr;
	struct in6_addr		daddr;
	struct in6_addr		new_saddr;
	struct in6_addr		new_daddr;
};

struct nfo_flow;
struct nfo_neigh;
struct nfo_table;

/**
 * struct nfo_stack - what stands between routing's device and the frames
 * @dev:    the listed device whose ingress hook and hardware see the frames;
 *          good for as long as it is listed
 * @encap:  as in struct nfo_key
 * @kinds:  likewise
 * @h_dest: with PPPoE: the peer's address
 */
struct nfo_stack {
	struct net_device	*dev;
	__be16			encap[NFO_ENCAPS];
	u8			kinds;
	u8			h_dest[ETH_ALEN];
};

/**
 * struct nfo_hold - what one direction keeps alive
 * @dst:    route, one reference
 * @neigh:  next hop, one reference; NULL when the device has no link layer
 * @out:    output device, one reference through @tracker
 * @tracker: holder of the device reference
 * @cookie: for dst_check()
 * @below:  what is below @out; its device with one reference through
 *          @below_tracker, for the hardware's rules name it
 * @below_tracker: holder of that
 */
struct nfo_hold {
	struct dst_entry	*dst;
	struct nfo_neigh	*neigh;
	struct net_device	*out;
	netdevice_tracker	tracker;
	u32			cookie;
	struct nfo_stack	below;
	netdevice_tracker	below_tracker;
};

/**
 * struct nfo_path - the forwarding decision of one direction
 * @hold:   the objects it rests on
 * @in:     index of the device its packets enter by, as routing knows it
 * @enter:  what is below that
 * @mtu:    largest IP packet that leaves unfragmented, bytes
 * @keep_dst: the output device reads skb_dst()
 * @hh_len: bytes used of @hh
 * @hh:     link-layer header as it goes on the wire, at the end of the array
 */
struct nfo_path {
	struct nfo_hold		hold;
	u32			in;
	struct nfo_stack	enter;
	u16			mtu;
	bool			keep_dst;
	u8			hh_len;
	u8			hh[NFO_HH_MAX];
};

/**
 * enum nfo_hw_state - where a flow stands with the hardware
 * @NFO_HW_SOFT:     nowhere
 * @NFO_HW_QUEUED:   on its way in
 * @NFO_HW_LIVE:     what is meant to be in hardware is
 * @NFO_HW_RETIRING: on its way out
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
 * @NFO_RULE_WAITING:  in nfo_hw_queue::add
 * @NFO_RULE_ADDING:   the driver is being asked
 * @NFO_RULE_IN:       in hardware, and in nfo_hw_queue::live
 * @NFO_RULE_LEAVING:  in nfo_hw_queue::del
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

struct nfo_dev;

/**
 * struct nfo_hw_part - one direction's side of the hardware
 * @node:  in one of the lists of the device's queue
 * @dev:   device whose driver has or gets the rule; NULL when not meant to be in
 * @state: enum nfo_hw_rule_state
 * @dir:   enum ip_conntrack_dir
 */
struct nfo_hw_part {
	struct list_head	node;
	struct nfo_dev		*dev;
	u8			state;
	u8			dir;
};

/**
 * struct nfo_hw_flow - a flow's side of the hardware
 * @part:  by direction
 * @state: enum nfo_hw_state
 * @want:  directions meant to be in hardware, bit by enum ip_conntrack_dir
 * @out:   to be taken out, though it lives
 * @rate:  packets per second, both directions, by the last measurement
 * @at:    jiffies of that; 0 before the first
 * @seen:  packets at that time
 *
 * Guarded by nfo_hw::lock; the states are read without it for display.
 */
struct nfo_hw_flow {
	struct nfo_hw_part	part[IP_CT_DIR_MAX];
	u8			state;
	u8			want;
	bool			out;
	u32			rate;
	u32			at;
	u64			seen;
};

/**
 * struct nfo_hw_queue - what waits for one chip
 * @list:   in nfo_hw::queues
 * @t:      its table
 * @devs:   devices that share it: ports of one chip
 * @add:    rules to add; struct nfo_hw_part::node, as in the other two
 * @del:    rules to delete; they go first
 * @live:   rules in hardware
 * @depth:  of @add
 * @count:  of @live
 * @rules:  in hardware: @live and those on their way out
 * @size:   rules it held when it said that it is full; 0 unknown
 * @probe_at: jiffies; then @size is doubted
 * @unread: of @live, whose counters are still to be read in this period
 * @work:   talks to the drivers, alone, so one flow's calls keep their order
 * @sync:   a period is over
 */
struct nfo_hw_queue {
	struct list_head	list;
	struct nfo_table	*t;
	unsigned int		devs;
	struct list_head	add;
	struct list_head	del;
	struct list_head	live;
	unsigned int		depth;
	unsigned int		count;
	unsigned int		rules;
	unsigned int		size;
	unsigned long		probe_at;
	unsigned int		unread;
	struct work_struct	work;
	struct delayed_work	sync;
};

/**
 * struct nfo_hw - a table's hardware side
 * @lock:   guards queues, each nfo_flow::hw, and from nfo_dev::bound on what devices
 *          learned; innermost
 * @queues: struct nfo_hw_queue::list
 * @queued: flows on their way in
 * @whole:  flows in hardware
 * @half:   flows of which one direction is
 * @wait:   a device has no rules left
 * @lost:   unbinds devices whose driver said ENODEV
 */
struct nfo_hw {
	spinlock_t		lock;	/* queues, nfo_flow::hw, nfo_dev */
	struct list_head	queues;
	u32			queued;
	u32			whole;
	u32			half;
	wait_queue_head_t	wait;
	struct work_struct	lost;
};

/* struct nfo_flow::state, bit numbers for atomic bit operations */
#define NFO_F_DEAD	0	/* retired: whoever set it does the rest */
#define NFO_F_ONEWAY	1	/* UDP without a reply so far: original entry only */
#define NFO_F_JOINING	2	/* somebody is inserting the reply entry */

/**
 * struct nfo_flow - one connection in the fast path
 * @e:      its two directions, indexed by enum ip_conntrack_dir
 * @table:  the flowtable it is in; outlives the flow
 * @ct:     conntrack entry, one reference
 * @state:  NFO_F_* bits, atomic
 * @lock:   guards dst and cookie of @hold after publication
 * @hold:   what the directions rest on
 * @wheel:  place in the table's ageing wheel, guarded by the wheel's lock
 * @added:  jiffies of promotion
 * @mark:   of the packet that promoted it; routes are looked up with it
 * @refs:   one for being published, one while the hardware has it
 * @hw:     its side of the hardware
 * @rcu:    frees the flow
 * @a6:     IPv6 only: addresses of the two directions
 *
 * Holders: the hash chains and the wheel, both left in nfo_flow_retire(), and the
 * hardware queue. When the last is gone an RCU callback drops what the flow holds.
 * Anybody else looks at a flow under rcu_read_lock() only.
 */
struct nfo_flow {
	struct nfo_entry	e[IP_CT_DIR_MAX];
	struct nfo_table	*table;
	struct nf_conn		*ct;
	unsigned long		state;
	spinlock_t		lock;	/* dst and cookie of hold[] */
	struct nfo_hold		hold[IP_CT_DIR_MAX];
	struct list_head	wheel;
	u32			added;
	u32			mark;
	refcount_t		refs;
	struct nfo_hw_flow	hw;
	struct rcu_head		rcu;
	struct nfo_addr6	a6[] __aligned(64);
};

/**
 * struct nfo_wheel - when to look at which flow again
 * @lock:  guards everything here and nfo_flow::wheel; innermost lock
 * @slot:  flows by second
 * @now:   the second the wheel stands at
 * @count: flows in it; the work sleeps while it is 0
 * @tcp_timeout: the sysctls as the work saw them last, jiffies
 * @udp_timeout: likewise
 * @work:  turns the wheel
 */
struct nfo_wheel {
	spinlock_t		lock;	/* everything here; innermost */
	struct list_head	slot[NFO_WHEEL_SLOTS];
	unsigned long		now;
	unsigned int		count;
	u32			tcp_timeout;
	u32			udp_timeout;
	struct delayed_work	work;
};

/**
 * struct nfo_net - a network namespace
 * @net:     the namespace; not referenced, everything here ends before it
 * @topo:    topology epoch
 * @refs:    held by the namespace, by each table and each dump
 * @flows:   in all tables
 * @next_id: for nfo_table::id, guarded by @lock
 * @in_hw:   rules in hardware
 * @settings: what netlink sets; fields by READ_ONCE() and WRITE_ONCE()
 * @kick:    has hardware flows looked at after an event; holds a reference
 * @tables:  struct nfo_table::list, guarded by @lock
 * @lock:    sleeps
 * @stats:   counters
 * @fib:     route events
 * @rcu:     frees it
 */
struct nfo_net {
	struct net		*net;
	atomic_t		topo;
	refcount_t		refs;
	atomic_t		flows;
	u32			next_id;
	atomic_t		in_hw;
	struct nfo_settings	settings;
	struct work_struct	kick;
	struct list_head	tables;
	struct mutex		lock;	/* tables */
	struct nfo_stats __percpu *stats;
	struct notifier_block	fib;
	struct rcu_head		rcu;
};

/**
 * struct nfo_stats - counters of a namespace, per CPU
 * @reason:  refusals of promotion and ends of flows
 * @added:   flows promoted
 * @stale:   entries re-verified because the epoch had moved
 */
struct nfo_stats {
	unsigned long		reason[__NFO_R_MAX];
	unsigned long		added;
	unsigned long		stale;
};

/* From any context. */
static inline void nfo_count_reason(const struct nfo_net *nn, enum nfo_reason why)
{
	this_cpu_inc(nn->stats->reason[why]);
}

/**
 * struct nfo_table_ops - what tables tell those who asked
 * @added:   a flow was published; any context, rcu_read_lock()
 * @touched: packets of it were seen in the last half second; likewise
 * @retired: a flow was taken out; any context, before its last reference goes
 */
struct nfo_table_ops {
	void	(*added)(struct nfo_flow *f);
	void	(*touched)(struct nfo_flow *f);
	void	(*retired)(struct nfo_flow *f, enum nfo_reason why);
};

/**
 * struct nfo_table - what we keep for one flowtable
 * @ht:     entries of both directions by struct nfo_key
 * @id:     grows from table to table of a namespace; tables are listed by it
 * @refs:   nf_tables' side and each dump; keeps @ht
 * @family: of the nft table
 * @table_name: nft table
 * @name:   flowtable
 * @nn:     its namespace, one reference
 * @flags:  NF_FLOWTABLE_*
 * @devs:   struct nfo_dev::list; RCU readers, writers under @dev_lock
 * @dev_lock: guards changes of @devs
 * @flows:  flows in @ht
 * @oneway: those of them with NFO_F_ONEWAY
 * @wheel:  ageing
 * @hw:     hardware
 * @list:   in nfo_net::tables
 * @rcu:    frees it
 */
struct nfo_table {
	struct rhashtable	ht;
	struct nfo_net		*nn;
	u32			id;
	refcount_t		refs;
	u8			family;
	char			*table_name;
	char			*name;
	u32			flags;
	struct list_head	devs;
	spinlock_t		dev_lock;	/* changes of devs */
	atomic_t		flows;
	atomic_t		oneway;
	struct nfo_wheel	wheel;
	struct nfo_hw		hw;
	struct list_head	list;
	struct rcu_head		rcu;
};

/* Pairs of devices of which a refusal is remembered, a device. */
#define NFO_HW_REFUSALS	8

/**
 * struct nfo_hw_refusal - what a driver cannot do
 * @out:    egress device, by index; 0 any
 * @shapes: bits by nfo_hw_shape()
 */
struct nfo_hw_refusal {
	int	out;
	u32	shapes;
};

/**
 * struct nfo_dev - a device listed in a flowtable
 * @list:    in nfo_table::devs
 * @ifindex: the device
 * @dev:     it; listed for no longer than it is registered
 * @block:   the driver's callbacks; changed with nfo_net::lock held and no part left
 * @queue:   of its chip; NULL before it is bound for the first time
 * @bound:   enum nfo_dev_hw
 * @leaving: no more rules for it, and those it has go
 * @lost:    because its driver said ENODEV
 * @deaf:    would not delete a rule, however often it was told; its worker's
 * @parts:   directions of flows that have it in nfo_hw_part::dev
 * @refused: what the driver cannot do
 * @refusals: used of @refused, since it was bound
 * @rules:   in its hardware
 * @budget:  how many it is given; 0 any number
 * @backoff: jiffies to wait after a passing failure; doubled each time
 * @not_before: jiffies; no attempt until then
 * @err:     the driver's last error, negative
 * @message: its extended ACK, or our own words
 * @rcu:     frees it
 */
struct nfo_dev {
	struct list_head	list;
	int			ifindex;
	struct net_device	*dev;
	struct flow_block	block;
	struct nfo_hw_queue	*queue;
	enum nfo_dev_hw		bound;
	bool			leaving;
	bool			lost;
	bool			deaf;
	unsigned int		parts;
	struct nfo_hw_refusal	refused[NFO_HW_REFUSALS];
	unsigned int		refusals;
	unsigned int		rules;
	unsigned int		budget;
	unsigned long		backoff;
	unsigned long		not_before;
	int			err;
	char			message[80];
	struct rcu_head		rcu;
};

/**
 * struct nfo_ct_saved - what nfo_ct_take() changed
 * @timeout: ct->timeout
 * @liberal: by direction, IP_CT_TCP_FLAG_BE_LIBERAL was set already
 */
struct nfo_ct_saved {
	u32	timeout;
	bool	liberal[IP_CT_DIR_MAX];
};

/* nf_tables embeds struct nf_flowtable; its rhashtable is the type's business
 * alone, so that is where we leave the pointer to our own table.
 */
static inline struct nfo_table *nfo_table(const struct nf_flowtable *ft)
{
	return *(struct nfo_table * const *)&ft->rhashtable;
}

static inline void nfo_table_attach(struct nf_flowtable *ft, struct nfo_table *t)
{
	BUILD_BUG_ON(sizeof(ft->rhashtable) < sizeof(t));
	*(struct nfo_table **)&ft->rhashtable = t;
}

/* Events, and what IPv4 routing itself counts: forwarding switched off and
 * flushed caches are announced by nothing else. A sum of two that only grow.
 */
static inline u32 nfo_epoch(const struct nfo_net *nn)
{
	return (u32)atomic_read(&nn->topo) + rt_genid_ipv4(nn->net);
}

void nfo_hw_kick(struct nfo_net *nn);

static inline void nfo_epoch_advance(struct nfo_net *nn)
{
	/* What changed is visible before the epoch: pairs with nfo_look_again() */
	smp_mb__before_atomic();
	atomic_inc(&nn->topo);
	/* Flows in hardware have no packets that would notice. */
	if (atomic_read(&nn->in_hw))
		nfo_hw_kick(nn);
}

/* Say in a key where its packets come in. */
static inline void nfo_key_enter(struct nfo_key *key, const struct nfo_stack *enter)
{
	key->iif = enter->dev->ifindex;
	memcpy(key->encap, enter->encap, sizeof(key->encap));
	key->kinds = enter->kinds;
}

static inline u32 nfo_now(void)
{
	return (u32)jiffies;
}

static inline enum ip_conntrack_dir nfo_dir(const struct nfo_entry *e)
{
	return e->flags & NFO_E_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
}

static inline struct nfo_flow *nfo_flow(const struct nfo_entry *e)
{
	return container_of(e - nfo_dir(e), struct nfo_flow, e[0]);
}

static inline struct nfo_addr6 *nfo_addr6(const struct nfo_entry *e)
{
	return &nfo_flow(e)->a6[nfo_dir(e)];
}

/* core */
struct nfo_net *nfo_net_tryget(const struct net *net);
void nfo_net_touched(const struct net *net);
void nfo_stats_sum(const struct nfo_net *nn, struct nfo_stats *sum);
void nfo_net_put(struct nfo_net *nn);

/* event */
int nfo_event_init(void);
void nfo_event_exit(void);
int nfo_event_net_init(struct nfo_net *nn);
void nfo_event_net_exit(struct nfo_net *nn);

/* netlink */
void nfo_netlink_notify(const struct nfo_flow *f, enum nfo_flow_event event,
			enum nfo_reason why);
int nfo_netlink_init(void);
void nfo_netlink_exit(void);

/* nft */
int nfo_nft_init(void);
void nfo_nft_exit(void);

/* ip */
unsigned int nfo_hook_ip(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state);
unsigned int nfo_hook_ip6(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);
unsigned int nfo_hook_inet(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state);

/* route */
enum nfo_reason nfo_route_resolve(struct nfo_table *t, struct sk_buff *skb,
				  const struct net_device *in,
				  const struct nf_conn *ct,
				  enum ip_conntrack_dir dir,
				  struct nfo_path path[IP_CT_DIR_MAX]);
enum nfo_reason nfo_route_verify(struct nfo_entry *e, u8 tos, u32 mark);
enum nfo_reason nfo_route_touch(struct nfo_entry *e, u8 tos, u32 mark);
void nfo_hold_release(struct nfo_hold *hold);
bool nfo_neigh_changed(const struct neighbour *n);

/* stack */
enum nfo_reason nfo_stack_resolve(const struct nfo_table *t, const struct net_device *dev,
				  struct nfo_stack *stack);
bool nfo_stack_same(const struct nfo_table *t, const struct net_device *dev,
		    const struct nfo_stack *stack);

/* table */
extern const struct nfo_table_ops *nfo_table_ops;
int nfo_table_init(void);
void nfo_table_exit(void);
struct nfo_table *nfo_table_alloc(struct net *net, struct nf_flowtable *ft);
void nfo_table_free(struct nfo_table *t);
void nfo_table_put(struct nfo_table *t);
struct nfo_table *nfo_table_next(struct nfo_net *nn, u32 after);
u32 nfo_flow_left(const struct nfo_flow *f);
struct nfo_dev *nfo_table_add_dev(struct nfo_table *t, struct net_device *dev);
void nfo_table_del_dev(struct nfo_table *t, struct nfo_dev *d);
struct nfo_dev *nfo_table_dev(const struct nfo_table *t, int ifindex);
void nfo_table_flush(struct nfo_table *t, const struct net_device *dev,
		     enum nfo_reason why);
unsigned int nfo_table_retire_if(struct nfo_table *t, enum nfo_reason why,
				 bool (*match)(const struct nfo_flow *f, const void *arg),
				 const void *arg);
struct nfo_flow *nfo_flow_alloc(struct nfo_table *t, struct nf_conn *ct,
				struct nfo_path path[IP_CT_DIR_MAX], u32 epoch);
void nfo_flow_free(struct nfo_flow *f);
void nfo_flow_put(struct nfo_flow *f);
enum nfo_reason nfo_flow_insert(struct nfo_flow *f, bool oneway);
void nfo_flow_join(struct nfo_flow *f);
void nfo_flow_retire(struct nfo_flow *f, enum nfo_reason why);

/* ct */
void nfo_ct_hardware(struct nf_conn *ct, bool on);
struct nfo_ct_saved nfo_ct_take(struct nf_conn *ct);
void nfo_ct_give_up(struct nf_conn *ct, struct nfo_ct_saved saved);
void nfo_ct_hold_timeout(struct nf_conn *ct);
void nfo_ct_hand_back(struct nf_conn *ct, u32 idle);
u32 nfo_ct_flow_timeout(const struct nf_conn *ct);
u32 nfo_flow_timeout(const struct net *net, u8 l4proto);

/* hw: binding */
int nfo_hw_setup(struct nfo_table *t, struct net_device *dev,
		 enum flow_block_command cmd);
enum nfo_reason nfo_hw_dev_reason(const struct nfo_table *t, const struct nfo_dev *d);
void nfo_hw_feature_changed(struct nfo_table *t, struct net_device *dev);
void nfo_hw_device_back(struct nfo_table *t, struct net_device *dev);
void nfo_hw_init(struct nfo_table *t);
void nfo_hw_exit(struct nfo_table *t);

/* hw: queue */
void nfo_hw_touched(struct nfo_flow *f);
void nfo_hw_retired(struct nfo_flow *f);
void nfo_hw_net_init(struct nfo_net *nn);
int nfo_hw_module_init(void);
void nfo_hw_module_exit(void);

#endif /* _NFO_H */
