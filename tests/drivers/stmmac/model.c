// SPDX-License-Identifier: GPL-2.0
/*
 * A model of the hardware below stmmac's own code for TC rules (stmmac_tc.c and
 * dwmac4_core.c of the kernel's source, unmodified): registers in memory, and what the MAC's
 * receive filter does by them.
 *
 * Port N has two network devices: stmN is the host's, stmwN is the far end of the cable. The
 * filter is that of the databook: with IPFE set, an IP packet that no enabled layer 3 or
 * layer 4 filter matches is dropped. There is nothing that forwards.
 */
#include <linux/ethtool.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

#include "common.h"
#include "dwmac4.h"
#include "stmmac.h"

#define PORTS		2
#define FILTERS		4
#define REGISTERS	0x2000

struct model_port {
	struct net_device	*host, *wire;
	struct stmmac_priv	priv;
	struct mac_device_info	hw;
	struct plat_stmmacenet_data plat;
	u32			dropped;
	u8			regs[REGISTERS] __aligned(8);
};

/* What a device of either end has as its private part. */
struct model_end {
	struct model_port	*port;
};

static struct platform_device *model_pdev;
static struct model_port *model_ports[PORTS];
static LIST_HEAD(model_blocks);

static struct model_port *port_of(const struct net_device *dev)
{
	return ((struct model_end *)netdev_priv(dev))->port;
}

static u32 reg(const struct model_port *p, u32 at)
{
	return READ_ONCE(*(const u32 *)(p->regs + at));
}

/* ---- the receive filter ---- */

static bool filter_enabled(u32 ctrl)
{
	return ctrl & (GMAC_L3SAM0 | GMAC_L3DAM0 | GMAC_L4SPM0 | GMAC_L4DPM0);
}

static bool filter_hits(const struct model_port *p, int i, const struct iphdr *iph)
{
	const __be16 *ports = (const void *)iph + iph->ihl * 4;
	u32 ctrl = reg(p, GMAC_L3L4_CTRL(i)), l4 = reg(p, GMAC_L4_ADDR(i));

	if (ctrl & GMAC_L3SAM0 && ntohl(iph->saddr) != reg(p, GMAC_L3_ADDR0(i)))
		return false;
	if (ctrl & GMAC_L3DAM0 && ntohl(iph->daddr) != reg(p, GMAC_L3_ADDR1(i)))
		return false;
	if (ctrl & (GMAC_L4SPM0 | GMAC_L4DPM0) &&
	    iph->protocol != (ctrl & GMAC_L4PEN0 ? IPPROTO_UDP : IPPROTO_TCP))
		return false;
	if (ctrl & GMAC_L4SPM0 && ntohs(ports[0]) != FIELD_GET(GMAC_L4SP0, l4))
		return false;
	if (ctrl & GMAC_L4DPM0 && ntohs(ports[1]) != FIELD_GET(GMAC_L4DP0, l4))
		return false;

	return true;
}

static bool filter_passes(const struct model_port *p, const struct sk_buff *skb)
{
	const struct iphdr *iph = (const void *)(skb->data + ETH_HLEN);
	bool enabled = false;
	int i;

	if (!(reg(p, GMAC_PACKET_FILTER) & GMAC_PACKET_FILTER_IPFE) ||
	    eth_hdr(skb)->h_proto != htons(ETH_P_IP) ||
	    skb->len < ETH_HLEN + sizeof(*iph) + 4)
		return true;
	for (i = 0; i < FILTERS; i++) {
		if (!filter_enabled(reg(p, GMAC_L3L4_CTRL(i))))
			continue;
		enabled = true;
		if (filter_hits(p, i, iph))
			return true;
	}

	return !enabled;
}

/* ---- the devices ---- */

static netdev_tx_t model_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct model_port *p = port_of(dev);
	bool in = dev == p->wire;

	skb_reset_mac_header(skb);
	if (in && (skb_linearize(skb) || !filter_passes(p, skb))) {
		p->dropped++;
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}
	dev_forward_skb(in ? p->host : p->wire, skb);

	return NETDEV_TX_OK;
}

/* As stmmac_setup_tc_block_cb() does: the driver's own code is called through its ops. */
static int model_block_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct stmmac_priv *priv = cb_priv;

	if (!tc_cls_can_offload_and_chain0(priv->dev, type_data) || type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	return dwmac510_tc_ops.setup_cls(priv, type_data);
}

static int model_setup_tc(struct net_device *dev, enum tc_setup_type type, void *type_data)
{
	struct model_port *p = port_of(dev);

	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;
	return flow_block_cb_setup_simple(type_data, &model_blocks, model_block_cb, &p->priv,
					  &p->priv, true);
}

/* stmmac_ethtool.c's GMAC_ETHTOOL_NAME. */
static void model_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "st_gmac", sizeof(info->driver));
}

static const struct ethtool_ops model_ethtool_ops = {
	.get_drvinfo	= model_drvinfo,
};

static const struct net_device_ops model_host_ops = {
	.ndo_start_xmit		= model_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_setup_tc		= model_setup_tc,
};

static const struct net_device_ops model_wire_ops = {
	.ndo_start_xmit		= model_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
};

static struct net_device *make_dev(struct model_port *p, const char *name, int i,
				   const struct net_device_ops *ops)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct model_end));

	if (!dev)
		return NULL;
	((struct model_end *)netdev_priv(dev))->port = p;
	dev->netdev_ops = ops;
	dev->ethtool_ops = &model_ethtool_ops;
	dev->needs_free_netdev = true;
	dev->priv_flags |= IFF_NO_QUEUE;
	if (ops == &model_host_ops) {
		dev->hw_features = NETIF_F_HW_TC;
		dev->features = NETIF_F_HW_TC;
	}
	eth_hw_addr_random(dev);
	/* One parent for both ports, so that they count as one chip and a rule is tried at all. */
	SET_NETDEV_DEV(dev, &model_pdev->dev);
	snprintf(dev->name, sizeof(dev->name), "%s%d", name, i);
	if (register_netdev(dev)) {
		free_netdev(dev);
		return NULL;
	}

	return dev;
}

static void free_port(struct model_port *p)
{
	if (p->host)
		unregister_netdev(p->host);
	if (p->wire)
		unregister_netdev(p->wire);
	vfree(p);
}

static int make_port(int i)
{
	struct model_port *p = vzalloc(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->hw.pcsr = (void __iomem *)p->regs;
	p->hw.mac = &dwmac4_ops;
	p->priv.hw = &p->hw;
	p->priv.plat = &p->plat;
	p->priv.device = &model_pdev->dev;
	p->priv.dma_cap.l3l4fnum = FILTERS;
	err = dwmac510_tc_ops.init(&p->priv);
	if (err)
		goto err_free;
	err = -ENODEV;
	p->host = make_dev(p, "stm", i, &model_host_ops);
	p->wire = make_dev(p, "stmw", i, &model_wire_ops);
	if (!p->host || !p->wire)
		goto err_free;
	p->priv.dev = p->host;
	model_ports[i] = p;

	return 0;

err_free:
	free_port(p);
	return err;
}

static void free_ports(void)
{
	int i;

	for (i = 0; i < PORTS; i++)
		if (model_ports[i])
			free_port(model_ports[i]);
}

/* Frames that the filter of a port dropped. */
static int dropped_get(char *buffer, const struct kernel_param *kp)
{
	int i, len = 0;

	for (i = 0; i < PORTS; i++)
		if (model_ports[i])
			len += sysfs_emit_at(buffer, len, "%u ", model_ports[i]->dropped);
	return len + sysfs_emit_at(buffer, len, "\n");
}

static const struct kernel_param_ops dropped_ops = { .get = dropped_get };
module_param_cb(dropped, &dropped_ops, NULL, 0444);

static int __init model_init(void)
{
	int i, err = 0;

	model_pdev = platform_device_register_simple("nfo_stmmac", -1, NULL, 0);
	if (IS_ERR(model_pdev))
		return PTR_ERR(model_pdev);
	for (i = 0; i < PORTS && !err; i++)
		err = make_port(i);
	if (err) {
		free_ports();
		platform_device_unregister(model_pdev);
	}

	return err;
}

static void __exit model_exit(void)
{
	free_ports();
	platform_device_unregister(model_pdev);
}

module_init(model_init);
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("nf_flow_offload tests: stmmac's code for TC rules around a model of its MAC");
