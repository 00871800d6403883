// SPDX-License-Identifier: GPL-2.0
// absent: implicit declaration of function .nla_strscpy.
#include <net/netlink.h>

void nfo_probe_strscpy(char *to, const struct nlattr *nla);
void nfo_probe_strscpy(char *to, const struct nlattr *nla)
{
	nla_strscpy(to, nla, 8);
}
