// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: commands and events. The messages are described
 * at the top of include/uapi/linux/nf_flow_offload.h.
 *
 * Every command needs CAP_NET_ADMIN in the namespace, as conntrack's do.
 */
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "nfo.h"
#include "nfo_dump.h"
#include "nfo_hw.h"
#include "nfo_netlink.h"
#include "nfo_recheck.h"

static struct genl_family nfo_genl_family;

enum { NFO_GROUP_FLOWS };

static const struct genl_multicast_group nfo_genl_groups[] = {
	[NFO_GROUP_FLOWS] = {
		.name	= NFO_GENL_GROUP_FLOWS,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
};

/* ---- one flow ---- */

static int nfo_parse_filter(const struct nlattr *nest, struct nfo_filter *filter,
			    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NFO_FILTER_POLICY_MAX + 1];
	int err;

	if (!nest)
		return 0;
	err = nla_parse_nested(tb, NFO_FILTER_POLICY_MAX, nest, nfo_filter_policy, extack);
	if (err)
		return err;
	return nfo_filter_parse(filter, tb, extack);
}

/* Parse the request of a dump. This is done with the first message and not at the start of the
 * dump, because older kernels give the start no extended ACK.
 */
static int nfo_parse_dump(struct netlink_callback *cb, struct nfo_filter *filter)
{
	struct nlattr *tb[NFO_FLOW_POLICY_MAX + 1];
	int err;

	err = nlmsg_parse(cb->nlh, GENL_HDRLEN, tb, NFO_FLOW_POLICY_MAX,
			  nfo_flow_policy, cb->extack);
	if (err)
		return err;
	if (tb[NFO_FLOW_L4PROTO] || tb[NFO_FLOW_ZONE] || tb[NFO_FLOW_ORIGINAL]) {
		NL_SET_ERR_MSG(cb->extack, "a dump is narrowed by a filter, not by a tuple");
		return -EINVAL;
	}
	return nfo_parse_filter(tb[NFO_FLOW_FILTER], filter, cb->extack);
}

static int nfo_cmd_dump_flows(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct nfo_filter *filter = nfo_dump_filter(cb);
	int err;

	err = filter ? nfo_parse_dump(cb, filter) : 0;
	return err ?: nfo_dump_flows(msg, cb);
}

/**
 * struct nfo_named - how a request names one flow
 * @tuple:    tuple of the original direction
 * @has_zone: the request names a zone
 * @zone:     conntrack zone, with @has_zone
 */
struct nfo_named {
	struct nf_conntrack_tuple	tuple;
	bool				has_zone;
	u16				zone;
};

static int nfo_parse_named(struct genl_info *info, struct nfo_named *n)
{
	struct netlink_ext_ack *extack = info->extack;
	struct nf_conntrack_tuple *t = &n->tuple;
	struct nlattr *tb[NFO_DIR_POLICY_MAX + 1];
	const struct nlattr *src, *dst;
	int err;

	if (!info->attrs[NFO_FLOW_L4PROTO] || !info->attrs[NFO_FLOW_ORIGINAL]) {
		NL_SET_ERR_MSG(extack,
			       "a flow is named by a protocol and its original direction; one is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, NFO_DIR_POLICY_MAX, info->attrs[NFO_FLOW_ORIGINAL],
			       nfo_dir_policy, extack);
	if (err)
		return err;
	src = tb[NFO_DIR_SRC];
	dst = tb[NFO_DIR_DST];
	if (!src || !dst || !tb[NFO_DIR_SPORT] || !tb[NFO_DIR_DPORT]) {
		NL_SET_ERR_MSG(extack, "a direction needs both addresses and both ports");
		return -EINVAL;
	}
	if (nla_len(src) != nla_len(dst) || (nla_len(src) != 4 && nla_len(src) != 16)) {
		NL_SET_ERR_MSG_ATTR(extack, src, "addresses must be of 4 or 16 bytes, both alike");
		return -EINVAL;
	}

	memset(n, 0, sizeof(*n));
	if (info->attrs[NFO_FLOW_ZONE]) {
		n->zone = nla_get_u16(info->attrs[NFO_FLOW_ZONE]);
		n->has_zone = true;
	}
	t->dst.protonum = nla_get_u8(info->attrs[NFO_FLOW_L4PROTO]);
	t->src.u.all = nla_get_be16(tb[NFO_DIR_SPORT]);
	t->dst.u.all = nla_get_be16(tb[NFO_DIR_DPORT]);
	t->src.l3num = nla_len(src) == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	nla_memcpy(&t->src.u3, src, sizeof(t->src.u3));
	nla_memcpy(&t->dst.u3, dst, sizeof(t->dst.u3));

	return 0;
}

/* Is a connection in a zone? A conntrack zone may hold for one direction only; then the other
 * direction is in zone 0.
 */
static bool nfo_in_zone(const struct nf_conn *ct, u16 id)
{
	const struct nf_conntrack_zone *zone = nf_ct_zone(ct);

	return zone->id == id || nf_ct_zone_id(zone, IP_CT_DIR_ORIGINAL) == id;
}

static bool nfo_match_named(const struct nfo_flow *f, const void *arg)
{
	const struct nfo_named *n = arg;

	return nf_ct_tuple_equal(nf_ct_tuple(f->ct, IP_CT_DIR_ORIGINAL), &n->tuple) &&
	       (!n->has_zone || nfo_in_zone(f->ct, n->zone));
}

/**
 * struct nfo_once - what to do with each flow once
 * @use: function for the flow; NULL: none
 * @arg: for @use
 * @met: connection of the flow that was met last; NULL: none was
 * @many: flows of several connections were met
 */
struct nfo_once {
	int			(*use)(struct nfo_flow *f, void *arg);
	void			*arg;
	const struct nf_conn	*met;
	bool			many;
};

/* A walk meets a flow twice when the table is resized meanwhile. */
static int nfo_use_once(struct nfo_flow *f, void *arg)
{
	struct nfo_once *once = arg;

	if (f->ct == once->met)
		return 0;
	once->many = once->met;
	once->met = f->ct;

	return once->use ? once->use(f, once->arg) : 0;
}

/* Do under rcu_read_lock() what @once says with each flow that a request names, until its function
 * returns an error. A name may mean several flows, because the same tuple may exist in several
 * zones. Return: 0, or that error.
 */
static int nfo_named_flows(struct nfo_net *nn, struct nfo_named *n, struct nfo_once *once)
{
	struct nfo_table *t;
	int err = 0;
	u32 id = 0;

	while (!err && (t = nfo_table_next(nn, id))) {
		id = t->id;
		err = nfo_table_for_each(t, nfo_match_named, n, nfo_use_once, once);
		nfo_table_put(t);
	}

	return err;
}

/* Call @use under rcu_read_lock() for the flow that a request names, if there is exactly one.
 * Return: what @use returned, or an error with its extended ACK.
 */
static int nfo_with_flow(struct nfo_net *nn, struct genl_info *info,
			 int (*use)(struct nfo_flow *f, void *arg), void *arg)
{
	struct nfo_once found = {}, once = { .use = use, .arg = arg };
	struct nfo_named n;
	int err;

	err = nfo_parse_named(info, &n);
	if (err)
		return err;

	nfo_named_flows(nn, &n, &found);
	if (found.many) {
		NL_SET_ERR_MSG(info->extack,
			       "flows in several conntrack zones have this tuple: name a zone");
		return -ENOTUNIQ;
	}
	if (found.met)
		err = nfo_named_flows(nn, &n, &once);
	if (!once.met) {
		NL_SET_ERR_MSG(info->extack, "no such flow in the fast path");
		return -ENOENT;
	}

	return err;
}

/* Answer a request with one message that @put fills, or with the error that @put returns. Context:
 * may sleep.
 */
static int nfo_answer(struct genl_info *info, u8 cmd,
		      int (*put)(struct sk_buff *msg, struct nfo_net *nn,
				 struct genl_info *info))
{
	struct nfo_net *nn = nfo_net_tryget(genl_info_net(info));
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (!nn)
		return -ENODEV;

	err = -ENOMEM;
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		goto out;
	hdr = genlmsg_put_reply(msg, info, &nfo_genl_family, 0, cmd);
	if (hdr)
		err = put(msg, nn, info);
	if (err) {
		nlmsg_free(msg);
		goto out;
	}
	genlmsg_end(msg, hdr);
	err = genlmsg_reply(msg, info);
out:
	nfo_net_put(nn);
	return err;
}

static int nfo_use_put(struct nfo_flow *f, void *msg)
{
	return nfo_put_flow(msg, f, nfo_flow_reason(f));
}

static int nfo_put_named_flow(struct sk_buff *msg, struct nfo_net *nn,
			      struct genl_info *info)
{
	if (info->attrs[NFO_FLOW_FILTER]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[NFO_FLOW_FILTER],
				    "a filter is for a dump");
		return -EINVAL;
	}
	return nfo_with_flow(nn, info, nfo_use_put, msg);
}

static int nfo_cmd_flow_get(struct sk_buff *skb, struct genl_info *info)
{
	return nfo_answer(info, NFO_CMD_FLOW_GET, nfo_put_named_flow);
}

/* ---- deletion ---- */

static int nfo_use_retire(struct nfo_flow *f, void *count)
{
	nfo_flow_retire(f, NFO_R_USER);
	(*(u32 *)count)++;

	return 0;
}

static bool nfo_match_filter(const struct nfo_flow *f, const void *filter)
{
	return nfo_filter_flow(f, filter);
}

static void nfo_delete_matching(struct nfo_net *nn, const struct nfo_filter *filter,
				u32 *count)
{
	struct nfo_table *t;
	u32 id = 0;

	while ((t = nfo_table_next(nn, id))) {
		id = t->id;
		if (nfo_filter_table(t, filter))
			*count += nfo_table_retire_if(t, NFO_R_USER,
						      nfo_match_filter, filter);
		nfo_table_put(t);
	}
}

static int nfo_delete(struct nfo_net *nn, struct genl_info *info, u32 *count)
{
	struct nlattr **tb = info->attrs;
	struct nfo_filter filter = {};
	int err;

	if (!tb[NFO_FLOW_FILTER])
		return nfo_with_flow(nn, info, nfo_use_retire, count);
	if (tb[NFO_FLOW_L4PROTO] || tb[NFO_FLOW_ZONE] || tb[NFO_FLOW_ORIGINAL]) {
		NL_SET_ERR_MSG(info->extack, "one flow is named, or a filter given, not both");
		return -EINVAL;
	}

	err = nfo_parse_filter(tb[NFO_FLOW_FILTER], &filter, info->extack);
	if (!err)
		nfo_delete_matching(nn, &filter, count);

	return err;
}

static int nfo_put_deleted(struct sk_buff *msg, struct nfo_net *nn,
			   struct genl_info *info)
{
	u32 count = 0;
	int err = nfo_delete(nn, info, &count);

	return err ?: nla_put_u32(msg, NFO_FLOW_COUNT, count);
}

static int nfo_cmd_flow_del(struct sk_buff *skb, struct genl_info *info)
{
	return nfo_answer(info, NFO_CMD_FLOW_DEL, nfo_put_deleted);
}

/* ---- counters and settings ---- */

static int nfo_put_reason(struct sk_buff *msg, enum nfo_reason why, u64 count)
{
	struct nlattr *nest = nla_nest_start(msg, NFO_STATS_REASON);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(msg, NFO_REASON_ID, why) ||
	    nla_put_string(msg, NFO_REASON_NAME, nfo_reason_names[why]) ||
	    nla_put_u64_64bit(msg, NFO_REASON_COUNT, count, NFO_REASON_PAD))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);

	return 0;
}

static int nfo_put_stats(struct sk_buff *msg, struct nfo_net *nn,
			 struct genl_info *info)
{
	struct nfo_stats sum;
	u64 memory;
	u32 tables;
	int why;

	mutex_lock(&nn->lock);
	tables = list_count_nodes(&nn->tables);
	memory = nfo_net_memory(nn);
	mutex_unlock(&nn->lock);
	nfo_stats_sum(nn, &sum);

	if (nla_put_u32(msg, NFO_STATS_FLOWS, atomic_read(&nn->flows)) ||
	    nla_put_u32(msg, NFO_STATS_TABLES, tables) ||
	    nla_put_u64_64bit(msg, NFO_STATS_ADDED, sum.added, NFO_STATS_PAD) ||
	    nla_put_u64_64bit(msg, NFO_STATS_REVERIFIED, sum.stale, NFO_STATS_PAD) ||
	    nla_put_u32(msg, NFO_STATS_EPOCH, nfo_epoch(nn)) ||
	    nla_put_u32(msg, NFO_STATS_FLOW_SIZE, nfo_flow_size(false, false)) ||
	    nla_put_u32(msg, NFO_STATS_FLOW_SIZE6, nfo_flow_size(true, false)) ||
	    nla_put_u64_64bit(msg, NFO_STATS_MEMORY, memory, NFO_STATS_PAD) ||
	    nla_put_u32(msg, NFO_STATS_RECHECK_MS, jiffies_to_msecs(nfo_recheck_period(nn))) ||
	    nla_put_string(msg, NFO_STATS_VERSION, NFO_VERSION))
		return -EMSGSIZE;
	for (why = NFO_R_NONE + 1; why < __NFO_R_MAX; why++)
		if (nfo_put_reason(msg, why, sum.reason[why]))
			return -EMSGSIZE;

	return 0;
}

static u32 *nfo_setting_value(struct nfo_net *nn, const struct nfo_setting *s)
{
	return (u32 *)((char *)&nn->settings + s->offset);
}

static int nfo_put_settings(struct sk_buff *msg, struct nfo_net *nn,
			    struct genl_info *info)
{
	const struct nfo_setting *s;
	int i;

	for (i = 0; i < NFO_SETTINGS_MAX; i++) {
		s = &nfo_setting_table[i];
		if (nla_put_u32(msg, s->attr, READ_ONCE(*nfo_setting_value(nn, s))))
			return -EMSGSIZE;
	}

	return 0;
}

static int nfo_cmd_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	return nfo_answer(info, NFO_CMD_STATS_GET, nfo_put_stats);
}

static int nfo_cmd_settings_get(struct sk_buff *skb, struct genl_info *info)
{
	return nfo_answer(info, NFO_CMD_SETTINGS_GET, nfo_put_settings);
}

/* Return: how many settings a request has. */
static int nfo_settings_given(struct nlattr * const tb[])
{
	int i, given = 0;

	for (i = 0; i < NFO_SETTINGS_MAX; i++)
		given += !!tb[nfo_setting_table[i].attr];

	return given;
}

static void nfo_apply_settings(struct nfo_net *nn, struct nlattr * const tb[])
{
	const struct nfo_setting *s;
	int i;

	for (i = 0; i < NFO_SETTINGS_MAX; i++) {
		s = &nfo_setting_table[i];
		if (tb[s->attr])
			WRITE_ONCE(*nfo_setting_value(nn, s), nla_get_u32(tb[s->attr]));
	}
}

static int nfo_cmd_settings_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **tb = info->attrs;
	static const struct nfo_change all = { .what = NFO_CHANGE_RULESET };
	struct net *net = genl_info_net(info);
	struct nfo_net *nn;
	u32 mainline;

	if (!nfo_settings_given(tb)) {
		NL_SET_ERR_MSG(info->extack, "no setting given");
		return -EINVAL;
	}
	nn = nfo_net_tryget(net);
	if (!nn)
		return -ENODEV;

	/* promote_after is compared with conntrack's packet counters, which may be switched off. */
	if (tb[NFO_SETTINGS_PROMOTE_AFTER] && nla_get_u32(tb[NFO_SETTINGS_PROMOTE_AFTER]))
		nf_ct_set_acct(net, true);
	mainline = READ_ONCE(nn->settings.policy);
	nfo_apply_settings(nn, tb);
	/* What was committed while commits changed nothing for flows counts now. */
	if (mainline && !READ_ONCE(nn->settings.policy))
		nfo_change_add(nn, &all);
	/* The present period has the old length, so the workers look at the setting at once. */
	if (tb[NFO_SETTINGS_HW_SYNC_MS])
		nfo_hw_kick(nn);
	nfo_net_put(nn);

	return 0;
}

/* ---- events ---- */

/**
 * nfo_netlink_notify() - send an event of a flow to the listeners of the namespace
 * @f:     flow
 * @event: what happened
 * @why:   reason for the attribute NFO_FLOW_REASON
 *
 * Without a listener no message is made. A listener that reads too slowly loses messages, and its
 * next read fails with ENOBUFS. Context: any, rcu_read_lock().
 */
void nfo_netlink_notify(const struct nfo_flow *f, enum nfo_flow_event event,
			enum nfo_reason why)
{
	struct net *net = nf_ct_net(f->ct);
	struct sk_buff *msg;
	void *hdr;

	if (likely(!genl_has_listeners(&nfo_genl_family, net, NFO_GROUP_FLOWS)))
		return;

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!msg)
		return;
	hdr = genlmsg_put(msg, 0, 0, &nfo_genl_family, 0, NFO_CMD_FLOW_EVENT);
	if (!hdr || nla_put_u8(msg, NFO_FLOW_EVENT, event) ||
	    nfo_put_flow(msg, f, why)) {
		nlmsg_free(msg);
		return;
	}
	genlmsg_end(msg, hdr);
	genlmsg_multicast_netns(&nfo_genl_family, net, msg, 0, NFO_GROUP_FLOWS,
				GFP_ATOMIC);
}

/* ---- the family ---- */

static const struct genl_ops nfo_genl_ops[] = {
	{
		.cmd		= NFO_CMD_FLOW_GET,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= nfo_flow_policy,
		.maxattr	= NFO_FLOW_POLICY_MAX,
		.doit		= nfo_cmd_flow_get,
		.start		= nfo_dump_start,
		.dumpit		= nfo_cmd_dump_flows,
		.done		= nfo_dump_done,
	}, {
		.cmd		= NFO_CMD_FLOW_DEL,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= nfo_flow_policy,
		.maxattr	= NFO_FLOW_POLICY_MAX,
		.doit		= nfo_cmd_flow_del,
	}, {
		.cmd		= NFO_CMD_TABLE_GET,
		.flags		= GENL_UNS_ADMIN_PERM,
		.start		= nfo_dump_start,
		.dumpit		= nfo_dump_tables,
		.done		= nfo_dump_done,
	}, {
		.cmd		= NFO_CMD_DEV_GET,
		.flags		= GENL_UNS_ADMIN_PERM,
		.start		= nfo_dump_start,
		.dumpit		= nfo_dump_devs,
		.done		= nfo_dump_done,
	}, {
		.cmd		= NFO_CMD_STATS_GET,
		.flags		= GENL_UNS_ADMIN_PERM,
		.doit		= nfo_cmd_stats_get,
	}, {
		.cmd		= NFO_CMD_SETTINGS_GET,
		.flags		= GENL_UNS_ADMIN_PERM,
		.doit		= nfo_cmd_settings_get,
	}, {
		.cmd		= NFO_CMD_SETTINGS_SET,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= nfo_settings_policy,
		.maxattr	= NFO_SETTINGS_POLICY_MAX,
		.doit		= nfo_cmd_settings_set,
	},
};

static struct genl_family nfo_genl_family __ro_after_init = {
	.name		= NFO_GENL_NAME,
	.version	= NFO_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= nfo_genl_ops,
	.n_ops		= ARRAY_SIZE(nfo_genl_ops),
	.mcgrps		= nfo_genl_groups,
	.n_mcgrps	= ARRAY_SIZE(nfo_genl_groups),
};

/**
 * nfo_netlink_init() - register the generic netlink family
 *
 * Return: 0 or a negative errno.
 */
int __init nfo_netlink_init(void)
{
	nfo_dump_init(&nfo_genl_family);
	return genl_register_family(&nfo_genl_family);
}

/**
 * nfo_netlink_exit() - undo nfo_netlink_init(), when no flowtable exists any more
 */
void nfo_netlink_exit(void)
{
	genl_unregister_family(&nfo_genl_family);
}
