/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drivers that this module knows. scripts/gen-drivers makes the table from docs/drivers.yaml,
 * which says where in each driver's source a field was read.
 */
#ifndef _NFO_HW_DRIVERS_H
#define _NFO_HW_DRIVERS_H

#include <linux/bits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/nf_flow_offload.h>

/* How many forms of a rule a driver is asked with, one after the other. */
#define NFO_HW_FORMS	2

/**
 * enum nfo_hw_ttl - the form of a rule: how it has the TTL or hop limit lowered
 * @NFO_HW_TTL_END:      no further form
 * @NFO_HW_TTL_IMPLICIT: the rule has no action for it; the hardware lowers the TTL by itself
 * @NFO_HW_TTL_ADD:      an action adds 255; the rule matches one bit of the TTL, so that no packet
 *                       with a TTL of 1 matches
 * @NFO_HW_TTL_EXACT:    the rule matches the whole TTL, and an action sets the new one
 */
enum nfo_hw_ttl {
	NFO_HW_TTL_END,
	NFO_HW_TTL_IMPLICIT,
	NFO_HW_TTL_ADD,
	NFO_HW_TTL_EXACT,
};

/**
 * enum nfo_hw_csum - which checksums the CSUM action names
 * @NFO_HW_CSUM_CHANGED: the checksums that the rule changes
 * @NFO_HW_CSUM_ALL:     the layer 4 checksum too, even if the rule does not change it
 * @NFO_HW_CSUM_NONE:    rules have no CSUM action
 */
enum nfo_hw_csum {
	NFO_HW_CSUM_CHANGED,
	NFO_HW_CSUM_ALL,
	NFO_HW_CSUM_NONE,
};

/**
 * enum nfo_hw_mtu - which frames the hardware hands to the host because they are too large
 * @NFO_HW_MTU_NONE: none: it sends frames that are larger than the egress port's MTU
 * @NFO_HW_MTU_CHIP: frames that are larger than the MTU of every port
 * @NFO_HW_MTU_PORT: frames that are larger than the MTU of the egress port
 */
enum nfo_hw_mtu {
	NFO_HW_MTU_NONE,
	NFO_HW_MTU_CHIP,
	NFO_HW_MTU_PORT,
};

/* struct nfo_hw_driver::flags */
#define NFO_HW_DRV_NO_FRAG	BIT(0)	/* takes a match on "is no fragment" */
#define NFO_HW_DRV_NO_META	BIT(1)	/* refuses a match on the ingress device */
#define NFO_HW_DRV_HOST_QDISC	BIT(2)	/* its qdiscs see frames of the host, not of the hardware */

/**
 * struct nfo_hw_driver - what is known of a driver that is asked in one way
 * @name:  the driver's name, as ethtool or its bus gives it
 * @bind:  enum nfo_dev_hw: the way; NFO_DEV_HW_NONE: a driver that is not asked for a block
 * @forms: enum nfo_hw_ttl, in the order in which they are tried
 * @csum:  enum nfo_hw_csum
 * @mtu:   enum nfo_hw_mtu
 * @flags: NFO_HW_DRV_*
 * @full:  a positive errno, besides ENOSPC, that means a full table; 0: none
 * @why:   text for the user: why the driver is not asked, or what else it needs; may be NULL
 */
struct nfo_hw_driver {
	const char	*name;
	u8		bind;
	u8		forms[NFO_HW_FORMS];
	u8		csum;
	u8		mtu;
	u8		flags;
	u8		full;
	const char	*why;
};

extern const struct nfo_hw_driver nfo_hw_drivers[];
extern const unsigned int nfo_hw_drivers_count;
extern const struct nfo_hw_driver nfo_hw_driver_ft;
extern const struct nfo_hw_driver nfo_hw_driver_tc;

/**
 * nfo_hw_driver_find() - what is known of a driver
 * @name: the driver's name, as ethtool or its bus gives it
 * @bind: NFO_DEV_HW_FT or NFO_DEV_HW_BLOCK; NFO_DEV_HW_NONE for drivers that are declined
 *
 * Context: any. Return: the driver's row in the table, which is constant, or NULL.
 */
static inline const struct nfo_hw_driver *nfo_hw_driver_find(const char *name,
							     enum nfo_dev_hw bind)
{
	unsigned int i;

	for (i = 0; i < nfo_hw_drivers_count; i++)
		if (nfo_hw_drivers[i].bind == bind && !strcmp(nfo_hw_drivers[i].name, name))
			return &nfo_hw_drivers[i];
	return NULL;
}

#endif /* _NFO_HW_DRIVERS_H */
