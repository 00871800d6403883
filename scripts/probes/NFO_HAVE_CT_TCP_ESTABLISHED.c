// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .nf_conntrack_tcp_established.
#include <net/netfilter/nf_conntrack_l4proto.h>

bool nfo_probe_established(const struct nf_conn *ct);
bool nfo_probe_established(const struct nf_conn *ct)
{
	return nf_conntrack_tcp_established(ct);
}
