/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Older kernels, made to look like the newest one.
 *
 * Only this file and nfo_compat_path.h know that kernels differ. Every NFO_HAVE_* symbol is
 * the answer of a compile-time probe (scripts/compat-probes). Each entry names the upstream
 * change behind it, and says with which kernel the entry goes, when that kernel is no longer
 * supported. Inside a kernel tree there are no probes: such a tree is the newest kernel.
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
#define NFO_HAVE_HOOK_OPS_TYPE 1
#define NFO_HAVE_TCX_INGRESS 1
#define NFO_HAVE_FORWARD_PATH 1
#define NFO_HAVE_NLA_BE16 1
#define NFO_HAVE_NETDEV_HOLD 1
#define NFO_HAVE_CT_OFFLOAD_TIMEOUT 1
#define NFO_HAVE_CT_COUNT 1
#define NFO_HAVE_CT_TCP_ESTABLISHED 1
#define NFO_HAVE_IP6_DST_MTU_MAYBE_FORWARD 1
#define NFO_HAVE_GENL_MCAST_CAP 1
#define NFO_HAVE_SKB_CLEAR_TSTAMP 1
#define NFO_HAVE_IPH_TOTLEN 1
#define NFO_HAVE_NLA_STRSCPY 1
#define NFO_HAVE_PCPU_STAT_TYPE 1
#define NFO_HAVE_CLS_SKIP_SW 1
#define NFO_HAVE_FORCE_FORWARDING 1
#define NFO_HAVE_TCF_NEXT_PROTO 1
#define NFO_HAVE_BR_MST 1
#define NFO_HAVE_SET_EXPRS 1
#define NFO_HAVE_FIB_DSCP 1
#define NFO_HAVE_NH_RESILIENT 1
#endif

#include <linux/ip.h>
#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/genetlink.h>
#include <net/if_inet6.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/ip_tunnels.h>
#include <net/nexthop.h>
#include <net/route.h>
#include <net/sch_generic.h>
#include <net/netns/generic.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_tables.h>

/* 6.5, "net: move gso declarations and functions to their own files". Before, they were in
 * linux/skbuff.h. Goes with 6.1.
 */
#ifdef NFO_HAVE_GSO_H
#include <net/gso.h>
#endif
#ifdef NFO_HAVE_TCX_INGRESS
#include <net/tcx.h>
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

/* Find the head of a namespace's list of nft tables. nf_tables' part of the namespace begins with
 * this head, but the id of the part is not exported. So the parts are compared with each node of
 * the list that @table is in. Caller holds nf_tables' commit mutex. Return: the head, or NULL.
 */
static inline const struct list_head *nfo_nft_tables(struct net *net,
						     const struct nft_table *table)
{
	const struct list_head *pos, *head = NULL;
	struct net_generic *gen;
	unsigned int id;

	rcu_read_lock();
	gen = rcu_dereference(net->gen);
	for (pos = table->list.next; !head && pos != &table->list; pos = pos->next)
		for (id = DIV_ROUND_UP(sizeof(gen->s), sizeof(void *)); id < gen->s.len; id++)
			if (gen->ptr[id] == pos)
				head = pos;
	rcu_read_unlock();

	return head;
}

/* 6.17, "netfilter: nf_tables: place base_seq in struct net". Before, the counter was in the same
 * struct as the head of the list of tables. Goes with 6.12.
 */
static inline const unsigned int *nfo_nft_base_seq(const struct net *net,
						   const struct list_head *tables)
{
#ifdef NFO_HAVE_NFT_BASE_SEQ
	return &net->nft.base_seq;
#else
	return tables ? &container_of(tables, struct nftables_pernet, tables)->base_seq : NULL;
#endif
}

/* 5.14, "netfilter: add new hook_ops_type": it marks the hooks of nf_tables' chains. Without the
 * mark hooks of iptables' own tables look like these, so none counts as foreign. Goes with 5.10.
 */
static inline bool nfo_hook_is_foreign(const struct nf_hook_ops *ops)
{
#ifdef NFO_HAVE_HOOK_OPS_TYPE
	return ops->hook_ops_type != NF_HOOK_OP_NF_TABLES;
#else
	return false;
#endif
}

/* Call an expression's dump, whose arguments differ as NFO_DUMP_ARGS does. Return: 0 or an error.
 */
static inline int nfo_expr_dump_to(struct sk_buff *skb, const struct nft_expr *expr)
{
#ifdef NFO_HAVE_EXPR_DUMP_RESET
	return expr->ops->dump(skb, expr, false);
#else
	return expr->ops->dump(skb, expr);
#endif
}

/* 6.6, e420bed02507 ("bpf: Add fd-based tcx multi-prog infra with link support"): packets that a
 * device receives (or sends, with @egress) pass BPF programs before the filters of a qdisc. Caller
 * holds RTNL or rcu_read_lock(). Goes with 6.1.
 */
#ifndef NFO_HAVE_TCX_INGRESS
static inline const struct mini_Qdisc *nfo_dev_tc_filters(const struct net_device *dev, bool egress)
{
#ifdef CONFIG_NET_CLS_ACT
	return egress ? rcu_dereference_rtnl(dev->miniq_egress) :
			rcu_dereference_rtnl(dev->miniq_ingress);
#else
	return NULL;
#endif
}

static inline bool nfo_dev_has_tcx(const struct net_device *dev, bool egress)
{
	return false;
}
#elif defined(CONFIG_NET_XGRESS)
static inline struct bpf_mprog_entry *nfo_dev_tcx(const struct net_device *dev, bool egress)
{
	return egress ? rcu_dereference_rtnl(dev->tcx_egress) :
			rcu_dereference_rtnl(dev->tcx_ingress);
}

static inline const struct mini_Qdisc *nfo_dev_tc_filters(const struct net_device *dev, bool egress)
{
	struct bpf_mprog_entry *entry = nfo_dev_tcx(dev, egress);

	return entry ? rcu_dereference_rtnl(tcx_entry(entry)->miniq) : NULL;
}

static inline bool nfo_dev_has_tcx(const struct net_device *dev, bool egress)
{
	struct bpf_mprog_entry *entry = nfo_dev_tcx(dev, egress);

	return entry && bpf_mprog_total(entry);
}
#else
static inline const struct mini_Qdisc *nfo_dev_tc_filters(const struct net_device *dev, bool egress)
{
	return NULL;
}

static inline bool nfo_dev_has_tcx(const struct net_device *dev, bool egress)
{
	return false;
}
#endif

/* Does a tc filter or a BPF program see packets that a device receives, or sends with @egress?
 * Caller holds RTNL or rcu_read_lock().
 */
static inline bool nfo_dev_has_tc(const struct net_device *dev, bool egress)
{
	return nfo_dev_has_tcx(dev, egress) || nfo_dev_tc_filters(dev, egress);
}

/* 6.4, "net/sched: Refactor qdisc_graft() for ingress and clsact Qdiscs" and later changes, also in
 * 6.1.y, made this pointer an __rcu one. Caller holds RTNL. Goes with 5.10.
 */
static inline struct Qdisc *nfo_queue_qdisc(const struct netdev_queue *queue)
{
	return (__force struct Qdisc *)READ_ONCE(queue->qdisc_sleeping);
}

/* 5.16, 42df6e1d221d ("netfilter: Introduce egress hook"). Caller holds rcu_read_lock(). Goes with
 * 5.10.
 */
static inline bool nfo_dev_has_egress_hooks(const struct net_device *dev)
{
#ifdef CONFIG_NETFILTER_EGRESS
	const struct nf_hook_entries *hooks = rcu_dereference(dev->nf_hooks_egress);

	return hooks && hooks->num_hook_entries;
#else
	return false;
#endif
}

/* 6.17, "ipv6: add `force_forwarding` sysctl to enable per-interface forwarding".
 * Goes with 6.12.
 */
static inline bool nfo_force_forwarding(const struct inet6_dev *idev)
{
#ifdef NFO_HAVE_FORCE_FORWARDING
	return READ_ONCE(idev->cnf.force_forwarding);
#else
	return false;
#endif
}

/* 6.7, 34d21de99cea ("net: Move {l,t,d}stats allocation to core and convert veth & vrf"), with
 * backports: dev->pcpu_stat_type says which kind of counters a device has. Goes with 6.1.
 */
static inline bool nfo_dev_has_tstats(const struct net_device *dev)
{
#ifdef NFO_HAVE_PCPU_STAT_TYPE
	return dev->pcpu_stat_type == NETDEV_PCPU_STAT_TSTATS;
#else
	return false;
#endif
}

/* 7.x: flow_cls_common_offload::skip_sw tells drivers that a rule is for hardware alone. Goes with
 * 6.12.
 */
#ifdef NFO_HAVE_CLS_SKIP_SW
#define nfo_cls_skip_sw(_common, _on)	((_common)->skip_sw = (_on))
#else
#define nfo_cls_skip_sw(_common, _on)	((void)(_on))
#endif

/* ---- Goes with 5.10, all of it ---- */

/* 5.11, "net: sched: remove redundant 'rtnl_held' argument". */
#ifdef NFO_HAVE_TCF_NEXT_PROTO
#define nfo_tcf_next_proto(_chain, _tp)	tcf_get_next_proto(_chain, _tp)
#else
#define nfo_tcf_next_proto(_chain, _tp)	tcf_get_next_proto(_chain, _tp, true)
#endif

/* 6.0, 9962acefbcb9 ("net: adopt u64_stats_t in struct pcpu_sw_netstats") and similar changes.
 * Before, the counters of devices were plain u64. u64_stats_add() takes an unsigned long, which on
 * 32 bit holds neither all bytes of a chip nor a number below zero.
 */
static inline void nfo_stats_add(void *counter, u64 value)
{
#ifdef NFO_HAVE_PCPU_STAT_TYPE
	u64_stats_set(counter, u64_stats_read(counter) + value);
#else
	*(u64 *)counter += value;
#endif
}

/* 6.1, ecaf75ffd5f5 ("netlink: introduce bigendian integer types"). Our policies give no range for
 * such a type, so only the length is checked, which is that of NLA_U16.
 */
#ifndef NFO_HAVE_NLA_BE16
#define NLA_BE16	NLA_U16
#endif

/* 5.11, "netfilter: nftables: generalize set expressions support". Return: the expression @i of
 * each element of a set; NULL after the last one.
 */
static inline const struct nft_expr *nfo_set_expr(const struct nft_set *set, int i)
{
#ifdef NFO_HAVE_SET_EXPRS
	return i < set->num_exprs ? set->exprs[i] : NULL;
#else
	return i ? NULL : set->expr;
#endif
}

/* 5.19, "ipv4: Use dscp_t in struct fib_entry_notifier_info". Return: the TOS that a route is for,
 * or 0.
 */
static inline u8 nfo_fib_entry_tos(const struct fib_entry_notifier_info *fen)
{
#ifdef NFO_HAVE_FIB_DSCP
	return inet_dscp_to_dsfield(fen->dscp);
#else
	return fen->tos;
#endif
}

/* 5.13, "nexthop: Add data structures for resilient group nexthops". Is there a group whose
 * connections keep their next hop as long as routing sees them in use? Context: RTNL held.
 */
static inline bool nfo_has_resilient_group(const struct net *net)
{
#ifdef NFO_HAVE_NH_RESILIENT
	const struct nexthop *nh;
	struct rb_node *node;

	for (node = rb_first(&net->nexthop.rb_root); node; node = rb_next(node)) {
		nh = rb_entry(node, struct nexthop, rb_node);
		if (nh->is_group && rtnl_dereference(nh->nh_grp)->resilient)
			return true;
	}
#endif
	return false;
}

/* 5.13, "nexthop: Implement notifiers for resilient nexthop groups". Return: the number of the
 * member that a bucket of a resilient group has now, if a message of rtnetlink tells of a bucket;
 * otherwise 0.
 */
static inline u32 nfo_nh_bucket_member(const struct nlmsghdr *nlh)
{
#ifdef NFO_HAVE_NH_RESILIENT
	const struct nlattr *bucket, *id;

	if (nlh->nlmsg_type != RTM_NEWNEXTHOPBUCKET)
		return 0;
	bucket = nlmsg_find_attr(nlh, sizeof(struct nhmsg), NHA_RES_BUCKET);
	id = bucket ? nla_find_nested(bucket, NHA_RES_BUCKET_NH_ID) : NULL;
	if (id && nla_len(id) == sizeof(u32))
		return nla_get_u32(id);
#endif
	return 0;
}

/* 6.13, "net: fib_rules: Add DSCP selector attribute": FRA_DSCP, which older headers lack. */
#define NFO_FRA_DSCP	25

/* 6.14, "net: fib_rules: Add flow label selector attributes": FRA_FLOWLABEL, likewise. */
#define NFO_FRA_FLOWLABEL	26

/* 5.11, 872f69034194 ("treewide: rename nla_strlcpy to nla_strscpy."). The two return different
 * values, so this one returns none.
 */
#ifndef NFO_HAVE_NLA_STRSCPY
static inline void nla_strscpy(char *to, const struct nlattr *nla, size_t size)
{
	nla_strlcpy(to, nla, size);
}
#endif

/* 6.7, "genetlink: Use internal flags for multicast groups", also in 6.1.y. The older flag asks
 * for the same capability, in the namespace of the socket.
 */
#ifndef NFO_HAVE_GENL_MCAST_CAP
#define GENL_MCAST_CAP_NET_ADMIN	GENL_UNS_ADMIN_PERM
#endif

/* 6.0, d62607c3fe45 ("net: rename reference+tracking helpers"); 5.17 brought the trackers. */
#ifndef NFO_HAVE_NETDEV_HOLD
#define netdevice_tracker struct nfo_no_tracker
struct nfo_no_tracker {};

static inline void netdev_hold(struct net_device *dev, netdevice_tracker *tracker, gfp_t gfp)
{
	if (dev)
		dev_hold(dev);
}

static inline void netdev_put(struct net_device *dev, netdevice_tracker *tracker)
{
	if (dev)
		dev_put(dev);
}
#endif

/* 5.18, de799101519a ("net: Add skb_clear_tstamp() to keep the mono delivery_time"). */
#ifndef NFO_HAVE_SKB_CLEAR_TSTAMP
static inline void skb_clear_tstamp(struct sk_buff *skb)
{
	skb->tstamp = 0;
}
#endif

/* 6.3, 058a8f7f73aa ("net: add a couple of helpers for iph tot_len"), also in 6.1.y. Kernels
 * without the helper have no IPv4 packets of more than 64 KiB, whose tot_len is 0.
 */
#ifndef NFO_HAVE_IPH_TOTLEN
static inline unsigned int iph_totlen(const struct sk_buff *skb, const struct iphdr *iph)
{
	return ntohs(iph->tot_len);
}
#endif

/* 5.14, 427faee167bc ("net: ipv6: introduce ip6_dst_mtu_maybe_forward"). */
#ifndef NFO_HAVE_IP6_DST_MTU_MAYBE_FORWARD
static inline unsigned int ip6_dst_mtu_maybe_forward(const struct dst_entry *dst, bool forwarding)
{
	return ip6_dst_mtu_forward(dst);
}
#endif

/* 5.12, "netfilter: conntrack: remove nf_conntrack_count atomic from struct net". */
#ifndef NFO_HAVE_CT_COUNT
static inline u32 nf_conntrack_count(const struct net *net)
{
	return atomic_read(&net->ct.count);
}
#endif

/* 5.13, 8f0db018006a ("netfilter: nft_flow_offload: fix wrong established check"). */
#ifndef NFO_HAVE_CT_TCP_ESTABLISHED
static inline bool nf_conntrack_tcp_established(const struct nf_conn *ct)
{
	return ct->proto.tcp.state == TCP_CONNTRACK_ESTABLISHED &&
	       test_bit(IPS_ASSURED_BIT, &ct->status);
}
#endif

/* 5.14, "netfilter: flowtable: add timeouts per protocol". Before, the timeout of flows was 30
 * seconds and could not be set. Return: jiffies.
 */
static inline u32 nfo_ct_offload_timeout(const struct net *net, u8 l4proto)
{
#ifdef NFO_HAVE_CT_OFFLOAD_TIMEOUT
	if (l4proto == IPPROTO_TCP)
		return READ_ONCE(net->ct.nf_ct_proto.tcp.offload_timeout);
	return READ_ONCE(net->ct.nf_ct_proto.udp.offload_timeout);
#else
	return 30 * HZ;
#endif
}

/* 6.10, "ip_tunnel: convert __be16 tunnel flags to bitmaps". Return: true when the GRE header of
 * received packets has a checksum or a sequence number.
 */
#ifdef IP_TUNNEL_DECLARE_FLAGS
static inline bool nfo_gre_varies(const unsigned long *flags)
{
	return test_bit(IP_TUNNEL_CSUM_BIT, flags) || test_bit(IP_TUNNEL_SEQ_BIT, flags);
}
#else
static inline bool nfo_gre_varies(__be16 flags)
{
	return flags & (TUNNEL_CSUM | TUNNEL_SEQ);
}
#endif

#include "nfo_compat_path.h"

#endif /* _NFO_COMPAT_H */
