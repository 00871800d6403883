// SPDX-License-Identifier: GPL-2.0
// absent: .NLA_BE16. undeclared
#include <net/netlink.h>

extern const struct nla_policy nfo_probe_policy;
const struct nla_policy nfo_probe_policy = { .type = NLA_BE16 };
