// SPDX-License-Identifier: GPL-2.0
/*
 * A model of a NetXtreme card in switchdev mode, below bnxt_tc.c of the kernel's source,
 * unmodified. It answers the firmware requests (HWRM) that this file makes about flows, keeps
 * the flows, and carries them out on frames that pass its ports.
 *
 * A flow is what the request says and nothing else: the firmware lowers a TTL if a flag of the
 * request says so, and looks at TCP flags not at all. The words of an address to be written
 * come in the order of the host. NAT and counters are not modelled: a request for NAT fails.
 */
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

/* It was among the driver's own files once. */
#if __has_include("bnxt_hsi.h")
#include "bnxt_hsi.h"
#else
#include <linux/bnxt/hsi.h>
#endif
#include "bnxt.h"
#include "bnxt_hwrm.h"
#include "bnxt_tc.h"
#include "bnxt_vfr.h"
#include "ports.h"

#define FLOWS	256

/* A request with the room for its answer. */
struct model_req {
	union {
		struct input				any;
		struct hwrm_cfa_flow_alloc_input	alloc;
		struct hwrm_cfa_flow_free_input		free;
	};
	union {
		struct output				answer;
		struct hwrm_cfa_flow_alloc_output	allocated;
	};
	bool held;
};

static struct hwrm_cfa_flow_alloc_input flows[FLOWS];
static bool flow_used[FLOWS];
static DEFINE_SPINLOCK(flows_lock);
static unsigned long allocated, refused;

LIST_HEAD(bnxt_block_cb_list);

/* ---- firmware requests ---- */

int __hwrm_req_init(struct bnxt *bp, void **req, u16 req_type, u32 req_len)
{
	struct model_req *r;

	if (req_len > offsetof(struct model_req, answer))
		return -E2BIG;
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->any.req_type = cpu_to_le16(req_type);
	*req = r;

	return 0;
}

void *hwrm_req_hold(struct bnxt *bp, void *req)
{
	struct model_req *r = req;

	r->held = true;

	return &r->answer;
}

void hwrm_req_drop(struct bnxt *bp, void *req)
{
	kfree(req);
}

static int flow_alloc(struct model_req *r)
{
	const u16 nat = CFA_FLOW_ALLOC_REQ_ACTION_FLAGS_NAT_SRC |
			CFA_FLOW_ALLOC_REQ_ACTION_FLAGS_NAT_DEST;
	int i;

	if (le16_to_cpu(r->alloc.action_flags) & nat)
		return -EOPNOTSUPP;
	for (i = 0; i < FLOWS && flow_used[i]; i++)
		;
	if (i == FLOWS)
		return -ENOSPC;
	flows[i] = r->alloc;
	flow_used[i] = true;
	r->allocated.flow_handle = cpu_to_le16(i);

	return 0;
}

static int flow_free(struct model_req *r)
{
	u32 i = le16_to_cpu(r->free.flow_handle);

	if (i >= FLOWS || !flow_used[i])
		return -EINVAL;
	flow_used[i] = false;

	return 0;
}

int hwrm_req_send(struct bnxt *bp, void *req)
{
	struct model_req *r = req;
	int err = -EOPNOTSUPP;

	spin_lock_bh(&flows_lock);
	switch (le16_to_cpu(r->any.req_type)) {
	case HWRM_CFA_FLOW_ALLOC:
		err = flow_alloc(r);
		if (err)
			refused++;
		else
			allocated++;
		break;
	case HWRM_CFA_FLOW_FREE:
		err = flow_free(r);
		break;
	}
	spin_unlock_bh(&flows_lock);
	if (!r->held)
		kfree(r);

	return err;
}

int hwrm_req_send_silent(struct bnxt *bp, void *req)
{
	return hwrm_req_send(bp, req);
}

/* ---- what the card does with a frame ---- */

static bool address_hits(const __be32 *want, u8 bits, const __be32 *is)
{
	int i;

	for (i = 0; bits; i++, bits -= min_t(u8, bits, 32)) {
		__be32 mask = bits >= 32 ? htonl(~0U) : htonl(~0U << (32 - bits));

		if ((want[i] ^ is[i]) & mask)
			return false;
	}

	return true;
}

static bool flow_hits(const struct hwrm_cfa_flow_alloc_input *w, int port,
		      const struct nfd_frame *f)
{
	bool tagged = le16_to_cpu(w->flags) & CFA_FLOW_ALLOC_REQ_FLAGS_NUM_VLAN_ONE;

	return le16_to_cpu(w->src_fid) == port + 1 &&
	       w->ethertype == htons(f->v6 ? ETH_P_IPV6 : ETH_P_IP) && w->ip_proto == f->proto &&
	       f->tags == tagged && (!tagged || w->outer_vlan_tci == f->vid[0]) &&
	       (is_zero_ether_addr((const u8 *)w->dmac) ||
		ether_addr_equal((const u8 *)w->dmac, f->eth)) &&
	       address_hits(w->ip_src, w->ip_src_mask_len, f->src) &&
	       address_hits(w->ip_dst, w->ip_dst_mask_len, f->dst) &&
	       !((w->l4_src_port ^ f->sport) & w->l4_src_port_mask) &&
	       !((w->l4_dst_port ^ f->dport) & w->l4_dst_port_mask);
}

static void write_mac(u8 *to, const __be16 *words)
{
	int i;

	for (i = 0; i < 3; i++)
		put_unaligned(swab16((__force u16)words[i]), (u16 *)(to + 2 * i));
}

static enum nfd_verdict carry_out(const struct hwrm_cfa_flow_alloc_input *w, struct nfd_frame *now,
				  int *out)
{
	u16 action = le16_to_cpu(w->action_flags);

	if (!(action & CFA_FLOW_ALLOC_REQ_ACTION_FLAGS_FWD))
		return NFD_DROP;
	if (action & CFA_FLOW_ALLOC_REQ_ACTION_FLAGS_L2_HEADER_REWRITE) {
		write_mac(now->eth, w->l2_rewrite_dmac);
		write_mac(now->eth + ETH_ALEN, w->l2_rewrite_smac);
	}
	if (action & CFA_FLOW_ALLOC_REQ_ACTION_FLAGS_TTL_DECREMENT)
		now->ttl--;
	*out = le16_to_cpu(w->dst_fid) - 1;

	return NFD_FORWARD;
}

static enum nfd_verdict model_frame(int port, struct sk_buff *skb, const struct nfd_frame *f,
				    struct nfd_frame *now, int *out)
{
	enum nfd_verdict verdict = NFD_HOST;
	int i;

	spin_lock(&flows_lock);
	for (i = 0; i < FLOWS; i++)
		if (flow_used[i] && flow_hits(&flows[i], port, f)) {
			verdict = carry_out(&flows[i], now, out);
			break;
		}
	spin_unlock(&flows_lock);

	return verdict;
}

/* ---- what bnxt.c does ---- */

#ifdef CONFIG_BNXT_SRIOV
bool bnxt_dev_is_vf_rep(struct net_device *dev)
{
	return false;
}
#endif

static int model_block_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct bnxt *bp = cb_priv;

	if (!bnxt_tc_flower_enabled(bp) || !tc_cls_can_offload_and_chain0(bp->dev, type_data) ||
	    type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;

	return bnxt_tc_setup_flower(bp, bp->pf.fw_fid, type_data);
}

static int model_setup_tc(struct net_device *dev, enum tc_setup_type type, void *type_data)
{
	struct bnxt *bp = netdev_priv(dev);

	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;

	return flow_block_cb_setup_simple(type_data, &bnxt_block_cb_list, model_block_cb, bp, bp,
					  true);
}

static int model_parent_id(struct net_device *dev, struct netdev_phys_item_id *ppid)
{
	ppid->id_len = 8;
	memset(ppid->id, 7, ppid->id_len);

	return 0;
}

static const struct net_device_ops model_ops = {
	.ndo_start_xmit		= nfd_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_setup_tc		= model_setup_tc,
	.ndo_get_port_parent_id	= model_parent_id,
};

static const struct ethtool_ops model_ethtool_ops = {
	.get_drvinfo	= nfd_drvinfo,
};

static void model_gone(struct net_device *host)
{
	bnxt_shutdown_tc(netdev_priv(host));
}

static int model_port(int i, struct net_device *host)
{
	struct bnxt *bp = netdev_priv(host);

	bp->dev = host;
	bp->pf.fw_fid = i + 1;
	bp->hwrm_spec_code = 0x10803;

	return bnxt_init_tc(bp);
}

static const struct nfd_model model = {
	.driver		= "bnxt_en",
	.host		= "bnx",
	.wire		= "bnxw",
	.priv		= sizeof(struct bnxt),
	.ops		= &model_ops,
	.ethtool	= &model_ethtool_ops,
	.gone		= model_gone,
	.frame		= model_frame,
	.chip		= "nfo_bnxt",
	.port		= model_port,
};

/* Flows that the firmware took, that it refused. */
static int calls_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lu %lu\n", allocated, refused);
}

static const struct kernel_param_ops calls_ops = { .get = calls_get };
module_param_cb(calls, &calls_ops, NULL, 0444);

static int __init model_init(void)
{
	return nfd_model_make(&model);
}

static void __exit model_exit(void)
{
	nfd_model_free();
}

module_init(model_init);
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("nf_flow_offload tests: bnxt's code for TC rules around a model of its card");
