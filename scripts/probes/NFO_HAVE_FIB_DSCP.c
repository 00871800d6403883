// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .dscp.|implicit declaration of function .inet_dscp_to_dsfield|control reaches end
#include <net/ip_fib.h>

u8 nfo_probe_fib_dscp(const struct fib_entry_notifier_info *fen);
u8 nfo_probe_fib_dscp(const struct fib_entry_notifier_info *fen)
{
	return inet_dscp_to_dsfield(fen->dscp);
}
