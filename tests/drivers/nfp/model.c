// SPDX-License-Identifier: GPL-2.0
/*
 * A model of a Netronome card with the flower firmware, below flower/offload.c, match.c,
 * action.c, metadata.c, cmsg.c and nfp_port.c of the kernel's source, unmodified. It reads the
 * control messages that these files make, keeps the rules in them, and carries them out.
 *
 * A rule is a key, a mask and a list of actions. The key has layers, in the order in which
 * match.c writes them; the model makes the same layers of a frame and compares what the mask
 * has. A rule that does not name tags does not look at them. The firmware corrects checksums,
 * sends any TTL, and does not look at the MTU. It reports counters twice a second here.
 */
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rtnetlink.h>
#include <linux/vmalloc.h>
#include <net/dst_metadata.h>
#include <net/pkt_cls.h>

#include "cmsg.h"
#include "main.h"
#include "conntrack.h"
#include "../nfp_app.h"
#include "../nfp_main.h"
#include "../nfp_net.h"
#include "../nfp_port.h"
#include "ports.h"

#define RULES		4096
#define KEY_BYTES	(NFP_FLOWER_KEY_MAX_LW << NFP_FL_LW_SIZ)

struct model_rule {
	bool	used;
	u8	key[KEY_BYTES], mask[KEY_BYTES];
	u8	act[NFP_FL_MAX_A_SIZ];
	u32	key_len, act_len, packets, bytes;
};

static struct platform_device *pdev;
static struct nfp_app app;
static struct nfp_flower_priv priv;
static struct nfp_port ports[NFD_PORTS];
static struct nfp_flower_repr_priv repr_priv[NFD_PORTS];
static struct model_rule *rules;
static DEFINE_SPINLOCK(rules_lock);
static unsigned long added, deleted, broken;
static int in_card;

/* ---- control messages ---- */

struct sk_buff *nfp_app_ctrl_msg_alloc(struct nfp_app *a, unsigned int size, gfp_t priority)
{
	return alloc_skb(size, priority);
}

static bool add_rule(const struct nfp_fl_rule_metadata *meta, const u8 *data, u32 len)
{
	u32 key = meta->key_len << NFP_FL_LW_SIZ, act = meta->act_len << NFP_FL_LW_SIZ;
	u32 ctx = be32_to_cpu(meta->host_ctx_id);
	struct model_rule *r;

	if (ctx >= RULES || meta->key_len != meta->mask_len || key > KEY_BYTES ||
	    act > NFP_FL_MAX_A_SIZ || len != 2 * key + act || rules[ctx].used)
		return false;
	r = &rules[ctx];
	memset(r, 0, sizeof(*r));
	memcpy(r->key, data, key);
	memcpy(r->mask, data + key, key);
	memcpy(r->act, data + 2 * key, act);
	r->key_len = key;
	r->act_len = act;
	r->used = true;
	in_card++;
	added++;

	return true;
}

static bool del_rule(const struct nfp_fl_rule_metadata *meta)
{
	u32 ctx = be32_to_cpu(meta->host_ctx_id);

	if (ctx >= RULES || !rules[ctx].used)
		return false;
	rules[ctx].used = false;
	in_card--;
	deleted++;

	return true;
}

/* The driver sends a message to the card. */
bool nfp_ctrl_tx(struct nfp_net *nn, struct sk_buff *skb)
{
	const struct nfp_flower_cmsg_hdr *hdr = (const void *)skb->data;
	const struct nfp_fl_rule_metadata *meta = nfp_flower_cmsg_get_data(skb);
	int len = nfp_flower_cmsg_get_data_len(skb) - (int)sizeof(*meta);
	bool fine = false;

	spin_lock_bh(&rules_lock);
	if (len >= 0 && hdr->version == NFP_FLOWER_CMSG_VER1) {
		if (hdr->type == NFP_FLOWER_CMSG_TYPE_FLOW_ADD)
			fine = add_rule(meta, (const u8 *)(meta + 1), len);
		else if (hdr->type == NFP_FLOWER_CMSG_TYPE_FLOW_DEL)
			fine = del_rule(meta);
	}
	if (!fine)
		broken++;
	spin_unlock_bh(&rules_lock);
	kfree_skb(skb);

	return false;
}

/* ---- what the firmware does with a frame ---- */

static u32 port_id(int port)
{
	return nfp_flower_cmsg_phys_port(port + 1);
}

/* A layer of the frame's key, at the place where the rule's key has its own. */
static void *layer(u8 **at, size_t size)
{
	void *here = *at;

	*at += size;

	return here;
}

static u8 flags_of(const struct nfd_frame *f)
{
	return (f->tcp_flags & TCPHDR_URG ? NFP_FL_TCP_FLAG_URG : 0) |
	       (f->tcp_flags & TCPHDR_PSH ? NFP_FL_TCP_FLAG_PSH : 0) |
	       (f->tcp_flags & TCPHDR_RST ? NFP_FL_TCP_FLAG_RST : 0) |
	       (f->tcp_flags & TCPHDR_SYN ? NFP_FL_TCP_FLAG_SYN : 0) |
	       (f->tcp_flags & TCPHDR_FIN ? NFP_FL_TCP_FLAG_FIN : 0);
}

static void ip_ext(struct nfp_flower_ip_ext *x, const struct nfd_frame *f)
{
	x->tos = f->tos;
	x->proto = f->proto;
	x->ttl = f->ttl;
	x->flags = flags_of(f);
}

static __be16 tci_of(const struct nfd_frame *f, int tag)
{
	return tag < f->tags ? f->vid[tag] | htons(NFP_FLOWER_MASK_VLAN_PRESENT) : 0;
}

static void key_ip(u8 **at, u8 layers, const struct nfd_frame *f)
{
	struct nfp_flower_ipv4 *ip4;
	struct nfp_flower_ipv6 *ip6;

	if (layers & NFP_FLOWER_LAYER_IPV4) {
		ip4 = layer(at, sizeof(*ip4));
		ip_ext(&ip4->ip_ext, f);
		ip4->ipv4_src = f->src[0];
		ip4->ipv4_dst = f->dst[0];
	}
	if (layers & NFP_FLOWER_LAYER_IPV6) {
		ip6 = layer(at, sizeof(*ip6));
		ip_ext(&ip6->ip_ext, f);
		memcpy(&ip6->ipv6_src, f->src, sizeof(ip6->ipv6_src));
		memcpy(&ip6->ipv6_dst, f->dst, sizeof(ip6->ipv6_dst));
	}
}

/* The key of a frame in the layers of a rule. Return: its length, 0: layers that are unknown. */
static u32 key_of(u8 *key, const struct model_rule *r, int port, const struct nfd_frame *f)
{
	const struct nfp_flower_meta_tci *want = (const void *)r->key;
	struct nfp_flower_meta_tci *meta = (void *)key;
	struct nfp_flower_tp_ports *tp;
	struct nfp_flower_ext_meta *ext;
	struct nfp_flower_mac_mpls *mac;
	u8 layers = want->nfp_flow_key_layer, *at = key;
	struct nfp_flower_vlan *vlan;
	u32 two = 0;

	memset(key, 0, KEY_BYTES);
	layer(&at, sizeof(*meta));
	*meta = *want;
	meta->tci = tci_of(f, 0);
	if (layers & NFP_FLOWER_LAYER_EXT_META) {
		ext = layer(&at, sizeof(*ext));
		*ext = *(const struct nfp_flower_ext_meta *)(want + 1);
		two = be32_to_cpu(ext->nfp_flow_key_layer2);
	}
	if (layers & (NFP_FLOWER_LAYER_CT | NFP_FLOWER_LAYER_VXLAN) ||
	    two & ~NFP_FLOWER_LAYER2_QINQ ||
	    !!(layers & NFP_FLOWER_LAYER_IPV6) != f->v6 ||
	    !!(layers & NFP_FLOWER_LAYER_IPV4) == f->v6)
		return 0;
	*(__be32 *)layer(&at, sizeof(__be32)) = cpu_to_be32(port_id(port));
	if (layers & NFP_FLOWER_LAYER_MAC) {
		mac = layer(&at, sizeof(*mac));
		memcpy(mac, f->eth, sizeof(f->eth));
	}
	if (layers & NFP_FLOWER_LAYER_TP) {
		tp = layer(&at, sizeof(*tp));
		tp->port_src = f->sport;
		tp->port_dst = f->dport;
	}
	key_ip(&at, layers, f);
	if (two & NFP_FLOWER_LAYER2_QINQ) {
		vlan = layer(&at, sizeof(*vlan));
		vlan->outer_tpid = f->tpid[0];
		vlan->outer_tci = tci_of(f, 0);
		vlan->inner_tpid = f->tpid[1];
		vlan->inner_tci = tci_of(f, 1);
	}

	return at - key;
}

static bool rule_hits(const struct model_rule *r, int port, const struct nfd_frame *f)
{
	u8 key[KEY_BYTES];
	u32 i;

	if (key_of(key, r, port, f) != r->key_len)
		return false;
	for (i = 0; i < r->key_len; i++)
		if ((key[i] ^ r->key[i]) & r->mask[i])
			return false;

	return true;
}

static void set(void *to, const void *val, const void *mask, u32 len)
{
	const u8 *v = val, *m = mask;
	u8 *t = to;
	u32 i;

	for (i = 0; i < len; i++)
		t[i] = (t[i] & ~m[i]) | (v[i] & m[i]);
}

static void set_addr6(__be32 *to, const struct nfp_fl_set_ipv6_addr *a)
{
	int i;

	for (i = 0; i < 4; i++)
		to[i] = (to[i] & ~a->ipv6[i].mask) | a->ipv6[i].exact;
}

static bool push_tag(struct nfd_frame *now, const struct nfp_fl_push_vlan *a)
{
	if (now->tags == NFD_TAGS)
		return false;
	now->tpid[1] = now->tpid[0];
	now->vid[1] = now->vid[0];
	now->tpid[0] = a->vlan_tpid;
	now->vid[0] = a->vlan_tci & htons(VLAN_VID_MASK);
	now->tags++;

	return true;
}

static bool pop_tag(struct nfd_frame *now)
{
	if (!now->tags)
		return false;
	now->tpid[0] = now->tpid[1];
	now->vid[0] = now->vid[1];
	now->tpid[1] = 0;
	now->vid[1] = 0;
	now->tags--;

	return true;
}

/* Return: whether the action is one that the model knows and the frame can take. */
static bool act_on(struct nfd_frame *now, const struct nfp_fl_act_head *a)
{
	const struct nfp_fl_set_ipv6_tc_hl_fl *hl = (const void *)a;
	const struct nfp_fl_set_ip4_ttl_tos *ttl = (const void *)a;
	const struct nfp_fl_set_ip4_addrs *ip4 = (const void *)a;
	const struct nfp_fl_set_tport *tp = (const void *)a;
	const struct nfp_fl_set_eth *eth = (const void *)a;
	u8 l4[4];

	switch (a->jump_id) {
	case NFP_FL_ACTION_OPCODE_SET_ETHERNET:
		set(now->eth, eth->eth_addr_val, eth->eth_addr_mask, sizeof(now->eth));
		return true;
	case NFP_FL_ACTION_OPCODE_SET_IPV4_ADDRS:
		set(now->src, &ip4->ipv4_src, &ip4->ipv4_src_mask, 4);
		set(now->dst, &ip4->ipv4_dst, &ip4->ipv4_dst_mask, 4);
		return !now->v6;
	case NFP_FL_ACTION_OPCODE_SET_IPV4_TTL_TOS:
		set(&now->ttl, &ttl->ipv4_ttl, &ttl->ipv4_ttl_mask, 1);
		set(&now->tos, &ttl->ipv4_tos, &ttl->ipv4_tos_mask, 1);
		return !now->v6;
	case NFP_FL_ACTION_OPCODE_SET_IPV6_SRC:
		set_addr6(now->src, (const void *)a);
		return now->v6;
	case NFP_FL_ACTION_OPCODE_SET_IPV6_DST:
		set_addr6(now->dst, (const void *)a);
		return now->v6;
	case NFP_FL_ACTION_OPCODE_SET_IPV6_TC_HL_FL:
		set(&now->ttl, &hl->ipv6_hop_limit, &hl->ipv6_hop_limit_mask, 1);
		return now->v6 && !hl->ipv6_tc_mask && !hl->ipv6_label_mask;
	case NFP_FL_ACTION_OPCODE_SET_UDP:
	case NFP_FL_ACTION_OPCODE_SET_TCP:
		memcpy(l4, &now->sport, 2);
		memcpy(l4 + 2, &now->dport, 2);
		set(l4, tp->tp_port_val, tp->tp_port_mask, 4);
		memcpy(&now->sport, l4, 2);
		memcpy(&now->dport, l4 + 2, 2);
		return now->proto == (a->jump_id == NFP_FL_ACTION_OPCODE_SET_TCP ? IPPROTO_TCP :
										   IPPROTO_UDP);
	case NFP_FL_ACTION_OPCODE_PUSH_VLAN:
		return push_tag(now, (const void *)a);
	case NFP_FL_ACTION_OPCODE_POP_VLAN:
		return pop_tag(now);
	}

	return false;
}

/* Return: the port that the frame leaves by, or -1. */
static int carry_out(const struct model_rule *r, struct nfd_frame *now)
{
	const struct nfp_fl_output *o;
	const struct nfp_fl_act_head *a;
	u32 at, len;

	for (at = 0; at < r->act_len; at += len) {
		a = (const void *)(r->act + at);
		len = a->len_lw << NFP_FL_LW_SIZ;
		if (!len || at + len > r->act_len)
			return -1;
		if (a->jump_id == NFP_FL_ACTION_OPCODE_OUTPUT) {
			o = (const void *)a;
			if (!(be16_to_cpu(o->flags) & NFP_FL_OUT_FLAGS_LAST))
				return -1;
			return be32_to_cpu(o->port) == port_id(0) ? 0 :
			       be32_to_cpu(o->port) == port_id(1) ? 1 : -1;
		}
		if (!act_on(now, a))
			return -1;
	}

	return -1;
}

static enum nfd_verdict model_frame(int port, struct sk_buff *skb, const struct nfd_frame *f,
				    struct nfd_frame *now, int *out)
{
	enum nfd_verdict verdict = NFD_HOST;
	int i, left = in_card;

	if (f->pppoe)
		return NFD_HOST;
	spin_lock(&rules_lock);
	for (i = RULES - 1; i >= 0 && left; i--) {
		if (!rules[i].used)
			continue;
		left--;
		if (!rule_hits(&rules[i], port, f))
			continue;
		*out = carry_out(&rules[i], now);
		verdict = *out < 0 ? NFD_DROP : NFD_FORWARD;
		rules[i].packets++;
		rules[i].bytes += skb->len;
		break;
	}
	spin_unlock(&rules_lock);

	return verdict;
}

/* ---- counters: a message of the card with all that have moved ---- */

static struct sk_buff *counters(void)
{
	struct nfp_fl_stats_frame *s;
	struct sk_buff *skb;
	int i;

	skb = nfp_flower_cmsg_alloc(&app, 128 * sizeof(*s), NFP_FLOWER_CMSG_TYPE_FLOW_STATS,
				    GFP_KERNEL);
	if (!skb)
		return NULL;
	s = nfp_flower_cmsg_get_data(skb);
	skb_trim(skb, NFP_FLOWER_CMSG_HLEN);
	spin_lock_bh(&rules_lock);
	for (i = 0; i < RULES && skb->len < 100 * sizeof(*s); i++) {
		if (!rules[i].used || !rules[i].packets)
			continue;
		memset(s, 0, sizeof(*s));
		s->stats_con_id = cpu_to_be32(i);
		s->pkt_count = cpu_to_be32(rules[i].packets);
		s->byte_count = cpu_to_be64(rules[i].bytes);
		rules[i].packets = 0;
		rules[i].bytes = 0;
		skb_put(skb, sizeof(*s));
		s++;
	}
	spin_unlock_bh(&rules_lock);

	return skb;
}

static void report(struct work_struct *work);
static DECLARE_DELAYED_WORK(report_work, report);

static void report(struct work_struct *work)
{
	struct sk_buff *skb = counters();

	if (skb) {
		local_bh_disable();
		nfp_flower_rx_flow_stats(&app, skb);
		local_bh_enable();
		kfree_skb(skb);
	}
	schedule_delayed_work(&report_work, HZ / 2);
}

/* ---- what the rest of the driver does ---- */

bool is_pre_ct_flow(struct flow_cls_offload *flow)
{
	return false;
}

bool is_post_ct_flow(struct flow_cls_offload *flow)
{
	return false;
}

void nfp_check_rhashtable_empty(void *ptr, void *arg)
{
	broken++;
}

u32 nfp_flower_get_port_id_from_netdev(struct nfp_app *a, struct net_device *netdev)
{
	return nfp_netdev_is_nfp_repr(netdev) ? nfp_repr_get_port_id(netdev) : 0;
}

int nfp_cpp_serial(struct nfp_cpp *cpp, const u8 **serial)
{
	static const u8 number[] = { 0, 1, 2, 3, 4, 5 };

	*serial = number;

	return sizeof(number);
}

static const struct ethtool_ops model_ethtool_ops = {
	.get_drvinfo	= nfd_drvinfo,
};

const struct net_device_ops nfp_repr_netdev_ops = {
	.ndo_start_xmit		= nfd_xmit,
	.ndo_setup_tc		= nfp_port_setup_tc,
	.ndo_set_features	= nfp_port_set_features,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_get_port_parent_id	= nfp_port_get_port_parent_id,
};

static const struct nfp_app_type model_app_type = {
	.id		= NFP_APP_FLOWER_NIC,
	.name		= "flower",
	.setup_tc	= nfp_flower_setup_tc,
};

static void model_gone(struct net_device *host)
{
	struct nfp_repr *repr = netdev_priv(host);

	if (repr->dst)
		dst_release(&repr->dst->dst);
}

static const struct nfd_model model = {
	.driver		= "nfp",
	.host		= "nfp",
	.wire		= "nfpw",
	.priv		= sizeof(struct nfp_repr),
	.ops		= &nfp_repr_netdev_ops,
	.ethtool	= &model_ethtool_ops,
	.gone		= model_gone,
	.frame		= model_frame,
};

static int make_port(int i)
{
	struct net_device *host = nfd_host(i);
	struct nfp_repr *repr = netdev_priv(host);

	repr->netdev = host;
	repr->app = &app;
	repr->app_priv = &repr_priv[i];
	repr->port = &ports[i];
	repr_priv[i].nfp_repr = repr;
	ports[i].netdev = host;
	ports[i].app = &app;
	ports[i].type = NFP_PORT_PHYS_PORT;
	repr->dst = metadata_dst_alloc(0, METADATA_HW_PORT_MUX, GFP_KERNEL);
	if (!repr->dst)
		return -ENOMEM;
	repr->dst->u.port_info.port_id = port_id(i);

	return register_netdev(host);
}

static int card_up(void)
{
	rules = vzalloc(array_size(RULES, sizeof(*rules)));
	if (!rules)
		return -ENOMEM;
	app.type = &model_app_type;
	app.priv = &priv;
	priv.app = &app;
	priv.flower_ext_feats = NFP_FL_FEATS_VLAN_PCP | NFP_FL_FEATS_FLOW_MOD |
				NFP_FL_FEATS_VLAN_QINQ;
	priv.total_mem_units = 1;
	priv.stats_ring_size = RULES;
	INIT_LIST_HEAD(&priv.indr_block_cb_priv);
	INIT_LIST_HEAD(&priv.non_repr_priv);

	return nfp_flower_metadata_init(&app, RULES, 1);
}

/* Messages: rules added, deleted, messages that make no sense; rules in the card, in the driver. */
static int calls_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lu %lu %lu %d %d\n", added, deleted, broken, in_card,
			  atomic_read(&priv.flow_table.nelems));
}

static const struct kernel_param_ops calls_ops = { .get = calls_get };
module_param_cb(calls, &calls_ops, NULL, 0444);

static int __init model_init(void)
{
	int i, err;

	pdev = platform_device_register_simple("nfo_nfp", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = card_up();
	if (err)
		goto err_device;
	err = nfd_ports_make(&model, &pdev->dev);
	for (i = 0; i < NFD_PORTS && !err; i++)
		err = make_port(i);
	if (err)
		goto err_ports;
	schedule_delayed_work(&report_work, HZ / 2);

	return 0;

err_ports:
	nfd_ports_free();
	nfp_flower_metadata_cleanup(&app);
err_device:
	vfree(rules);
	platform_device_unregister(pdev);
	return err;
}

static void __exit model_exit(void)
{
	nfd_ports_free();
	cancel_delayed_work_sync(&report_work);
	nfp_flower_metadata_cleanup(&app);
	vfree(rules);
	platform_device_unregister(pdev);
}

module_init(model_init);
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("nf_flow_offload tests: nfp's code for flower around a model of its firmware");
