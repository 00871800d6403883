// SPDX-License-Identifier: GPL-2.0
/*
 * The chip's table and the driver's three commands on it.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>
#include "hwsim.h"

static u32 key_hash(const struct hwsim_key *key, u32 seed)
{
	return jhash2((const u32 *)key, sizeof(*key) / sizeof(u32), seed);
}

static void key_and(struct hwsim_key *to, const struct hwsim_key *key, const struct hwsim_key *bits)
{
	const u32 *a = (const u32 *)key, *b = (const u32 *)bits;
	u32 *t = (u32 *)to;
	int i;

	for (i = 0; i < sizeof(*to) / sizeof(u32); i++)
		t[i] = a[i] & b[i];
}

/* The rule that hits, the one of the lowest priority value. Under RCU. */
struct hwsim_rule *hwsim_lookup(struct hwsim_chip *c, const struct hwsim_key *key)
{
	struct hwsim_rule *r, *best = NULL;
	struct hwsim_key masked;
	struct hwsim_mask *m;
	u32 hash;

	list_for_each_entry_rcu(m, &c->masks, list) {
		key_and(&masked, key, &m->bits);
		hash = key_hash(&masked, m->seed);
		hlist_for_each_entry_rcu(r, &c->match[hash_min(hash, HWSIM_HASH_BITS)], node) {
			if (r->mask == m && (!best || r->prio < best->prio) &&
			    !memcmp(&r->key, &masked, sizeof(masked)))
				best = r;
		}
	}
	return best;
}

static struct hwsim_mask *mask_get(struct hwsim_chip *c, const struct hwsim_key *bits)
{
	struct hwsim_mask *m;

	list_for_each_entry(m, &c->masks, list) {
		if (!memcmp(&m->bits, bits, sizeof(*bits))) {
			m->rules++;
			return m;
		}
	}
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return NULL;
	m->bits = *bits;
	m->seed = ++c->seed;
	m->rules = 1;
	list_add_tail_rcu(&m->list, &c->masks);
	return m;
}

static void mask_put(struct hwsim_mask *m)
{
	if (--m->rules)
		return;
	list_del_rcu(&m->list);
	kfree_rcu(m, rcu);
}

/* Out of the lookup; the owner still knows it by its cookie. */
static void rule_unhash(struct hwsim_rule *r)
{
	if (r->dead)
		return;
	r->dead = true;
	hlist_del_rcu(&r->node);
	mask_put(r->mask);
}

static bool sends_to(const struct hwsim_rule *r, const u8 *mac)
{
	return ether_addr_equal_unaligned(r->act.eth.val, mac);
}

static void watched(struct hwsim_chip *c, const struct hwsim_rule *r, int change)
{
	int i;

	for (i = 0; i < HWSIM_WATCHED; i++) {
		if (!sends_to(r, c->watch[i].mac))
			continue;
		c->watch[i].rules += change;
		c->watch[i].last = ktime_get_real_ns();
	}
}

/* From now on it is known how many rules send to this address. Caller holds hwsim_chip::lock. */
void hwsim_watch(struct hwsim_chip *c, struct hwsim_watch *w, const u8 *mac)
{
	struct hwsim_rule *r;

	ether_addr_copy(w->mac, mac);
	w->rules = 0;
	w->last = 0;
	list_for_each_entry(r, &c->rules, list)
		w->rules += sends_to(r, mac);
}

static void rule_free(struct hwsim_chip *c, struct hwsim_rule *r)
{
	watched(c, r, -1);
	rule_unhash(r);
	hash_del(&r->cookie_node);
	list_del(&r->list);
	c->used--;
	kfree_rcu(r, rcu);
}

/* Flowtables name a rule once per chip, classifiers once per block and so per port. */
static struct hwsim_rule *rule_find(struct hwsim_chip *c, const struct hwsim_slot *slot,
				    unsigned long cookie)
{
	struct hwsim_rule *r;

	hash_for_each_possible(c->cookies, r, cookie_node, cookie) {
		if (r->cookie == cookie && r->via == slot->via &&
		    (r->via == HWSIM_FT || r->owner == slot->port->index))
			return r;
	}
	return NULL;
}

static bool inject(struct hwsim_chip *c, const struct hwsim_port *p, enum hwsim_call call,
		   struct netlink_ext_ack *extack, int *err)
{
	struct hwsim_fail *f = &c->fail[call];

	if (c->fail_port < c->ports && c->fail_port != p->index)
		return false;
	if (!f->err || get_random_u32() % 100 >= f->percent)
		return false;
	c->injected++;
	if (f->text[0])
		extack->_msg = f->text;
	*err = f->err;
	return true;
}

static u32 bucket_of(const struct hwsim_chip *c, const struct hwsim_key *key)
{
	return key_hash(key, 0) % max(c->table_size / HWSIM_BUCKET, 1u);
}

static bool bucket_full(const struct hwsim_chip *c, const struct hwsim_rule *r)
{
	u32 bucket = bucket_of(c, &r->key), n = 0;
	const struct hwsim_rule *other;

	list_for_each_entry(other, &c->rules, list)
		n += bucket_of(c, &other->key) == bucket;
	return n >= HWSIM_BUCKET;
}

static int rule_add(struct hwsim_chip *c, struct hwsim_slot *slot, struct flow_cls_offload *cls,
		    struct netlink_ext_ack *extack)
{
	struct hwsim_key bits = {};
	struct net_device *dev;
	struct hwsim_rule *r;
	bool able;
	int err;

	rcu_read_lock();
	dev = rcu_dereference(slot->port->host);
	able = dev && (slot->via == HWSIM_FT ? tc_can_offload(dev) :
		       tc_cls_can_offload_and_chain0(dev, &cls->common));
	rcu_read_unlock();
	if (!dev) {
		NL_SET_ERR_MSG_MOD(extack, "The port is gone");
		return -ENODEV;
	}
	if (!able) {
		if (cls->common.chain_index)
			NL_SET_ERR_MSG_MOD(extack, "Only chain 0 can be offloaded");
		else
			NL_SET_ERR_MSG_MOD(extack, "hw-tc-offload is switched off");
		return -EOPNOTSUPP;
	}
	if (c->mode[HWSIM_M_LIAR]) {
		slot->port->deaf = true;
		return 0;
	}
	if (rule_find(c, slot, cls->cookie)) {
		NL_SET_ERR_MSG_MOD(extack, "This rule is in the table");
		return -EEXIST;
	}

	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->cookie = cls->cookie;
	r->via = slot->via;
	r->owner = slot->port->index;
	r->prio = cls->common.prio;
	r->lastused = jiffies;
	r->from = jiffies + (c->mode[HWSIM_M_LATE] ? HWSIM_LATE : 0);
	spin_lock_init(&r->lock);

	err = hwsim_rule_parse(c, r, &bits, slot->port, cls, extack);
	if (err)
		goto err_free;
	if (c->mode[HWSIM_M_BUCKETS] && bucket_full(c, r)) {
		NL_SET_ERR_MSG_MOD(extack, "The bucket is full");
		err = -ENOSPC;
		goto err_free;
	}
	if (c->used >= c->table_size) {
		NL_SET_ERR_MSG_MOD(extack, "The table is full");
		err = -ENOSPC;
		goto err_free;
	}
	err = -ENOMEM;
	r->mask = mask_get(c, &bits);
	if (!r->mask)
		goto err_free;

	c->span_last = ktime_get_ns();
	if (!c->span_adds++)
		c->span_first = c->span_last;
	c->used++;
	c->used_max = max(c->used_max, c->used);
	watched(c, r, 1);
	list_add_tail(&r->list, &c->rules);
	hash_add(c->cookies, &r->cookie_node, r->cookie);
	hlist_add_head_rcu(&r->node, &c->match[hash_min(key_hash(&r->key, r->mask->seed),
							HWSIM_HASH_BITS)]);
	return 0;

err_free:
	kfree(r);
	return err;
}

static int unknown(const struct hwsim_chip *c)
{
	return c->mode[HWSIM_M_INVAL] ? -EINVAL : -ENOENT;
}

/* Does the driver hear of its rules? Some ask hw-tc-offload first: that of the port, and that of
 * the device that the switch is connected to.
 */
static bool hears(const struct hwsim_slot *slot)
{
	const struct hwsim_chip *c = slot->port->chip;
	const struct net_device *dev;
	bool on;

	if (!c->mode[HWSIM_M_OFF_IS_DEAF])
		return true;
	rcu_read_lock();
	dev = rcu_dereference(slot->port->host);
	on = dev && tc_can_offload(dev) && (!c->conduit || tc_can_offload(c->conduit));
	rcu_read_unlock();
	return on;
}

static int rule_del(struct hwsim_chip *c, struct hwsim_slot *slot, unsigned long cookie)
{
	struct hwsim_rule *r = rule_find(c, slot, cookie);

	if (!r)
		return unknown(c);
	rule_free(c, r);
	return 0;
}

static int rule_stats(struct hwsim_chip *c, struct hwsim_slot *slot, struct flow_cls_offload *cls)
{
	struct hwsim_rule *r = rule_find(c, slot, cls->cookie);
	u64 packets, bytes;
	unsigned long used;

	if (!r)
		return unknown(c);
	if (c->mode[HWSIM_M_SILENT])
		return 0;
	spin_lock_bh(&r->lock);
	packets = r->packets - r->read_packets;
	bytes = r->bytes - r->read_bytes;
	r->read_packets = r->packets;
	r->read_bytes = r->bytes;
	used = r->lastused;
	spin_unlock_bh(&r->lock);
	if (c->mode[HWSIM_M_UNCOUNTED]) {
		packets = 0;
		bytes = 0;
	}
	flow_stats_update(&cls->stats, bytes, packets, 0, used, FLOW_ACTION_HW_STATS_DELAYED);
	return 0;
}

/* Firmware takes its time, and one command after another. */
static void take_time(u32 us)
{
	if (us >= 20000)
		msleep(us / 1000);
	else if (us)
		usleep_range(us, us + us / 8 + 1);
}

/**
 * hwsim_command() - the driver is called
 * @slot: what the block was bound to
 * @cls:  command
 *
 * Context: may sleep. Return: 0 or a negative errno.
 */
int hwsim_command(struct hwsim_slot *slot, struct flow_cls_offload *cls)
{
	struct hwsim_chip *c = slot->port->chip;
	struct netlink_ext_ack ack = {};
	enum hwsim_call call;
	int err;

	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		call = HWSIM_ADD;
		break;
	case FLOW_CLS_DESTROY:
		call = HWSIM_DEL;
		break;
	case FLOW_CLS_STATS:
		call = HWSIM_STATS;
		break;
	default:
		return -EOPNOTSUPP;
	}

	might_sleep();
	while (READ_ONCE(c->hold))
		msleep(20);
	take_time(READ_ONCE(slot->port->delay_us));
	mutex_lock(&c->lock);
	take_time(c->delay_us);
	c->calls[call]++;
	if (slot->via == HWSIM_BLOCK)
		c->no_rtnl += !rtnl_is_locked();
	err = hears(slot) ? 0 : -EOPNOTSUPP;
	if (!err && !inject(c, slot->port, call, &ack, &err)) {
		if (call == HWSIM_ADD)
			err = rule_add(c, slot, cls, &ack);
		else if (call == HWSIM_DEL)
			err = rule_del(c, slot, cls->cookie);
		else
			err = rule_stats(c, slot, cls);
	}
	if (err) {
		c->failed[call]++;
		if (call == HWSIM_ADD) {
			c->last_err = err;
			strscpy(c->last_text, ack._msg ?: "", sizeof(c->last_text));
		}
		if (cls->common.extack && ack._msg)
			cls->common.extack->_msg = ack._msg;
	}
	mutex_unlock(&c->lock);
	return err;
}

/* A port goes: no frame meets its rules again, their owner may still delete them. */
void hwsim_port_flush(struct hwsim_chip *c, unsigned int index)
{
	struct hwsim_rule *r;

	mutex_lock(&c->lock);
	list_for_each_entry(r, &c->rules, list) {
		if (r->key.in_port == index || r->act.out_port == index)
			rule_unhash(r);
	}
	mutex_unlock(&c->lock);
}

/* A reset forgets all rules, their owners learn nothing of it. */
void hwsim_table_flush(struct hwsim_chip *c)
{
	struct hwsim_rule *r, *next;
	int i;

	mutex_lock(&c->lock);
	list_for_each_entry_safe(r, next, &c->rules, list)
		rule_free(c, r);
	for (i = 0; i < c->ports; i++)
		c->port[i].deaf = false;
	mutex_unlock(&c->lock);
}
