// SPDX-License-Identifier: GPL-2.0
// absent: incompatible pointer|incompatible types
#include <net/netfilter/nf_tables.h>

static int nfo_probe_dump(struct sk_buff *skb, const struct nft_expr *expr, bool reset)
{
	return 0;
}

extern const struct nft_expr_ops nfo_probe_dump_ops;
const struct nft_expr_ops nfo_probe_dump_ops = {
	.dump	= nfo_probe_dump,
};
