// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .resilient.|control reaches end
#include <net/nexthop.h>

bool nfo_probe_nh_resilient(const struct nh_group *group);
bool nfo_probe_nh_resilient(const struct nh_group *group)
{
	return group->resilient;
}
