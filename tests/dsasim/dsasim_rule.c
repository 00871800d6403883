// SPDX-License-Identifier: GPL-2.0
/*
 * Rules of flowtables: the conduit takes them as MediaTek's and Airoha's drivers do, and writes
 * down what those would read. It forwards nothing by them.
 */
#include <linux/module.h>
#include <linux/seq_file.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>
#include "dsasim.h"

static bool ft;
module_param(ft, bool, 0644);
MODULE_PARM_DESC(ft, "whether the conduit's driver takes rules of flowtables");

struct dsasim_rule {
	struct list_head list;
	unsigned long cookie;
	char in[IFNAMSIZ], to[IFNAMSIZ], conduit[IFNAMSIZ];
	int port;
};

/* Flowtables of two namespaces may bind at once, and workers add rules meanwhile. */
static DEFINE_MUTEX(rules_lock);
static LIST_HEAD(rules);
static LIST_HEAD(blocks);
static unsigned int binds, unbinds, adds, dels, refused;

static struct dsasim_rule *rule_find(unsigned long cookie)
{
	struct dsasim_rule *r;

	list_for_each_entry(r, &rules, list)
		if (r->cookie == cookie)
			return r;

	return NULL;
}

/* The port of a switch that the rule forwards to, and the conduit of this port. */
static int rule_out(struct dsasim_rule *r, struct net_device *dev)
{
	struct dsa_port *dp = dsa_port_from_netdev(dev);

	strscpy(r->to, dev->name, sizeof(r->to));
	if (IS_ERR(dp))
		return -ENODEV;
	if (dp->cpu_dp->tag_ops->proto != DSA_TAG_PROTO_MTK)
		return -EOPNOTSUPP;
	strscpy(r->conduit, dsa_port_to_conduit(dp)->name, sizeof(r->conduit));
	r->port = dp->index;

	return 0;
}

static int rule_add(struct flow_cls_offload *cls)
{
	struct flow_rule *rule = flow_cls_offload_flow_rule(cls);
	struct flow_match_meta meta;
	struct flow_action_entry *act;
	struct net_device *in = NULL;
	struct dsasim_rule *r;
	int i, err = -EINVAL;

	if (rule_find(cls->cookie))
		return -EEXIST;
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	flow_action_for_each(i, act, &rule->action)
		if (act->id == FLOW_ACTION_REDIRECT)
			err = rule_out(r, act->dev);
	if (!err && flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_META)) {
		flow_rule_match_meta(rule, &meta);
		in = dev_get_by_index(dev_net(dsasim.conduit), meta.key->ingress_ifindex);
	}
	strscpy(r->in, in ? in->name : "-", sizeof(r->in));
	dev_put(in);
	if (err) {
		kfree(r);
		return err;
	}
	r->cookie = cls->cookie;
	list_add_tail(&r->list, &rules);

	return 0;
}

static int rule_command(struct flow_cls_offload *cls)
{
	struct dsasim_rule *r;
	int err;

	if (cls->command == FLOW_CLS_REPLACE) {
		err = rule_add(cls);
		adds += !err;
		refused += !!err;
		return err;
	}
	r = rule_find(cls->cookie);
	if (!r)
		return -ENOENT;
	switch (cls->command) {
	case FLOW_CLS_DESTROY:
		list_del(&r->list);
		kfree(r);
		dels++;
		return 0;
	case FLOW_CLS_STATS:
		flow_stats_update(&cls->stats, 0, 0, 0, jiffies, FLOW_ACTION_HW_STATS_DELAYED);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int block_cb(enum tc_setup_type type, void *data, void *priv)
{
	int err;

	if (!tc_can_offload(priv) || type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	mutex_lock(&rules_lock);
	err = rule_command(data);
	mutex_unlock(&rules_lock);

	return err;
}

static int block_setup(struct net_device *dev, struct flow_block_offload *f)
{
	struct flow_block_cb *b = flow_block_cb_lookup(f->block, block_cb, dev);

	f->driver_block_list = &blocks;
	switch (f->command) {
	case FLOW_BLOCK_BIND:
		binds++;
		if (b) {
			flow_block_cb_incref(b);
			return 0;
		}
		b = flow_block_cb_alloc(block_cb, dev, dev, NULL);
		if (IS_ERR(b))
			return PTR_ERR(b);
		flow_block_cb_incref(b);
		flow_block_cb_add(b, f);
		list_add_tail(&b->driver_list, &blocks);
		return 0;
	case FLOW_BLOCK_UNBIND:
		if (!b)
			return -ENOENT;
		unbinds++;
		if (!flow_block_cb_decref(b)) {
			flow_block_cb_remove(b, f);
			list_del(&b->driver_list);
		}
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * dsasim_setup_tc() - the conduit's driver is asked for its callback
 * @dev:  the conduit
 * @type: DSA hands on TC_SETUP_FT alone
 * @data: block
 *
 * Return: 0 or an error.
 */
int dsasim_setup_tc(struct net_device *dev, enum tc_setup_type type, void *data)
{
	struct flow_block_offload *f = data;
	int err;

	if (type != TC_SETUP_FT || f->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
		return -EOPNOTSUPP;
	if (!READ_ONCE(ft) && f->command == FLOW_BLOCK_BIND)
		return -EOPNOTSUPP;
	mutex_lock(&rules_lock);
	err = block_setup(dev, f);
	mutex_unlock(&rules_lock);

	return err;
}

static int calls_show(struct seq_file *m, void *v)
{
	mutex_lock(&rules_lock);
	seq_printf(m, "binds=%u unbinds=%u blocks=%zu adds=%u dels=%u refused=%u\n", binds, unbinds,
		   list_count_nodes(&blocks), adds, dels, refused);
	mutex_unlock(&rules_lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(calls);

static int rules_show(struct seq_file *m, void *v)
{
	struct dsasim_rule *r;

	mutex_lock(&rules_lock);
	list_for_each_entry(r, &rules, list)
		seq_printf(m, "in=%s to=%s port=%d conduit=%s\n", r->in, r->to, r->port,
			   r->conduit);
	mutex_unlock(&rules_lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rules);

/**
 * dsasim_rules_init() - show what the driver was asked
 * @dir: directory of debugfs
 */
void dsasim_rules_init(struct dentry *dir)
{
	debugfs_create_file("calls", 0400, dir, NULL, &calls_fops);
	debugfs_create_file("rules", 0400, dir, NULL, &rules_fops);
}

/**
 * dsasim_rules_exit() - say what is left when the driver goes
 *
 * No device of the switch is there any more, so nothing may be left.
 */
void dsasim_rules_exit(void)
{
	struct dsasim_rule *r, *next;

	WARN_ON(!list_empty(&blocks));
	WARN_ON(!list_empty(&rules));
	list_for_each_entry_safe(r, next, &rules, list)
		kfree(r);
}
