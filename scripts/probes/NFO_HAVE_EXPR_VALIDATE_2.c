// SPDX-License-Identifier: GPL-2.0
// absent: incompatible pointer|incompatible types
#include <net/netfilter/nf_tables.h>

static int nfo_probe_validate(const struct nft_ctx *ctx, const struct nft_expr *expr)
{
	return 0;
}

extern const struct nft_expr_ops nfo_probe_ops;
const struct nft_expr_ops nfo_probe_ops = {
	.validate	= nfo_probe_validate,
};
