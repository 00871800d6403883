// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .nf_conntrack_count.
#include <net/netfilter/nf_conntrack.h>

u32 nfo_probe_ct_count(const struct net *net);
u32 nfo_probe_ct_count(const struct net *net)
{
	return nf_conntrack_count(net);
}
