// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .ip6_dst_mtu_maybe_forward.
#include <net/ip6_route.h>

unsigned int nfo_probe_mtu(const struct dst_entry *dst);
unsigned int nfo_probe_mtu(const struct dst_entry *dst)
{
	return ip6_dst_mtu_maybe_forward(dst, true);
}
