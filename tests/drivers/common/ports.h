/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ports of a model: port N has two network devices, the host's and the far end of the
 * cable. What the hardware forwards is compared with what the host sent for the same
 * connection before, which is what the classic path (or the fast path in software) made of it.
 */
#ifndef NFD_PORTS_H
#define NFD_PORTS_H

#include <linux/netdevice.h>
#include "frame.h"

#define NFD_PORTS	2

struct nfd_model {
	const char	*driver;	/* as ethtool gives it */
	const char	*host;		/* names of devices, before the number */
	const char	*wire;
	u32		priv;		/* size of the host device's private part */
	const char	*chip;		/* name of the platform device */
	/* What is below the driver comes, or is NULL; a chip that did not come whole goes as well. */
	int (*up)(struct device *chip);
	void (*down)(void);
	int (*port)(int i, struct net_device *host);	/* fills in the private part */
	const struct net_device_ops *ops;	/* of the host device; ndo_start_xmit: nfd_xmit() */
	const struct ethtool_ops *ethtool;
	/* A host's device has gone and is freed next; for what its private part owns. */
	void (*gone)(struct net_device *host);
	/* A frame that the hardware may forward comes in by the cable of @port. Called with
	 * bottom halves off.
	 */
	enum nfd_verdict {
		NFD_HOST,	/* the host gets it */
		NFD_FORWARD,	/* it leaves by *@out as @now says */
		NFD_DROP,
	} (*frame)(int port, struct sk_buff *skb, const struct nfd_frame *f,
		   struct nfd_frame *now, int *out);
};

int nfd_ports_make(const struct nfd_model *model, struct device *parent);
void nfd_ports_free(void);
int nfd_model_make(const struct nfd_model *model);
void nfd_model_free(void);
struct net_device *nfd_host(int port);
int nfd_port_of(const struct net_device *host);
netdev_tx_t nfd_xmit(struct sk_buff *skb, struct net_device *dev);
void nfd_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info);

#endif
