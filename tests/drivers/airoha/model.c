// SPDX-License-Identifier: GPL-2.0
/*
 * A model of the packet engine (PPE) of Airoha's EN7581 and of its NPU, below airoha_ppe.c of
 * the kernel's source, unmodified. What airoha_eth.c does around it (blocks, the source
 * address of a port, the reason of a packet that the engine gives to the host) is done here.
 *
 * The engine has two tables of flows: SRAM, which the driver reaches through registers, and
 * DRAM, which both share. A packet that it does not know makes an unbound entry. When enough
 * packets have hit the entry, the packet goes to the host with the entry's number, and the
 * driver binds the entry if a rule fits. A bound entry says all that a packet becomes; what
 * it has in front of IP when it comes in does not matter.
 *
 * An entry in SRAM counts by the NPU: the driver sends it to port 6 and keeps the true port in
 * the meter's word. One in DRAM above the counters has none. Bound entries are never aged.
 */
#include <linux/ethtool.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/vmalloc.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

#include "airoha_regs.h"
#include "airoha_eth.h"
#include "ports.h"

#define REGISTERS	0x4000
#define SRAM		(2 * PPE_SRAM_NUM_ENTRIES)
/* Half of each SRAM holds counters. */
#define SRAM_USED	(PPE_SRAM_NUM_ENTRIES - PPE_STATS_NUM_ENTRIES)
#define NPU_PORT	6
#define LAN		0
#define WAN		1

static struct airoha_eth eth;
static struct airoha_gdm_port gdm[NFD_PORTS];
static struct airoha_npu npu;
static u8 *regs;
static struct airoha_foe_entry *sram;
static struct airoha_foe_stats *npu_stats;
static u64 smac[16];
static DEFINE_SPINLOCK(sram_lock);
static LIST_HEAD(blocks);
static unsigned long replaced, refused, destroyed, deaf, read_stats;
static int last_refusal;

/* ---- registers ---- */

static u32 *reg(u32 at)
{
	return (u32 *)(regs + at);
}

/* A word of the SRAM is read and written through a window of one entry. */
static void sram_request(int ppe, u32 ctrl)
{
	u32 slot = FIELD_GET(PPE_SRAM_CTRL_ENTRY_MASK, ctrl);
	u32 *window = reg(REG_PPE_RAM_ENTRY(ppe, 0));

	if (!(ctrl & PPE_SRAM_CTRL_REQ_MASK) || slot >= SRAM)
		return;
	spin_lock_bh(&sram_lock);
	if (ctrl & PPE_SRAM_CTRL_WR_MASK)
		memcpy(&sram[slot], window, sizeof(*sram));
	else
		memcpy(window, &sram[slot], sizeof(*sram));
	spin_unlock_bh(&sram_lock);
	*reg(REG_PPE_RAM_CTRL(ppe)) |= PPE_SRAM_CTRL_ACK_MASK;
}

/* The source addresses for IPv6 are in a memory of their own: two words for each port. */
static void smac_request(u32 ctrl)
{
	u64 *mac = &smac[FIELD_GET(PPE_UPDMEM_ADDR_MASK, ctrl)];
	u64 val = *reg(REG_UPDMEM_DATA(0));

	if (FIELD_GET(PPE_UPDMEM_OFFSET_MASK, ctrl))
		*mac = (*mac & 0xffffffff) | val << 32;
	else
		*mac = (*mac & ~0xffffffffULL) | val;
}

u32 airoha_rr(void __iomem *base, u32 offset)
{
	if (offset == REG_FE_FOE_TS)
		return (u32)(ktime_get_seconds() & AIROHA_FOE_IB1_BIND_TIMESTAMP);
	return *reg(offset);
}

void airoha_wr(void __iomem *base, u32 offset, u32 val)
{
	*reg(offset) = val;
	if (offset == REG_PPE_RAM_CTRL(0) || offset == REG_PPE_RAM_CTRL(1))
		sram_request(offset == REG_PPE_RAM_CTRL(1), val);
	else if (offset == REG_UPDMEM_CTRL(0))
		smac_request(val);
}

u32 airoha_rmw(void __iomem *base, u32 offset, u32 mask, u32 val)
{
	airoha_wr(base, offset, (airoha_rr(base, offset) & ~mask) | val);

	return *reg(offset);
}

/* ---- the NPU ---- */

static int npu_ppe_init(struct airoha_npu *n)
{
	*reg(REG_PPE_PPE_FLOW_CFG(0)) = PPE_FLOW_CFG_IP4_NAT_MASK | PPE_FLOW_CFG_IP4_NAPT_MASK;
	*reg(REG_PPE_PPE_FLOW_CFG(1)) = *reg(REG_PPE_PPE_FLOW_CFG(0));

	return 0;
}

static int npu_ppe_deinit(struct airoha_npu *n)
{
	return 0;
}

static int npu_init_stats(struct airoha_npu *n, dma_addr_t addr, u32 entries)
{
	return entries == 2 * PPE_STATS_NUM_ENTRIES ? 0 : -EINVAL;
}

struct airoha_npu *airoha_npu_get(struct device *dev)
{
	npu.dev = dev;
	npu.stats = (struct airoha_foe_stats __iomem *)npu_stats;
	npu.ops.ppe_init = npu_ppe_init;
	npu.ops.ppe_deinit = npu_ppe_deinit;
	npu.ops.ppe_init_stats = npu_init_stats;

	return &npu;
}

void airoha_npu_put(struct airoha_npu *n)
{
}

/* ---- the engine ---- */

static int state_of(const struct airoha_foe_entry *e)
{
	return FIELD_GET(AIROHA_FOE_IB1_BIND_STATE, e->ib1);
}

static int type_of(const struct airoha_foe_entry *e)
{
	return FIELD_GET(AIROHA_FOE_IB1_BIND_PACKET_TYPE, e->ib1);
}

static struct airoha_foe_entry *entry_at(u32 slot)
{
	return slot < SRAM ? &sram[slot] :
			     (struct airoha_foe_entry *)eth.ppe->foe + slot;
}

static void tuple_of(struct airoha_foe_entry *e, const struct nfd_frame *f)
{
	int i;

	memset(e, 0, sizeof(*e));
	e->ib1 = FIELD_PREP(AIROHA_FOE_IB1_BIND_STATE, AIROHA_FOE_STATE_UNBIND) |
		 FIELD_PREP(AIROHA_FOE_IB1_BIND_UDP, f->proto == IPPROTO_UDP);
	if (!f->v6) {
		e->ib1 |= FIELD_PREP(AIROHA_FOE_IB1_BIND_PACKET_TYPE, PPE_PKT_TYPE_IPV4_HNAPT);
		e->ipv4.orig_tuple.src_ip = ntohl(f->src[0]);
		e->ipv4.orig_tuple.dest_ip = ntohl(f->dst[0]);
		e->ipv4.orig_tuple.src_port = ntohs(f->sport);
		e->ipv4.orig_tuple.dest_port = ntohs(f->dport);
		return;
	}
	e->ib1 |= FIELD_PREP(AIROHA_FOE_IB1_BIND_PACKET_TYPE, PPE_PKT_TYPE_IPV6_ROUTE_5T);
	for (i = 0; i < 4; i++) {
		e->ipv6.src_ip[i] = ntohl(f->src[i]);
		e->ipv6.dest_ip[i] = ntohl(f->dst[i]);
	}
	e->ipv6.src_port = ntohs(f->sport);
	e->ipv6.dest_port = ntohs(f->dport);
}

static bool hits(const struct airoha_foe_entry *e, const struct airoha_foe_entry *want)
{
	u32 len = type_of(want) == PPE_PKT_TYPE_IPV4_HNAPT ? sizeof(e->ipv4.orig_tuple) :
							     offsetof(struct airoha_foe_ipv6, data);

	return state_of(e) != AIROHA_FOE_STATE_INVALID && type_of(e) == type_of(want) &&
	       !((e->ib1 ^ want->ib1) & AIROHA_FOE_IB1_BIND_UDP) && !memcmp(e->d, want->d, len);
}

/* Return: the number of the entry that is the frame's, or -1: two others have its places. */
static int find(int port, const struct airoha_foe_entry *want)
{
	u32 h = jhash(want->d, offsetof(struct airoha_foe_ipv6, data), want->ib1);
	u32 slot[] = { port * PPE_SRAM_NUM_ENTRIES + h % SRAM_USED,
		       SRAM + (h >> 12) % PPE_DRAM_NUM_ENTRIES };
	int i;

	for (i = 0; i < ARRAY_SIZE(slot); i++)
		if (hits(entry_at(slot[i]), want))
			return slot[i];
	for (i = 0; i < ARRAY_SIZE(slot); i++)
		if (state_of(entry_at(slot[i])) == AIROHA_FOE_STATE_INVALID) {
			*entry_at(slot[i]) = *want;
			return slot[i];
		}

	return -1;
}

static u32 egress_mtu(int out)
{
	u32 index = gdm[out].id;

	return FIELD_GET(FP_EGRESS_MTU_MASK(0), *reg(REG_PPE_MTU(out == WAN, index)) >>
			 (index % 2 ? 16 : 0));
}

static void mac_to(u8 *to, u64 mac)
{
	put_unaligned_be16(mac >> 32, to);
	put_unaligned_be32(mac, to + 2);
}

/* What of a bound entry is the same for both families. Return: the port it leaves by. */
static int apply_l2(const struct airoha_foe_entry *e, struct nfd_frame *now,
		    const struct airoha_foe_mac_info_common *l2, u32 ib2, u32 meter, u16 sid)
{
	u32 port = FIELD_GET(AIROHA_FOE_IB2_PSE_PORT, ib2);
	u32 tags = FIELD_GET(AIROHA_FOE_IB1_BIND_VLAN_LAYER, e->ib1);

	if (port == NPU_PORT)
		port = FIELD_GET(AIROHA_FOE_IB2_PSE_PORT, FIELD_GET(AIROHA_FOE_TUNNEL_MTU, meter));
	mac_to(now->eth, (u64)l2->dest_mac_hi << 16 | l2->dest_mac_lo);
	if (tags > NFD_TAGS || FIELD_GET(AIROHA_FOE_IB1_BIND_VPM, e->ib1) != tags)
		return -1;
	nfd_frame_tag(now, tags, l2->vlan1, l2->vlan2);
	now->pppoe = e->ib1 & AIROHA_FOE_IB1_BIND_PPPOE;
	now->sid = now->pppoe ? htons(sid) : 0;
	if (l2->etype != (now->pppoe ? ETH_P_PPP_SES : now->v6 ? ETH_P_IPV6 : ETH_P_IP))
		return -1;
	if (e->ib1 & AIROHA_FOE_IB1_BIND_TTL)
		now->ttl--;

	return port == gdm[LAN].id ? LAN : port == gdm[WAN].id ? WAN : -1;
}

static int apply4(const struct airoha_foe_entry *e, struct nfd_frame *now)
{
	const struct airoha_foe_ipv4 *x = &e->ipv4;

	now->src[0] = htonl(x->new_tuple.src_ip);
	now->dst[0] = htonl(x->new_tuple.dest_ip);
	now->sport = htons(x->new_tuple.src_port);
	now->dport = htons(x->new_tuple.dest_port);
	mac_to(now->eth + ETH_ALEN, (u64)x->l2.common.src_mac_hi << 16 | x->l2.src_mac_lo);

	return apply_l2(e, now, &x->l2.common, x->ib2, x->l2.meter, x->l2.pppoe_id);
}

static int apply6(const struct airoha_foe_entry *e, struct nfd_frame *now)
{
	const struct airoha_foe_ipv6 *x = &e->ipv6;

	mac_to(now->eth + ETH_ALEN, smac[FIELD_GET(AIROHA_FOE_MAC_SMAC_ID, x->l2.src_mac_hi) & 15]);

	return apply_l2(e, now, &x->l2, x->ib2, x->meter,
			FIELD_GET(AIROHA_FOE_MAC_PPPOE_ID, x->l2.src_mac_hi));
}

static void count_hit(struct airoha_foe_entry *e, u32 slot, u32 len)
{
	u32 ib2 = type_of(e) == PPE_PKT_TYPE_IPV4_HNAPT ? e->ipv4.ib2 : e->ipv6.ib2;
	u32 index = slot < PPE_SRAM_NUM_ENTRIES ? slot : slot - PPE_STATS_NUM_ENTRIES;

	e->ib1 &= ~AIROHA_FOE_IB1_BIND_TIMESTAMP;
	e->ib1 |= airoha_rr(NULL, REG_FE_FOE_TS);
	if (FIELD_GET(AIROHA_FOE_IB2_PSE_PORT, ib2) != NPU_PORT)
		return;
	npu_stats[index].packets++;
	npu_stats[index].bytes += len;
}

/* An unbound entry counts its packets; the host is told when they are enough. */
static bool rate_reached(struct airoha_foe_entry *e)
{
	u32 packets = FIELD_GET(AIROHA_FOE_IB1_UNBIND_PACKETS, e->ib1) + 1;
	u32 rate = FIELD_GET(PPE_BIND_RATE_BIND_MASK, *reg(REG_PPE_BIND_RATE(0)));

	e->ib1 &= ~AIROHA_FOE_IB1_UNBIND_PACKETS;
	e->ib1 |= FIELD_PREP(AIROHA_FOE_IB1_UNBIND_PACKETS, min(packets, 0xffffU));

	return rate && packets >= rate;
}

static enum nfd_verdict model_frame(int port, struct sk_buff *skb, const struct nfd_frame *f,
				    struct nfd_frame *now, int *out)
{
	enum nfd_verdict verdict = NFD_HOST;
	struct airoha_foe_entry want, *e;
	bool reached = false;
	int slot;

	/* The engine is on from the first rule, which finds the NPU. A segment with SYN, FIN or
	 * RST has a reason of its own to go to the host.
	 */
	if (!rcu_access_pointer(eth.npu) || f->closing)
		return NFD_HOST;
	tuple_of(&want, f);
	spin_lock(&sram_lock);
	slot = find(port, &want);
	if (slot < 0)
		goto unlock;
	e = entry_at(slot);
	if (state_of(e) != AIROHA_FOE_STATE_BIND) {
		reached = rate_reached(e);
		goto unlock;
	}
	if (f->ttl <= 1)
		goto unlock;
	*out = f->v6 ? apply6(e, now) : apply4(e, now);
	verdict = *out < 0 ? NFD_DROP : NFD_FORWARD;
	/* The register holds the device's MTU and the length of a header with one tag. */
	if (verdict == NFD_FORWARD &&
	    f->end - f->l3 + (now->pppoe ? NFD_PPPOE_LEN : 0) + VLAN_ETH_HLEN > egress_mtu(*out))
		verdict = NFD_HOST;
	if (verdict == NFD_FORWARD)
		count_hit(e, slot, skb->len);
unlock:
	spin_unlock(&sram_lock);
	/* airoha_eth.c's receive function, for packets with this reason. */
	if (reached) {
		skb_reset_mac_header(skb);
		airoha_ppe_check_skb(&eth.ppe->dev, skb, slot, false);
	}

	return verdict;
}

/* ---- what airoha_eth.c does ---- */

bool airoha_is_valid_gdm_dev(struct airoha_eth *e, struct airoha_gdm_dev *dev)
{
	return nfd_port_of(netdev_from_priv(dev)) >= 0;
}

int airoha_get_fe_port(struct airoha_gdm_dev *dev)
{
	return dev->port->id;
}

static void note_answer(const struct flow_cls_offload *f, int err)
{
	switch (f->command) {
	case FLOW_CLS_REPLACE:
		if (err) {
			refused++;
			last_refusal = err;
		} else {
			replaced++;
		}
		break;
	case FLOW_CLS_DESTROY:
		if (!err)
			destroyed++;
		else if (err == -EOPNOTSUPP)
			deaf++;
		break;
	case FLOW_CLS_STATS:
		read_stats++;
		break;
	default:
		break;
	}
}

/* The driver asks for the feature before it looks at the command. */
static int model_block_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct net_device *dev = cb_priv;
	int err = -EOPNOTSUPP;

	if (type != TC_SETUP_CLSFLOWER)
		return -EOPNOTSUPP;
	if (tc_can_offload(dev))
		err = airoha_ppe_setup_tc_block_cb(&eth.ppe->dev, type_data);
	note_answer(type_data, err);

	return err;
}

/* A block is taken again for each flowtable that has the device: counted, not made anew. */
static int model_bind(struct net_device *dev, struct flow_block_offload *f)
{
	struct flow_block_cb *cb = flow_block_cb_lookup(f->block, model_block_cb, dev);

	if (!cb) {
		cb = flow_block_cb_alloc(model_block_cb, dev, dev, NULL);
		if (IS_ERR(cb))
			return PTR_ERR(cb);
		flow_block_cb_add(cb, f);
		list_add_tail(&cb->driver_list, &blocks);
	}
	flow_block_cb_incref(cb);

	return 0;
}

static int model_unbind(struct net_device *dev, struct flow_block_offload *f)
{
	struct flow_block_cb *cb = flow_block_cb_lookup(f->block, model_block_cb, dev);

	if (!cb)
		return -ENOENT;
	if (!flow_block_cb_decref(cb)) {
		flow_block_cb_remove(cb, f);
		list_del(&cb->driver_list);
	}

	return 0;
}

static int model_setup_tc(struct net_device *dev, enum tc_setup_type type, void *type_data)
{
	struct flow_block_offload *f = type_data;

	if ((type != TC_SETUP_BLOCK && type != TC_SETUP_FT) ||
	    f->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
		return -EOPNOTSUPP;
	f->driver_block_list = &blocks;

	return f->command == FLOW_BLOCK_BIND ? model_bind(dev, f) : model_unbind(dev, f);
}

static int model_set_mac(struct net_device *dev, void *p)
{
	int err = eth_mac_addr(dev, p);

	if (!err)
		airoha_ppe_init_upd_mem(netdev_priv(dev), dev->dev_addr);

	return err;
}

static int model_open(struct net_device *dev)
{
	airoha_ppe_set_xmit_frame_size(netdev_priv(dev));

	return 0;
}

static int model_change_mtu(struct net_device *dev, int mtu)
{
	WRITE_ONCE(dev->mtu, mtu);
	if (netif_running(dev))
		airoha_ppe_set_xmit_frame_size(netdev_priv(dev));

	return 0;
}

static const struct net_device_ops model_ops = {
	.ndo_open		= model_open,
	.ndo_start_xmit		= nfd_xmit,
	.ndo_set_mac_address	= model_set_mac,
	.ndo_change_mtu		= model_change_mtu,
	.ndo_setup_tc		= model_setup_tc,
};

static const struct ethtool_ops model_ethtool_ops = {
	.get_drvinfo	= nfd_drvinfo,
};

static const struct airoha_eth_soc_data model_soc = {
	.version	= 0x7581,
	.num_ppe	= 2,
};

static int model_port(int i, struct net_device *host)
{
	struct airoha_gdm_dev *dev = netdev_priv(host);

	gdm[i].id = i == LAN ? AIROHA_GDM1_IDX : AIROHA_GDM2_IDX;
	gdm[i].devs[0] = dev;
	dev->port = &gdm[i];
	dev->qdma = &eth.qdma[i];
	dev->qdma->eth = &eth;
	dev->eth = &eth;
	dev->flags = i == WAN ? AIROHA_PRIV_F_WAN : 0;
	eth.ports[i] = &gdm[i];
	airoha_ppe_init_upd_mem(dev, host->dev_addr);

	return 0;
}

static int engine_up(struct device *chip)
{
	regs = vzalloc(REGISTERS);
	sram = vzalloc(array_size(SRAM, sizeof(*sram)));
	npu_stats = vzalloc(array_size(2 * PPE_STATS_NUM_ENTRIES, sizeof(*npu_stats)));
	if (!regs || !sram || !npu_stats)
		return -ENOMEM;
	eth.dev = chip;
	eth.soc = &model_soc;
	*reg(REG_PPE_GLO_CFG(0)) = PPE_GLO_CFG_EN_MASK;
	*reg(REG_PPE_GLO_CFG(1)) = PPE_GLO_CFG_EN_MASK;

	return airoha_ppe_init(&eth);
}

static void engine_down(void)
{
	if (eth.ppe)
		airoha_ppe_deinit(&eth);
	vfree(npu_stats);
	vfree(sram);
	vfree(regs);
}

static const struct nfd_model model = {
	.driver		= "airoha_eth",
	.host		= "air",
	.wire		= "airw",
	.priv		= sizeof(struct airoha_gdm_dev),
	.ops		= &model_ops,
	.ethtool	= &model_ethtool_ops,
	.frame		= model_frame,
	.chip		= "nfo_airoha",
	.up		= engine_up,
	.down		= engine_down,
	.port		= model_port,
};

/* Rules: taken, refused, the last errno; deleted, not deleted; read; in the driver; blocks. */
static int calls_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lu %lu %d %lu %lu %lu %d %zu\n", replaced, refused,
			  -last_refusal, destroyed, deaf, read_stats,
			  atomic_read(&eth.flow_table.nelems), list_count_nodes(&blocks));
}

static const struct kernel_param_ops calls_ops = { .get = calls_get };
module_param_cb(calls, &calls_ops, NULL, 0444);

static int __init model_init(void)
{
	int err = nfd_model_make(&model);

	if (err)
		return err;
	set_bit(DEV_STATE_REGISTERED, &eth.state);

	return 0;
}

static void __exit model_exit(void)
{
	nfd_model_free();
}

module_init(model_init);
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("nf_flow_offload tests: airoha's code for the packet engine around a model of it");
