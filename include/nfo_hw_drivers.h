/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drivers that this module knows. The table is made by scripts/gen-drivers from
 * docs/drivers.yaml, which says what each field means and where it was read.
 */
#ifndef _NFO_HW_DRIVERS_H
#define _NFO_HW_DRIVERS_H

#include <linux/bits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/nf_flow_offload.h>

/* Forms of a rule that are tried for one driver. */
#define NFO_HW_FORMS	2

/**
 * enum nfo_hw_ttl - how a rule has the TTL or hop limit lowered
 * @NFO_HW_TTL_END:      no further form
 * @NFO_HW_TTL_IMPLICIT: the hardware does it unasked
 * @NFO_HW_TTL_ADD:      by an action; a part of the TTL is matched, so that it is not 1
 * @NFO_HW_TTL_EXACT:    the TTL is matched and set
 */
enum nfo_hw_ttl {
	NFO_HW_TTL_END,
	NFO_HW_TTL_IMPLICIT,
	NFO_HW_TTL_ADD,
	NFO_HW_TTL_EXACT,
};

/**
 * enum nfo_hw_csum - which checksums the CSUM action names
 * @NFO_HW_CSUM_CHANGED: those that the rule changes
 * @NFO_HW_CSUM_ALL:     the layer 4 checksum as well, whatever the rule changes
 * @NFO_HW_CSUM_NONE:    there is no such action
 */
enum nfo_hw_csum {
	NFO_HW_CSUM_CHANGED,
	NFO_HW_CSUM_ALL,
	NFO_HW_CSUM_NONE,
};

/**
 * enum nfo_hw_mtu - what the hardware does with a frame that the egress port cannot take
 * @NFO_HW_MTU_NONE: it sends the frame
 * @NFO_HW_MTU_CHIP: the host gets a frame that is larger than any port's MTU
 * @NFO_HW_MTU_PORT: the host gets it
 */
enum nfo_hw_mtu {
	NFO_HW_MTU_NONE,
	NFO_HW_MTU_CHIP,
	NFO_HW_MTU_PORT,
};

/* struct nfo_hw_driver::flags */
#define NFO_HW_DRV_NO_FRAG	BIT(0)	/* a rule can say that fragments are not meant */
#define NFO_HW_DRV_NO_META	BIT(1)	/* it refuses a match on the ingress device */
#define NFO_HW_DRV_HOST_QDISC	BIT(2)	/* its qdiscs have what the host sends, nothing else */

/**
 * struct nfo_hw_driver - what is known of a driver, asked in one of the ways
 * @name:  as ethtool gives it
 * @bind:  enum nfo_dev_hw; NFO_DEV_HW_NONE: it is not asked for a block
 * @forms: enum nfo_hw_ttl, in the order in which they are tried
 * @csum:  enum nfo_hw_csum
 * @mtu:   enum nfo_hw_mtu
 * @flags: NFO_HW_DRV_*
 * @full:  an errno, besides ENOSPC, that means a full table; 0: none
 * @why:   words for a driver that is not asked, or that cannot by itself; may be NULL
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
 * @name: as ethtool gives it
 * @bind: NFO_DEV_HW_FT or NFO_DEV_HW_BLOCK; NFO_DEV_HW_NONE for drivers that are declined
 *
 * Return: its row, or NULL.
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
