// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: one call to one driver. Add a rule, delete it, read its counters.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

#include "nfo_ct.h"
#include "nfo_encap.h"
#include "nfo_hw.h"
#include "nfo_hw_rule.h"
#include "nfo_stack.h"
#include "nfo_trace.h"

/* How often a driver is told to delete a rule. The pause between two attempts is
 * NFO_HW_DEL_RETRY_MS milliseconds at first and is doubled three times.
 */
#define NFO_HW_DEL_TRIES		8
#define NFO_HW_DEL_RETRY_MS	20
/* How often the worker tries to get RTNL, a millisecond or more apart, before it asks whether
 * somebody waits for the worker.
 */
#define NFO_HW_RTNL_TRIES	50

/* Write the headers of @encap to @to, outermost first. Return: how many there are. */
static u8 nfo_hw_encaps(struct nfo_hw_encap to[NFO_HW_ENCAPS],
			const struct nfo_encap *encap)
{
	u16 kinds;
	u8 n;

	BUILD_BUG_ON(NFO_HW_ENCAPS < NFO_ENCAPS);
	for (n = 0, kinds = encap->kinds; kinds; n++, kinds >>= NFO_ENCAP_BITS)
		to[n] = (struct nfo_hw_encap) {
			.id	= ntohs(encap->id[n]),
			.kind	= nfo_encap_first(kinds),
		};

	return n;
}

static void nfo_hw_eth(struct nfo_hw_spec *s, const struct nfo_entry *e,
		       const struct nfo_route_refs *refs)
{
	const struct nfo_lower *lower = &refs->out_lower;
	const struct ethhdr *eth = (const void *)refs->hh;

	if (e->flags & NFO_E_HEADER) {
		ether_addr_copy(s->eth_src, eth->h_source);
		ether_addr_copy(s->eth_dst, eth->h_dest);
		return;
	}
	/* A PPP device has no Ethernet addresses: the frames have those of the PPPoE session. */
	ether_addr_copy(s->eth_src, lower->h_source);
	ether_addr_copy(s->eth_dst, lower->h_dest);
}

/* Describe the rule of a direction in plain values. Caller holds rcu_read_lock(). */
static void nfo_hw_spec_fill(struct nfo_hw_spec *s, const struct nfo_dev *d,
			     const struct nfo_flow *f, enum ip_conntrack_dir dir,
			     enum nfo_hw_ttl form)
{
	const struct nfo_route_refs *refs = nfo_flow_refs(f, dir);
	const struct nfo_lower *lower = &refs->out_lower;
	const struct nf_conntrack_tuple *t = nf_ct_tuple(f->ct, dir);
	const struct nf_conntrack_tuple *o = nf_ct_tuple(f->ct, !dir);
	const struct nfo_entry *e = &f->e[dir];

	*s = (struct nfo_hw_spec) {
		.family		= e->key.family,
		.l4proto	= e->key.l4proto,
		.nat		= e->flags & NFO_E_NAT,
		.ttl		= form,
		.ttl_in		= e->ttl_in,
		.csum		= d->driver->csum,
		/* The chips with this form read headers in the order of the frame, others as TC. */
		.outer_first	= form == NFO_HW_TTL_IMPLICIT,
		.no_frag	= d->driver->flags & NFO_HW_DRV_NO_FRAG,
		.no_meta	= d->driver->flags & NFO_HW_DRV_NO_META,
		/* The chips with the form IMPLICIT match addresses and ports alone. */
		.match_dscp	= form != NFO_HW_TTL_IMPLICIT && !nfo_hw_dscp_known(f, dir),
		/* Likewise. Other chips get frames that a switch floods, and must not forward them
		 * when another router has the address.
		 */
		.match_dest	= form != NFO_HW_TTL_IMPLICIT || d->bound == NFO_DEV_HW_BLOCK,
		.dscp		= e->dscp,
		.iif		= e->key.iif,
		.out		= lower->dev,
		.src		= t->src.u3,
		.dst		= t->dst.u3,
		.new_src	= o->dst.u3,
		.new_dst	= o->src.u3,
		.sport		= e->key.sport,
		.dport		= e->key.dport,
		.new_sport	= e->sport,
		.new_dport	= e->dport,
	};
	ether_addr_copy(s->in_dest, e->flags & NFO_E_IN_DEST ? refs->in_dest : d->dev->dev_addr);
	s->in_encaps = nfo_hw_encaps(s->in_encap, &e->key.encap);
	s->out_encaps = nfo_hw_encaps(s->out_encap, &lower->encap);
	nfo_hw_eth(s, e, refs);
}

/* The worker did not get RTNL. If a caller of nfo_hw_pull_wait() waits for workers of the table,
 * the holder of RTNL is taken to be this caller, or to wait for a lock of this caller: then drivers
 * are called without RTNL until no caller waits. Return: true when a caller waits.
 */
static bool nfo_hw_borrow_rtnl(struct nfo_hw *hw)
{
	bool lent;

	spin_lock_bh(&hw->lock);
	lent = hw->pullers;
	WRITE_ONCE(hw->lent, lent);
	spin_unlock_bh(&hw->lock);

	return lent;
}

/* Take RTNL for a driver that wants it, or for nfo_hw_feature_show(). It is tried before each call,
 * because RTNL may be free again while a caller still waits for the worker. Return: true when RTNL
 * was taken and is to be released; false when it is not needed, or its holder waits for the worker.
 */
static bool nfo_hw_rtnl_get(struct nfo_dev *d)
{
	struct nfo_hw *hw = d->queue->hw;
	unsigned int i;

	if (!d->locked && !READ_ONCE(d->off))
		return false;
	for (i = 0; !rtnl_trylock(); i++) {
		if (READ_ONCE(d->lent) || READ_ONCE(hw->lent))
			return false;
		if (i < NFO_HW_RTNL_TRIES || !nfo_hw_borrow_rtnl(hw))
			usleep_range(1000, 1500);
	}

	return true;
}

/* Give a device the feature until the call is over, if somebody has switched it off. */
static int nfo_hw_feature_lend(struct net_device *dev, struct netdev_nested_priv *priv)
{
	struct nfo_dev *d = priv->data;

	if (!(dev->hw_features & NETIF_F_HW_TC) || tc_can_offload(dev) ||
	    d->shows == ARRAY_SIZE(d->shown))
		return 0;
	dev->features |= NETIF_F_HW_TC;
	d->shown[d->shows++] = dev;

	return 0;
}

/**
 * nfo_hw_feature_show() - show a driver that hw-tc-offload is on while it is called
 * @d:  device
 * @on: true before the call, false after it
 *
 * While hw-tc-offload is off, many drivers ignore calls about rules, deletions too. So the feature
 * bit is set during each call until the driver has no rule any more. Somebody may have switched the
 * feature of the device off, that of the device below it, or both. Without nfo_dev::off nothing
 * happens. Context: RTNL held, or its holder waits for the caller.
 */
void nfo_hw_feature_show(struct nfo_dev *d, bool on)
{
	struct netdev_nested_priv priv = { .data = d };

	if (on && READ_ONCE(d->off)) {
		nfo_hw_feature_lend(d->dev, &priv);
		rcu_read_lock();
		netdev_walk_all_lower_dev_rcu(d->dev, nfo_hw_feature_lend, &priv);
		rcu_read_unlock();
	}
	for (; !on && d->shows; d->shows--)
		d->shown[d->shows - 1]->features &= ~NETIF_F_HW_TC;
}

/* Call every callback of the device. Return: 0 when one accepted, otherwise the last error. */
static int nfo_hw_call(struct nfo_dev *d, struct flow_cls_offload *cls)
{
	bool rtnl = nfo_hw_rtnl_get(d);
	struct flow_block_cb *cb;
	int err = -EOPNOTSUPP, ret;

	nfo_hw_feature_show(d, true);
	list_for_each_entry(cb, &d->block.cb_list, list) {
		ret = cb->cb(TC_SETUP_CLSFLOWER, cls, cb->cb_priv);
		if (ret >= 0)
			err = 0;
		else if (err)
			err = ret;
	}
	nfo_hw_feature_show(d, false);
	if (rtnl)
		rtnl_unlock();

	return err;
}

/* @err: a driver's answer to a deletion. Return: true when the driver does not have the rule any
 * more. For a cookie that they do not know some drivers return ENOENT and others EINVAL (mlx5, nfp,
 * octeontx2). A driver that returns EOPNOTSUPP still has the rule.
 */
static bool nfo_hw_deleted(int err)
{
	return !err || err == -ENOENT || err == -EINVAL || err == -ENODEV;
}

/* Delete a rule. A rule that stays in hardware goes on forwarding, so a busy driver is told several
 * times. After all attempts for one rule have failed, each later rule of the device gets one
 * attempt until one succeeds. Return: the driver's last answer.
 */
static int nfo_hw_del_retry(struct nfo_dev *d, struct flow_cls_offload *cls)
{
	unsigned int i, tries = d->del_failed ? 1 : NFO_HW_DEL_TRIES;
	int err;

	for (i = 0; i < tries; i++) {
		err = nfo_hw_call(d, cls);
		if (nfo_hw_deleted(err)) {
			/* The error that is shown was about an earlier deletion. */
			if (d->del_failed)
				nfo_hw_dev_set_error(d, 0, NULL);
			WRITE_ONCE(d->del_failed, false);
			return err;
		}
		if (i + 1 < tries)
			msleep(NFO_HW_DEL_RETRY_MS << min(i, 3u));
	}
	WRITE_ONCE(d->del_failed, true);
	nfo_hw_dev_set_error(d, err, cls->common.extack);

	return err;
}

static void nfo_hw_offload_cls_init(struct flow_cls_offload *cls, enum flow_cls_command cmd,
				    const struct nfo_dev *d, const struct nfo_entry *e,
				    struct netlink_ext_ack *extack)
{
	memset(cls, 0, sizeof(*cls));
	cls->common.protocol = e->key.family == NFPROTO_IPV4 ? htons(ETH_P_IP) :
							       htons(ETH_P_IPV6);
	cls->common.prio = 1;
	cls->common.extack = extack;
	nfo_cls_skip_sw(&cls->common, d->bound == NFO_DEV_HW_BLOCK);
	cls->command = cmd;
	cls->cookie = (unsigned long)e;
}

/**
 * nfo_hw_rule_add() - ask a driver to take the rule of one direction
 * @d:      device, bound
 * @f:      flow
 * @dir:    direction
 * @form:   form of the rule
 * @extack: filled with the driver's message
 *
 * Context: may sleep; the worker of the device's queue, no lock held. Return: 0, the driver's
 * negative errno, or -ENOMEM.
 */
int nfo_hw_rule_add(struct nfo_dev *d, struct nfo_flow *f,
		    enum ip_conntrack_dir dir, enum nfo_hw_ttl form,
		    struct netlink_ext_ack *extack)
{
	struct flow_cls_offload cls;
	struct nfo_hw_cls *r;
	struct nfo_hw_spec s;
	int err;

	/* A lesson may replace the refs of the direction by others that name the same devices. */
	rcu_read_lock();
	nfo_hw_spec_fill(&s, d, f, dir, form);
	rcu_read_unlock();
	nfo_flow_hw(f)->rule[dir].narrow = s.match_dscp;
	r = nfo_hw_cls_alloc(&s);
	if (IS_ERR(r))
		return PTR_ERR(r);

	nfo_hw_offload_cls_init(&cls, FLOW_CLS_REPLACE, d, &f->e[dir], extack);
	/* In TC the protocol is the EtherType of the frame that arrives, its outermost tag's. */
	if (d->bound == NFO_DEV_HW_BLOCK && s.in_encaps)
		cls.common.protocol = nfo_encap_types[s.in_encap[0].kind].proto;
	cls.rule = r->rule;
	trace_nfo_hw_request(true, f->ct, dir, f->table->name, d->dev->name);
	err = nfo_hw_call(d, &cls);
	trace_nfo_hw_result(true, f->ct, dir, d->dev->name, err, extack->_msg);
	nfo_hw_cls_free(r);
	if (!err)
		d->rules++;

	return err;
}

/**
 * nfo_hw_rule_del() - have a driver delete the rule of one direction
 * @d:   device
 * @f:   flow
 * @dir: direction whose rule the driver has
 *
 * Context: may sleep; the worker of the device's queue. Return: true when the driver does not
 * have the rule any more; false when it may still have it.
 */
bool nfo_hw_rule_del(struct nfo_dev *d, struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	struct netlink_ext_ack extack = {};
	struct flow_cls_offload cls;
	int err;

	nfo_hw_offload_cls_init(&cls, FLOW_CLS_DESTROY, d, &f->e[dir], &extack);
	trace_nfo_hw_request(false, f->ct, dir, f->table->name, d->dev->name);
	err = nfo_hw_del_retry(d, &cls);
	trace_nfo_hw_result(false, f->ct, dir, d->dev->name, err, extack._msg);

	return nfo_hw_deleted(err);
}

/* Take over the time of the last packet, which is 0 when the driver does not know it.
 * nfo_entry::used moves forward only. Return: true when it moved.
 */
static bool nfo_hw_last_used(struct nfo_net *nn, struct nfo_entry *e,
			     const struct flow_stats *stats)
{
	u32 last = stats->lastused, now = nfo_now();

	if (!stats->lastused)
		return false;
	if ((s32)(last - now) > 0)
		last = now;
	if ((s32)(last - READ_ONCE(e->used)) <= 0)
		return false;
	nfo_entry_watch(nn, e);
	WRITE_ONCE(e->used, last);

	return true;
}

/* Some chips begin to count a rule from 0 again, as Airoha's does when a connection that was idle
 * comes into its table anew. The driver then reports a negative difference, which does not tell how
 * many packets came, so it is taken for none.
 */
static void nfo_hw_counted(struct flow_stats *stats)
{
	if ((s64)stats->pkts >= 0 && (s64)stats->bytes >= 0)
		return;
	stats->pkts = 0;
	stats->bytes = 0;
}

/**
 * nfo_hw_rule_stats() - add what the hardware has counted since the last call
 * @d:   device
 * @f:   flow
 * @dir: direction whose rule the driver has
 * @use: set to what the driver said of the rule's packets
 *
 * Context: may sleep; the worker of the device's queue. Return: 0, or the driver's negative errno.
 */
int nfo_hw_rule_stats(struct nfo_dev *d, struct nfo_flow *f,
		      enum ip_conntrack_dir dir, enum nfo_hw_use *use)
{
	struct nfo_entry *e = &f->e[dir];
	struct flow_cls_offload cls;
	u64 bytes, headers;
	int err;

	*use = NFO_HW_UNUSED;
	nfo_hw_offload_cls_init(&cls, FLOW_CLS_STATS, d, e, NULL);
	err = nfo_hw_call(d, &cls);
	if (err)
		return err;

	nfo_hw_counted(&cls.stats);
	/* Software and conntrack count bytes of IP packets, hardware counts bytes of frames. */
	headers = cls.stats.pkts * (ETH_HLEN + nfo_encap_frame_len(&e->key.encap));
	bytes = cls.stats.bytes > headers ? cls.stats.bytes - headers : 0;
	if (cls.stats.pkts || bytes) {
		atomic64_add(cls.stats.pkts, &f->e[dir].packets);
		atomic64_add(bytes, &f->e[dir].bytes);
		nfo_lower_count(f, dir, cls.stats.pkts, bytes);
		nfo_lower_count_sent(f, dir, cls.stats.pkts, bytes);
		if (e->flags & NFO_E_ACCT)
			nfo_ct_count_many(f->ct, dir, cls.stats.pkts, bytes);
		nfo_entry_watch(f->table->nn, e);
		WRITE_ONCE(e->used, nfo_now());
		*use = NFO_HW_COUNTED;
	} else if (nfo_hw_last_used(f->table->nn, e, &cls.stats)) {
		*use = NFO_HW_USED;
	}
	if (*use != NFO_HW_UNUSED || cls.stats.lastused)
		d->counts = true;

	return 0;
}
