// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .(num_)?exprs.|control reaches end
#include <net/netfilter/nf_tables.h>

const struct nft_expr *nfo_probe_set_expr(const struct nft_set *set);
const struct nft_expr *nfo_probe_set_expr(const struct nft_set *set)
{
	return set->num_exprs ? set->exprs[0] : NULL;
}
