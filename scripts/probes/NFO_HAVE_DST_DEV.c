// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .dst_dev.|makes pointer from integer|returning .int. from a function
#include <net/dst.h>

struct net_device *nfo_probe_dst_dev(const struct dst_entry *dst);
struct net_device *nfo_probe_dst_dev(const struct dst_entry *dst)
{
	return dst_dev(dst);
}
