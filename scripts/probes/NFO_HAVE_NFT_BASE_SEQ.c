// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .base_seq.|control reaches end
#include <net/net_namespace.h>

const unsigned int *nfo_probe_base_seq(const struct net *net);
const unsigned int *nfo_probe_base_seq(const struct net *net)
{
	return &net->nft.base_seq;
}
