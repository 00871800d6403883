// SPDX-License-Identifier: GPL-2.0
// absent: has no member named .skip_sw.|control reaches end
#include <net/flow_offload.h>

bool nfo_probe(struct flow_cls_common_offload *common);

bool nfo_probe(struct flow_cls_common_offload *common)
{
	return common->skip_sw;
}
