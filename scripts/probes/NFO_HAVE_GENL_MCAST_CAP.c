// SPDX-License-Identifier: GPL-2.0
// absent: .GENL_MCAST_CAP_NET_ADMIN. undeclared
#include <net/genetlink.h>

extern const struct genl_multicast_group nfo_probe_group;
const struct genl_multicast_group nfo_probe_group = { .flags = GENL_MCAST_CAP_NET_ADMIN };
