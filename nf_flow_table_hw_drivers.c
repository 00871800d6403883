// SPDX-License-Identifier: GPL-2.0
/*
 * Written by scripts/gen-drivers from docs/drivers.yaml: change that.
 *
 * The drivers that this module knows: by which callback they are asked, in which form
 * they take a rule, and why they are not asked.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "nfo_hw_drivers.h"

const struct nfo_hw_driver nfo_hw_drivers[] = {
	{
		.name	= "mtk_soc_eth",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_IMPLICIT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_CHIP,
	},
	{
		.name	= "mt7915e",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_IMPLICIT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_CHIP,
	},
	{
		.name	= "mt7996e",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_IMPLICIT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_CHIP,
	},
	{
		.name	= "mt798x-wmac",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_IMPLICIT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_CHIP,
	},
	{
		.name	= "airoha_eth",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_IMPLICIT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_PORT,
	},
	{
		.name	= "dsa",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_IMPLICIT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_CHIP,
		.why	= "DSA hands flowtable rules to the Ethernet device below, which takes none",
	},
	{
		.name	= "mlx5e_rep",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_ADD },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_NONE,
		.flags	= NFO_HW_DRV_NO_FRAG,
		.full	= EAGAIN,
	},
	{
		.name	= "mlx5_core",
		.bind	= NFO_DEV_HW_BLOCK,
		.forms	= { NFO_HW_TTL_ADD },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_NONE,
		.flags	= NFO_HW_DRV_NO_FRAG | NFO_HW_DRV_HOST_QDISC,
		.full	= EAGAIN,
	},
	{
		.name	= "nfp",
		.bind	= NFO_DEV_HW_BLOCK,
		.forms	= { NFO_HW_TTL_EXACT },
		.csum	= NFO_HW_CSUM_ALL,
		.mtu	= NFO_HW_MTU_NONE,
		.flags	= NFO_HW_DRV_NO_FRAG,
		.full	= ENOENT,
	},
	{
		.name	= "sfc",
		.bind	= NFO_DEV_HW_BLOCK,
		.forms	= { NFO_HW_TTL_ADD },
		.csum	= NFO_HW_CSUM_NONE,
		.mtu	= NFO_HW_MTU_NONE,
		.flags	= NFO_HW_DRV_NO_FRAG | NFO_HW_DRV_NO_META,
	},
	{
		.name	= "sfc_ef100",
		.bind	= NFO_DEV_HW_BLOCK,
		.forms	= { NFO_HW_TTL_ADD },
		.csum	= NFO_HW_CSUM_NONE,
		.mtu	= NFO_HW_MTU_NONE,
		.flags	= NFO_HW_DRV_NO_FRAG | NFO_HW_DRV_NO_META,
	},
	{
		.name	= "efx_ef100_rep",
		.bind	= NFO_DEV_HW_BLOCK,
		.forms	= { NFO_HW_TTL_ADD },
		.csum	= NFO_HW_CSUM_NONE,
		.mtu	= NFO_HW_MTU_NONE,
		.flags	= NFO_HW_DRV_NO_FRAG | NFO_HW_DRV_NO_META,
	},
	{
		.name	= "st_gmac",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "it takes a rule, forwards nothing, and its filter makes the port deaf",
	},
	{
		.name	= "st_xgmac",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "it takes a rule, forwards nothing, and its filter makes the port deaf",
	},
	{
		.name	= "bnxt_en",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "it takes a rule and leaves parts of it out: TTL, inner VLAN, PPPoE, TCP flags",
	},
	{
		.name	= "yt921x",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "it turns actions that it does not know into traps to the host",
	},
	{
		.name	= "cxgb4",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "it cannot lower the TTL",
	},
	{
		.name	= "ice",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "it forwards between its own ports, but rewrites no address and no TTL",
	},
	{
		.name	= "i40e",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its filters choose queues; it forwards no packet",
	},
	{
		.name	= "iavf",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its filters choose queues; it forwards no packet",
	},
	{
		.name	= "igb",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its filters choose queues; it forwards no packet",
	},
	{
		.name	= "igc",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its filters choose queues; it forwards no packet",
	},
	{
		.name	= "ixgbe",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its filters choose queues; it forwards no packet",
	},
	{
		.name	= "mlxsw_spectrum",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "the switch routes by itself; its TC rules lower no TTL",
	},
	{
		.name	= "mlxsw_spectrum2",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "the switch routes by itself; its TC rules lower no TTL",
	},
	{
		.name	= "mlxsw_spectrum3",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "the switch routes by itself; its TC rules lower no TTL",
	},
	{
		.name	= "mlxsw_spectrum4",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "the switch routes by itself; its TC rules lower no TTL",
	},
	{
		.name	= "prestera",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its TC rules only accept, drop, police and trap",
	},
	{
		.name	= "rvu-nicpf",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules send packets to functions of the chip and rewrite none",
	},
	{
		.name	= "rvu-nicvf",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules send packets to functions of the chip and rewrite none",
	},
	{
		.name	= "rvu_rep",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules send packets to functions of the chip and rewrite none",
	},
	{
		.name	= "sparx5-switch",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules rewrite VLAN tags only",
	},
	{
		.name	= "lan966x-switch",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules rewrite VLAN tags only",
	},
	{
		.name	= "ocelot-switch",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules forward and rewrite VLAN tags only",
	},
	{
		.name	= "mscc_felix",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules forward and rewrite VLAN tags only",
	},
	{
		.name	= "dpaa2_switch",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules rewrite no packet",
	},
	{
		.name	= "fsl_dpaa2_eth",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules rewrite no packet",
	},
	{
		.name	= "fsl_enetc",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules rewrite no packet",
	},
	{
		.name	= "fsl_enetc_vf",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules rewrite no packet",
	},
	{
		.name	= "hns3",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules choose queues",
	},
	{
		.name	= "qede",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules drop packets or choose queues",
	},
	{
		.name	= "cpsw",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules police only",
	},
	{
		.name	= "cpsw-switch",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules police only",
	},
	{
		.name	= "am65-cpsw-nuss",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "its rules police only",
	},
	{
		.name	= "netdevsim",
		.bind	= NFO_DEV_HW_NONE,
		.why	= "it says yes to every rule and forwards nothing; it is for tests of the kernel",
	},
	{
		.name	= "nfo_hwsim",
		.bind	= NFO_DEV_HW_FT,
		.forms	= { NFO_HW_TTL_IMPLICIT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_PORT,
	},
	{
		.name	= "nfo_hwsim",
		.bind	= NFO_DEV_HW_BLOCK,
		.forms	= { NFO_HW_TTL_ADD, NFO_HW_TTL_EXACT },
		.csum	= NFO_HW_CSUM_CHANGED,
		.mtu	= NFO_HW_MTU_PORT,
		.flags	= NFO_HW_DRV_NO_FRAG,
	},
};

const unsigned int nfo_hw_drivers_count = ARRAY_SIZE(nfo_hw_drivers);

/* A driver that is not in the table, in the form that mainline's flowtable has. */
const struct nfo_hw_driver nfo_hw_driver_ft = {
	.name	= "",
	.bind	= NFO_DEV_HW_FT,
	.forms	= { NFO_HW_TTL_IMPLICIT },
};

/* Likewise, one that reads rules as TC has them. */
const struct nfo_hw_driver nfo_hw_driver_tc = {
	.name	= "",
	.bind	= NFO_DEV_HW_BLOCK,
	.forms	= { NFO_HW_TTL_ADD, NFO_HW_TTL_EXACT },
};
