// SPDX-License-Identifier: GPL-2.0
/*
 * The ports of a model, what passes them, and the comparison of what the hardware forwards
 * with what the host sends.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rtnetlink.h>
#include "ports.h"

#define SENT	4096

static const struct nfd_model *model;
static struct net_device *hosts[NFD_PORTS], *wires[NFD_PORTS];

/* The latest frame of each connection that the host sent; a newer one takes its place. */
static struct nfd_frame sent[NFD_PORTS][SENT];
static DEFINE_SPINLOCK(sent_lock);

enum {
	HOST,		/* frames of TCP and UDP from the cable to the host */
	FORWARDED,	/* by the hardware */
	SAME,		/* of these: as the host had sent them */
	DIFFERENT,
	UNSEEN,		/* the host had sent none of this connection */
	LOST,
	COUNTERS
};

static unsigned long count[COUNTERS];

struct net_device *nfd_host(int port)
{
	return hosts[port];
}

/* Return: the number of the port that a host's device belongs to, or -1. */
int nfd_port_of(const struct net_device *host)
{
	int i;

	for (i = 0; i < NFD_PORTS; i++)
		if (host && hosts[i] == host)
			return i;
	return -1;
}

static struct nfd_frame *sent_slot(int port, const struct nfd_frame *f)
{
	u32 h = jhash(f->src, sizeof(f->src) + sizeof(f->dst), f->proto);

	return &sent[port][jhash_2words((__force u16)f->sport, (__force u16)f->dport, h) % SENT];
}

static bool one_connection(const struct nfd_frame *a, const struct nfd_frame *b)
{
	return a->v6 == b->v6 && a->proto == b->proto && a->sport == b->sport &&
	       a->dport == b->dport && !memcmp(a->src, b->src, sizeof(a->src)) &&
	       !memcmp(a->dst, b->dst, sizeof(a->dst));
}

static void remember(int port, const struct sk_buff *skb)
{
	struct nfd_frame f;

	if (!nfd_frame_read(&f, skb->data, skb->len))
		return;
	spin_lock_bh(&sent_lock);
	*sent_slot(port, &f) = f;
	spin_unlock_bh(&sent_lock);
}

static void compare(int port, const struct sk_buff *skb)
{
	struct nfd_frame f, *was;
	int what = DIFFERENT;

	if (nfd_frame_read(&f, skb->data, skb->len)) {
		spin_lock_bh(&sent_lock);
		was = sent_slot(port, &f);
		if (!one_connection(was, &f))
			what = UNSEEN;
		else if (nfd_frame_same(was, &f))
			what = SAME;
		if (what == DIFFERENT)
			pr_info("nfd: %pM %pM TTL %u tags %u, were %pM %pM %u %u\n", f.eth,
				f.eth + ETH_ALEN, f.ttl, f.tags, was->eth, was->eth + ETH_ALEN,
				was->ttl, was->tags);
		spin_unlock_bh(&sent_lock);
	}
	count[what]++;
}

/* Return: whether the frame was taken. */
static bool by_hardware(int port, struct sk_buff *skb)
{
	struct nfd_frame f, now;
	int out = -1;

	if (skb_linearize(skb) || !nfd_frame_read(&f, skb->data, skb->len))
		return false;
	now = f;
	switch (model->frame(port, skb, &f, &now, &out)) {
	case NFD_HOST:
		count[HOST]++;
		return false;
	case NFD_FORWARD:
		if (out >= 0 && out < NFD_PORTS && nfd_frame_write(skb, &f, &now)) {
			count[FORWARDED]++;
			compare(out, skb);
			dev_forward_skb(wires[out], skb);
			return true;
		}
		break;
	case NFD_DROP:
		break;
	}
	count[LOST]++;
	kfree_skb(skb);

	return true;
}

/* A MAC takes in what is longer than its device's MTU. */
static void to_host(int port, struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_scrub_packet(skb, true);
	skb->priority = 0;
	skb->protocol = eth_type_trans(skb, hosts[port]);
	netif_rx(skb);
}

/**
 * nfd_xmit() - ndo_start_xmit of both ends of a port
 * @skb: the frame
 * @dev: the end that sends
 *
 * Return: NETDEV_TX_OK.
 */
netdev_tx_t nfd_xmit(struct sk_buff *skb, struct net_device *dev)
{
	int port = nfd_port_of(dev);

	skb_reset_mac_header(skb);
	/* A cable carries bytes. */
	skb->mark = 0;
	skb->ip_summed = CHECKSUM_NONE;
	if (port >= 0) {
		if (!skb_linearize(skb))
			remember(port, skb);
		dev_forward_skb(wires[port], skb);
		return NETDEV_TX_OK;
	}
	for (port = 0; wires[port] != dev; port++)
		;
	local_bh_disable();
	if (!hosts[port] || !netif_running(hosts[port]))
		kfree_skb(skb);
	else if (!by_hardware(port, skb))
		to_host(port, skb);
	local_bh_enable();

	return NETDEV_TX_OK;
}

void nfd_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, model->driver, sizeof(info->driver));
}

static const struct net_device_ops wire_ops = {
	.ndo_start_xmit		= nfd_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
};

static struct net_device *make(const char *name, int i, u32 priv, const struct net_device_ops *ops,
			       struct device *parent)
{
	struct net_device *dev = alloc_etherdev(priv);

	if (!dev)
		return NULL;
	dev->netdev_ops = ops;
	dev->needs_free_netdev = ops == &wire_ops;
	dev->max_mtu = 9000;
	dev->priv_flags |= IFF_NO_QUEUE;
	if (ops == model->ops) {
		dev->ethtool_ops = model->ethtool;
		dev->hw_features = NETIF_F_HW_TC;
		dev->features = NETIF_F_HW_TC;
	}
	eth_hw_addr_random(dev);
	SET_NETDEV_DEV(dev, parent);
	snprintf(dev->name, sizeof(dev->name), "%s%d", name, i);

	return dev;
}

static struct net_device *publish(struct net_device *dev)
{
	if (dev && register_netdev(dev)) {
		free_netdev(dev);
		return NULL;
	}

	return dev;
}

/**
 * nfd_ports_make() - make the devices of all ports
 * @m: the model
 * @parent: the device of the chip: the module takes ports of one parent for ports of one chip
 *
 * The host's devices are not registered yet: that is the model's to do, after it has filled in
 * their private parts.
 *
 * Return: 0 or a negative errno.
 */
int nfd_ports_make(const struct nfd_model *m, struct device *parent)
{
	int i;

	model = m;
	for (i = 0; i < NFD_PORTS; i++) {
		wires[i] = publish(make(m->wire, i, 0, &wire_ops, parent));
		hosts[i] = make(m->host, i, m->priv, m->ops, parent);
		if (!wires[i] || !hosts[i])
			return -ENOMEM;
	}

	return 0;
}

/* The host's devices go as a driver's do that is unbound, the cables with them; once. */
void nfd_ports_free(void)
{
	int i;

	for (i = 0; i < NFD_PORTS; i++) {
		struct net_device *host = hosts[i];

		if (!host)
			continue;
		if (host->reg_state == NETREG_REGISTERED)
			unregister_netdev(host);
		hosts[i] = NULL;
		synchronize_net();
		if (model->gone)
			model->gone(host);
		free_netdev(host);
	}
	for (i = 0; i < NFD_PORTS; i++) {
		if (wires[i])
			unregister_netdev(wires[i]);
		wires[i] = NULL;
	}
}

static struct platform_device *chip;

/**
 * nfd_model_make() - make a chip and its ports, all of which are registered then
 * @m: the model, with @chip and @port
 *
 * Return: 0 or a negative errno.
 */
int nfd_model_make(const struct nfd_model *m)
{
	int i, err;

	model = m;
	chip = platform_device_register_simple(m->chip, -1, NULL, 0);
	if (IS_ERR(chip))
		return PTR_ERR(chip);
	err = m->up ? m->up(&chip->dev) : 0;
	if (!err)
		err = nfd_ports_make(m, &chip->dev);
	for (i = 0; i < NFD_PORTS && !err; i++)
		err = m->port(i, hosts[i]) ?: register_netdev(hosts[i]);
	if (err)
		nfd_model_free();

	return err;
}

/* Undo nfd_model_make(). */
void nfd_model_free(void)
{
	nfd_ports_free();
	if (model->down)
		model->down();
	platform_device_unregister(chip);
}

/* As when the driver is unbound from its hardware. */
static int unplug_set(const char *val, const struct kernel_param *kp)
{
	nfd_ports_free();

	return 0;
}

static const struct kernel_param_ops unplug_ops = { .set = unplug_set };
module_param_cb(unplug, &unplug_ops, NULL, 0200);

static int frames_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lu %lu %lu %lu %lu %lu\n", count[HOST], count[FORWARDED],
			  count[SAME], count[DIFFERENT], count[UNSEEN], count[LOST]);
}

/* Frames: to the host, forwarded, and of those the same, different, unseen; lost. */
static const struct kernel_param_ops frames_ops = { .get = frames_get };
module_param_cb(frames, &frames_ops, NULL, 0444);
