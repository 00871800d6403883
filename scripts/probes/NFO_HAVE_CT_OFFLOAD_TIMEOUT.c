// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .offload_timeout.|control reaches end
#include <net/net_namespace.h>

unsigned int nfo_probe_offload_timeout(const struct net *net);
unsigned int nfo_probe_offload_timeout(const struct net *net)
{
	return net->ct.nf_ct_proto.udp.offload_timeout;
}
