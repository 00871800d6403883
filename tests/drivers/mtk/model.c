// SPDX-License-Identifier: GPL-2.0
/*
 * A model of the packet engine (PPE) of MediaTek's MT7622, below mtk_ppe.c and
 * mtk_ppe_offload.c of the kernel's source, unmodified. What mtk_eth_soc.c does around them
 * (start of the engine, MTU, the reason of a packet that the engine gives to the host) is done
 * here.
 *
 * The engine has one table of flows in memory that it shares with the driver. A hash of
 * addresses and ports leads to two places of it. A packet that the engine does not know makes
 * an unbound entry. When enough packets have hit the entry, the packet goes to the host with
 * the entry's number, and the driver binds the entry if a rule fits. A bound entry says all
 * that a packet becomes; what it has in front of IP when it comes in does not matter. An entry
 * without packets ends after the time that the driver has set.
 *
 * Linux 6.1 reads no counters and tells the engine no MTU; the model has neither there.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/vmalloc.h>
#include <linux/rtnetlink.h>
#include <net/pkt_cls.h>

#include "mtk_eth_soc.h"
#include "mtk_ppe.h"
#include "mtk_ppe_regs.h"
#include "ports.h"

#define REGISTERS	0x1000
#define WAYS		2
#define LAN		0
#define WAN		1

struct model_count {
	u64	packets, bytes;
};

static struct mtk_eth eth;
static u8 *regs;
static struct model_count *counts;
static DEFINE_SPINLOCK(table_lock);

/* ---- registers ---- */

static u32 *reg(u32 at)
{
	return (u32 *)(regs + at);
}

#ifdef HAS_HAS_ACCOUNTING
/* The counters of an entry are read through a window, and are 0 afterwards. */
static void counters_request(u32 ctrl)
{
	struct model_count *c = &counts[FIELD_GET(MTK_PPE_MIB_SER_CR_ADDR, ctrl)];

	spin_lock_bh(&table_lock);
	*reg(MTK_PPE_MIB_SER_R0) = lower_32_bits(c->bytes);
	*reg(MTK_PPE_MIB_SER_R1) =
		FIELD_PREP(MTK_PPE_MIB_SER_R1_BYTE_CNT_HIGH, (c->bytes >> 32) & 0xffff) |
		FIELD_PREP(MTK_PPE_MIB_SER_R1_PKT_CNT_LOW, c->packets & 0xffff);
	*reg(MTK_PPE_MIB_SER_R2) = (c->packets >> 16) & MTK_PPE_MIB_SER_R2_PKT_CNT_HIGH;
	memset(c, 0, sizeof(*c));
	spin_unlock_bh(&table_lock);
	*reg(MTK_PPE_MIB_SER_CR) &= ~MTK_PPE_MIB_SER_CR_ST;
}

static bool is_counted(u32 ib2)
{
	return ib2 & MTK_FOE_IB2_MIB_CNT && *reg(MTK_PPE_MIB_CFG) & MTK_PPE_MIB_CFG_EN;
}
#else
static bool is_counted(u32 ib2)
{
	return false;
}
#endif

u32 nfd_readl(const void __iomem *at)
{
	return READ_ONCE(*(const u32 *)at);
}

void nfd_writel(u32 val, void __iomem *at)
{
	WRITE_ONCE(*(u32 *)at, val);
#ifdef HAS_HAS_ACCOUNTING
	if ((u8 *)at - regs == MTK_PPE_MIB_SER_CR && val & MTK_PPE_MIB_SER_CR_ST)
		counters_request(val);
#endif
}

static u32 timestamp(void)
{
	return (u32)ktime_get_seconds() & mtk_get_ib1_ts_mask(&eth);
}

/* The driver reads one register that is not the engine's: the time. */
u32 mtk_r32(struct mtk_eth *e, unsigned int at)
{
	return timestamp();
}

/* ---- the engine ---- */

static int state_of(const struct mtk_foe_entry *e)
{
	return FIELD_GET(MTK_FOE_IB1_STATE, e->ib1);
}

static bool is_v6(const struct mtk_foe_entry *e)
{
	return mtk_get_ib1_pkt_type(&eth, e->ib1) == MTK_PPE_PKT_TYPE_IPV6_ROUTE_5T;
}

static void tuple_of(struct mtk_foe_entry *e, const struct nfd_frame *f)
{
	int i;

	memset(e, 0, sizeof(*e));
	e->ib1 = FIELD_PREP(MTK_FOE_IB1_STATE, MTK_FOE_STATE_UNBIND) |
		 FIELD_PREP(MTK_FOE_IB1_UDP, f->proto == IPPROTO_UDP);
	if (!f->v6) {
		e->ib1 |= FIELD_PREP(MTK_FOE_IB1_PACKET_TYPE, MTK_PPE_PKT_TYPE_IPV4_HNAPT);
		e->ipv4.orig.src_ip = ntohl(f->src[0]);
		e->ipv4.orig.dest_ip = ntohl(f->dst[0]);
		e->ipv4.orig.src_port = ntohs(f->sport);
		e->ipv4.orig.dest_port = ntohs(f->dport);
		return;
	}
	e->ib1 |= FIELD_PREP(MTK_FOE_IB1_PACKET_TYPE, MTK_PPE_PKT_TYPE_IPV6_ROUTE_5T);
	for (i = 0; i < 4; i++) {
		e->ipv6.src_ip[i] = ntohl(f->src[i]);
		e->ipv6.dest_ip[i] = ntohl(f->dst[i]);
	}
	e->ipv6.src_port = ntohs(f->sport);
	e->ipv6.dest_port = ntohs(f->dport);
}

/* The engine looks at one entry after another all the time; the model looks when it matters. */
static void age(struct mtk_foe_entry *e)
{
	u32 idle = (timestamp() - e->ib1) & mtk_get_ib1_ts_mask(&eth);
	u32 most = e->ib1 & MTK_FOE_IB1_UDP ?
		   FIELD_GET(MTK_PPE_BIND_AGE0_DELTA_UDP, *reg(MTK_PPE_BIND_AGE0)) :
		   FIELD_GET(MTK_PPE_BIND_AGE1_DELTA_TCP, *reg(MTK_PPE_BIND_AGE1));

	if (state_of(e) == MTK_FOE_STATE_BIND && idle > most)
		e->ib1 &= ~MTK_FOE_IB1_STATE;
}

static bool hits(const struct mtk_foe_entry *e, const struct mtk_foe_entry *want)
{
	u32 len = is_v6(want) ? offsetof(struct mtk_foe_ipv6, _rsv) : sizeof(e->ipv4.orig);

	return state_of(e) != MTK_FOE_STATE_INVALID && is_v6(e) == is_v6(want) &&
	       !((e->ib1 ^ want->ib1) & MTK_FOE_IB1_UDP) && !memcmp(e->data, want->data, len);
}

/* The engine's hash function, mode 1 of MTK_PPE_TB_CFG. Return: the first of the entry's places. */
static u32 first_place(const struct mtk_foe_entry *e)
{
	const u32 *s = e->ipv6.src_ip, *d = e->ipv6.dest_ip;
	u32 x[3], mix;

	if (is_v6(e)) {
		x[0] = s[3] ^ d[3] ^ e->ipv6.ports;
		x[1] = s[2] ^ d[2] ^ d[0];
		x[2] = s[1] ^ d[1] ^ s[0];
	} else {
		x[0] = e->ipv4.orig.ports;
		x[1] = e->ipv4.orig.dest_ip;
		x[2] = e->ipv4.orig.src_ip;
	}
	mix = rol32((x[0] & x[1]) | (~x[0] & x[2]), 8) ^ x[0] ^ x[1] ^ x[2];

	return (mix ^ mix >> 16) * WAYS % MTK_PPE_ENTRIES;
}

/* Return: the number of the entry that is the frame's, or -1: others have its places. */
static int find(const struct mtk_foe_entry *want)
{
	u32 first = first_place(want), i;
	struct mtk_foe_entry *e;

	for (i = first; i < first + WAYS; i++) {
		e = mtk_foe_get_entry(eth.ppe[0], i);
		age(e);
		if (hits(e, want))
			return i;
	}
	for (i = first; i < first + WAYS; i++) {
		e = mtk_foe_get_entry(eth.ppe[0], i);
		if (state_of(e) == MTK_FOE_STATE_INVALID) {
			memcpy(e, want, eth.soc->foe_entry_size);
			return i;
		}
	}

	return -1;
}

/* The engine counts a tag and the header of PPPoE alike. Without a limit it does not look. */
static bool too_large(const struct nfd_frame *f, const struct nfd_frame *now)
{
	u32 layers = now->tags + now->pppoe;
	u32 len = ETH_HLEN + now->tags * VLAN_HLEN + now->pppoe * NFD_PPPOE_LEN + f->end - f->l3;
	u32 mtu = *reg(layers < 2 ? MTK_PPE_VLAN_MTU0 : MTK_PPE_VLAN_MTU1);
	u32 most = layers % 2 ? mtu >> 16 : mtu & 0xffff;

	return most && len > most;
}

static void mac_to(u8 *to, u32 hi, u16 lo)
{
	put_unaligned_be32(hi, to);
	put_unaligned_be16(lo, to + 4);
}

/* What of a bound entry is the same for both families. Return: the port it leaves by, or -1. */
static int apply_l2(const struct mtk_foe_entry *e, struct nfd_frame *now,
		    const struct mtk_foe_mac_info *l2, u32 ib2)
{
	u32 port = FIELD_GET(MTK_FOE_IB2_DEST_PORT, ib2);
	u32 tags = mtk_get_ib1_vlan_layer(&eth, e->ib1);
	u16 etype = now->v6 ? ETH_P_IPV6 : ETH_P_IP;

	mac_to(now->eth, l2->dest_mac_hi, l2->dest_mac_lo);
	mac_to(now->eth + ETH_ALEN, l2->src_mac_hi, l2->src_mac_lo);
	/* Layers that are not tags of 802.1Q are those of a switch: there is none. */
	if (tags > NFD_TAGS || (tags && !(e->ib1 & mtk_get_ib1_vlan_tag_mask(&eth))))
		return -1;
	nfd_frame_tag(now, tags, l2->vlan1, l2->vlan2);
	now->pppoe = e->ib1 & mtk_get_ib1_ppoe_mask(&eth);
	now->sid = now->pppoe ? htons(l2->pppoe_id) : 0;
	if (l2->etype != (now->pppoe ? ETH_P_PPP_SES : etype))
		return -1;
	if (e->ib1 & MTK_FOE_IB1_BIND_TTL)
		now->ttl--;

	/* Port 0 is the host's. */
	return port == LAN + 1 || port == WAN + 1 ? port - 1 : -1;
}

static int apply(const struct mtk_foe_entry *e, struct nfd_frame *now)
{
	const struct mtk_foe_ipv4 *x = &e->ipv4;

	if (now->v6)
		return apply_l2(e, now, &e->ipv6.l2, e->ipv6.ib2);
	now->src[0] = htonl(x->new.src_ip);
	now->dst[0] = htonl(x->new.dest_ip);
	now->sport = htons(x->new.src_port);
	now->dport = htons(x->new.dest_port);

	return apply_l2(e, now, &x->l2, x->ib2);
}

static void count_hit(struct mtk_foe_entry *e, u32 place, u32 len)
{
	e->ib1 &= ~mtk_get_ib1_ts_mask(&eth);
	e->ib1 |= timestamp();
	if (!is_counted(is_v6(e) ? e->ipv6.ib2 : e->ipv4.ib2))
		return;
	counts[place].packets++;
	counts[place].bytes += len;
}

/* An unbound entry counts its packets; the host is told when they are enough. */
static bool rate_reached(struct mtk_foe_entry *e)
{
	u32 packets = FIELD_GET(MTK_FOE_IB1_UNBIND_PACKETS, e->ib1) + 1;
	u32 rate = FIELD_GET(MTK_PPE_BIND_RATE_BIND, *reg(MTK_PPE_BIND_RATE));

	e->ib1 &= ~MTK_FOE_IB1_UNBIND_PACKETS;
	e->ib1 |= FIELD_PREP(MTK_FOE_IB1_UNBIND_PACKETS, min(packets, 0xffffU));

	return rate && packets >= rate;
}

static enum nfd_verdict model_frame(int port, struct sk_buff *skb, const struct nfd_frame *f,
				    struct nfd_frame *now, int *out)
{
	enum nfd_verdict verdict = NFD_HOST;
	struct mtk_foe_entry want, *e;
	bool reached = false;
	int place;

	/* A segment with SYN, FIN or RST has a reason of its own to go to the host. */
	if (!(*reg(MTK_PPE_GLO_CFG) & MTK_PPE_GLO_CFG_EN) || f->closing)
		return NFD_HOST;
	tuple_of(&want, f);
	spin_lock(&table_lock);
	place = find(&want);
	if (place < 0)
		goto unlock;
	e = mtk_foe_get_entry(eth.ppe[0], place);
	if (state_of(e) != MTK_FOE_STATE_BIND) {
		reached = rate_reached(e);
		goto unlock;
	}
	if (f->ttl <= 1)
		goto unlock;
	*out = apply(e, now);
	verdict = *out < 0 ? NFD_DROP : too_large(f, now) ? NFD_HOST : NFD_FORWARD;
	if (verdict == NFD_FORWARD)
		count_hit(e, place, skb->len);
unlock:
	spin_unlock(&table_lock);
	/* mtk_eth_soc.c's receive function, for packets with this reason. */
	if (reached) {
		skb_reset_mac_header(skb);
		mtk_ppe_check_skb(eth.ppe[0], skb, place);
	}

	return verdict;
}

/* ---- what mtk_eth_soc.c does ---- */

#ifdef HAS_MTK_PPE_UPDATE_MTU
static int looks_at_mtu = 1;

/* The engine has one limit for all ports. */
static void tell_mtu(void)
{
	mtk_ppe_update_mtu(eth.ppe[0], max(READ_ONCE(eth.netdev[LAN]->mtu),
					   READ_ONCE(eth.netdev[WAN]->mtu)));
}
#else
static int looks_at_mtu;

static void tell_mtu(void)
{
}
#endif

/* Whether the driver tells the engine an MTU; whether it reads counters. */
module_param(looks_at_mtu, int, 0444);

#ifdef HAS_HAS_ACCOUNTING
static int reads_counters = 1;
#else
static int reads_counters;
#endif
module_param(reads_counters, int, 0444);

static int model_change_mtu(struct net_device *dev, int mtu)
{
	WRITE_ONCE(dev->mtu, mtu);
	tell_mtu();

	return 0;
}

static const struct net_device_ops model_ops = {
	.ndo_start_xmit		= nfd_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_change_mtu		= model_change_mtu,
	.ndo_setup_tc		= mtk_eth_setup_tc,
};

static const struct ethtool_ops model_ethtool_ops = {
	.get_drvinfo	= nfd_drvinfo,
};

static const struct mtk_soc_data model_soc = {
	.offload_version	= 2,
	.hash_offset		= WAYS,
#ifdef HAS_HAS_ACCOUNTING
	.version		= 1,
	.ppe_num		= 1,
	.has_accounting		= true,
	.foe_entry_size		= MTK_FOE_ENTRY_V1_SIZE,
#else
	.foe_entry_size		= sizeof(struct mtk_foe_entry) - 16,
#endif
};

static int model_port(int i, struct net_device *host)
{
	struct mtk_mac *mac = netdev_priv(host);

	mac->id = i;
	mac->hw = &eth;
	eth.mac[i] = mac;
	eth.netdev[i] = host;

	return 0;
}

static int engine_up(struct device *chip)
{
	regs = vzalloc(REGISTERS);
	counts = vzalloc(array_size(MTK_PPE_ENTRIES, sizeof(*counts)));
	if (!regs || !counts)
		return -ENOMEM;
	eth.dev = chip;
	eth.dma_dev = chip;
	eth.soc = &model_soc;
#ifdef HAS_HAS_ACCOUNTING
	eth.ppe[0] = mtk_ppe_init(&eth, (void __iomem *)regs, 0);
	if (!eth.ppe[0])
		return -ENOMEM;

	return mtk_eth_offload_init(&eth, 0);
#else
	eth.ppe[0] = mtk_ppe_init(&eth, (void __iomem *)regs, model_soc.offload_version, 0);
	if (!eth.ppe[0])
		return -ENOMEM;

	return mtk_eth_offload_init(&eth);
#endif
}

static void engine_down(void)
{
	if (eth.ppe[0]) {
		mtk_ppe_stop(eth.ppe[0]);
		mtk_ppe_deinit(&eth);
		debugfs_lookup_and_remove(eth.ppe[0]->dirname, NULL);
	}
	vfree(counts);
	vfree(regs);
}

static const struct nfd_model model = {
	.driver		= "mtk_soc_eth",
	.host		= "mtk",
	.wire		= "mtkw",
	.priv		= sizeof(struct mtk_mac),
	.ops		= &model_ops,
	.ethtool	= &model_ethtool_ops,
	.frame		= model_frame,
	.chip		= "nfo_mtk",
	.up		= engine_up,
	.down		= engine_down,
	.port		= model_port,
};

static int bound_entries(void)
{
	struct mtk_foe_entry *e;
	int i, bound = 0;

	spin_lock_bh(&table_lock);
	for (i = 0; i < MTK_PPE_ENTRIES; i++) {
		e = mtk_foe_get_entry(eth.ppe[0], i);
		age(e);
		bound += state_of(e) == MTK_FOE_STATE_BIND;
	}
	spin_unlock_bh(&table_lock);

	return bound;
}

/* Rules in the driver, bound entries. */
static int calls_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d %d\n", atomic_read(&eth.flow_table.nelems), bound_entries());
}

static const struct kernel_param_ops calls_ops = { .get = calls_get };
module_param_cb(calls, &calls_ops, NULL, 0444);

static int __init model_init(void)
{
	int err = nfd_model_make(&model);

	if (err)
		return err;
	mtk_ppe_start(eth.ppe[0]);
	tell_mtu();

	return 0;
}

static void __exit model_exit(void)
{
	nfd_model_free();
}

module_init(model_init);
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("nf_flow_offload tests: MediaTek's code for the packet engine around a model of it");
