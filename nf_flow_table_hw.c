// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: which devices of a flowtable could take its flows.
 *
 * A device is never refused: with `flags offload` as without, its flows run in
 * software. What is still to come here drives NICs; until then this room only
 * keeps the books and says so.
 */
#include "nfo.h"

/**
 * nfo_hw_setup() - a device joins or leaves a flowtable
 * @t:   flowtable
 * @dev: device
 * @cmd: FLOW_BLOCK_BIND or FLOW_BLOCK_UNBIND
 *
 * Context: may sleep, nf_tables' commit mutex held. Return: 0; -ENOMEM.
 */
int nfo_hw_setup(struct nfo_table *t, struct net_device *dev,
		 enum flow_block_command cmd)
{
	if (cmd == FLOW_BLOCK_UNBIND) {
		nfo_table_del_dev(t, dev);
		return 0;
	}

	if (t->flags & NF_FLOWTABLE_HW_OFFLOAD) {
		nfo_count_reason(t->nn, NFO_R_HW_DRIVER);
		pr_info_once("nf_flow_offload: 'flags offload' is accepted, but this version drives no hardware: flows stay in the software fast path\n");
	}

	return nfo_table_add_dev(t, dev);
}
