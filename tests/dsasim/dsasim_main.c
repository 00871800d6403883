// SPDX-License-Identifier: GPL-2.0
/*
 * A DSA switch as routers have it: ports lan1 to lan4 and wan above the Ethernet device eth0, with
 * MediaTek's tag. DSA itself, its tagging and phylink are the kernel's own; this module is the
 * switch, the Ethernet device and the five cables, whose other ends are plug0 to plug4.
 */
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include <linux/mii.h>
#include <linux/module.h>
#include <linux/phylink.h>
#include <linux/platform_data/dsa.h>
#include <linux/platform_device.h>
#include <linux/rtnetlink.h>
#include "dsasim.h"

static bool bridging;
module_param(bridging, bool, 0444);
MODULE_PARM_DESC(bridging, "whether the switch forwards between ports of a bridge by itself");

static bool untag_pvid = true;
module_param(untag_pvid, bool, 0444);
MODULE_PARM_DESC(untag_pvid, "whether DSA takes the tag of a port's own VLAN off (Linux 6.12)");

struct dsasim dsasim = {
	.lock = __SPIN_LOCK_UNLOCKED(dsasim.lock),
};

enum { DSASIM_SOC, DSASIM_CHIP };

static struct platform_device *soc, *chip;
static struct dentry *dir;
static struct dsa_chip_data data = {
	.port_names = { "lan1", "lan2", "lan3", "lan4", "wan", "cpu" },
};

static enum dsa_tag_protocol get_tag_protocol(struct dsa_switch *ds, int port,
					      enum dsa_tag_protocol mprot)
{
	return DSA_TAG_PROTO_MTK;
}

static int setup(struct dsa_switch *ds)
{
	return 0;
}

/* A PHY for gigabit whose link is there while the plug is up. */
static int sim_phy_read(struct dsa_switch *ds, int port, int reg)
{
	struct net_device *plug = port < DSASIM_CPU ? dsasim.port[port].plug : NULL;
	bool link = plug && netif_running(plug);

	switch (reg) {
	case MII_BMCR:
		return BMCR_ANENABLE | BMCR_FULLDPLX | BMCR_SPEED1000;
	case MII_BMSR:
		return BMSR_100FULL | BMSR_10FULL | BMSR_ESTATEN | BMSR_ANEGCAPABLE |
		       (link ? BMSR_LSTATUS | BMSR_ANEGCOMPLETE : 0);
	case MII_PHYSID1:
		return 0x4e46;
	case MII_PHYSID2:
		return 0x4f00;
	case MII_ADVERTISE:
		return ADVERTISE_CSMA | ADVERTISE_100FULL | ADVERTISE_10FULL;
	case MII_LPA:
		return link ? LPA_LPACK | LPA_100FULL | LPA_10FULL : 0;
	case MII_CTRL1000:
		return ADVERTISE_1000FULL;
	case MII_STAT1000:
		return link ? LPA_1000FULL | LPA_1000LOCALRXOK | LPA_1000REMRXOK : 0;
	case MII_ESTATUS:
		return ESTATUS_1000_TFULL;
	default:
		return 0;
	}
}

static int sim_phy_write(struct dsa_switch *ds, int port, int reg, u16 value)
{
	return 0;
}

static void get_caps(struct dsa_switch *ds, int port, struct phylink_config *config)
{
	__set_bit(PHY_INTERFACE_MODE_INTERNAL, config->supported_interfaces);
	__set_bit(PHY_INTERFACE_MODE_GMII, config->supported_interfaces);
	config->mac_capabilities = MAC_10FD | MAC_100FD | MAC_1000FD;
}

static int bridge_join(struct dsa_switch *ds, int port, struct dsa_bridge bridge,
		       bool *tx_fwd_offload, struct netlink_ext_ack *extack)
{
	if (!bridging)
		return -EOPNOTSUPP;
	WRITE_ONCE(dsasim.port[port].bridge, bridge.num);

	return 0;
}

static void bridge_leave(struct dsa_switch *ds, int port, struct dsa_bridge bridge)
{
	WRITE_ONCE(dsasim.port[port].bridge, 0);
	dsasim_forget(&dsasim, port);
}

static void stp_state_set(struct dsa_switch *ds, int port, u8 state)
{
	WRITE_ONCE(dsasim.port[port].state, state);
}

static void fast_age(struct dsa_switch *ds, int port)
{
	dsasim_forget(&dsasim, port);
}

static int vlan_filtering(struct dsa_switch *ds, int port, bool on, struct netlink_ext_ack *extack)
{
	WRITE_ONCE(dsasim.port[port].aware, on);

	return 0;
}

static int vlan_add(struct dsa_switch *ds, int port, const struct switchdev_obj_port_vlan *vlan,
		    struct netlink_ext_ack *extack)
{
	struct dsasim_port *p = &dsasim.port[port];

	set_bit(vlan->vid, p->vlans);
	if (vlan->flags & BRIDGE_VLAN_INFO_PVID)
		WRITE_ONCE(p->pvid, vlan->vid);
	else if (p->pvid == vlan->vid)
		WRITE_ONCE(p->pvid, 0);

	return 0;
}

static int vlan_del(struct dsa_switch *ds, int port, const struct switchdev_obj_port_vlan *vlan)
{
	struct dsasim_port *p = &dsasim.port[port];

	clear_bit(vlan->vid, p->vlans);
	if (p->pvid == vlan->vid)
		WRITE_ONCE(p->pvid, 0);

	return 0;
}

static int change_mtu(struct dsa_switch *ds, int port, int mtu)
{
	return 0;
}

static int max_mtu(struct dsa_switch *ds, int port)
{
	return 2000;
}

static const struct dsa_switch_ops switch_ops = {
	.get_tag_protocol	= get_tag_protocol,
	.setup			= setup,
	.phy_read		= sim_phy_read,
	.phy_write		= sim_phy_write,
	.phylink_get_caps	= get_caps,
	.port_bridge_join	= bridge_join,
	.port_bridge_leave	= bridge_leave,
	.port_stp_state_set	= stp_state_set,
	.port_fast_age		= fast_age,
	.port_vlan_filtering	= vlan_filtering,
	.port_vlan_add		= vlan_add,
	.port_vlan_del		= vlan_del,
	.port_change_mtu	= change_mtu,
	.port_max_mtu		= max_mtu,
};

static int dev_up(struct net_device *dev)
{
	netif_carrier_on(dev);

	return 0;
}

static int dev_down(struct net_device *dev)
{
	netif_carrier_off(dev);

	return 0;
}

static const struct net_device_ops conduit_ops = {
	.ndo_open		= dev_up,
	.ndo_stop		= dev_down,
	.ndo_start_xmit		= dsasim_conduit_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_setup_tc		= dsasim_setup_tc,
};

static const struct net_device_ops plug_ops = {
	.ndo_open		= dev_up,
	.ndo_stop		= dev_down,
	.ndo_start_xmit		= dsasim_plug_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

/* Return: a new device that is not registered. */
static struct net_device *make_dev(const char *name, const struct net_device_ops *ops)
{
	struct net_device *dev = alloc_etherdev(sizeof(unsigned int));

	if (!dev)
		return NULL;
	strscpy(dev->name, name, sizeof(dev->name));
	dev->netdev_ops = ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->max_mtu = 2048;
	dev->lltx = true;
	eth_hw_addr_random(dev);
	netif_carrier_off(dev);

	return dev;
}

static int add_dev(struct net_device *dev, struct net_device **place)
{
	int err = register_netdev(dev);

	if (err)
		free_netdev(dev);
	else
		*place = dev;

	return err;
}

/* Its checksums and segments are the hardware's work, those of its VLANs and ports too. */
static int add_conduit(void)
{
	struct net_device *dev = make_dev("eth0", &conduit_ops);

	if (!dev)
		return -ENOMEM;
	SET_NETDEV_DEV(dev, &soc->dev);
	dev->vlan_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6;
	dev->hw_features = dev->vlan_features | NETIF_F_HW_TC;
	dev->features = dev->hw_features;

	return add_dev(dev, &dsasim.conduit);
}

static int add_plugs(void)
{
	char name[IFNAMSIZ];
	struct net_device *dev;
	int i, err = 0;

	for (i = 0; i < DSASIM_CPU && !err; i++) {
		snprintf(name, sizeof(name), "plug%d", i);
		dev = make_dev(name, &plug_ops);
		if (!dev)
			return -ENOMEM;
		dev->priv_flags |= IFF_NO_QUEUE;
		*(unsigned int *)netdev_priv(dev) = i;
		err = add_dev(dev, &dsasim.port[i].plug);
	}

	return err;
}

/* One driver for both devices: DSA links the chip to the parent of the Ethernet device, and both
 * ends of such a link have to have a driver.
 */
static int sim_probe(struct platform_device *pdev)
{
	struct dsa_switch *ds;
	int err;

	if (pdev->id == DSASIM_SOC)
		return 0;
	ds = devm_kzalloc(&pdev->dev, sizeof(*ds), GFP_KERNEL);
	if (!ds)
		return -ENOMEM;
	data.netdev[DSASIM_CPU] = &dsasim.conduit->dev;
	pdev->dev.platform_data = &data;
	ds->dev = &pdev->dev;
	ds->num_ports = DSASIM_PORTS;
	ds->max_num_bridges = 2;
	ds->ops = &switch_ops;
	ds->untag_vlan_aware_bridge_pvid = untag_pvid;
	ds->configure_vlan_while_not_filtering = true;
	err = dsa_register_switch(ds);
	/* The platform data is ours. */
	pdev->dev.platform_data = NULL;
	if (!err)
		dsasim.ds = ds;

	return err;
}

static void sim_remove(struct platform_device *pdev)
{
	if (pdev->id == DSASIM_SOC)
		return;
	dsa_unregister_switch(dsasim.ds);
	dsasim.ds = NULL;
}

static struct platform_driver sim_driver = {
	.probe		= sim_probe,
	.remove		= sim_remove,
	.driver.name	= "nfo_dsasim",
};

static int add_switch(void)
{
	chip = platform_device_register_simple("nfo_dsasim", DSASIM_CHIP, NULL, 0);
	if (IS_ERR(chip))
		return PTR_ERR(chip);
	if (dsasim.ds)
		return 0;
	platform_device_unregister(chip);

	return -ENODEV;
}

static void remove_all(void)
{
	int i;

	debugfs_remove(dir);
	/* The plugs first: their frames would meet a switch that is going. */
	for (i = 0; i < DSASIM_CPU; i++)
		if (dsasim.port[i].plug)
			unregister_netdev(dsasim.port[i].plug);
	if (dsasim.ds)
		platform_device_unregister(chip);
	if (dsasim.conduit) {
		unregister_netdev(dsasim.conduit);
		free_netdev(dsasim.conduit);
	}
	for (i = 0; i < DSASIM_CPU; i++)
		if (dsasim.port[i].plug)
			free_netdev(dsasim.port[i].plug);
	platform_device_unregister(soc);
	platform_driver_unregister(&sim_driver);
	dsasim_rules_exit();
}

static int __init dsasim_init(void)
{
	int err = platform_driver_register(&sim_driver);

	if (err)
		return err;
	soc = platform_device_register_simple("nfo_dsasim", DSASIM_SOC, NULL, 0);
	if (IS_ERR(soc)) {
		platform_driver_unregister(&sim_driver);
		return PTR_ERR(soc);
	}
	err = add_conduit();
	if (!err)
		err = add_plugs();
	if (!err)
		err = add_switch();
	if (err) {
		remove_all();
		return err;
	}
	dir = debugfs_create_dir("nfo_dsasim", NULL);
	dsasim_rules_init(dir);
	debugfs_create_atomic_t("bridged", 0400, dir, &dsasim.bridged);

	return 0;
}

static void __exit dsasim_exit(void)
{
	remove_all();
}

module_init(dsasim_init);
module_exit(dsasim_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("nf_flow_offload tests: DSA switch");
