// SPDX-License-Identifier: GPL-2.0
// absent: too few arguments|control reaches end
#include <net/pkt_cls.h>

struct tcf_proto *nfo_probe_next_proto(struct tcf_chain *chain);
struct tcf_proto *nfo_probe_next_proto(struct tcf_chain *chain)
{
#ifdef CONFIG_NET_CLS
	return tcf_get_next_proto(chain, NULL);
#else
	return NULL;
#endif
}
