/* SPDX-License-Identifier: GPL-2.0 */
#ifndef NFO_DSASIM_H
#define NFO_DSASIM_H

#include <linux/debugfs.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/dsa.h>

#define DSASIM_WAN	4
#define DSASIM_CPU	5
#define DSASIM_PORTS	6
#define DSASIM_STATIONS	64

/**
 * struct dsasim_port - one port of the switch
 * @plug:     network device at the other end of the port's cable; NULL for the CPU port
 * @bridge:   number of the bridge whose frames the switch forwards itself, or 0
 * @state:    BR_STATE_*
 * @aware:    the switch looks at VLANs
 * @pvid:     VLAN of frames without a tag, or 0
 * @vlans:    VLANs of the port
 */
struct dsasim_port {
	struct net_device *plug;
	unsigned int bridge;
	u8 state;
	bool aware;
	u16 pvid;
	DECLARE_BITMAP(vlans, VLAN_N_VID);
};

/* Where the switch has seen a station. */
struct dsasim_station {
	u8 addr[ETH_ALEN];
	u16 vid;
	u8 bridge;
	u8 port;
};

/**
 * struct dsasim - the switch
 * @ds:       what DSA knows of it
 * @conduit:  Ethernet device that the CPU port is connected to
 * @port:     its ports; DSA changes them with RTNL held
 * @lock:     protects @station, @stations and @next
 * @station:  stations that were seen
 * @stations: how many are in use
 * @next:     the one that gives way when all are in use
 * @bridged:  frames that the switch has forwarded between its ports
 */
struct dsasim {
	struct dsa_switch *ds;
	struct net_device *conduit;
	struct dsasim_port port[DSASIM_PORTS];
	spinlock_t lock;	/* see above */
	struct dsasim_station station[DSASIM_STATIONS];
	unsigned int stations, next;
	atomic_t bridged;
};

extern struct dsasim dsasim;

netdev_tx_t dsasim_conduit_xmit(struct sk_buff *skb, struct net_device *dev);
netdev_tx_t dsasim_plug_xmit(struct sk_buff *skb, struct net_device *dev);
void dsasim_forget(struct dsasim *sim, unsigned int port);

int dsasim_setup_tc(struct net_device *dev, enum tc_setup_type type, void *data);
void dsasim_rules_init(struct dentry *dir);
void dsasim_rules_exit(void);

#endif
