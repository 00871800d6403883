// SPDX-License-Identifier: GPL-2.0
/*
 * nf_flow_offload: the start and the end of the module and of each network namespace, in their
 * order, and the connection between `table` and the rooms above it.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

#include "nfo.h"
#include "nfo_event.h"
#include "nfo_hw.h"
#include "nfo_ip.h"
#include "nfo_learn.h"
#include "nfo_netlink.h"
#include "nfo_nft.h"
#include "nfo_recheck.h"
#include "nfo_stack.h"
#include "nfo_unseen.h"

/* ---- per namespace ---- */

/* /proc/net/nf_flow_offload: a line "name value" for each counter. */
static int __maybe_unused nfo_proc_show(struct seq_file *m, void *v)
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
	struct nfo_net *nn = nfo_net_alloc(net);

	if (!nn)
		return -ENOMEM;
	nfo_event_net_init(nn);
	nfo_hw_net_init(nn);
	nfo_recheck_net_init(nn);
	if (!proc_create_net_single("nf_flow_offload", 0444, net->proc_net, nfo_proc_show, NULL) &&
	    IS_ENABLED(CONFIG_PROC_FS)) {
		nfo_net_put(nn);
		return -ENOMEM;
	}
	nfo_net_publish(nn);

	return 0;
}

/* Retire all flows: conntrack's exit waits for their connections, and may do so before nf_tables
 * frees the flowtables. nf_tables has unregistered the hooks by now, so no flow comes after this.
 */
static void __net_exit nfo_net_exit(struct net *net)
{
	struct nfo_net *nn = nfo_net_withdraw(net);
	struct nfo_table *t;

	remove_proc_entry("nf_flow_offload", net->proc_net);

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		nfo_table_flush(t, NULL, NFO_R_NETNS_GONE);
	mutex_unlock(&nn->lock);
	nfo_net_end(nn);
	nfo_event_net_exit(nn);
	nfo_unseen_net_exit(nn);
	nfo_recheck_net_exit(nn);
	nfo_net_put(nn);
}

static struct pernet_operations nfo_net_ops = {
	.init	= nfo_net_init,
	.exit	= nfo_net_exit,
	.id	= &nfo_net_id,
	.size	= sizeof(struct nfo_net *),
};

/* ---- what `table` reports to the rooms above ---- */

static void nfo_flow_added(struct nfo_flow *f)
{
	nfo_netlink_notify(f, NFO_EVENT_NEW, NFO_R_NONE);
}

static void nfo_flow_retired(struct nfo_flow *f, enum nfo_reason why)
{
	nfo_hw_retired(f);
	nfo_netlink_notify(f, NFO_EVENT_DESTROY, why);
}

static void nfo_flow_hardware(struct nfo_flow *f, enum nfo_flow_event event,
			      enum nfo_reason why)
{
	nfo_netlink_notify(f, event, why);
}

/* A direction was forgotten, so its rule in hardware is not true any more. */
static void nfo_flow_forgotten(struct nfo_flow *f)
{
	nfo_hw_evict(f);
}

static const struct nfo_table_ops nfo_core_table_ops = {
	.added		= nfo_flow_added,
	.active	= nfo_hw_active,
	.forgotten	= nfo_flow_forgotten,
	.retired	= nfo_flow_retired,
	.passed		= nfo_lower_passed,
	.hardware	= nfo_flow_hardware,
	.is_own_hook	= nfo_hook_is_own,
};

/* ---- mainline's modules ---- */

/* Warn when a module of mainline is loaded. nf_tables lets both modules offer the same flowtable
 * types, and flowtables that exist stay with mainline's module.
 */
static void __init nfo_warn_of_mainline(void)
{
#ifdef MODULE
	/* In older kernels, such as 5.10, the types of IPv4 and IPv6 have modules of their own. */
	static const char * const modules[] __initconst = {
		"nf_flow_table_inet", "nf_flow_table_ipv4", "nf_flow_table_ipv6",
	};
	struct kobject *kobj;
	int i;

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, modules[i]);
		if (!kobj)
			continue;
		kobject_put(kobj);
		pr_warn("nf_flow_offload: %s is loaded and was there first: new flowtables may be served by it. Delete the ruleset, `rmmod nft_flow_offload %s nf_flow_table`, load the ruleset again\n",
			modules[i], modules[i]);
		return;
	}
#endif
}

/* ---- the module ---- */

/* The module nft_flow_offload of packaging/openwrt uses this symbol, so that modprobe loads this
 * module with it.
 */
const char nfo_version[] = NFO_VERSION;
EXPORT_SYMBOL_GPL(nfo_version);

static int __init nfo_init(void)
{
	int err;

	nfo_table_ops = &nfo_core_table_ops;
	err = nfo_net_module_init();
	if (err)
		return err;
	err = nfo_table_init();
	if (err)
		goto err_net_module;
	err = nfo_note_init();
	if (err)
		goto err_table;
	err = nfo_hw_queue_module_init();
	if (err)
		goto err_note;
	err = register_pernet_subsys(&nfo_net_ops);
	if (err)
		goto err_hw;
	err = nfo_hw_bind_module_init();
	if (err)
		goto err_net;
	err = nfo_event_init();
	if (err)
		goto err_bind;
	err = nfo_netlink_init();
	if (err)
		goto err_event;
	err = nfo_nft_init();
	if (err)
		goto err_netlink;

	nfo_warn_of_mainline();
	return 0;

err_netlink:
	nfo_netlink_exit();
err_event:
	nfo_event_exit();
err_bind:
	nfo_hw_bind_module_exit();
err_net:
	unregister_pernet_subsys(&nfo_net_ops);
err_hw:
	nfo_hw_queue_module_exit();
err_note:
	nfo_note_exit();
err_table:
	nfo_table_exit();
err_net_module:
	nfo_net_module_exit();
	return err;
}

static void __exit nfo_exit(void)
{
	nfo_nft_exit();
	nfo_netlink_exit();
	nfo_event_exit();
	nfo_hw_bind_module_exit();
	unregister_pernet_subsys(&nfo_net_ops);
	nfo_hw_queue_module_exit();
	nfo_note_exit();
	nfo_table_exit();
	nfo_net_module_exit();
}

module_init(nfo_init);
module_exit(nfo_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(NFO_VERSION);
MODULE_DESCRIPTION("Flow offload for nftables: flowtables in software and hardware");
