// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .force_forwarding.|control reaches end
#include <net/if_inet6.h>

int nfo_probe_force_forwarding(const struct inet6_dev *idev);
int nfo_probe_force_forwarding(const struct inet6_dev *idev)
{
	return idev->cnf.force_forwarding;
}
