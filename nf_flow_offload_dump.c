// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps of flows, tables and devices, many of them in one message. Between two messages a dump
 * holds a reference of one table and no lock, so rulesets can be loaded and packets pass meanwhile.
 */
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "nfo_dump.h"
#include "nfo_hash.h"
#include "nfo_hw.h"

/* The generic netlink family of the messages; set once at module init. */
static const struct genl_family *nfo_dump_family __ro_after_init;

/**
 * nfo_dump_init() - set the generic netlink family of the messages
 * @family: the module's family, which outlives all dumps
 */
void __init nfo_dump_init(const struct genl_family *family)
{
	nfo_dump_family = family;
}

/* ---- the description of a flow ---- */

static int nfo_put_addr(struct sk_buff *msg, int attr, const struct nf_conn *ct,
			const union nf_inet_addr *a)
{
	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		return nla_put_in_addr(msg, attr, a->ip);
	return nla_put_in6_addr(msg, attr, &a->in6);
}

/* Add what was learned of a direction; nothing is added for a direction that is not learned. Of a
 * flow that has just ended, what it rested on is still there.
 */
static int nfo_put_learned(struct sk_buff *msg, const struct nfo_flow *f,
			   enum ip_conntrack_dir dir)
{
	const struct nfo_route_refs *refs = nfo_flow_refs(f, dir);

	if (refs == &nfo_route_refs_none ||
	    (!nfo_flow_learned(f, dir) && !test_bit(NFO_F_DEAD, &f->state)))
		return 0;
	if (nla_put_u32(msg, NFO_DIR_IIF, refs->in->ifindex) ||
	    nla_put_u32(msg, NFO_DIR_OIF, refs->out->ifindex) ||
	    nla_put_u32(msg, NFO_DIR_MTU, READ_ONCE(f->e[dir].mtu)))
		return -EMSGSIZE;
	return 0;
}

static int nfo_put_dir(struct sk_buff *msg, int attr, const struct nfo_flow *f,
		       enum ip_conntrack_dir dir)
{
	const struct nf_conntrack_tuple *t = nf_ct_tuple(f->ct, dir);
	const struct nf_conntrack_tuple *o = nf_ct_tuple(f->ct, !dir);
	u8 rule = READ_ONCE(nfo_flow_hw(f)->rule[dir].state);
	struct nlattr *nest = nla_nest_start(msg, attr);

	if (!nest)
		return -EMSGSIZE;

	if (nfo_put_addr(msg, NFO_DIR_SRC, f->ct, &t->src.u3) ||
	    nfo_put_addr(msg, NFO_DIR_DST, f->ct, &t->dst.u3) ||
	    nfo_put_addr(msg, NFO_DIR_NEW_SRC, f->ct, &o->dst.u3) ||
	    nfo_put_addr(msg, NFO_DIR_NEW_DST, f->ct, &o->src.u3) ||
	    nla_put_be16(msg, NFO_DIR_SPORT, t->src.u.all) ||
	    nla_put_be16(msg, NFO_DIR_DPORT, t->dst.u.all) ||
	    nla_put_be16(msg, NFO_DIR_NEW_SPORT, o->dst.u.all) ||
	    nla_put_be16(msg, NFO_DIR_NEW_DPORT, o->src.u.all) ||
	    nfo_put_learned(msg, f, dir) ||
	    nla_put_u64_64bit(msg, NFO_DIR_PACKETS, nfo_flow_packets(f, dir),
			      NFO_DIR_PAD) ||
	    nla_put_u64_64bit(msg, NFO_DIR_BYTES, nfo_flow_bytes(f, dir),
			      NFO_DIR_PAD) ||
	    nla_put_u8(msg, NFO_DIR_HW, rule >= NFO_RULE_IN))
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

/* NFO_R_HW_DRIVER says that a device takes no rules. Return: the reason of that device, which says
 * more; NFO_R_NONE when both devices take rules by now. Caller holds rcu_read_lock().
 */
static enum nfo_reason nfo_flow_driver_reason(const struct nfo_flow *f)
{
	enum nfo_reason why;
	struct nfo_dev *d;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		d = nfo_hw_dev(f, dir);
		if (!d)
			return NFO_R_HW_DRIVER;
		why = d->bound == NFO_DEV_HW_NONE ? nfo_hw_dev_reason(f->table, d) : NFO_R_NONE;
		if (why)
			return why;
	}

	return NFO_R_NONE;
}

/**
 * nfo_flow_reason() - why a flow, or one direction of it, is not in hardware
 * @f: flow
 *
 * Context: rcu_read_lock(). Return: what was found when the flow last asked for a place; NFO_R_NONE
 * when nothing stands against the flow, when it has not asked yet, and in a flowtable without
 * `flags offload`.
 */
enum nfo_reason nfo_flow_reason(const struct nfo_flow *f)
{
	enum nfo_flow_state state = nfo_flow_state(f);
	enum nfo_reason why = READ_ONCE(nfo_flow_hw(f)->reason);

	if (state != NFO_STATE_SOFTWARE && state != NFO_STATE_HALF)
		return NFO_R_NONE;

	return why == NFO_R_HW_DRIVER ? nfo_flow_driver_reason(f) : why;
}

/**
 * nfo_put_flow() - describe a flow in a message
 * @msg: message that has its generic netlink header
 * @f:   flow
 * @why: reason for the attribute NFO_FLOW_REASON
 *
 * Context: any, rcu_read_lock(). Return: 0, or -EMSGSIZE; then a part of the attributes is in the
 * message, and the caller takes them out or frees the message.
 */
int nfo_put_flow(struct sk_buff *msg, const struct nfo_flow *f,
		 enum nfo_reason why)
{
	const struct nfo_table *t = f->table;
	u64 age = nfo_flow_age_ms(f);

	if (nla_put_u8(msg, NFO_FLOW_FAMILY, t->family) ||
	    nla_put_string(msg, NFO_FLOW_TABLE, t->table_name) ||
	    nla_put_string(msg, NFO_FLOW_FLOWTABLE, t->name) ||
	    nla_put_u8(msg, NFO_FLOW_L3PROTO, nf_ct_l3num(f->ct)) ||
	    nla_put_u8(msg, NFO_FLOW_L4PROTO, nf_ct_protonum(f->ct)) ||
	    nla_put_u8(msg, NFO_FLOW_STATE, nfo_flow_state(f)) ||
	    nla_put_u32(msg, NFO_FLOW_REASON, why) ||
	    nla_put_u64_64bit(msg, NFO_FLOW_AGE_MS, age, NFO_FLOW_PAD) ||
	    nla_put_u32(msg, NFO_FLOW_EXPIRES_MS, jiffies_to_msecs(nfo_flow_left(f))))
		return -EMSGSIZE;
	if (nfo_put_ct(msg, f->ct))
		return -EMSGSIZE;
	if (nfo_put_dir(msg, NFO_FLOW_ORIGINAL, f, IP_CT_DIR_ORIGINAL))
		return -EMSGSIZE;
	return nfo_put_dir(msg, NFO_FLOW_REPLY, f, IP_CT_DIR_REPLY);
}

/* ---- the state of a dump ---- */

/**
 * struct nfo_dump - a dump of flows, tables or devices, between two of its messages
 * @nn:      namespace, one reference
 * @t:       table that is being dumped, one reference; NULL between two tables
 * @last:    id of the latest table that was dumped or is being dumped
 * @newest:  id of the newest table when the dump began, or of a newer one that was dumped; a table
 *           with a larger id makes the dump inconsistent
 * @moved:   nfo_table::moved of @t when the walk began, or when it was last found to differ
 * @skip:    how many devices of @t were sent already
 * @changes: nfo_devs::changes of @t when the first of them was sent, or when it was last found to
 *           differ
 * @iter:    place among the flows of @t, with @walking
 * @walking: @iter is in use
 * @again:   the flow at which @iter stands did not fit into the last message
 * @begun:   @filter was handed out to be filled in
 * @filter:  which flows are sent
 *
 * netlink calls for one dump at a time, so no lock is needed.
 */
struct nfo_dump {
	struct nfo_net		*nn;
	struct nfo_table	*t;
	u32			last;
	u32			newest;
	int			moved;
	unsigned int		skip;
	u32			changes;
	struct rhashtable_iter	iter;
	bool			walking;
	bool			again;
	bool			begun;
	struct nfo_filter	filter;
};

static struct nfo_dump *nfo_dump(const struct netlink_callback *cb)
{
	return *(struct nfo_dump * const *)cb->ctx;
}

/**
 * nfo_dump_start() - begin a dump
 * @cb: netlink's side of the dump; nfo_dump_done() frees what is attached to it
 *
 * Context: may sleep. Return: 0, -ENOMEM or -ENODEV.
 */
int nfo_dump_start(struct netlink_callback *cb)
{
	struct nfo_dump *d = kzalloc_obj(*d, GFP_KERNEL_ACCOUNT);

	if (!d)
		return -ENOMEM;
	d->nn = nfo_net_tryget(sock_net(cb->skb->sk));
	if (!d->nn) {
		kfree(d);
		return -ENODEV;
	}
	d->newest = READ_ONCE(d->nn->next_id);
	*(struct nfo_dump **)cb->ctx = d;
	/* cb->seq changes when flows may have been left out or sent twice. Netlink compares it with
	 * cb->prev_seq, marks the messages after that, and the reader asks again.
	 */
	cb->seq = 1;
	cb->prev_seq = cb->seq;

	return 0;
}

/**
 * nfo_dump_filter() - the filter of a dump of flows
 * @cb: netlink's side of the dump
 *
 * Context: may sleep. Return: the filter, which the dump owns and the caller fills in before the
 * first message; NULL later.
 */
struct nfo_filter *nfo_dump_filter(struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	if (d->begun)
		return NULL;
	d->begun = true;

	return &d->filter;
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

/**
 * nfo_dump_done() - end a dump
 * @cb: netlink's side of the dump
 *
 * Context: may sleep. Return: 0.
 */
int nfo_dump_done(struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	nfo_dump_leave(d);
	nfo_net_put(d->nn);
	kfree(d);

	return 0;
}

/* Return: the table that is being dumped, or the next one; NULL at the end.
 *
 * A table that was made since the dump began may have flows of connections that were sent already,
 * as flows of the table that it replaces. So the dump is marked inconsistent.
 */
static struct nfo_table *nfo_dump_table(struct nfo_dump *d, struct netlink_callback *cb)
{
	if (d->t)
		return d->t;
	d->t = nfo_table_next(d->nn, d->last);
	if (!d->t)
		return NULL;
	d->last = d->t->id;
	if (d->last > d->newest) {
		d->newest = d->last;
		cb->seq++;
	}
	return d->t;
}

static void *nfo_dump_header(struct sk_buff *msg, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(msg, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				nfo_dump_family, NLM_F_MULTI, cmd);

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
	if (nfo_put_flow(msg, f, nfo_flow_reason(f))) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);

	return 0;
}

/* After this many flows the walk leaves its RCU section for a moment, because a walk in which few
 * flows pass the filter would otherwise hold up RCU for a whole table.
 */
#define NFO_DUMP_BREATH	1024

/* Go on with a walk. If the hash table was resized in the pause, or the flow at which the walk
 * paused has ended, the place in the table is not exact, and flows may be left out or sent twice.
 * Then the dump is marked inconsistent.
 */
static void nfo_dump_walk_start(struct nfo_dump *d, struct netlink_callback *cb)
	__acquires(RCU)
{
	bool stood = d->iter.p;

	if (nfo_walk_start(&d->iter) || (stood && !d->iter.p))
		cb->seq++;
}

/* Mark the dump inconsistent if a flow may have been sent twice or left out because its place in
 * the table changed.
 */
static void nfo_dump_walk_check(struct nfo_dump *d, struct netlink_callback *cb)
{
	int moved;

	smp_rmb();	/* read NFO_F_REPLY_LEADS of flows before nfo_table::moved */
	moved = atomic_read(&d->t->moved);
	if (moved == d->moved)
		return;
	d->moved = moved;
	cb->seq++;
}

/* Put flows of d->t into a message. Return: 0 at the end of the table, -EMSGSIZE when the message
 * is full.
 */
static int nfo_dump_table_flows(struct sk_buff *msg, struct netlink_callback *cb,
				struct nfo_dump *d)
{
	unsigned int visited = 0;
	struct nfo_entry *e;
	int err = 0;

	if (!d->walking) {
		d->moved = atomic_read(&d->t->moved);
		smp_rmb();	/* read nfo_table::moved before NFO_F_REPLY_LEADS of flows */
		rhashtable_walk_enter(&d->t->ht, &d->iter);
	}
	d->walking = true;

	nfo_dump_walk_start(d, cb);
	e = d->again ? rhashtable_walk_peek(&d->iter) : rhashtable_walk_next(&d->iter);
	d->again = false;
	for (; e; e = rhashtable_walk_next(&d->iter)) {
		if (!(++visited % NFO_DUMP_BREATH)) {
			rhashtable_walk_stop(&d->iter);
			cond_resched();
			nfo_dump_walk_start(d, cb);
			e = rhashtable_walk_peek(&d->iter);
			if (!e)
				break;
		}
		if (IS_ERR(e)) {
			cb->seq++;
			continue;
		}
		if (!nfo_entry_leads(e) ||
		    !nfo_filter_flow(nfo_flow(e), &d->filter))
			continue;
		err = nfo_dump_flow(msg, cb, nfo_flow(e));
		if (err)
			break;
	}
	d->again = err;
	rhashtable_walk_stop(&d->iter);
	nfo_dump_walk_check(d, cb);

	return err;
}

/**
 * nfo_dump_flows() - the next message of a dump of flows that pass the filter
 * @msg: message to fill
 * @cb:  netlink's side of the dump
 *
 * Context: may sleep. Return: the length of the message; 0 ends the dump.
 */
int nfo_dump_flows(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	while (nfo_dump_table(d, cb)) {
		if (nfo_filter_table(d->t, &d->filter) &&
		    nfo_dump_table_flows(msg, cb, d))
			break;
		nfo_dump_leave(d);
	}

	return msg->len;
}

/* Add the numbers of flows in each state. They are read one after the other, so a flow that changes
 * its state meanwhile may be counted in no state or in two.
 */
static int nfo_put_states(struct sk_buff *msg, const struct nfo_table *t, u32 flows)
{
	u32 oneway = atomic_read(&t->oneway);
	u32 queued = READ_ONCE(t->hw.queued);
	u32 whole = READ_ONCE(t->hw.whole);
	u32 half = READ_ONCE(t->hw.half);
	u32 others = oneway + queued + whole + half;

	if (nla_put_u32(msg, NFO_TABLE_SOFTWARE, flows - min(flows, others)) ||
	    nla_put_u32(msg, NFO_TABLE_ONEWAY, oneway) ||
	    nla_put_u32(msg, NFO_TABLE_QUEUED, queued) ||
	    nla_put_u32(msg, NFO_TABLE_HARDWARE, whole) ||
	    nla_put_u32(msg, NFO_TABLE_HALF, half))
		return -EMSGSIZE;
	return 0;
}

static int nfo_dump_one_table(struct sk_buff *msg, struct netlink_callback *cb,
			      const struct nfo_table *t)
{
	void *hdr = nfo_dump_header(msg, cb, NFO_CMD_TABLE_GET);
	u32 flows = atomic_read(&t->flows);
	const struct nfo_dev *d;
	u32 devs = 0;

	if (!hdr)
		return -EMSGSIZE;

	rcu_read_lock();
	list_for_each_entry_rcu(d, &t->devs.list, list)
		devs++;
	rcu_read_unlock();

	if (nla_put_u8(msg, NFO_TABLE_FAMILY, t->family) ||
	    nla_put_string(msg, NFO_TABLE_TABLE, t->table_name) ||
	    nla_put_string(msg, NFO_TABLE_FLOWTABLE, t->name) ||
	    nla_put_u32(msg, NFO_TABLE_FLAGS, t->flags) ||
	    nla_put_u32(msg, NFO_TABLE_FLOWS, flows) ||
	    nla_put_u32(msg, NFO_TABLE_DEVS, devs) ||
	    nla_put_u64_64bit(msg, NFO_TABLE_MEMORY, nfo_table_memory(t), NFO_TABLE_PAD) ||
	    nfo_put_states(msg, t, flows)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);

	return 0;
}

/**
 * nfo_dump_tables() - the next message of a dump of tables
 * @msg: message to fill
 * @cb:  netlink's side of the dump
 *
 * Context: may sleep. Return: the length of the message; 0 ends the dump.
 */
int nfo_dump_tables(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	while (nfo_dump_table(d, cb)) {
		if (nfo_dump_one_table(msg, cb, d->t))
			break;
		nfo_dump_leave(d);
	}

	return msg->len;
}

static int nfo_dump_dev(struct sk_buff *msg, struct netlink_callback *cb,
			const struct nfo_table *t, struct nfo_dev *dev)
{
	void *hdr = nfo_dump_header(msg, cb, NFO_CMD_DEV_GET);
	char words[NFO_DEV_WORDS];
	int err = nfo_dev_answer(dev, words);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(msg, NFO_DEV_IFINDEX, dev->ifindex) ||
	    nla_put_u8(msg, NFO_DEV_FAMILY, t->family) ||
	    nla_put_string(msg, NFO_DEV_TABLE, t->table_name) ||
	    nla_put_string(msg, NFO_DEV_FLOWTABLE, t->name) ||
	    nla_put_u8(msg, NFO_DEV_HW, READ_ONCE(dev->bound)) ||
	    nla_put_u32(msg, NFO_DEV_REASON, nfo_hw_dev_reason(t, dev)) ||
	    nla_put_u32(msg, NFO_DEV_ERRNO, -err) ||
	    (words[0] && nla_put_string(msg, NFO_DEV_MESSAGE, words))) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);

	return 0;
}

/* The devices that were sent are counted, so a list that has changed may have moved one that was
 * not sent below that number.
 */
static int nfo_dump_table_devs(struct sk_buff *msg, struct netlink_callback *cb,
			       struct nfo_dump *d)
{
	u32 changes = READ_ONCE(d->t->devs.changes);
	struct nfo_dev *dev;
	unsigned int i = 0;
	int err = 0;

	if (d->skip && changes != d->changes)
		cb->seq++;
	d->changes = changes;
	rcu_read_lock();
	list_for_each_entry_rcu(dev, &d->t->devs.list, list) {
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

/**
 * nfo_dump_devs() - the next message of a dump of devices of the tables
 * @msg: message to fill
 * @cb:  netlink's side of the dump
 *
 * Context: may sleep. Return: the length of the message; 0 ends the dump.
 */
int nfo_dump_devs(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct nfo_dump *d = nfo_dump(cb);

	while (nfo_dump_table(d, cb)) {
		if (nfo_dump_table_devs(msg, cb, d))
			break;
		nfo_dump_leave(d);
	}

	return msg->len;
}
