/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Older kernels, made to look like the newest one.
 *
 * The only place that knows that kernels differ. Every NFO_HAVE_* symbol is
 * the answer of a compile-time probe (scripts/compat-probes); each entry names
 * the upstream change behind it and says when the entry can go. Inside a
 * kernel tree there are no probes: such a tree is the newest kernel.
 */
#ifndef _NFO_COMPAT_H
#define _NFO_COMPAT_H

#ifdef NFO_PROBES
#include NFO_PROBES
#else
#define NFO_HAVE_DST_DEV 1
#define NFO_HAVE_DST_RT6_INFO 1
#define NFO_HAVE_FLOWTABLE_LOOKUP_NET 1
#define NFO_HAVE_EXPR_VALIDATE_2 1
#define NFO_HAVE_EXPR_DUMP_RESET 1
#define NFO_HAVE_GSO_H 1
#define NFO_HAVE_KZALLOC_OBJ 1
#define NFO_HAVE_LIST_COUNT_NODES 1
#define NFO_HAVE_FORWARD_PATH_CTX 1
#define NFO_HAVE_NFT_BASE_SEQ 1
#define NFO_HAVE_TCX_INGRESS 1
#endif

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/inet_dscp.h>
#include <net/ip6_fib.h>
#include <net/route.h>
#include <net/netns/generic.h>
#include <net/netfilter/nf_tables.h>

/* 6.5, "net: move gso declarations and functions to their own files". Until
 * then they are in linux/skbuff.h. Goes with 6.1.
 */
#ifdef NFO_HAVE_GSO_H
#include <net/gso.h>
#endif

/* 6.17, "net: dst: annotate data-races around dst->dev" brought the
 * accessor; 6.12.y has it as a backport. Goes with 6.1.
 */
#ifndef NFO_HAVE_DST_DEV
static inline struct net_device *dst_dev(const struct dst_entry *dst)
{
	return READ_ONCE(dst->dev);
}
#endif

/* 6.10, e8dfd42c17fa ("ipv6: introduce dst_rt6_info() helper"). Goes with 6.1. */
#ifndef NFO_HAVE_DST_RT6_INFO
#define dst_rt6_info(_ptr) container_of(_ptr, struct rt6_info, dst)
#endif

/* 7.x: nft_flowtable_lookup() takes the namespace first. Goes with 6.12. */
#ifdef NFO_HAVE_FLOWTABLE_LOOKUP_NET
#define nfo_flowtable_lookup	nft_flowtable_lookup
#else
static inline struct nft_flowtable *
nfo_flowtable_lookup(const struct net *net, const struct nft_table *table,
		     const struct nlattr *nla, u8 genmask)
{
	return nft_flowtable_lookup(table, nla, genmask);
}
#endif

/* 6.12, eaf9b2c875ec ("netfilter: nf_tables: drop unused 3rd argument from
 * validate callback ops"). Goes with 6.1.
 */
#ifdef NFO_HAVE_EXPR_VALIDATE_2
#define NFO_VALIDATE_ARGS const struct nft_ctx *ctx, const struct nft_expr *expr
#else
#define NFO_VALIDATE_ARGS const struct nft_ctx *ctx, \
			  const struct nft_expr *expr, \
			  const struct nft_data **data
#endif

/* 6.2, "netfilter: nf_tables: Extend nft_expr_ops::dump callback parameters".
 * Goes with 6.1.
 */
#ifdef NFO_HAVE_EXPR_DUMP_RESET
#define NFO_DUMP_ARGS struct sk_buff *skb, const struct nft_expr *expr, bool reset
#else
#define NFO_DUMP_ARGS struct sk_buff *skb, const struct nft_expr *expr
#endif

/* 7.0, "slab: Introduce kmalloc_obj() and family". Goes with 6.12. */
#ifndef NFO_HAVE_KZALLOC_OBJ
#define kzalloc_obj(...)		nfo_kzalloc_obj(__VA_ARGS__, GFP_KERNEL)
#define nfo_kzalloc_obj(obj, gfp, ...)	kzalloc(sizeof(obj), gfp)
#endif

/* 6.2, "i915: Move list_count() to list.h as list_count_nodes() for broader use".
 * Goes with 6.1.
 */
#ifndef NFO_HAVE_LIST_COUNT_NODES
static inline size_t list_count_nodes(struct list_head *head)
{
	struct list_head *pos;
	size_t count = 0;

	list_for_each(pos, head)
		count++;
	return count;
}
#endif

/* 6.17, "netfilter: nf_tables: place base_seq in struct net". Until then the counter lies
 * in nf_tables' own part of the namespace, whose id is not exported: that part begins with
 * the head of the list in which the table is. Caller holds nf_tables' commit mutex.
 * Goes with 6.12.
 */
static inline const unsigned int *nfo_nft_base_seq(struct net *net,
						   const struct nft_table *table)
{
#ifdef NFO_HAVE_NFT_BASE_SEQ
	return &net->nft.base_seq;
#else
	const struct list_head *pos;
	struct net_generic *gen;
	unsigned int id;
	const unsigned int *seq = NULL;

	rcu_read_lock();
	gen = rcu_dereference(net->gen);
	for (pos = table->list.next; !seq && pos != &table->list; pos = pos->next)
		for (id = DIV_ROUND_UP(sizeof(gen->s), sizeof(void *)); id < gen->s.len; id++)
			if (gen->ptr[id] == pos)
				seq = &((const struct nftables_pernet *)pos)->base_seq;
	rcu_read_unlock();

	return seq;
#endif
}

/* 6.6, e420bed02507 ("bpf: Add fd-based tcx multi-prog infra with link support") renamed
 * what an ingress qdisc hangs on. Goes with 6.1.
 */
static inline bool nfo_dev_has_tc_ingress(const struct net_device *dev)
{
#ifndef CONFIG_NET_CLS_ACT
	return false;
#elif defined(NFO_HAVE_TCX_INGRESS)
	return rcu_access_pointer(dev->tcx_ingress);
#else
	return rcu_access_pointer(dev->miniq_ingress);
#endif
}

/* 7.x: dev_fill_forward_path() takes a context, and what it found has to be
 * released. Only devices without references of their own are looked at here, so
 * that is done at once. Goes with 6.12.
 */
static inline int nfo_fill_forward_path(const struct net_device *dev,
					struct net_device_path_stack *stack)
{
#ifdef NFO_HAVE_FORWARD_PATH_CTX
	struct net_device_path_ctx ctx = { .dev = dev };
	int err = dev_fill_forward_path(&ctx, stack);

	if (!err)
		dev_fill_forward_path_release(stack);
	return err;
#else
	static const u8 nobody[ETH_ALEN];

	return dev_fill_forward_path(dev, nobody, stack);
#endif
}

#endif /* _NFO_COMPAT_H */
