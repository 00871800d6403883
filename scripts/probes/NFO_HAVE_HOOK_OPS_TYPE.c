// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .hook_ops_type.|NF_HOOK_OP_NF_TABLES. undeclared|control reaches end
#include <linux/netfilter.h>

bool nfo_probe_hook_ops_type(const struct nf_hook_ops *ops);
bool nfo_probe_hook_ops_type(const struct nf_hook_ops *ops)
{
	return ops->hook_ops_type == NF_HOOK_OP_NF_TABLES;
}
