// SPDX-License-Identifier: GPL-2.0
/*
 * A module without a function of its own, for programs that look for the module
 * nft_flow_offload when they want to know whether the kernel has flowtables:
 * LuCI's firewall page reads /sys/module/nft_flow_offload/refcnt. It depends on
 * nf_flow_offload, so it is there only while that serves flowtables. Built with
 * NFO_ALIAS=m; never installed beside mainline's module of the same name.
 */
#include <linux/module.h>

#include "nfo.h"

static int __init nfo_alias_init(void)
{
	pr_info("nft_flow_offload: stands for nf_flow_offload %s\n", nfo_version);
	return 0;
}

static void __exit nfo_alias_exit(void)
{
}

module_init(nfo_alias_init);
module_exit(nfo_alias_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(NFO_VERSION);
MODULE_DESCRIPTION("Stands for nf_flow_offload where nft_flow_offload is looked for");
