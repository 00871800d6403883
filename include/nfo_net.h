/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network namespace: what the module keeps for it, its epoch, its counters.
 */
#ifndef _NFO_NET_H
#define _NFO_NET_H

#include <linux/hash.h>
#include <linux/if_ether.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/neighbour.h>
#include <net/net_namespace.h>
#include <linux/nf_flow_offload.h>

#include "nfo_netlink_gen.h"

/* How many changes the journal keeps one by one. */
#define NFO_JOURNAL	256
/* An entry that is this many changes behind is stale, whatever the changes were. */
#define NFO_JOURNAL_ALL	BIT(30)
/* The journal keeps the latest change of each of this many groups of prefixes. A prefix that is so
 * short that it covers more groups than the second number counts for all groups. Both numbers are
 * powers of two.
 */
#define NFO_PREFIX_BITS	12
#define NFO_PREFIX_SPAN	8
/* nfo_net::epoch is less than this many changes ahead of nfo_net::concerned. */
#define NFO_UNCONCERNED	BIT(20)

/**
 * enum nfo_change_what - what an event changed
 * @NFO_CHANGE_ALL:    everything: every entry is stale
 * @NFO_CHANGE_RULESET: the ruleset: every entry is stale, but routes and devices are as before
 * @NFO_CHANGE_FAMILY: routing of a family
 * @NFO_CHANGE_PREFIX: the route to a prefix
 * @NFO_CHANGE_PREFIXES: the routes to many prefixes of a family: nfo_journal::prefixes has the
 *                     epoch of this change for each of them
 * @NFO_CHANGE_NEIGH:  a neighbour
 * @NFO_CHANGE_DEV:    a device
 * @NFO_CHANGE_STATION: the bridge port behind which a bridge knows a station
 */
enum nfo_change_what {
	NFO_CHANGE_ALL,
	NFO_CHANGE_RULESET,
	NFO_CHANGE_FAMILY,
	NFO_CHANGE_PREFIX,
	NFO_CHANGE_PREFIXES,
	NFO_CHANGE_NEIGH,
	NFO_CHANGE_DEV,
	NFO_CHANGE_STATION,
};

/**
 * struct nfo_change - one change in the journal
 * @what:    enum nfo_change_what
 * @family:  NFPROTO_IPV4 or NFPROTO_IPV6, when a family or a prefix changed
 * @plen:    length of @prefix, in bits
 * @early:   routing announced the change, perhaps before routing made it
 * @ifindex: device, when a device changed; of @neigh, when packets that leave by it for no known
 *           neighbour are concerned too
 * @neigh:   neighbour, when a neighbour changed; the pointer holds no reference, so it is compared
 *           and never followed
 * @prefix:  when a prefix changed; big endian
 * @lladdr:  Ethernet address of the station, when a station changed
 */
struct nfo_change {
	u8			what;
	u8			family;
	u8			plen;
	bool			early;
	int			ifindex;
	const struct neighbour	*neigh;
	union {
		union nf_inet_addr	prefix;
		u8			lladdr[ETH_ALEN];
	};
};

/**
 * struct nfo_journal - the changes of a namespace
 * @changes:  the latest NFO_JOURNAL changes; the change that made the epoch n is at n modulo
 *            NFO_JOURNAL
 * @prefixes: for each group of prefixes the epoch of its latest change; by nfo_prefix_family() and
 *            nfo_prefix_slot()
 * @all:      epoch of the latest change of a prefix that is too short for @prefixes; by
 *            nfo_prefix_family()
 * @other:    epoch of the latest change of anything but a prefix
 * @watched:  a bit for each group of prefixes that entries in use rely on, by generation, family
 *            and nfo_prefix_slot(); bits are set without a lock, see nfo_net_watch()
 * @turn:     index of the generation in which bits are set
 * @turned_at: jiffies when @turn last changed
 *
 * A routing daemon that loads its table makes more changes between two packets of a flow than
 * @changes has room for. @prefixes, @all and @other forget no change, so a reader sees at once when
 * none of the changes concerned an entry. Prefixes with the same hash share an epoch in @prefixes,
 * so an epoch there may be that of another prefix.
 *
 * @changes, @prefixes, @all and @other are written with nfo_net::journal_lock held, before
 * nfo_net::epoch; @turn and @turned_at with this lock held. RCU readers take no lock: they read the
 * epoch again after @changes.
 */
struct nfo_journal {
	struct nfo_change	changes[NFO_JOURNAL];
	u32			prefixes[2][1 << NFO_PREFIX_BITS];
	u32			all[2];
	u32			other;
	unsigned long		watched[2][2][BITS_TO_LONGS(1 << NFO_PREFIX_BITS)];
	int			turn;
	u32			turned_at;
};

/* Return: true when @epoch came after @other. Epochs wrap around. */
static inline bool nfo_epoch_is_later(u32 epoch, u32 other)
{
	return (s32)(epoch - other) > 0;
}

/* Return: the index of a family in the arrays of struct nfo_journal. */
static inline int nfo_prefix_family(u8 family)
{
	return family == NFPROTO_IPV6;
}

/* Return: how many first bits of an address decide in which group of prefixes the address is. */
static inline u8 nfo_prefix_len(u8 family)
{
	return family == NFPROTO_IPV6 ? 32 : 16;
}

/* @addr: the first 32 bits of an address, big endian. Return: the index of its group of prefixes in
 * nfo_journal::prefixes and nfo_journal::watched.
 */
static inline u32 nfo_prefix_slot(u8 family, __be32 addr)
{
	return hash_32(ntohl(addr) >> (32 - nfo_prefix_len(family)), NFO_PREFIX_BITS);
}

/**
 * struct nfo_stats - counters of a namespace, one set for each CPU
 * @reason:  refusals and ends of flows, by enum nfo_reason
 * @added:   flows promoted
 * @stale:   packets that took the classic path because their entry was stale
 */
struct nfo_stats {
	unsigned long		reason[__NFO_R_MAX];
	unsigned long		added;
	unsigned long		stale;
};

/**
 * struct nfo_net - a network namespace
 * @net:     the namespace; not referenced, because the exit of the namespace ends everything that
 *           uses this pointer; constant
 * @epoch:   counts changes; written with @journal_lock held
 * @concerned: @epoch of the latest change that may concern an entry whose packets are coming; less
 *           than NFO_UNCONCERNED behind @epoch; written with @journal_lock held
 * @genid:   rt_genid_ipv4() as last seen; written with @journal_lock held
 * @genid_epoch: @epoch when @genid was last seen to move; protected by @journal_lock
 * @sernum6: net->ipv6.fib6_sernum as last seen; written with @journal_lock held
 * @early6:  IPv6 routing has announced a change since; protected by @journal_lock
 * @early6_epoch: @epoch of the first such change; protected by @journal_lock
 * @ruleset: nf_tables' generation as last seen; written with @journal_lock held
 * @ruleset_seq: the counter of nf_tables' generations, from the first flowtable on; before that
 *           @ruleset. Not owned: the counter lives as long as the namespace
 * @zones:   a connection in a conntrack zone was seen; never cleared
 * @vlan_states: a bridge announced a VLAN that one of its ports does not forward; never cleared
 * @rules_vary: the answer of some rule may change without a commit, see nf_flow_offload_recheck.c
 * @rules_by: NFO_FIELD_*, NFO_BY_* but NFO_BY_UNSEEN: what the answer of some rule of the
 *           ruleset or of routing depends on, see nf_flow_offload_recheck.c
 * @tos_routes: a route for packets of one TOS was seen; never cleared
 * @rules_seen: @ruleset when @recheck_work last looked the rules through; written with
 *           @journal_lock held
 * @routing_at: jiffies when a rule of routing last changed; protected by @journal_lock
 * @hooks_seen: jiffies when @recheck_work last did so
 * @settings: what netlink sets, each field read and written as a whole, without a lock
 * @refs:    one for the namespace; one for each table, dump, and struct nfo_route_refs; one for
 *           each work item that is queued or runs, but for @fib_work and @rtnl_work
 * @flows:   flows in all tables; atomic
 * @next_id: last value of nfo_table::id; protected by @lock
 * @in_hw:   rules in hardware; atomic
 * @route_refs: bytes in the objects struct nfo_route_refs, see nf_flow_offload_refs.c; atomic
 * @kick_work: has the hardware workers check their rules after a change
 * @ruleset_at: jiffies of the last ruleset change in the journal; protected by @journal_lock
 * @ruleset_seen: jiffies of the last commit that was noticed; protected by @journal_lock
 * @ruleset_burst: ruleset changes in the journal since commits had a pause; protected by
 *           @journal_lock
 * @ruleset_wait: jiffies when a commit was first seen under way; 0: none is under way; protected
 *           by @journal_lock
 * @ruleset_work: writes one change into the journal for all commits of a window
 * @nft_tables: head of nf_tables' list of tables, not owned; NULL when it is not known or the
 *           namespace ends; written with @journal_lock held, the list is read under RCU
 * @recheck_work: looks for rules that set @rules_vary and @rules_by
 * @nexthops_seen: the namespace's number of the latest change of nexthop objects that @recheck_work
 *           has seen
 * @resilient: a nexthop object is a resilient group; written by @recheck_work, as @nexthops_seen
 * @explained: an event of the last half second explains why @genid moves; protected by
 *           @journal_lock
 * @over:    the namespace ends, so nfo_net_queue() queues no work; protected by @journal_lock
 * @explained_at: jiffies of the last event that makes @genid move; protected by @journal_lock
 * @explain_work: clears @explained
 * @signature: nfo_net_signature() as last seen; protected by @journal_lock
 * @journal: owned; NULL before the first flowtable, then constant
 * @journal_lock: protects the journal and the fields that say so
 * @tables_in: tables that need the hooks of the namespace; protected by @lock
 * @devs:    devices that are listed or on the way of flows, by index, each with a note of what the
 *           device does to packets, see nfo_net_dev_note(), and what nfo_lower_shows_ct() found.
 *           An entry stays until the device is unregistered
 * @led6:    struct nfo_led by the index of a device, owned; protected by its own lock. An entry
 *           stays until the device is unregistered
 * @led6_all: there may be routes that @led6 does not have; never cleared
 * @by_ct:   flows by their conntrack entry; initialised when @journal is set
 * @tables:  list of struct nfo_table::list, which nf_tables' flowtables own; protected
 *           by @lock
 * @lock:    protects the list of tables and the binding of devices; may be held while sleeping
 * @stats:   counters, owned; each CPU writes its own
 * @fib_wanted: the namespace has a table, so flows need route events; written with @lock held
 * @fib_over: the namespace ends, so @fib_work is not queued any more; protected by @lock
 * @fib_work: registers or unregisters @fib, as @fib_wanted says; runs with no lock held
 * @fib:     notifier of route events; only @fib_work registers and unregisters it, and at the end
 *           nfo_event_net_exit()
 * @fib_on:  events that @fib gets are news; written by the same two
 * @fib_sernum6: nfo_net_sernum6() when @fib_work was asked to register @fib; written with @lock
 *           held and @fib_on false
 * @rtnl:    netlink socket that gets what rtnetlink alone announces, owned; NULL before the first
 *           flowtable and when the socket could not be opened; protected by @lock
 * @lost_work: ends the flows of devices that are down or gone
 * @rtnl_work: runs after a message to @rtnl was lost; not queued once @rtnl is released
 * @unseen_work: looks for filters and shapers of @devs that hardware would pass by
 * @unseen_at: jiffies when @unseen_work last did so; written by @unseen_work
 * @unseen_gap: for how many jiffies it does not do so again; likewise
 * @free_work: frees this object after an RCU grace period
 */
struct nfo_net {
	struct net		*net;
	u32			epoch;
	u32			concerned;
	u32			genid;
	u32			sernum6;
	u32			ruleset;
	bool			zones;
	bool			vlan_states;
	bool			rules_vary;
	bool			tos_routes;
	u8			rules_by;
	u32			rules_seen;
	u32			routing_at;
	u32			hooks_seen;
	const unsigned int	*ruleset_seq;
	struct nfo_settings	settings;

	refcount_t		refs ____cacheline_aligned;
	atomic_t		flows;
	u32			next_id;
	atomic_t		in_hw;
	atomic_long_t		route_refs;
	struct work_struct	kick_work;
	u32			ruleset_at;
	u32			ruleset_seen;
	u8			ruleset_burst;
	bool			explained;
	bool			over;
	u32			ruleset_wait;
	struct delayed_work	ruleset_work;
	const struct list_head	*nft_tables;
	struct delayed_work	recheck_work;
	u32			nexthops_seen;
	bool			resilient;
	u32			explained_at;
	struct delayed_work	explain_work;
	u32			genid_epoch;
	u32			early6_epoch;
	bool			early6;
	u32			signature;
	struct nfo_journal	*journal;
	spinlock_t		journal_lock;	/* journal, epoch, and what the kernel-doc says */
	unsigned int		tables_in;
	struct xarray		devs;
	struct xarray		led6;
	bool			led6_all;
	struct rhashtable	by_ct;
	struct list_head	tables;
	struct mutex		lock;	/* tables, binding of devices */
	struct nfo_stats __percpu *stats;
	bool			fib_wanted;
	bool			fib_over;
	struct delayed_work	fib_work;
	struct notifier_block	fib;
	bool			fib_on;
	u32			fib_sernum6;
	struct socket		*rtnl;
	struct work_struct	rtnl_work;
	struct delayed_work	lost_work;
	struct delayed_work	unseen_work;
	u32			unseen_at;
	u32			unseen_gap;
	struct rcu_work		free_work;
};

extern unsigned int nfo_net_id;
extern atomic_t nfo_tables_gen;
extern struct workqueue_struct *nfo_net_wq;

struct nft_table;

int nfo_net_module_init(void);
void nfo_net_module_exit(void);
struct nfo_net *nfo_net_alloc(struct net *net);
void nfo_net_publish(struct nfo_net *nn);
struct nfo_net *nfo_net_withdraw(struct net *net);
struct nfo_net *nfo_net_get_rcu(const struct net *net);
struct nfo_net *nfo_net_tryget(const struct net *net);
void nfo_net_put(struct nfo_net *nn);
void nfo_net_queue(struct nfo_net *nn, struct workqueue_struct *wq, struct delayed_work *work,
		   unsigned long delay);
void nfo_net_cancel(struct nfo_net *nn, struct delayed_work *work);
void nfo_net_end(struct nfo_net *nn);
bool nfo_net_use_dev(struct nfo_net *nn, int ifindex);
bool nfo_net_uses_dev(struct nfo_net *nn, int ifindex);
void nfo_net_forget_dev(struct nfo_net *nn, int ifindex);

/* Bits of a device's note; nf_flow_offload_unseen.c has more of them. */
#define NFO_NOTE_KNOWN	BIT(0)	/* the device was looked at */
#define NFO_NOTE_HELD	BIT(1)	/* a port: its bridge would drop or change some frames for it */
#define NFO_NOTE_TREES	BIT(5)	/* a port: no event tells when the VLANs it lets in change */

u8 nfo_net_dev_note(struct nfo_net *nn, int ifindex);
void nfo_net_note_dev(struct nfo_net *nn, int ifindex, u8 note);
void nfo_net_explain(struct nfo_net *nn);
void nfo_stats_sum(const struct nfo_net *nn, struct nfo_stats *sum);

/* Context: any. */
static inline void nfo_count_reason(const struct nfo_net *nn, enum nfo_reason why)
{
	this_cpu_inc(nn->stats->reason[why]);
}

void nfo_change_add(struct nfo_net *nn, const struct nfo_change *change);
void nfo_net_notice(struct nfo_net *nn);
void nfo_net_watch(struct nfo_net *nn, u8 family, __be32 src, __be32 dst);
void nfo_net_concern(struct nfo_net *nn);
int nfo_net_start(struct nfo_net *nn, const struct nft_table *table);

/* No event announces a commit, an IPsec policy, or that forwarding is switched. nf_tables counts
 * commits, and IPv4 routing counts the other two. Return: true when a count has moved.
 */
static inline bool nfo_net_moved(const struct nfo_net *nn)
{
	return rt_genid_ipv4(nn->net) != READ_ONCE(nn->genid) ||
	       READ_ONCE(*nn->ruleset_seq) != READ_ONCE(nn->ruleset);
}

/* Return: IPv6's count of changes of routes and IPsec policies; 0 without IPv6. */
static inline u32 nfo_net_sernum6(const struct nfo_net *nn)
{
#if IS_ENABLED(CONFIG_IPV6)
	return atomic_read(&nn->net->ipv6.fib6_sernum);
#else
	return 0;
#endif
}

static inline bool nfo_net_moved6(const struct nfo_net *nn)
{
	return nfo_net_sernum6(nn) != READ_ONCE(nn->sernum6);
}

/* Context: any. Return: the epoch, after the changes that no event announces were noticed. */
static inline u32 nfo_epoch(struct nfo_net *nn)
{
	if (unlikely(nfo_net_moved(nn)))
		nfo_net_notice(nn);
	/* Pairs with nfo_change_append(): who reads the epoch sees the changes up to it. */
	return smp_load_acquire(&nn->epoch);
}

/* Return: jiffies in 32 bits, the form of all times of the module. */
static inline u32 nfo_now(void)
{
	return (u32)jiffies;
}

#endif /* _NFO_NET_H */
