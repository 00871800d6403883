// SPDX-License-Identifier: GPL-2.0
/*
 * nf_flow_offload: the module's table of contents. What starts when, what a
 * network namespace has, and in which order it ends.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

#include "nfo.h"

#define CREATE_TRACE_POINTS
#include "nfo_trace.h"

static unsigned int nfo_net_id;

/* ---- per namespace ---- */

static struct nfo_net **nfo_net_slot(const struct net *net)
{
	return net_generic(net, nfo_net_id);
}

/**
 * nfo_net_tryget() - our side of a namespace, with a reference
 * @net: namespace; may be on its way up or down
 *
 * Context: any. Return: it, or NULL when the namespace has none (any more).
 */
struct nfo_net *nfo_net_tryget(const struct net *net)
{
	struct nfo_net *nn;

	rcu_read_lock();
	nn = READ_ONCE(*nfo_net_slot(net));
	if (nn && !refcount_inc_not_zero(&nn->refs))
		nn = NULL;
	rcu_read_unlock();

	return nn;
}

static void nfo_net_free_rcu(struct rcu_head *rcu)
{
	struct nfo_net *nn = container_of(rcu, struct nfo_net, rcu);

	free_percpu(nn->stats);
	kfree(nn);
}

/**
 * nfo_net_put() - drop a reference of nfo_net_tryget()
 * @nn: may be NULL
 *
 * Context: any.
 */
void nfo_net_put(struct nfo_net *nn)
{
	if (nn && refcount_dec_and_test(&nn->refs))
		call_rcu(&nn->rcu, nfo_net_free_rcu);
}

/**
 * nfo_net_touched() - something changed that flows of a namespace rest on
 * @net: namespace
 *
 * Context: any. Advances its topology epoch.
 */
void nfo_net_touched(const struct net *net)
{
	struct nfo_net *nn;

	rcu_read_lock();
	nn = READ_ONCE(*nfo_net_slot(net));
	if (nn)
		nfo_epoch_advance(nn);
	rcu_read_unlock();
}

/**
 * nfo_stats_sum() - a namespace's counters over all CPUs
 * @nn:  namespace
 * @sum: filled
 *
 * Context: any.
 */
void nfo_stats_sum(const struct nfo_net *nn, struct nfo_stats *sum)
{
	const struct nfo_stats *s;
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(nn->stats, cpu);
		sum->added += READ_ONCE(s->added);
		sum->stale += READ_ONCE(s->stale);
		for (i = 0; i < __NFO_R_MAX; i++)
			sum->reason[i] += READ_ONCE(s->reason[i]);
	}
}

/* /proc/net/nf_flow_offload: "name value" lines, one a counter. */
static int nfo_proc_show(struct seq_file *m, void *v)
{
	struct nfo_net *nn = nfo_net_tryget(seq_file_single_net(m));
	unsigned int tables = 0;
	struct nfo_stats sum;
	int i;

	if (!nn)
		return 0;

	mutex_lock(&nn->lock);
	tables = list_count_nodes(&nn->tables);
	mutex_unlock(&nn->lock);

	nfo_stats_sum(nn, &sum);
	seq_printf(m, "flowtables %u\nflows %d\nadded %lu\ntopology-epoch %u\nreverified %lu\n",
		   tables, atomic_read(&nn->flows), sum.added, nfo_epoch(nn), sum.stale);
	for (i = NFO_R_NONE + 1; i < __NFO_R_MAX; i++)
		seq_printf(m, "%s %lu\n", nfo_reason_names[i], sum.reason[i]);
	nfo_net_put(nn);

	return 0;
}

static int __net_init nfo_net_init(struct net *net)
{
	struct nfo_net *nn;
	int err = -ENOMEM;

	nn = kzalloc_obj(*nn);
	if (!nn)
		return -ENOMEM;
	nn->stats = alloc_percpu(struct nfo_stats);
	if (!nn->stats)
		goto err_free;
	nn->net = net;
	atomic_set(&nn->topo, 1);
	refcount_set(&nn->refs, 1);
	nfo_settings_init(&nn->settings);
	nfo_hw_net_init(nn);
	INIT_LIST_HEAD(&nn->tables);
	mutex_init(&nn->lock);

	if (!proc_create_net_single("nf_flow_offload", 0444, net->proc_net,
				    nfo_proc_show, NULL))
		goto err_stats;
	err = nfo_event_net_init(nn);
	if (err)
		goto err_proc;
	WRITE_ONCE(*nfo_net_slot(net), nn);

	return 0;

err_proc:
	remove_proc_entry("nf_flow_offload", net->proc_net);
err_stats:
	free_percpu(nn->stats);
err_free:
	kfree(nn);
	return err;
}

/* nf_tables frees the flowtables after this, and conntrack may wait for their
 * connections before that: so the flows end here. No hook is left to add any.
 */
static void __net_exit nfo_net_exit(struct net *net)
{
	struct nfo_net *nn = *nfo_net_slot(net);
	struct nfo_table *t;

	WRITE_ONCE(*nfo_net_slot(net), NULL);
	nfo_event_net_exit(nn);
	remove_proc_entry("nf_flow_offload", net->proc_net);

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		nfo_table_flush(t, NULL, NFO_R_NETNS_GONE);
	mutex_unlock(&nn->lock);
	nfo_net_put(nn);
}

static struct pernet_operations nfo_net_ops = {
	.init	= nfo_net_init,
	.exit	= nfo_net_exit,
	.id	= &nfo_net_id,
	.size	= sizeof(struct nfo_net *),
};

/* ---- what becomes of flows, and who is told ---- */

static void nfo_flow_added(struct nfo_flow *f)
{
	nfo_netlink_notify(f, NFO_EVENT_NEW, NFO_R_NONE);
}

static void nfo_flow_retired(struct nfo_flow *f, enum nfo_reason why)
{
	nfo_hw_retired(f);
	nfo_netlink_notify(f, NFO_EVENT_DESTROY, why);
}

static const struct nfo_table_ops nfo_core_table_ops = {
	.added		= nfo_flow_added,
	.touched	= nfo_hw_touched,
	.retired	= nfo_flow_retired,
};

/* ---- mainline's modules ---- */

/* Both may be loaded; flowtables made earlier stay with mainline's. */
static void __init nfo_warn_of(const char *module)
{
#ifdef MODULE
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, module);

	if (!kobj)
		return;
	kobject_put(kobj);
	pr_warn("nf_flow_offload: %s is loaded and was there first: new flowtables may be served by it. Delete the ruleset, `rmmod nft_flow_offload nf_flow_table_inet nf_flow_table`, load the ruleset again\n",
		module);
#endif
}

/* ---- the module ---- */

static int __init nfo_init(void)
{
	int err;

	nfo_table_ops = &nfo_core_table_ops;
	err = nfo_table_init();
	if (err)
		return err;
	err = nfo_hw_module_init();
	if (err)
		goto err_table;
	err = register_pernet_subsys(&nfo_net_ops);
	if (err)
		goto err_hw;
	err = nfo_event_init();
	if (err)
		goto err_net;
	err = nfo_netlink_init();
	if (err)
		goto err_event;
	err = nfo_nft_init();
	if (err)
		goto err_netlink;

	nfo_warn_of("nf_flow_table_inet");
	return 0;

err_netlink:
	nfo_netlink_exit();
err_event:
	nfo_event_exit();
err_net:
	unregister_pernet_subsys(&nfo_net_ops);
err_hw:
	nfo_hw_module_exit();
err_table:
	nfo_table_exit();
	return err;
}

static void __exit nfo_exit(void)
{
	nfo_nft_exit();
	nfo_netlink_exit();
	nfo_event_exit();
	unregister_pernet_subsys(&nfo_net_ops);
	nfo_hw_module_exit();
	nfo_table_exit();
}

module_init(nfo_init);
module_exit(nfo_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(NFO_VERSION);
MODULE_DESCRIPTION("Flow offload for nftables: flowtables in software and hardware");
