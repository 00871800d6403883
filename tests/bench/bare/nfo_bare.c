// SPDX-License-Identifier: GPL-2.0
/*
 * The least that a hook at ingress can do: it pushes an Ethernet header and sends. What any
 * flowtable takes above that are its own instructions. Loaded by a process of the network
 * namespace that has the two devices:
 *
 *	insmod nfo_bare.ko in=DEVICE out=DEVICE to=MAC
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/nsproxy.h>

static char *in = "", *out = "", *to = "";
module_param(in, charp, 0);
module_param(out, charp, 0);
module_param(to, charp, 0);

static struct net *nfo_bare_net;
static struct net_device *nfo_bare_out;
static struct ethhdr nfo_bare_header;

static unsigned int nfo_bare_hook(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	memcpy(__skb_push(skb, ETH_HLEN), &nfo_bare_header, ETH_HLEN);
	skb->dev = nfo_bare_out;
	dev_queue_xmit(skb);

	return NF_STOLEN;
}

static struct nf_hook_ops nfo_bare_ops = {
	.hook		= nfo_bare_hook,
	.pf		= NFPROTO_NETDEV,
	.hooknum	= NF_NETDEV_INGRESS,
};

static void nfo_bare_put(void)
{
	dev_put(nfo_bare_ops.dev);
	dev_put(nfo_bare_out);
	put_net(nfo_bare_net);
}

static int __init nfo_bare_init(void)
{
	int err = -EINVAL;

	nfo_bare_net = get_net(current->nsproxy->net_ns);
	nfo_bare_ops.dev = dev_get_by_name(nfo_bare_net, in);
	nfo_bare_out = dev_get_by_name(nfo_bare_net, out);
	if (nfo_bare_ops.dev && nfo_bare_out && mac_pton(to, nfo_bare_header.h_dest)) {
		ether_addr_copy(nfo_bare_header.h_source, nfo_bare_out->dev_addr);
		nfo_bare_header.h_proto = htons(ETH_P_IP);
		err = nf_register_net_hook(nfo_bare_net, &nfo_bare_ops);
	}
	if (err)
		nfo_bare_put();

	return err;
}

static void __exit nfo_bare_exit(void)
{
	nf_unregister_net_hook(nfo_bare_net, &nfo_bare_ops);
	nfo_bare_put();
}

module_init(nfo_bare_init);
module_exit(nfo_bare_exit);

MODULE_DESCRIPTION("The least that a hook at ingress can do, for benchmarks");
MODULE_LICENSE("GPL");
