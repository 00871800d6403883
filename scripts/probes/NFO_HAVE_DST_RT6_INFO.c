// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .dst_rt6_info.|makes pointer from integer|returning .int. from a function
#include <net/ip6_fib.h>

const struct rt6_info *nfo_probe_dst_rt6_info(const struct dst_entry *dst);
const struct rt6_info *nfo_probe_dst_rt6_info(const struct dst_entry *dst)
{
	return dst_rt6_info(dst);
}
