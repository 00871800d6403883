// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: flows, tables, devices, counters and settings,
 * seen and steered from outside. The messages are described at the top of
 * include/uapi/linux/nf_flow_offload.h.
 *
 * Reading follows conntrack's rule: CAP_NET_ADMIN in the namespace.
 */
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "nfo.h"
#include "nfo_filter.h"
#include "nfo_hash.h"

static struct genl_family nfo_genl_family;

enum { NFO_GROUP_FLOWS };

static const struct genl_multicast_group nfo_genl_groups[] = {
	[NFO_GROUP_FLOWS] = {
		.name	= NFO_GENL_GROUP_FLOWS,
		.flags	= GENL_MCAST_CAP_NET_ADMIN,
	},
};

/* ---- what a flow looks like ---- */

static int nfo_put_addr(struct sk_buff *msg, int attr, u8 family, __be32 a4,
			const struct in6_addr *a6)
{
	if (family == NFPROTO_IPV4)
		return nla_put_in_addr(msg, attr, a4);
	return nla_put_in6_addr(msg, attr, a6);
}

static int nfo_put_dir(struct sk_buff *msg, int attr, const struct nfo_entry *e)
{
	const struct nfo_addr6 *a = nfo_addr6(e);
	u8 family = e->key.family;
	struct nlattr *nest = nla_nest_start(msg, attr);

	if (!nest)
		return -EMSGSIZE;

	if (nfo_put_addr(msg, NFO_DIR_SRC, family, e->key.saddr, &a->saddr) ||
	    nfo_put_addr(msg, NFO_DIR_DST, family, e->key.daddr, &a->daddr) ||
	    nfo_put_addr(msg, NFO_DIR_NEW_SRC, family, e->saddr, &a->new_saddr) ||
	    nfo_put_addr(msg, NFO_DIR_NEW_DST, family, e->daddr, &a->new_daddr) ||
	    nla_put_be16(msg, NFO_DIR_SPORT, e->key.sport) ||
	    nla_put_be16(msg, NFO_DIR_DPORT, e->key.dport) ||
	    nla_put_be16(msg, NFO_DIR_NEW_SPORT, e->sport) ||
	    nla_put_be16(msg, NFO_DIR_NEW_DPORT, e->dport) ||
	    nla_put_u32(msg, NFO_DIR_IIF, e->key.iif) ||
	    nla_put_u32(msg, NFO_DIR_OIF, e->out->ifindex) ||
	    nla_put_u32(msg, NFO_DIR_MTU, READ_ONCE(e->mtu)) ||
	    nla_put_u64_64bit(msg, NFO_DIR_PACKETS, atomic64_read(&e->packets),
			      NFO_DIR_PAD) ||
	    nla_put_u64_64bit(msg, NFO_DIR_BYTES, atomic64_read(&e->bytes),
			      NFO_DIR_PAD))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);

	return 0;
}

static int nfo_put_ct(struct sk_buff *msg, const struct nf_conn *ct)
{
	u32 mark = 0;

#ifdef CONFIG_NF_CONNTRACK_MARK
	mark = READ_ONCE(ct->mark);
#endif
	if (nla_put_u32(msg, NFO_FLOW_CT_ID, ntohl((__force __be32)nf_ct_get_id(ct))) ||
	    nla_put_u32(msg, NFO_FLOW_MARK, mark) ||
	    nla_put_u16(msg, NFO_FLOW_ZONE, nf_ct_zone(ct)->id))
		return -EMSGSIZE;
	return 0;
}

static int nfo_put_flow(struct sk_buff *msg, const struct nfo_flow *f,
			enum nfo_reason why)
{
	const struct nfo_table *t = f->table;
	u64 age = jiffies_to_msecs(nfo_now() - f->added);

	if (nla_put_u8(msg, NFO_FLOW_FAMILY, t->family) ||
	    nla_put_string(msg, NFO_FLOW_TABLE, t->table_name) ||
	    nla_put_string(msg, NFO_FLOW_FLOWTABLE, t->name) ||
	    nla_put_u8(msg, NFO_FLOW_L3PROTO, f->e[0].key.family) ||
	    nla_put_u8(msg, NFO_FLOW_L4PROTO, f->e[0].key.l4proto) ||
	    nla_put_u8(msg, NFO_FLOW_STATE, nfo_flow_state(f)) ||
	    nla_put_u32(msg, NFO_FLOW_REASON, why) ||
	    nla_put_u64_64bit(msg, NFO_FLOW_AGE_MS, age, NFO_FLOW_PAD) ||
	    nla_put_u32(msg, NFO_FLOW_EXPIRES_MS, jiffies_to_msecs(nfo_flow_left(f))))
		return -EMSGSIZE;
	if (nfo_put_ct(msg, f->ct))
		return -EMSGSIZE;
	if (nfo_put_dir(msg, NFO_FLOW_ORIGINAL, &f->e[IP_CT_DIR_ORIGINAL]))
		return -EMSGSIZE;
	return nfo_put_dir(msg, NFO_FLOW_REPLY, &f->e[IP_CT_DIR_REPLY]);
}

/* ---- dumps: one shape for flows, tables and devices ---- */

/**
 * struct nfo_dump - a dump between two of its calls
 * @nn:      namespace, one reference
 * @t:       table it is in, one reference; NULL between tables
 * @last:    id of the table before
 * @skip:    objects of @t already sent (devices)
 * @iter:    place among the flows of @t, when @walking
 * @walking: @iter is in use
 * @again:   the object @iter stands at did not fit the last message
 * @filter:  of flows
 */
struct nfo_dump {
	struct nfo_net		*nn;
	struct nfo_table	*t;
	u32			last;
	unsigned int		skip;
	struct rhashtable_iter	iter;
	bool			walking;
	bool			again;
	struct nfo_filter	filter;
};

static struct nfo_dump *nfo_dump(const struct netlink_callback *cb)
{
	return *(struct nfo_dump * const *)cb->ctx;
}

static int nfo_dump_start(struct netlink_callback *cb)
{
	struct nfo_dump *d = kzalloc_obj(*d);

	if (!d)
		return -ENOMEM;
	d->nn = nfo_net_tryget(sock_net(cb->skb->sk));
	if (!d->nn) {
		kfree(d);
		return -ENODEV;
	}
	*(struct nfo_dump **)cb->ctx = d;
	/* Moves on when a table is resized under the dump. */
	cb->seq = 1;

	return 0;
}

static void nfo_dump_leave(struct nfo_dump *d)
{
	if (d->walking)
		rhashtable_walk_exit(&d->iter);
	d->walking = false;
	if (d->t)
		nfo_table_put(d->t);
	d->t = NULL;
	d->skip = 0;
}

static int nfo_dump_done(struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	nfo_dump_leave(d);
	nfo_net_put(d->nn);
	kfree(d);

	return 0;
}

/* Return: the table the dump is in, going on to the next where it is in none. */
static struct nfo_table *nfo_dump_table(struct nfo_dump *d)
{
	if (d->t)
		return d->t;
	d->t = nfo_table_next(d->nn, d->last);
	if (d->t)
		d->last = d->t->id;
	return d->t;
}

static void *nfo_dump_header(struct sk_buff *msg, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(msg, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				&nfo_genl_family, NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

static int nfo_dump_flow(struct sk_buff *msg, struct netlink_callback *cb,
			 const struct nfo_flow *f)
{
	void *hdr = nfo_dump_header(msg, cb, NFO_CMD_FLOW_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (nfo_put_flow(msg, f, NFO_R_NONE)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);

	return 0;
}

/* The flows of one table into one message. Return: 0 at the end of the table,
 * -EMSGSIZE when the message is full.
 */
static int nfo_dump_table_flows(struct sk_buff *msg, struct netlink_callback *cb,
				struct nfo_dump *d)
{
	struct nfo_entry *e;
	int err = 0;

	if (!d->walking)
		rhashtable_walk_enter(&d->t->ht, &d->iter);
	d->walking = true;

	rhashtable_walk_start(&d->iter);
	e = d->again ? rhashtable_walk_peek(&d->iter) : rhashtable_walk_next(&d->iter);
	d->again = false;
	for (; e; e = rhashtable_walk_next(&d->iter)) {
		if (IS_ERR(e)) {
			/* Resized: what was sent may come again, and we say so. */
			cb->seq++;
			continue;
		}
		if (nfo_dir(e) != IP_CT_DIR_ORIGINAL ||
		    !nfo_filter_flow(nfo_flow(e), &d->filter))
			continue;
		err = nfo_dump_flow(msg, cb, nfo_flow(e));
		if (err)
			break;
	}
	d->again = err;
	rhashtable_walk_stop(&d->iter);

	return err;
}

static int nfo_dump_flows(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	while (nfo_dump_table(d)) {
		if (nfo_filter_table(d->t, &d->filter) &&
		    nfo_dump_table_flows(msg, cb, d))
			break;
		nfo_dump_leave(d);
	}

	return msg->len;
}

static int nfo_dump_one_table(struct sk_buff *msg, struct netlink_callback *cb,
			      const struct nfo_table *t)
{
	void *hdr = nfo_dump_header(msg, cb, NFO_CMD_TABLE_GET);
	const struct nfo_dev *d;
	u32 devs = 0;

	if (!hdr)
		return -EMSGSIZE;

	rcu_read_lock();
	list_for_each_entry_rcu(d, &t->devs, list)
		devs++;
	rcu_read_unlock();

	if (nla_put_u8(msg, NFO_TABLE_FAMILY, t->family) ||
	    nla_put_string(msg, NFO_TABLE_TABLE, t->table_name) ||
	    nla_put_string(msg, NFO_TABLE_FLOWTABLE, t->name) ||
	    nla_put_u32(msg, NFO_TABLE_FLAGS, t->flags) ||
	    nla_put_u32(msg, NFO_TABLE_FLOWS, atomic_read(&t->flows)) ||
	    nla_put_u32(msg, NFO_TABLE_DEVS, devs)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);

	return 0;
}

static int nfo_dump_tables(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	while (nfo_dump_table(d)) {
		if (nfo_dump_one_table(msg, cb, d->t))
			break;
		nfo_dump_leave(d);
	}

	return msg->len;
}

static int nfo_dump_dev(struct sk_buff *msg, struct netlink_callback *cb,
			const struct nfo_table *t, const struct nfo_dev *dev)
{
	void *hdr = nfo_dump_header(msg, cb, NFO_CMD_DEV_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(msg, NFO_DEV_IFINDEX, dev->ifindex) ||
	    nla_put_u8(msg, NFO_DEV_FAMILY, t->family) ||
	    nla_put_string(msg, NFO_DEV_TABLE, t->table_name) ||
	    nla_put_string(msg, NFO_DEV_FLOWTABLE, t->name) ||
	    nla_put_u8(msg, NFO_DEV_HW, NFO_DEV_HW_NONE) ||
	    nla_put_u32(msg, NFO_DEV_REASON, NFO_R_HW_DRIVER)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);

	return 0;
}

static int nfo_dump_table_devs(struct sk_buff *msg, struct netlink_callback *cb,
			       struct nfo_dump *d)
{
	const struct nfo_dev *dev;
	unsigned int i = 0;
	int err = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(dev, &d->t->devs, list) {
		if (i++ < d->skip)
			continue;
		err = nfo_dump_dev(msg, cb, d->t, dev);
		if (err)
			break;
		d->skip++;
	}
	rcu_read_unlock();

	return err;
}

static int nfo_dump_devs(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	while (nfo_dump_table(d)) {
		if (nfo_dump_table_devs(msg, cb, d))
			break;
		nfo_dump_leave(d);
	}

	return msg->len;
}

/* ---- policies ---- */

static const struct nla_policy nfo_filter_policy[NFO_FILTER_MAX + 1] = {
	[NFO_FILTER_L3PROTO]	= { .type = NLA_U8 },
	[NFO_FILTER_L4PROTO]	= { .type = NLA_U8 },
	[NFO_FILTER_ADDR]	= NLA_POLICY_MIN_LEN(4),
	[NFO_FILTER_PREFIX]	= NLA_POLICY_MAX(NLA_U8, 128),
	[NFO_FILTER_PORT]	= { .type = NLA_BE16 },
	[NFO_FILTER_DEV]	= NLA_POLICY_MIN(NLA_U32, 1),
	[NFO_FILTER_STATE]	= NLA_POLICY_RANGE(NLA_U8, 1, NFO_STATE_MAX),
	[NFO_FILTER_FLOWTABLE]	= { .type = NLA_NUL_STRING, .len = NFT_NAME_MAXLEN - 1 },
	[NFO_FILTER_TABLE]	= { .type = NLA_NUL_STRING, .len = NFT_NAME_MAXLEN - 1 },
};

/* Only what names a direction may be given by a caller. */
static const struct nla_policy nfo_dir_policy[NFO_DIR_DPORT + 1] = {
	[NFO_DIR_SRC]		= NLA_POLICY_MIN_LEN(4),
	[NFO_DIR_DST]		= NLA_POLICY_MIN_LEN(4),
	[NFO_DIR_SPORT]		= { .type = NLA_BE16 },
	[NFO_DIR_DPORT]		= { .type = NLA_BE16 },
};

static const struct nla_policy nfo_flow_policy[NFO_FLOW_ORIGINAL + 1] = {
	[NFO_FLOW_FILTER]	= NLA_POLICY_NESTED(nfo_filter_policy),
	[NFO_FLOW_L4PROTO]	= { .type = NLA_U8 },
	[NFO_FLOW_ORIGINAL]	= NLA_POLICY_NESTED(nfo_dir_policy),
};

static const struct nla_policy nfo_settings_policy[NFO_SETTINGS_MAX + 1] = {
	[NFO_SETTINGS_PROMOTE_AFTER]	= { .type = NLA_U32 },
	[NFO_SETTINGS_MAX_FLOWS]	= { .type = NLA_U32 },
};

/* ---- one flow ---- */

static int nfo_parse_filter(const struct nlattr *nest, struct nfo_filter *filter,
			    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NFO_FILTER_MAX + 1];
	int err;

	if (!nest)
		return 0;
	err = nla_parse_nested(tb, NFO_FILTER_MAX, nest, nfo_filter_policy, extack);
	if (err)
		return err;
	return nfo_filter_parse(filter, tb, extack);
}

static int nfo_dump_flows_start(struct netlink_callback *cb)
{
	struct nlattr *tb[NFO_FLOW_ORIGINAL + 1];
	int err;

	err = nlmsg_parse(cb->nlh, GENL_HDRLEN, tb, NFO_FLOW_ORIGINAL,
			  nfo_flow_policy, cb->extack);
	if (err)
		return err;
	if (tb[NFO_FLOW_L4PROTO] || tb[NFO_FLOW_ORIGINAL]) {
		NL_SET_ERR_MSG(cb->extack, "a dump is narrowed by a filter, not by a tuple");
		return -EINVAL;
	}
	err = nfo_dump_start(cb);
	if (err)
		return err;
	err = nfo_parse_filter(tb[NFO_FLOW_FILTER], &nfo_dump(cb)->filter, cb->extack);
	if (err)
		nfo_dump_done(cb);

	return err;
}

/* A tuple as the caller gave it, without its device. */
static int nfo_parse_tuple(struct genl_info *info, struct nfo_lookup *l)
{
	struct netlink_ext_ack *extack = info->extack;
	struct nlattr *tb[NFO_DIR_DPORT + 1];
	const struct nlattr *src, *dst;
	int err;

	if (!info->attrs[NFO_FLOW_L4PROTO] || !info->attrs[NFO_FLOW_ORIGINAL]) {
		NL_SET_ERR_MSG(extack, "a protocol and an original direction name a flow; one is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, NFO_DIR_DPORT, info->attrs[NFO_FLOW_ORIGINAL],
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

	memset(l, 0, sizeof(*l));
	l->key.l4proto = nla_get_u8(info->attrs[NFO_FLOW_L4PROTO]);
	l->key.sport = nla_get_be16(tb[NFO_DIR_SPORT]);
	l->key.dport = nla_get_be16(tb[NFO_DIR_DPORT]);
	if (nla_len(src) == 4) {
		l->key.family = NFPROTO_IPV4;
		l->key.saddr = nla_get_in_addr(src);
		l->key.daddr = nla_get_in_addr(dst);
		return 0;
	}
	l->key.family = NFPROTO_IPV6;
	l->saddr6 = nla_data(src);
	l->daddr6 = nla_data(dst);
	l->key.saddr = nfo_fold6(l->saddr6);
	l->key.daddr = nfo_fold6(l->daddr6);

	return 0;
}

/* Try the devices one after the other. Caller holds rcu_read_lock(). */
static struct nfo_flow *nfo_find_in(struct nfo_table *t, struct nfo_lookup *l)
{
	const struct nfo_dev *dev;
	struct nfo_entry *e;

	list_for_each_entry_rcu(dev, &t->devs, list) {
		l->key.iif = dev->ifindex;
		e = nfo_lookup(t, l);
		if (e && nfo_dir(e) == IP_CT_DIR_ORIGINAL)
			return nfo_flow(e);
	}

	return NULL;
}

/* Call @use under rcu_read_lock() for the flow named. Return: what it returns,
 * or -ENOENT.
 */
static int nfo_with_flow(struct nfo_net *nn, struct nfo_lookup *l,
			 int (*use)(struct nfo_flow *f, void *arg), void *arg)
{
	struct nfo_table *t;
	struct nfo_flow *f;
	int err = -ENOENT;
	u32 id = 0;

	while (err == -ENOENT && (t = nfo_table_next(nn, id))) {
		id = t->id;
		rcu_read_lock();
		f = nfo_find_in(t, l);
		if (f)
			err = use(f, arg);
		rcu_read_unlock();
		nfo_table_put(t);
	}

	return err;
}

static struct sk_buff *nfo_reply_new(struct genl_info *info, u8 cmd, void **hdr)
{
	struct sk_buff *msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	if (!msg)
		return NULL;
	*hdr = genlmsg_put_reply(msg, info, &nfo_genl_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}

	return msg;
}

static int nfo_use_put(struct nfo_flow *f, void *msg)
{
	return nfo_put_flow(msg, f, NFO_R_NONE);
}

static int nfo_cmd_flow_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nfo_net *nn;
	struct sk_buff *msg;
	struct nfo_lookup l;
	void *hdr;
	int err;

	err = nfo_parse_tuple(info, &l);
	if (err)
		return err;
	nn = nfo_net_tryget(genl_info_net(info));
	if (!nn)
		return -ENODEV;

	err = -ENOMEM;
	msg = nfo_reply_new(info, NFO_CMD_FLOW_GET, &hdr);
	if (!msg)
		goto out;
	err = nfo_with_flow(nn, &l, nfo_use_put, msg);
	if (err == -ENOENT)
		NL_SET_ERR_MSG(info->extack, "no such flow in the fast path");
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
	struct nfo_filter filter = {};
	struct nfo_lookup l;
	int err;

	if (info->attrs[NFO_FLOW_FILTER]) {
		err = nfo_parse_filter(info->attrs[NFO_FLOW_FILTER], &filter, info->extack);
		if (err)
			return err;
		nfo_delete_matching(nn, &filter, count);
		return 0;
	}

	err = nfo_parse_tuple(info, &l);
	if (err)
		return err;
	err = nfo_with_flow(nn, &l, nfo_use_retire, count);
	if (err == -ENOENT)
		NL_SET_ERR_MSG(info->extack, "no such flow in the fast path");

	return err;
}

static int nfo_cmd_flow_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nfo_net *nn = nfo_net_tryget(genl_info_net(info));
	struct sk_buff *msg;
	u32 count = 0;
	void *hdr;
	int err;

	if (!nn)
		return -ENODEV;
	err = -ENOMEM;
	msg = nfo_reply_new(info, NFO_CMD_FLOW_DEL, &hdr);
	if (!msg)
		goto out;
	err = nfo_delete(nn, info, &count);
	if (!err)
		err = nla_put_u32(msg, NFO_FLOW_COUNT, count);
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

static int nfo_put_stats(struct sk_buff *msg, struct nfo_net *nn)
{
	struct nfo_stats sum;
	u32 tables;
	int why;

	mutex_lock(&nn->lock);
	tables = list_count_nodes(&nn->tables);
	mutex_unlock(&nn->lock);
	nfo_stats_sum(nn, &sum);

	if (nla_put_u32(msg, NFO_STATS_FLOWS, atomic_read(&nn->flows)) ||
	    nla_put_u32(msg, NFO_STATS_TABLES, tables) ||
	    nla_put_u64_64bit(msg, NFO_STATS_ADDED, sum.added, NFO_STATS_PAD) ||
	    nla_put_u64_64bit(msg, NFO_STATS_REVERIFIED, sum.stale, NFO_STATS_PAD) ||
	    nla_put_u32(msg, NFO_STATS_EPOCH, nfo_epoch(nn)) ||
	    nla_put_string(msg, NFO_STATS_VERSION, NFO_VERSION))
		return -EMSGSIZE;
	for (why = NFO_R_NONE + 1; why < __NFO_R_MAX; why++)
		if (nfo_put_reason(msg, why, sum.reason[why]))
			return -EMSGSIZE;

	return 0;
}

static int nfo_put_settings(struct sk_buff *msg, struct nfo_net *nn)
{
	if (nla_put_u32(msg, NFO_SETTINGS_PROMOTE_AFTER, READ_ONCE(nn->promote_after)) ||
	    nla_put_u32(msg, NFO_SETTINGS_MAX_FLOWS, READ_ONCE(nn->max_flows)))
		return -EMSGSIZE;
	return 0;
}

/* A get without arguments: one message, filled by @put. */
static int nfo_answer(struct genl_info *info, u8 cmd,
		      int (*put)(struct sk_buff *msg, struct nfo_net *nn))
{
	struct nfo_net *nn = nfo_net_tryget(genl_info_net(info));
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (!nn)
		return -ENODEV;
	err = -ENOMEM;
	msg = nfo_reply_new(info, cmd, &hdr);
	if (!msg)
		goto out;
	err = put(msg, nn);
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

static int nfo_cmd_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	return nfo_answer(info, NFO_CMD_STATS_GET, nfo_put_stats);
}

static int nfo_cmd_settings_get(struct sk_buff *skb, struct genl_info *info)
{
	return nfo_answer(info, NFO_CMD_SETTINGS_GET, nfo_put_settings);
}

static int nfo_cmd_settings_set(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *after = info->attrs[NFO_SETTINGS_PROMOTE_AFTER];
	const struct nlattr *max = info->attrs[NFO_SETTINGS_MAX_FLOWS];
	struct net *net = genl_info_net(info);
	struct nfo_net *nn;

	if (!after && !max) {
		NL_SET_ERR_MSG(info->extack, "no setting given");
		return -EINVAL;
	}
	nn = nfo_net_tryget(net);
	if (!nn)
		return -ENODEV;

	if (after) {
		/* It is conntrack's counters that say how much was shown. */
		if (nla_get_u32(after))
			nf_ct_set_acct(net, true);
		WRITE_ONCE(nn->promote_after, nla_get_u32(after));
	}
	if (max)
		WRITE_ONCE(nn->max_flows, nla_get_u32(max));
	nfo_net_put(nn);

	return 0;
}

/* ---- events ---- */

/* Any context. Nobody listening costs one look; a reader that is too slow
 * loses messages and is told so by its socket (ENOBUFS).
 */
static void nfo_notify(const struct nfo_flow *f, enum nfo_flow_event event,
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

static void nfo_notify_added(const struct nfo_flow *f)
{
	nfo_notify(f, NFO_EVENT_NEW, NFO_R_NONE);
}

static void nfo_notify_retired(const struct nfo_flow *f, enum nfo_reason why)
{
	nfo_notify(f, NFO_EVENT_DESTROY, why);
}

static const struct nfo_table_ops nfo_netlink_table_ops = {
	.added		= nfo_notify_added,
	.retired	= nfo_notify_retired,
};

/* ---- the family ---- */

static const struct genl_ops nfo_genl_ops[] = {
	{
		.cmd		= NFO_CMD_FLOW_GET,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= nfo_flow_policy,
		.maxattr	= NFO_FLOW_ORIGINAL,
		.doit		= nfo_cmd_flow_get,
		.start		= nfo_dump_flows_start,
		.dumpit		= nfo_dump_flows,
		.done		= nfo_dump_done,
	}, {
		.cmd		= NFO_CMD_FLOW_DEL,
		.flags		= GENL_UNS_ADMIN_PERM,
		.policy		= nfo_flow_policy,
		.maxattr	= NFO_FLOW_ORIGINAL,
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
		.maxattr	= NFO_SETTINGS_MAX,
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
	.resv_start_op	= NFO_CMD_SETTINGS_SET + 1,
	.mcgrps		= nfo_genl_groups,
	.n_mcgrps	= ARRAY_SIZE(nfo_genl_groups),
};

/**
 * nfo_netlink_init() - offer the family. Return: 0 or a negative errno.
 *
 * Before any table exists.
 */
int __init nfo_netlink_init(void)
{
	nfo_table_ops = &nfo_netlink_table_ops;
	return genl_register_family(&nfo_genl_family);
}

/**
 * nfo_netlink_exit() - undo nfo_netlink_init(). No table is left.
 */
void nfo_netlink_exit(void)
{
	genl_unregister_family(&nfo_genl_family);
}
