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

/* Changes that are remembered one by one. */
#define NFO_JOURNAL	256
/* An entry that is this many changes behind is stale, whatever they were. */
#define NFO_JOURNAL_ALL	BIT(30)
/* For how many groups of prefixes the latest change is remembered, and for no more than how many of
 * these a short prefix stands; both as powers of two.
 */
#define NFO_PREFIX_BITS	12
#define NFO_PREFIX_SPAN	8
/* How many changes that concern nobody nfo_net::epoch may be ahead of nfo_net::concerned. */
#define NFO_UNCONCERNED	BIT(20)

/**
 * enum nfo_change_what - what an event changed
 * @NFO_CHANGE_ALL:    everything
 * @NFO_CHANGE_RULESET: the ruleset, for every connection
 * @NFO_CHANGE_FAMILY: routing of a family
 * @NFO_CHANGE_PREFIX: the route to a prefix
 * @NFO_CHANGE_PREFIXES: the routes to those prefixes of a family that nfo_journal::prefixes has
 *                     with the change's epoch
 * @NFO_CHANGE_NEIGH:  a neighbour
 * @NFO_CHANGE_DEV:    a device
 * @NFO_CHANGE_STATION: where a bridge knows a station to be
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
 * struct nfo_change - one event
 * @what:    enum nfo_change_what
 * @family:  NFPROTO_*, of a family's or prefix' change
 * @plen:    bits of @prefix that count
 * @early:   IPv4's routing told of it, perhaps before it was made
 * @ifindex: device
 * @neigh:   neighbour; compared, never followed
 * @prefix:  big endian
 * @lladdr:  Ethernet address, of a station
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
 * @changes:  the latest NFO_JOURNAL ones: the one that made the epoch n is at n modulo NFO_JOURNAL
 * @prefixes: epoch of the latest change of a prefix, by nfo_prefix_slot() of its first bits; of
 *            IPv4, then of IPv6
 * @all:      epoch of the latest change of a prefix that is too short for @prefixes
 * @other:    epoch of the latest change that is no prefix's
 * @watched:  the prefixes that entries in use rest on, in two generations, by family and
 *            nfo_prefix_slot(); bits are set without a lock, see nfo_net_watch()
 * @turn:     the generation that gains bits
 * @turned_at: jiffies when @turn last changed
 *
 * A routing daemon that loads its table makes more changes than @changes has room for between two
 * packets of a flow. @prefixes and the two epochs after it forget nothing: they tell at once that
 * none of the changes concerned an entry, and have something of other prefixes with the same
 * hash in them. Written with nfo_net::journal_lock held, before nfo_net::epoch; read by RCU readers
 * who look at the epoch again after they read @changes.
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

/* Return: @epoch came after @other. Epochs wrap around. */
static inline bool nfo_epoch_is_later(u32 epoch, u32 other)
{
	return (s32)(epoch - other) > 0;
}

/* The place of a family in struct nfo_journal. */
static inline int nfo_prefix_family(u8 family)
{
	return family == NFPROTO_IPV6;
}

/* Bits that prefixes of a family are told apart by. */
static inline u8 nfo_prefix_len(u8 family)
{
	return family == NFPROTO_IPV6 ? 32 : 16;
}

/* @addr: the first 32 bits of an address, big endian. Return: a place in nfo_journal::prefixes. */
static inline u32 nfo_prefix_slot(u8 family, __be32 addr)
{
	return hash_32(ntohl(addr) >> (32 - nfo_prefix_len(family)), NFO_PREFIX_BITS);
}

/**
 * struct nfo_stats - counters of a namespace, one set for each CPU
 * @reason:  refusals of promotion and ends of flows, by enum nfo_reason
 * @added:   flows promoted
 * @stale:   packets sent the classic way because something their entry rests on changed
 */
struct nfo_stats {
	unsigned long		reason[__NFO_R_MAX];
	unsigned long		added;
	unsigned long		stale;
};

/**
 * struct nfo_net - a network namespace
 * @net:     the namespace; not referenced, for nfo_net_ops' exit ends all that uses it;
 *           constant
 * @epoch:   counts changes; written with the @journal_lock held
 * @concerned: @epoch of the latest change that may concern an entry whose packets are coming; less
 *           than NFO_UNCONCERNED behind @epoch; written with the @journal_lock held
 * @genid:   rt_genid_ipv4() as last seen; @journal_lock
 * @genid_epoch: @epoch when @genid was last seen to move; @journal_lock
 * @sernum6: net->ipv6.fib6_sernum as last seen; @journal_lock
 * @ruleset: nf_tables' generation as last seen; @journal_lock
 * @ruleset_seq: where nf_tables counts its generations, from the first flowtable on; @ruleset
 *           before; not owned, it lives as long as the namespace
 * @zones:   a connection in a conntrack zone was seen; never cleared
 * @vlan_states: a bridge told of a VLAN that one of its ports does not forward; likewise
 * @rules_vary: rules may answer otherwise without a commit, see nf_flow_offload_recheck.c
 * @rules_by: fields that rules answer by, NFO_FIELD_*, likewise; rules of routing as well
 * @tos_routes: a route for packets of one TOS was seen; never cleared
 * @rules_seen: @ruleset when the rules were last looked through for that; written with
 *           @journal_lock held
 * @routing_at: jiffies when rules of routing last changed; @journal_lock
 * @hooks_seen: jiffies when the hooks that are not nf_tables' were
 * @settings: what netlink sets, each field read and written as a whole, without a lock
 * @refs:    one for the namespace, one for each table, dump, queued @kick_work and object that
 *           directions rest on
 * @flows:   flows in all tables; atomic
 * @next_id: last value of nfo_table::id; protected by @lock
 * @in_hw:   rules in hardware; atomic
 * @route_refs: bytes of what directions rest on, see nf_flow_offload_refs.c; atomic
 * @kick_work: has hardware flows looked at after an event
 * @ruleset_at: jiffies of the last ruleset change in the journal; @journal_lock
 * @ruleset_seen: jiffies of the last commit that was noticed; @journal_lock
 * @ruleset_burst: ruleset changes in the journal since commits had a pause; @journal_lock
 * @ruleset_wait: jiffies since when a commit is under way; 0: none is; @journal_lock
 * @ruleset_work: the end of a window in which the ruleset changed; holds a reference
 * @nft_tables: nf_tables' list of tables, NULL when it is not known or the namespace ends;
 *           @journal_lock; it is read under RCU
 * @recheck_work: looks the rules through; holds a reference
 * @explained: @genid moves with an event of a moment ago; @journal_lock
 * @over:    the namespace ends, no work is queued any more; @journal_lock
 * @explained_at: jiffies of the last event that moves @genid as well; @journal_lock
 * @explain_work: the end of @explained; holds a reference
 * @signature: of what moves @genid and is no event; @journal_lock
 * @journal: what changed, owned; NULL before the first flowtable, then constant
 * @journal_lock: protects the journal and what is marked so
 * @tables_in: tables that need the hooks of the namespace; @lock
 * @devs:    devices that a flow uses or has used, by index, each with a note of what it does to
 *           packets, see nfo_net_dev_note(); it only grows, since a flow may come while a device
 *           goes
 * @by_ct:   flows by their conntrack entry
 * @tables:  list of struct nfo_table::list, which nf_tables' flowtables own; protected
 *           by @lock
 * @lock:    protects the list of tables and what devices are bound to; may be held
 *           while sleeping
 * @stats:   counters, owned; each CPU writes its own
 * @fib_wanted: there is a table, whose flows need route events; written with @lock held
 * @fib_over: the namespace ends, @fib_work is not queued any more; @lock
 * @fib_work: makes @fib listen, or not, as @fib_wanted says; runs with no lock held
 * @fib:     listens to route events; @fib_work's, and at the end nfo_event_net_exit()'s
 * @fib_on:  what @fib hears counts; likewise
 * @fib_sernum6: the count of IPv6's route changes when listening was asked for; written with
 *           @lock held and @fib_on false
 * @rtnl:    listens to what rtnetlink alone tells, owned; NULL before the first flowtable and
 *           when it could not be opened; @lock
 * @rtnl_work: @rtnl has lost a message; queued until @rtnl is released
 * @unseen_work: looks anew what devices do to packets that hardware would not show them; holds a
 *           reference
 * @unseen_at: jiffies when it last did; written by @unseen_work
 * @free_work: frees this
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
	u32			explained_at;
	struct delayed_work	explain_work;
	u32			genid_epoch;
	u32			signature;
	struct nfo_journal	*journal;
	spinlock_t		journal_lock;	/* journal, advance of epoch */
	unsigned int		tables_in;
	struct xarray		devs;
	struct rhashtable	by_ct;
	struct list_head	tables;
	struct mutex		lock;	/* tables */
	struct nfo_stats __percpu *stats;
	bool			fib_wanted;
	bool			fib_over;
	struct delayed_work	fib_work;
	struct notifier_block	fib;
	bool			fib_on;
	u32			fib_sernum6;
	struct socket		*rtnl;
	struct work_struct	rtnl_work;
	struct delayed_work	unseen_work;
	u32			unseen_at;
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

/* What is noted of a device, of which the room "unseen" has more. */
#define NFO_NOTE_KNOWN	BIT(0)	/* it was looked at */
#define NFO_NOTE_HELD	BIT(1)	/* its bridge does not send every frame by it as it is */
#define NFO_NOTE_TREES	BIT(5)	/* what its bridge lets in by it changes without a word */

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

/* Changes that nothing announces are counted by IPv4 routing (forwarding switched, IPsec
 * policies, addresses) and by nf_tables (commits).
 */
static inline bool nfo_net_moved(const struct nfo_net *nn)
{
	return rt_genid_ipv4(nn->net) != READ_ONCE(nn->genid) ||
	       READ_ONCE(*nn->ruleset_seq) != READ_ONCE(nn->ruleset);
}

/* IPv6 counts each change of a route and of a policy. */
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

/* Context: any. Return: the epoch, with all that happened before the call in it. */
static inline u32 nfo_epoch(struct nfo_net *nn)
{
	if (unlikely(nfo_net_moved(nn)))
		nfo_net_notice(nn);
	/* What changed is visible before the epoch: pairs with nfo_change_add(). */
	return smp_load_acquire(&nn->epoch);
}

/* Jiffies in 32 bits, as all times of the module are. */
static inline u32 nfo_now(void)
{
	return (u32)jiffies;
}

#endif /* _NFO_NET_H */
