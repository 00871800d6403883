// SPDX-License-Identifier: GPL-2.0
// absent: too many arguments|incompatible pointer|incompatible type
#include <net/netfilter/nf_tables.h>

void *nfo_probe_lookup(const struct net *net, const struct nft_table *table);
void *nfo_probe_lookup(const struct net *net, const struct nft_table *table)
{
	return nft_flowtable_lookup(net, table, NULL, 0);
}
