// SPDX-License-Identifier: GPL-2.0
/*
 * nf_tables: the flowtable types, the flow_offload expression, and the ladder
 * by which a connection gets the permission to be promoted.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_extend.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_tables.h>

#include "nfo_event.h"
#include "nfo_hw.h"
#include "nfo_ip.h"
#include "nfo_l4.h"
#include "nfo_learn.h"
#include "nfo_nft.h"
#include "nfo_trace.h"

/* ---- the ladder that gives a permit ---- */

/* Reasons against the packet that `flow add` has matched. */
static enum nfo_reason nfo_packet_check(const struct nft_pktinfo *pkt)
{
	const struct sk_buff *skb = pkt->skb;

	if (nft_pf(pkt) == NFPROTO_IPV4 && IPCB(skb)->opt.optlen)
		return NFO_R_IP_OPTIONS;
	if (nft_pf(pkt) == NFPROTO_IPV6 && nft_thoff(pkt) != sizeof(struct ipv6hdr))
		return NFO_R_IP_OPTIONS;

	return NFO_R_NONE;
}

static enum nfo_reason nfo_tcp_check(const struct nft_pktinfo *pkt,
				     const struct nf_conn *ct)
{
	struct tcphdr _th, *th;

	th = skb_header_pointer(pkt->skb, nft_thoff(pkt), sizeof(_th), &_th);
	if (!th || th->syn || th->fin || th->rst)
		return NFO_R_TCP_FLAGS;
	if (!nf_conntrack_tcp_established(ct))
		return NFO_R_TCP_STATE;

	return NFO_R_NONE;
}

static enum nfo_reason nfo_protocol_check(const struct nfo_net *nn,
					  const struct nft_pktinfo *pkt,
					  const struct nf_conn *ct)
{
	/* An ICMP error about a connection has the conntrack entry of that connection. */
	if (pkt->tprot != nf_ct_protonum(ct))
		return NFO_R_PROTOCOL;

	switch (nf_ct_protonum(ct)) {
	case IPPROTO_TCP:
		return nfo_tcp_check(pkt, ct);
	case IPPROTO_UDP:
		return NFO_R_NONE;
	default:
		return nfo_l4_permit_check(pkt->skb, nn, ct, nft_thoff(pkt));
	}
}

/* Reasons against the connection. */
static enum nfo_reason nfo_ct_check(const struct nf_conn *ct)
{
	if (nf_ct_ext_exist(ct, NF_CT_EXT_HELPER))
		return NFO_R_HELPER;
	return nfo_status_reason(READ_ONCE(ct->status));
}

/* Reasons that the settings give. A connection that is older than conntrack's accounting has no
 * counters, and is taken to have had enough packets.
 */
static enum nfo_reason nfo_settings_check(const struct nfo_net *nn,
					  const struct nf_conn *ct)
{
	u32 after = READ_ONCE(nn->settings.promote_after);
	u32 max = READ_ONCE(nn->settings.max_flows) ?: nf_conntrack_max;
	const struct nf_conn_acct *acct;

	/* Kernels that allow 0 for nf_conntrack_max mean no limit by it. */
	if (max && atomic_read(&nn->flows) >= max)
		return NFO_R_MAX_FLOWS;
	if (!after)
		return NFO_R_NONE;

	acct = nf_conn_acct_find(ct);
	if (acct && atomic64_read(&acct->counter[IP_CT_DIR_ORIGINAL].packets) +
		    atomic64_read(&acct->counter[IP_CT_DIR_REPLY].packets) < after)
		return NFO_R_PROMOTE_AFTER;

	return NFO_R_NONE;
}

/* Most UDP connections have ended with the answer to a query (DNS, NTP, DHT), and a flow that the
 * answer makes would forward nothing. So the flow is made by the next packet of the original
 * direction, by one answer more than the setting says, or by any packet once conntrack calls the
 * connection assured, two seconds after it began.
 */
static enum nfo_reason nfo_answer_check(const struct nfo_net *nn, const struct nf_conn *ct,
					enum ip_conntrack_info ctinfo)
{
	u32 wait = READ_ONCE(nn->settings.udp_answers);

	if (!wait || nf_ct_protonum(ct) != IPPROTO_UDP ||
	    CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL || test_bit(IPS_ASSURED_BIT, &ct->status))
		return NFO_R_NONE;

	return nfo_note_answer(ct) > wait ? NFO_R_NONE : NFO_R_UDP_ANSWER;
}

/* Conntrack drops connections that are not assured when its table is full, but not those that have
 * a flow. So while the table is nearly full, such a connection gets no flow, and conntrack's limit
 * keeps its meaning.
 */
static enum nfo_reason nfo_pressure_check(struct nfo_table *t, const struct nf_conn *ct)
{
	if (test_bit(IPS_ASSURED_BIT, &ct->status) || !nf_conntrack_max ||
	    nf_conntrack_count(t->nn->net) < nf_conntrack_max / 4 * 3)
		return NFO_R_NONE;
	nfo_table_press(t);

	return NFO_R_CONNTRACK_FULL;
}

/* Give a packet the permit, unless something stands against it. Return: NFO_R_NONE when the packet
 * got the permit.
 */
static enum nfo_reason nfo_permit_check(struct nfo_table *t, const struct nft_pktinfo *pkt)
{
	enum ip_conntrack_info ctinfo;
	enum nfo_reason why;
	struct nf_conn *ct;

	ct = nf_ct_get(pkt->skb, &ctinfo);
	if (!ct)
		return ctinfo == IP_CT_UNTRACKED ? NFO_R_UNTRACKED :
						   NFO_R_NO_CONNTRACK;
	if (nf_ct_is_template(ct))
		return NFO_R_UNTRACKED;

	why = nfo_packet_check(pkt);
	if (why)
		return why;
	why = nfo_protocol_check(t->nn, pkt, ct);
	if (why)
		return why;
	why = nfo_ct_check(ct);
	if (why)
		return why;
	/* The connection has a flow, which learns its other direction without a permit. */
	if (test_bit(IPS_OFFLOAD_BIT, &ct->status))
		return NFO_R_ALREADY;
	why = nfo_settings_check(t->nn, ct);
	if (why)
		return why;
	why = nfo_answer_check(t->nn, ct, ctinfo);
	if (why)
		return why;
	why = nfo_pressure_check(t, ct);
	if (why)
		return why;

	nfo_permit(t, pkt->skb, ct);
	return NFO_R_NONE;
}

/* ---- the life of a flowtable ---- */

/* The first table of a namespace starts the hooks and events. Caller holds nf_tables' commit mutex.
 */
static int nfo_type_start(struct nfo_table *t)
{
	struct nfo_net *nn = t->nn;
	int err = 0;

	mutex_lock(&nn->lock);
	if (!nn->tables_in) {
		err = nfo_learn_net_start(nn);
		if (!err)
			nfo_event_net_start(nn);
	}
	nn->tables_in += !err;
	mutex_unlock(&nn->lock);

	return err;
}

static void nfo_type_stop(struct nfo_table *t)
{
	struct nfo_net *nn = t->nn;

	mutex_lock(&nn->lock);
	if (!--nn->tables_in) {
		nfo_event_net_stop(nn);
		nfo_learn_net_stop(nn);
	}
	mutex_unlock(&nn->lock);
}

static int nfo_type_init(struct nf_flowtable *ft)
{
	struct nfo_table *t = nfo_table_alloc(read_pnet(&ft->net), ft);
	int err;

	if (IS_ERR(t))
		return PTR_ERR(t);
	nfo_hw_init(t);
	nfo_table_enlist(t);
	err = nfo_type_start(t);
	if (err) {
		nfo_table_drain(t);
		nfo_hw_exit(t);
		nfo_table_free(t);
		return err;
	}
	nfo_table_attach(ft, t);

	return 0;
}

/* ---- the flow_offload expression ---- */

struct nfo_expr {
	struct nft_flowtable	*flowtable;
};

static void nfo_trace_refuse(const struct nft_pktinfo *pkt, enum nfo_reason why)
{
	enum ip_conntrack_info ctinfo;

	if (trace_nfo_refuse_enabled())
		trace_nfo_refuse(nf_ct_get(pkt->skb, &ctinfo), nfo_reason_names[why]);
}

static void nfo_expr_eval(const struct nft_expr *expr, struct nft_regs *regs,
			  const struct nft_pktinfo *pkt)
{
	const struct nfo_expr *priv = nft_expr_priv(expr);
	struct nfo_table *t = nfo_table(&priv->flowtable->data);
	enum nfo_reason why = nfo_permit_check(t, pkt);

	if (!why)
		return;

	nfo_count_reason(t->nn, why);
	nfo_trace_refuse(pkt, why);
	regs->verdict.code = NFT_BREAK;
}

static int nfo_expr_validate(NFO_VALIDATE_ARGS)
{
	if (ctx->family != NFPROTO_IPV4 && ctx->family != NFPROTO_IPV6 &&
	    ctx->family != NFPROTO_INET)
		return -EOPNOTSUPP;

	return nft_chain_validate_hooks(ctx->chain, 1 << NF_INET_FORWARD);
}

static const struct nla_policy nfo_expr_policy[NFTA_FLOW_MAX + 1] = {
	[NFTA_FLOW_TABLE_NAME]	= { .type = NLA_STRING, .len = NFT_NAME_MAXLEN - 1 },
};

/* A flowtable that was made by mainline's module has no struct nfo_table. */
static bool nfo_flowtable_is_ours(const struct nft_flowtable *flowtable)
{
	if (flowtable->data.type->init == nfo_type_init)
		return true;

	pr_warn_ratelimited("nf_flow_offload: flowtable '%s' is served by another module (mainline's nf_flow_table_inet); to hand it over: delete the ruleset, rmmod nft_flow_offload nf_flow_table_inet, load the ruleset again\n",
			    flowtable->name);
	return false;
}

static int nfo_expr_init(const struct nft_ctx *ctx, const struct nft_expr *expr,
			 const struct nlattr * const tb[])
{
	struct nfo_expr *priv = nft_expr_priv(expr);
	struct nft_flowtable *flowtable;
	int err;

	if (!tb[NFTA_FLOW_TABLE_NAME])
		return -EINVAL;

	flowtable = nfo_flowtable_lookup(ctx->net, ctx->table,
					 tb[NFTA_FLOW_TABLE_NAME],
					 nft_genmask_next(ctx->net));
	if (IS_ERR(flowtable))
		return PTR_ERR(flowtable);
	if (!nfo_flowtable_is_ours(flowtable))
		return -EBUSY;
	if (!nft_use_inc(&flowtable->use))
		return -EMFILE;

	err = nf_ct_netns_get(ctx->net, ctx->family);
	if (err) {
		nft_use_dec(&flowtable->use);
		return err;
	}
	priv->flowtable = flowtable;

	return 0;
}

static void nfo_expr_destroy(const struct nft_ctx *ctx, const struct nft_expr *expr)
{
	nf_ct_netns_put(ctx->net, ctx->family);
}

static void nfo_expr_activate(const struct nft_ctx *ctx, const struct nft_expr *expr)
{
	struct nfo_expr *priv = nft_expr_priv(expr);

	nft_use_inc_restore(&priv->flowtable->use);
}

static void nfo_expr_deactivate(const struct nft_ctx *ctx,
				const struct nft_expr *expr,
				enum nft_trans_phase phase)
{
	struct nfo_expr *priv = nft_expr_priv(expr);

	nf_tables_deactivate_flowtable(ctx, priv->flowtable, phase);
}

static int nfo_expr_dump(NFO_DUMP_ARGS)
{
	const struct nfo_expr *priv = nft_expr_priv(expr);

	return nla_put_string(skb, NFTA_FLOW_TABLE_NAME, priv->flowtable->name);
}

/* Mainline's expression must never run on a flowtable of this module. nf_tables prefers a type that
 * names the family over one that names none, as mainline's does, so it takes these even when
 * nft_flow_offload is loaded too. The last type names no family, so that other families get the
 * error of nfo_expr_validate().
 */
#define NFO_EXPR_OPS(i)					\
	{						\
		.type		= &nfo_expr_types[i],	\
		.size		= NFT_EXPR_SIZE(sizeof(struct nfo_expr)), \
		.eval		= nfo_expr_eval,	\
		.init		= nfo_expr_init,	\
		.activate	= nfo_expr_activate,	\
		.deactivate	= nfo_expr_deactivate,	\
		.destroy	= nfo_expr_destroy,	\
		.validate	= nfo_expr_validate,	\
		.dump		= nfo_expr_dump,	\
	}

#define NFO_EXPR_TYPE(i, fam)				\
	{						\
		.name		= "flow_offload",	\
		.family		= (fam),		\
		.ops		= &nfo_expr_ops[i],	\
		.policy		= nfo_expr_policy,	\
		.maxattr	= NFTA_FLOW_MAX,	\
		.owner		= THIS_MODULE,		\
	}

static struct nft_expr_type nfo_expr_types[4];

static const struct nft_expr_ops nfo_expr_ops[] = {
	NFO_EXPR_OPS(0),
	NFO_EXPR_OPS(1),
	NFO_EXPR_OPS(2),
	NFO_EXPR_OPS(3),
};

static struct nft_expr_type nfo_expr_types[] = {
	NFO_EXPR_TYPE(0, NFPROTO_IPV4),
	NFO_EXPR_TYPE(1, NFPROTO_IPV6),
	NFO_EXPR_TYPE(2, NFPROTO_INET),
	NFO_EXPR_TYPE(3, NFPROTO_UNSPEC),
};

/* ---- flowtable types ---- */

static int nfo_type_setup(struct nf_flowtable *ft, struct net_device *dev,
			  enum flow_block_command cmd)
{
	const struct nft_flowtable *nft = container_of(ft, struct nft_flowtable, data);
	struct nfo_table *t = nfo_table(ft);

	/* Older kernels, as Debian's 5.10, unbind the devices of a flowtable after they freed it,
	 * and @dev may be freed too.
	 */
	if (!t)
		return 0;
	/* When a flowtable is deleted, its devices leave one by one, and the reason says so. */
	return nfo_hw_setup(t, dev, cmd, nft_is_active(t->nn->net, nft) ? NFO_R_DEV_GONE :
									  NFO_R_TABLE_GONE);
}

/* The hooks that learn stay until the flows have ended: until then conntrack judges no segment, and
 * those hooks note the numbers of what takes the classic path. Some kernels unbind the devices only
 * after this.
 */
static void nfo_type_free(struct nf_flowtable *ft)
{
	struct nfo_table *t = nfo_table(ft);

	nfo_hw_leave_all(t);
	nfo_table_drain(t);
	nfo_type_stop(t);
	nfo_hw_exit(t);
	nfo_table_attach(ft, NULL);
	nfo_table_free(t);
}

#define NFO_TABLE_TYPE(fam, fn)			\
	{					\
		.family	= (fam),		\
		.init	= nfo_type_init,	\
		.setup	= nfo_type_setup,	\
		.free	= nfo_type_free,	\
		.hook	= (fn),			\
		.owner	= THIS_MODULE,		\
	}

static struct nf_flowtable_type nfo_table_types[] = {
	NFO_TABLE_TYPE(NFPROTO_IPV4, nfo_hook_ip),
	NFO_TABLE_TYPE(NFPROTO_IPV6, nfo_hook_ip6),
	NFO_TABLE_TYPE(NFPROTO_INET, nfo_hook_inet),
};

/**
 * nfo_nft_init() - offer flowtables and `flow add` to nf_tables
 *
 * Return: 0 or a negative errno.
 */
int __init nfo_nft_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(nfo_expr_types); i++) {
		err = nft_register_expr(&nfo_expr_types[i]);
		if (err)
			goto undo;
	}
	for (i = 0; i < ARRAY_SIZE(nfo_table_types); i++)
		nft_register_flowtable_type(&nfo_table_types[i]);

	return 0;

undo:
	while (--i >= 0)
		nft_unregister_expr(&nfo_expr_types[i]);
	return err;
}

/**
 * nfo_nft_exit() - undo nfo_nft_init(). Each flowtable and each expression holds a reference of the
 * module, so none is left.
 */
void nfo_nft_exit(void)
{
	int i;

	for (i = ARRAY_SIZE(nfo_table_types) - 1; i >= 0; i--)
		nft_unregister_flowtable_type(&nfo_table_types[i]);
	for (i = ARRAY_SIZE(nfo_expr_types) - 1; i >= 0; i--)
		nft_unregister_expr(&nfo_expr_types[i]);
}

MODULE_ALIAS_NFT_EXPR("flow_offload");
MODULE_ALIAS_NF_FLOWTABLE(2);	/* NFPROTO_IPV4 */
MODULE_ALIAS_NF_FLOWTABLE(10);	/* NFPROTO_IPV6 */
MODULE_ALIAS_NF_FLOWTABLE(1);	/* NFPROTO_INET */
