// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration|too few arguments|incompatible pointer|incompatible type|conflicting types
#include <linux/netdevice.h>

void nfo_probe_path(struct net_device_path_ctx *ctx, struct net_device_path_stack *stack);
void nfo_probe_path(struct net_device_path_ctx *ctx, struct net_device_path_stack *stack)
{
	if (!dev_fill_forward_path(ctx, stack))
		dev_fill_forward_path_release(stack);
}
