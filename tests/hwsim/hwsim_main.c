// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: two network devices each, made and taken away.
 */
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include "hwsim.h"

static unsigned int ports = 4;
module_param(ports, uint, 0444);
MODULE_PARM_DESC(ports, "number of ports");

static unsigned int queues = 1;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "transmit queues of each port");

static bool conduit;
module_param(conduit, bool, 0444);
MODULE_PARM_DESC(conduit, "whether the ports are above a device, hwc0, as those of a DSA switch are");

static bool hw_tc = true;
module_param(hw_tc, bool, 0444);
MODULE_PARM_DESC(hw_tc, "whether the ports have the switch hw-tc-offload");

struct hwsim_chip hwsim = {
	.bind		= HWSIM_BIND_FT,
	.bind_lock	= __MUTEX_INITIALIZER(hwsim.bind_lock),
	.lock		= __MUTEX_INITIALIZER(hwsim.lock),
	.direct_blocks	= LIST_HEAD_INIT(hwsim.direct_blocks),
	.indirect_blocks = LIST_HEAD_INIT(hwsim.indirect_blocks),
	.masks		= LIST_HEAD_INIT(hwsim.masks),
	.rules		= LIST_HEAD_INIT(hwsim.rules),
	.table_size	= 16384,
	.fail_port	= U32_MAX,
	.feature	= { [0 ... HWSIM_FEATURES - 1] = true },
};

struct hwsim_dev {
	struct hwsim_port *port;
};

static struct hwsim_port *dev_port(const struct net_device *dev)
{
	return ((struct hwsim_dev *)netdev_priv(dev))->port;
}

static struct net_device *other_end(struct hwsim_port *p, const struct net_device *dev)
{
	struct net_device *host = rtnl_dereference(p->host);

	return dev == host ? rtnl_dereference(p->wire) : host;
}

/* As a cable: light on both ends when both are up. */
static int hwsim_open(struct net_device *dev)
{
	struct net_device *other = other_end(dev_port(dev), dev);

	if (other && other->flags & IFF_UP) {
		netif_carrier_on(dev);
		netif_carrier_on(other);
	}
	return 0;
}

static int hwsim_stop(struct net_device *dev)
{
	struct net_device *other = other_end(dev_port(dev), dev);

	netif_carrier_off(dev);
	if (other)
		netif_carrier_off(other);
	return 0;
}

static netdev_tx_t hwsim_host_xmit(struct sk_buff *skb, struct net_device *dev)
{
	hwsim_from_host(dev_port(dev), skb);
	return NETDEV_TX_OK;
}

static netdev_tx_t hwsim_wire_xmit(struct sk_buff *skb, struct net_device *dev)
{
	hwsim_from_wire(dev_port(dev), skb);
	return NETDEV_TX_OK;
}

static void hwsim_host_stats(struct net_device *dev, struct rtnl_link_stats64 *s)
{
	struct hwsim_port *p = dev_port(dev);

	s->rx_packets = atomic64_read(&p->count[HWSIM_HOST_IN]);
	s->rx_bytes = atomic64_read(&p->count[HWSIM_HOST_IN_BYTES]);
	s->tx_packets = atomic64_read(&p->count[HWSIM_HOST_OUT]);
	s->tx_bytes = atomic64_read(&p->count[HWSIM_HOST_OUT_BYTES]);
}

static void hwsim_wire_stats(struct net_device *dev, struct rtnl_link_stats64 *s)
{
	struct hwsim_port *p = dev_port(dev);

	s->rx_packets = atomic64_read(&p->count[HWSIM_HOST_OUT]) +
			atomic64_read(&p->count[HWSIM_HW_OUT]);
	s->rx_bytes = atomic64_read(&p->count[HWSIM_HOST_OUT_BYTES]) +
		      atomic64_read(&p->count[HWSIM_HW_BYTES]);
	s->tx_packets = atomic64_read(&p->count[HWSIM_HOST_IN]) +
			atomic64_read(&p->count[HWSIM_HW_IN]) +
			atomic64_read(&p->count[HWSIM_DROPPED]);
	s->tx_bytes = atomic64_read(&p->count[HWSIM_WIRE_IN_BYTES]);
}

/* One switch, unless the test wants ports that know nothing of each other. */
static int hwsim_parent_id(struct net_device *dev, struct netdev_phys_item_id *id)
{
	struct hwsim_chip *c = dev_port(dev)->chip;

	if (!c->feature[HWSIM_F_ONE_CHIP])
		return -EOPNOTSUPP;
	id->id_len = sizeof("nfo_hwsim");
	memcpy(id->id, "nfo_hwsim", id->id_len);
	return 0;
}

#define HWSIM_HOST_OPS						\
	.ndo_open		= hwsim_open,			\
	.ndo_stop		= hwsim_stop,			\
	.ndo_start_xmit		= hwsim_host_xmit,		\
	.ndo_get_stats64	= hwsim_host_stats,		\
	.ndo_set_mac_address	= eth_mac_addr,			\
	.ndo_validate_addr	= eth_validate_addr,		\
	.ndo_get_port_parent_id	= hwsim_parent_id

static const struct net_device_ops hwsim_host_ops = {
	HWSIM_HOST_OPS,
	.ndo_setup_tc		= hwsim_setup_tc,
};

/* The same for a driver that is bound through indirect blocks. */
static const struct net_device_ops hwsim_indirect_ops = {
	HWSIM_HOST_OPS,
};

static const struct net_device_ops hwsim_wire_ops = {
	.ndo_open		= hwsim_open,
	.ndo_stop		= hwsim_stop,
	.ndo_start_xmit		= hwsim_wire_xmit,
	.ndo_get_stats64	= hwsim_wire_stats,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

static void hwsim_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, dev_port(dev)->chip->driver, sizeof(info->driver));
}

/* Nothing is sent by it: frames of the ports know a shorter way. */
static netdev_tx_t hwsim_conduit_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_kfree_skb(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops hwsim_conduit_ops = {
	.ndo_start_xmit		= hwsim_conduit_xmit,
};

static const struct ethtool_ops hwsim_ethtool_ops = {
	.get_drvinfo	= hwsim_drvinfo,
	.get_link	= ethtool_op_get_link,
};

static const struct net_device_ops *host_ops(bool indirect)
{
	return indirect ? &hwsim_indirect_ops : &hwsim_host_ops;
}

/* The port this host-side device is, or -1: is it one of this chip's at all. */
int hwsim_port_index(const struct hwsim_chip *c, const struct net_device *dev)
{
	if (dev->netdev_ops != &hwsim_host_ops && dev->netdev_ops != &hwsim_indirect_ops)
		return -1;
	return dev_port(dev)->chip == c ? dev_port(dev)->index : -1;
}

/* Interface indices are per namespace: the port whose index this is where @p is. */
int hwsim_port_by_ifindex(const struct hwsim_port *p, int ifindex)
{
	const struct hwsim_chip *c = p->chip;
	const struct net_device *dev, *self;
	int i, found = -1;

	rcu_read_lock();
	self = rcu_dereference(p->host);
	for (i = 0; self && i < c->ports && found < 0; i++) {
		dev = rcu_dereference(c->port[i].host);
		if (dev && dev->ifindex == ifindex && net_eq(dev_net(dev), dev_net(self)))
			found = i;
	}
	rcu_read_unlock();
	return found;
}

/* Nothing is bound while this is called. */
void hwsim_set_ops(struct hwsim_chip *c, bool indirect)
{
	struct net_device *dev;
	int i;

	ASSERT_RTNL();
	for (i = 0; i < c->ports; i++) {
		dev = rtnl_dereference(c->port[i].host);
		if (dev)
			dev->netdev_ops = host_ops(indirect);
	}
}

static struct net_device *make_dev(struct hwsim_port *p, const char *name,
				   const struct net_device_ops *ops)
{
	struct net_device *dev = alloc_etherdev_mq(sizeof(struct hwsim_dev), queues);
	int err;

	if (!dev)
		return ERR_PTR(-ENOMEM);

	((struct hwsim_dev *)netdev_priv(dev))->port = p;
	dev->netdev_ops = ops;
	if (p)
		dev->ethtool_ops = &hwsim_ethtool_ops;
	dev->needs_free_netdev = true;
	dev->priv_flags |= IFF_NO_QUEUE;
	/* The chip writes into frames. */
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->max_mtu = 9216;
	if (ops != &hwsim_wire_ops && hw_tc) {
		dev->hw_features = NETIF_F_HW_TC;
		dev->features = NETIF_F_HW_TC;
	}
	eth_hw_addr_random(dev);
	snprintf(dev->name, sizeof(dev->name), "%s%u", name, p ? p->index : 0);
	if (p)
		netif_carrier_off(dev);

	err = register_netdevice(dev);
	if (err) {
		free_netdev(dev);
		return ERR_PTR(err);
	}
	return dev;
}

int hwsim_port_add(struct hwsim_chip *c, unsigned int index)
{
	struct hwsim_port *p = &c->port[index];
	struct net_device *host, *wire;

	ASSERT_RTNL();
	if (rtnl_dereference(p->host))
		return -EEXIST;

	host = make_dev(p, "hwp", host_ops(c->bind == HWSIM_BIND_INDIRECT));
	if (IS_ERR(host))
		return PTR_ERR(host);
	wire = make_dev(p, "wire", &hwsim_wire_ops);
	if (IS_ERR(wire)) {
		unregister_netdevice(host);
		return PTR_ERR(wire);
	}
	if (c->conduit)
		netdev_upper_dev_link(c->conduit, host, NULL);
	rcu_assign_pointer(p->host, host);
	rcu_assign_pointer(p->wire, wire);
	return 0;
}

/* The driver lets go of a port: what is bound to it is unbound on the way. */
void hwsim_port_del(struct hwsim_chip *c, unsigned int index)
{
	struct hwsim_port *p = &c->port[index];
	struct net_device *host = rtnl_dereference(p->host);
	struct net_device *wire = rtnl_dereference(p->wire);
	LIST_HEAD(list);

	ASSERT_RTNL();
	if (!host)
		return;
	if (c->conduit)
		netdev_upper_dev_unlink(c->conduit, host);
	unregister_netdevice_queue(wire, &list);
	unregister_netdevice_queue(host, &list);
	hwsim_port_flush(c, index);
	RCU_INIT_POINTER(p->wire, NULL);
	RCU_INIT_POINTER(p->host, NULL);
	unregister_netdevice_many(&list);
	/* What was added while the port went. */
	hwsim_port_flush(c, index);
}

static int add_ports(struct hwsim_chip *c)
{
	struct net_device *dev;
	int i, err = 0;

	if (conduit) {
		dev = make_dev(NULL, "hwc", &hwsim_conduit_ops);
		if (IS_ERR(dev))
			return PTR_ERR(dev);
		c->conduit = dev;
	}
	for (i = 0; i < c->ports && !err; i++)
		err = hwsim_port_add(c, i);
	return err;
}

static void del_ports(struct hwsim_chip *c)
{
	int i;

	rtnl_lock();
	for (i = 0; i < c->ports; i++)
		hwsim_port_del(c, i);
	if (c->conduit)
		unregister_netdevice(c->conduit);
	c->conduit = NULL;
	rtnl_unlock();
}

static int __init hwsim_init(void)
{
	struct hwsim_chip *c = &hwsim;
	int i, err = 0;

	if (!ports || ports > HWSIM_PORTS_MAX || !queues)
		return -EINVAL;

	hash_init(c->match);
	hash_init(c->cookies);
	c->ports = ports;
	strscpy(c->driver, "nfo_hwsim", sizeof(c->driver));
	for (i = 0; i < ports; i++) {
		c->port[i].chip = c;
		c->port[i].index = i;
		c->port[i].slot[HWSIM_FT] = (struct hwsim_slot){ &c->port[i], HWSIM_FT };
		c->port[i].slot[HWSIM_BLOCK] = (struct hwsim_slot){ &c->port[i], HWSIM_BLOCK };
	}

	err = hwsim_bind_init(c);
	if (err)
		return err;

	rtnl_lock();
	err = add_ports(c);
	rtnl_unlock();
	if (err)
		goto err_ports;

	hwsim_debugfs_init(c);
	return 0;

err_ports:
	del_ports(c);
	hwsim_bind_exit(c);
	return err;
}

static void __exit hwsim_exit(void)
{
	struct hwsim_chip *c = &hwsim;

	hwsim_debugfs_exit(c);
	hwsim_bind_exit(c);
	del_ports(c);
	hwsim_table_flush(c);
	rcu_barrier();
}

module_init(hwsim_init);
module_exit(hwsim_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("nf_flow_offload tests: simulated switch chip");
