/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network namespace: what the module keeps for it, its epoch, its counters.
 */
#ifndef _NFO_NET_H
#define _NFO_NET_H

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

/* Changes that are remembered; an entry that missed more than these is stale. */
#define NFO_JOURNAL	256

/**
 * enum nfo_change_what - what an event changed
 * @NFO_CHANGE_ALL:    everything
 * @NFO_CHANGE_RULESET: the ruleset, for every connection
 * @NFO_CHANGE_FAMILY: routing of a family
 * @NFO_CHANGE_PREFIX: the route to a prefix
 * @NFO_CHANGE_NEIGH:  a neighbour
 * @NFO_CHANGE_DEV:    a device
 */
enum nfo_change_what {
	NFO_CHANGE_ALL,
	NFO_CHANGE_RULESET,
	NFO_CHANGE_FAMILY,
	NFO_CHANGE_PREFIX,
	NFO_CHANGE_NEIGH,
	NFO_CHANGE_DEV,
};

/**
 * struct nfo_change - one event
 * @what:    enum nfo_change_what
 * @family:  NFPROTO_*, of a family's or prefix' change
 * @plen:    bits of @prefix that count
 * @ifindex: device
 * @neigh:   neighbour; compared, never followed
 * @prefix:  big endian
 */
struct nfo_change {
	u8			what;
	u8			family;
	u8			plen;
	int			ifindex;
	const struct neighbour	*neigh;
	union nf_inet_addr	prefix;
};

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
 * @genid:   rt_genid_ipv4() as last seen; @journal_lock
 * @sernum6: net->ipv6.fib6_sernum as last seen; @journal_lock
 * @ruleset: nf_tables' generation as last seen; @journal_lock
 * @ruleset_seq: where nf_tables counts its generations, from the first flowtable on; @ruleset
 *           before; not owned, it lives as long as the namespace
 * @tables_gen: counts tables that went, see nfo_permit(); written with @lock held
 * @zones:   a connection in a conntrack zone was seen; never cleared
 * @settings: what netlink sets, each field read and written as a whole, without a lock
 * @refs:    one for the namespace, one for each table, dump and queued @kick_work
 * @flows:   flows in all tables; atomic
 * @next_id: last value of nfo_table::id; protected by @lock
 * @in_hw:   rules in hardware; atomic
 * @kick_work: has hardware flows looked at after an event
 * @ruleset_at: jiffies of the last ruleset change in the journal; @journal_lock
 * @ruleset_wait: jiffies since when a commit is under way; 0: none is; @journal_lock
 * @ruleset_work: the end of a window in which the ruleset changed; holds a reference
 * @explained_at: jiffies of the last event that moves @genid as well; @journal_lock
 * @signature: of what moves @genid and is no event; @journal_lock
 * @journal: the latest NFO_JOURNAL changes, owned, the one that made the epoch n at n
 *           modulo NFO_JOURNAL; NULL before the first flowtable, then constant; entries
 *           are written with @journal_lock held, and read by RCU readers who look at the
 *           epoch again afterwards
 * @journal_lock: protects the journal and what is marked so
 * @tables_in: tables that need the hooks of the namespace; @lock
 * @devs:    devices that a flow uses or has used, by index; it only grows, since a flow may
 *           come while a device goes
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
 * @netconf: listens to sysctls of devices, owned; NULL before the first flowtable and when
 *           it could not be opened; @lock
 * @free_work: frees this
 */
struct nfo_net {
	struct net		*net;
	u32			epoch;
	u32			genid;
	u32			sernum6;
	u32			ruleset;
	u32			tables_gen;
	bool			zones;
	const unsigned int	*ruleset_seq;
	struct nfo_settings	settings;

	refcount_t		refs ____cacheline_aligned;
	atomic_t		flows;
	u32			next_id;
	atomic_t		in_hw;
	struct work_struct	kick_work;
	u32			ruleset_at;
	u32			ruleset_wait;
	struct delayed_work	ruleset_work;
	u32			explained_at;
	u32			signature;
	struct nfo_change	*journal;
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
	struct socket		*netconf;
	struct rcu_work		free_work;
};

extern unsigned int nfo_net_id;
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
bool nfo_net_use_dev(struct nfo_net *nn, int ifindex);
bool nfo_net_uses_dev(struct nfo_net *nn, int ifindex);
void nfo_net_explain(struct nfo_net *nn);
void nfo_stats_sum(const struct nfo_net *nn, struct nfo_stats *sum);

/* Context: any. */
static inline void nfo_count_reason(const struct nfo_net *nn, enum nfo_reason why)
{
	this_cpu_inc(nn->stats->reason[why]);
}

void nfo_change_add(struct nfo_net *nn, const struct nfo_change *change);
void nfo_net_notice(struct nfo_net *nn);
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
static inline bool nfo_net_moved6(const struct nfo_net *nn)
{
#if IS_ENABLED(CONFIG_IPV6)
	return (u32)atomic_read(&nn->net->ipv6.fib6_sernum) != READ_ONCE(nn->sernum6);
#else
	return false;
#endif
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
