// SPDX-License-Identifier: GPL-2.0
/*
 * From flow_rule to what the chip executes, or a sentence why not.
 */
#include <linux/ip.h>
#include <linux/tc_act/tc_csum.h>
#include <net/flow_dissector.h>
#include <net/pkt_cls.h>
#include "nfo_compat.h"
#include "hwsim.h"

#define refuse(extack, text) ({ NL_SET_ERR_MSG_MOD(extack, text); -EOPNOTSUPP; })

#define KEY(name) BIT_ULL(FLOW_DISSECTOR_KEY_##name)

#define KNOWN_KEYS (KEY(META) | KEY(CONTROL) | KEY(BASIC) | KEY(ETH_ADDRS) | KEY(VLAN) | \
		    KEY(CVLAN) | KEY(IPV4_ADDRS) | KEY(IPV6_ADDRS) | KEY(PORTS) | KEY(TCP) | \
		    KEY(IP))

#define KNOWN_FRAG (FLOW_DIS_IS_FRAGMENT | FLOW_DIS_FIRST_FRAG)

#define KEY_ALL(bits, field) memset(&(bits)->field, 0xff, sizeof((bits)->field))

static u8 frag_bits(u32 flags)
{
	return (flags & FLOW_DIS_IS_FRAGMENT ? HWSIM_FRAG_ANY : 0) |
	       (flags & FLOW_DIS_FIRST_FRAG ? HWSIM_FRAG_FIRST : 0);
}

static int match_port(struct hwsim_rule *r, struct hwsim_key *bits, struct hwsim_port *port,
		      const struct flow_rule *rule, struct netlink_ext_ack *extack)
{
	struct flow_match_meta m;
	int in = port->index;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_META)) {
		flow_rule_match_meta(rule, &m);
		if (m.mask->ingress_iftype ||
		    (m.mask->ingress_ifindex && m.mask->ingress_ifindex != -1))
			return refuse(extack, "Only the whole ingress interface index can be matched");
		if (m.mask->ingress_ifindex) {
			in = hwsim_port_by_ifindex(port, m.key->ingress_ifindex);
			if (in < 0)
				return refuse(extack, "Ingress device is not a port of this chip");
			if (r->via == HWSIM_BLOCK && in != port->index)
				return refuse(extack, "Ingress device is not the one the block is bound to");
		} else if (r->via == HWSIM_FT) {
			return refuse(extack, "Ingress device is missing from the match");
		}
	} else if (r->via == HWSIM_FT) {
		return refuse(extack, "Ingress device is missing from the match");
	}
	r->key.in_port = in;
	KEY_ALL(bits, in_port);
	return 0;
}

static int match_l2(struct hwsim_chip *c, struct hwsim_rule *r, struct hwsim_key *bits,
		    const struct flow_rule *rule, struct netlink_ext_ack *extack)
{
	struct hwsim_key *key = &r->key;
	struct flow_match_eth_addrs eth;
	struct flow_match_basic basic;
	struct flow_match_vlan vlan;
	int i, tags = 0;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_ETH_ADDRS)) {
		flow_rule_match_eth_addrs(rule, &eth);
		ether_addr_copy(key->eth_dst, eth.key->dst);
		ether_addr_copy(key->eth_src, eth.key->src);
		ether_addr_copy(bits->eth_dst, eth.mask->dst);
		ether_addr_copy(bits->eth_src, eth.mask->src);
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_BASIC)) {
		flow_rule_match_basic(rule, &basic);
		key->n_proto = basic.key->n_proto;
		bits->n_proto = basic.mask->n_proto;
		key->ip_proto = basic.key->ip_proto;
		bits->ip_proto = basic.mask->ip_proto;
	}

	for (i = 0; i < HWSIM_TAGS; i++) {
		if (!flow_rule_match_key(rule, i ? FLOW_DISSECTOR_KEY_CVLAN :
						   FLOW_DISSECTOR_KEY_VLAN))
			continue;
		if (i)
			flow_rule_match_cvlan(rule, &vlan);
		else
			flow_rule_match_vlan(rule, &vlan);
		if (i != tags)
			return refuse(extack, "An inner VLAN tag is matched without the outer one");
		if (vlan.mask->vlan_dei)
			return refuse(extack, "VLAN DEI can't be matched");
		tags++;
		key->tpid[i] = vlan.key->vlan_tpid;
		bits->tpid[i] = vlan.mask->vlan_tpid;
		key->next[i] = vlan.key->vlan_eth_type;
		bits->next[i] = vlan.mask->vlan_eth_type;
		key->tci[i] = htons(vlan.key->vlan_id | vlan.key->vlan_priority << VLAN_PRIO_SHIFT);
		bits->tci[i] = htons(vlan.mask->vlan_id |
				     vlan.mask->vlan_priority << VLAN_PRIO_SHIFT);
	}
	if (tags && !c->feature[HWSIM_F_VLAN])
		return refuse(extack, "VLAN is switched off");
	if (tags > 1 && !c->feature[HWSIM_F_QINQ])
		return refuse(extack, "QinQ is switched off");

	/* A rule about untagged frames must not take tagged ones. */
	key->tags = tags;
	if (tags || bits->n_proto)
		KEY_ALL(bits, tags);
	/* PPPoE is seen through by the routing engine alone. */
	if (r->via == HWSIM_BLOCK || !c->feature[HWSIM_F_PPPOE])
		KEY_ALL(bits, pppoe);
	return 0;
}

static int match_l3(struct hwsim_chip *c, struct hwsim_rule *r, struct hwsim_key *bits,
		    const struct flow_rule *rule, struct netlink_ext_ack *extack)
{
	struct hwsim_key *key = &r->key;
	struct flow_match_ipv4_addrs v4;
	struct flow_match_ipv6_addrs v6;
	struct flow_match_control ctl;
	struct flow_match_ip ip;
	u16 addr_type = 0;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CONTROL)) {
		flow_rule_match_control(rule, &ctl);
		addr_type = ctl.key->addr_type;
		if (ctl.mask->flags & ~(u32)KNOWN_FRAG)
			return refuse(extack, "Control flags other than those of fragments can't be matched");
		if (ctl.mask->flags && !c->feature[HWSIM_F_FRAG])
			return refuse(extack, "Matching on fragments is switched off");
		key->frag = frag_bits(ctl.key->flags);
		bits->frag = frag_bits(ctl.mask->flags);
	}

	switch (addr_type) {
	case 0:
		break;
	case FLOW_DISSECTOR_KEY_IPV4_ADDRS:
		if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV4_ADDRS))
			return refuse(extack, "IPv4 addresses are announced and missing");
		flow_rule_match_ipv4_addrs(rule, &v4);
		key->src[0] = v4.key->src;
		key->dst[0] = v4.key->dst;
		bits->src[0] = v4.mask->src;
		bits->dst[0] = v4.mask->dst;
		break;
	case FLOW_DISSECTOR_KEY_IPV6_ADDRS:
		if (!flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPV6_ADDRS))
			return refuse(extack, "IPv6 addresses are announced and missing");
		flow_rule_match_ipv6_addrs(rule, &v6);
		memcpy(key->src, &v6.key->src, sizeof(key->src));
		memcpy(key->dst, &v6.key->dst, sizeof(key->dst));
		memcpy(bits->src, &v6.mask->src, sizeof(bits->src));
		memcpy(bits->dst, &v6.mask->dst, sizeof(bits->dst));
		break;
	default:
		return refuse(extack, "Unknown address type");
	}
	if (addr_type) {
		key->addr_type = addr_type;
		KEY_ALL(bits, addr_type);
	}
	if ((addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS ||
	     (bits->n_proto && key->n_proto == htons(ETH_P_IPV6))) &&
	    !c->feature[HWSIM_F_IPV6])
		return refuse(extack, "IPv6 is switched off");

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IP)) {
		flow_rule_match_ip(rule, &ip);
		key->tos = ip.key->tos;
		key->ttl = ip.key->ttl;
		bits->tos = ip.mask->tos;
		bits->ttl = ip.mask->ttl;
	}
	return 0;
}

static int match_l4(struct hwsim_chip *c, struct hwsim_rule *r, struct hwsim_key *bits,
		    const struct flow_rule *rule, struct netlink_ext_ack *extack)
{
	struct hwsim_key *key = &r->key;
	struct flow_match_ports ports;
	struct flow_match_tcp tcp;

	if (bits->ip_proto) {
		if (bits->ip_proto != 0xff ||
		    (key->ip_proto != IPPROTO_TCP && key->ip_proto != IPPROTO_UDP))
			return refuse(extack, "Only TCP and UDP can be matched");
		if (key->ip_proto == IPPROTO_TCP && !c->feature[HWSIM_F_TCP])
			return refuse(extack, "TCP is switched off");
		if (key->ip_proto == IPPROTO_UDP && !c->feature[HWSIM_F_UDP])
			return refuse(extack, "UDP is switched off");
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PORTS)) {
		if (!bits->ip_proto)
			return refuse(extack, "Ports can't be matched without TCP or UDP");
		flow_rule_match_ports(rule, &ports);
		key->sport = ports.key->src;
		key->dport = ports.key->dst;
		bits->sport = ports.mask->src;
		bits->dport = ports.mask->dst;
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_TCP)) {
		if (!bits->ip_proto || key->ip_proto != IPPROTO_TCP)
			return refuse(extack, "TCP flags can't be matched without TCP");
		flow_rule_match_tcp(rule, &tcp);
		key->tcp_flags = tcp.key->flags;
		bits->tcp_flags = tcp.mask->flags;
	}
	return 0;
}

/* The routing engine's table is one of connections. */
static int match_complete(const struct hwsim_rule *r, const struct hwsim_key *bits,
			  struct netlink_ext_ack *extack)
{
	if (r->via != HWSIM_FT)
		return 0;
	if (!bits->addr_type)
		return refuse(extack, "Addresses are missing from the match");
	if (!bits->ip_proto)
		return refuse(extack, "TCP or UDP is missing from the match");
	if (bits->sport != htons(0xffff) || bits->dport != htons(0xffff))
		return refuse(extack, "Ports are missing from the match");
	return 0;
}

/* Where one header's bytes may be rewritten. */
struct span { u8 from, to; enum hwsim_feature feature; };

static const struct span eth_spans[] = { { 0, 11, HWSIM_FEATURES } };

static const struct span ip4_spans[] = {
	{ 1, 1, HWSIM_FEATURES }, { 8, 8, HWSIM_F_TTL }, { 12, 19, HWSIM_F_NAT },
};

static const struct span ip6_spans[] = {
	{ 0, 1, HWSIM_FEATURES }, { 7, 7, HWSIM_F_TTL }, { 8, 39, HWSIM_F_NAT },
};

static const struct span l4_spans[] = { { 0, 3, HWSIM_F_NAT } };

static int may_rewrite(struct hwsim_chip *c, const struct span *s, int n, u32 offset,
		       struct netlink_ext_ack *extack)
{
	for (; n; n--, s++) {
		if (offset < s->from || offset > s->to)
			continue;
		if (s->feature == HWSIM_FEATURES || c->feature[s->feature])
			return 0;
		if (s->feature == HWSIM_F_TTL)
			return refuse(extack, "Rewriting TTL or hop limit is switched off");
		return refuse(extack, "NAT is switched off");
	}
	return refuse(extack, "This byte of the header can't be rewritten");
}

/* Both FLOW_ACTION_MANGLE and FLOW_ACTION_ADD: a word of memory at an offset. */
static int act_mangle(struct hwsim_chip *c, struct hwsim_rule *r, const struct hwsim_key *bits,
		      const struct flow_action_entry *e, struct netlink_ext_ack *extack)
{
	bool v4 = bits->n_proto && r->key.n_proto == htons(ETH_P_IP);
	bool v6 = bits->n_proto && r->key.n_proto == htons(ETH_P_IPV6);
	const struct span *spans;
	u8 keep[4], val[4], *mask, *to, change;
	u32 offset = e->mangle.offset;
	int i, n, ttl, size, err;

	memcpy(keep, &e->mangle.mask, 4);
	memcpy(val, &e->mangle.val, 4);
	ttl = -1;
	switch (e->mangle.htype) {
	case FLOW_ACT_MANGLE_HDR_TYPE_ETH:
		spans = eth_spans;
		n = ARRAY_SIZE(eth_spans);
		mask = r->act.eth.mask;
		to = r->act.eth.val;
		size = sizeof(r->act.eth.val);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP4:
		if (!v4)
			return refuse(extack, "IPv4 is rewritten and not matched");
		spans = ip4_spans;
		n = ARRAY_SIZE(ip4_spans);
		mask = r->act.l3.mask;
		to = r->act.l3.val;
		size = sizeof(struct iphdr);
		ttl = offsetof(struct iphdr, ttl);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_IP6:
		if (!v6)
			return refuse(extack, "IPv6 is rewritten and not matched");
		spans = ip6_spans;
		n = ARRAY_SIZE(ip6_spans);
		mask = r->act.l3.mask;
		to = r->act.l3.val;
		size = sizeof(struct ipv6hdr);
		ttl = offsetof(struct ipv6hdr, hop_limit);
		break;
	case FLOW_ACT_MANGLE_HDR_TYPE_TCP:
	case FLOW_ACT_MANGLE_HDR_TYPE_UDP:
		if (!bits->ip_proto || r->key.ip_proto !=
		    (e->mangle.htype == FLOW_ACT_MANGLE_HDR_TYPE_TCP ? IPPROTO_TCP : IPPROTO_UDP))
			return refuse(extack, "A transport header is rewritten and not matched");
		spans = l4_spans;
		n = ARRAY_SIZE(l4_spans);
		mask = r->act.l4.mask;
		to = r->act.l4.val;
		size = sizeof(r->act.l4.val);
		break;
	default:
		return refuse(extack, "Unknown header to rewrite");
	}

	for (i = 0; i < 4; i++) {
		change = ~keep[i];
		if (val[i] & keep[i])
			return refuse(extack, "A rewrite has value bits outside its mask");
		if (!change)
			continue;
		if (offset > size || offset + i >= size)
			return refuse(extack, "A rewrite reaches beyond the header");
		err = may_rewrite(c, spans, n, offset + i, extack);
		if (err)
			return err;
		if (offset + i == ttl && r->via == HWSIM_FT && !c->mode[HWSIM_M_KEEP_TTL])
			return refuse(extack, "TTL is decremented unasked, it can't be rewritten");
		if (e->id == FLOW_ACTION_ADD && c->mode[HWSIM_M_NO_ADD])
			return refuse(extack, "Nothing can be added to");
		if (e->id == FLOW_ACTION_ADD) {
			if (offset + i != ttl || change != 0xff || val[i] != 0xff)
				return refuse(extack, "Only a TTL or hop limit can be added to, and only -1");
			r->act.ttl_dec++;
			continue;
		}
		mask[offset + i] |= change;
		to[offset + i] = (to[offset + i] & ~change) | val[i];
	}
	return 0;
}

static int act_push(struct hwsim_chip *c, struct hwsim_rule *r, const struct flow_action_entry *e,
		    struct netlink_ext_ack *extack)
{
	struct hwsim_actions *a = &r->act;
	int at;

	if (!c->feature[HWSIM_F_VLAN])
		return refuse(extack, "VLAN is switched off");
	if (a->pushes + r->key.tags - a->pops == HWSIM_TAGS)
		return refuse(extack, "No room for another VLAN tag");
	if (a->pushes + r->key.tags - a->pops && !c->feature[HWSIM_F_QINQ])
		return refuse(extack, "QinQ is switched off");
	if (!eth_type_vlan(e->vlan.proto) || e->vlan.vid >= VLAN_N_VID ||
	    (r->via == HWSIM_FT && e->vlan.proto != htons(ETH_P_8021Q)))
		return refuse(extack, "This VLAN tag can't be pushed");

	at = a->pushes;
	if (r->via == HWSIM_BLOCK) {
		memmove(&a->push[1], &a->push[0], sizeof(a->push[0]) * at);
		at = 0;
	}
	a->push[at].tpid = e->vlan.proto;
	a->push[at].tci = e->vlan.vid | e->vlan.prio << VLAN_PRIO_SHIFT;
	a->pushes++;
	return 0;
}

/* The outermost tag as it is at this point; one that stays is popped and pushed. */
static int act_vlan_mangle(struct hwsim_chip *c, struct hwsim_rule *r,
			   const struct flow_action_entry *e, struct netlink_ext_ack *extack)
{
	struct hwsim_actions *a = &r->act;

	if (!a->pushes) {
		if (a->pops == r->key.tags)
			return refuse(extack, "No VLAN tag to modify");
		a->pops++;
		return act_push(c, r, e, extack);
	}
	a->push[0].tpid = e->vlan.proto;
	a->push[0].tci = e->vlan.vid | e->vlan.prio << VLAN_PRIO_SHIFT;
	return 0;
}

/*
 * The routing engine takes a popped tag for granted where none is matched: mainline's
 * flowtable fills in the VLAN key and never says that it is used.
 */
static int act_pop(struct hwsim_chip *c, struct hwsim_rule *r, struct netlink_ext_ack *extack)
{
	struct hwsim_actions *a = &r->act;

	if (a->pushes)
		return refuse(extack, "A VLAN tag is popped after one was pushed");
	if (a->pops == r->key.tags) {
		if (r->via == HWSIM_BLOCK || r->key.tags == HWSIM_TAGS)
			return refuse(extack, "A VLAN tag is popped and not matched");
		if (!c->feature[HWSIM_F_VLAN])
			return refuse(extack, "VLAN is switched off");
		if (r->key.tags && !c->feature[HWSIM_F_QINQ])
			return refuse(extack, "QinQ is switched off");
		r->key.tags++;
	}
	a->pops++;
	return 0;
}

static int act_pppoe(struct hwsim_chip *c, struct hwsim_rule *r, const struct flow_action_entry *e,
		     struct netlink_ext_ack *extack)
{
	struct hwsim_actions *a = &r->act;

	if (!c->feature[HWSIM_F_PPPOE])
		return refuse(extack, "PPPoE is switched off");
	if (a->pppoe)
		return refuse(extack, "A second PPPoE header");
	if (r->via == HWSIM_BLOCK && (a->pushes || r->key.tags != a->pops))
		return refuse(extack, "A PPPoE header outside of VLAN tags");
	a->pppoe = true;
	a->sid = nfo_flow_action_pppoe(e);
	return 0;
}

static int act_csum(struct hwsim_rule *r, u32 flags, struct netlink_ext_ack *extack)
{
	if (flags & ~(TCA_CSUM_UPDATE_FLAG_IPV4HDR | TCA_CSUM_UPDATE_FLAG_TCP |
		      TCA_CSUM_UPDATE_FLAG_UDP))
		return refuse(extack, "Only checksums of IPv4, TCP and UDP can be corrected");
	if (flags & TCA_CSUM_UPDATE_FLAG_IPV4HDR)
		r->act.csum |= HWSIM_CSUM_IP;
	if ((r->key.ip_proto == IPPROTO_TCP && flags & TCA_CSUM_UPDATE_FLAG_TCP) ||
	    (r->key.ip_proto == IPPROTO_UDP && flags & TCA_CSUM_UPDATE_FLAG_UDP))
		r->act.csum |= HWSIM_CSUM_L4;
	return 0;
}

static int act_redirect(struct hwsim_chip *c, struct hwsim_rule *r, const struct net_device *dev,
			struct netlink_ext_ack *extack)
{
	int out = dev ? hwsim_port_index(c, dev) : -1;

	if (out < 0)
		return refuse(extack, "Egress device is not a port of this chip");
	if (out == r->key.in_port)
		return refuse(extack, "Egress port is the ingress port");
	r->act.out_port = out;
	return 0;
}

static int parse_actions(struct hwsim_chip *c, struct hwsim_rule *r, const struct hwsim_key *bits,
			 const struct flow_action *action, struct netlink_ext_ack *extack)
{
	const struct flow_action_entry *e;
	bool redirected = false;
	int i, err;

	if (!flow_action_has_entries(action))
		return refuse(extack, "No action");
	if (!flow_action_basic_hw_stats_check(action, extack))
		return -EOPNOTSUPP;

	flow_action_for_each(i, e, action) {
		if (redirected)
			return refuse(extack, "An action after the redirect");
		switch (e->id) {
		case FLOW_ACTION_MANGLE:
		case FLOW_ACTION_ADD:
			err = act_mangle(c, r, bits, e, extack);
			break;
		case FLOW_ACTION_VLAN_PUSH:
			err = act_push(c, r, e, extack);
			break;
		case FLOW_ACTION_VLAN_POP:
			err = act_pop(c, r, extack);
			break;
		case FLOW_ACTION_VLAN_MANGLE:
			err = act_vlan_mangle(c, r, e, extack);
			break;
		case FLOW_ACTION_PPPOE_PUSH:
			err = act_pppoe(c, r, e, extack);
			break;
		case FLOW_ACTION_CSUM:
			err = act_csum(r, e->csum_flags, extack);
			break;
		case FLOW_ACTION_REDIRECT:
			redirected = true;
			err = act_redirect(c, r, e->dev, extack);
			break;
		default:
			err = refuse(extack, "Unknown action");
		}
		if (err)
			return err;
	}
	if (!redirected)
		return refuse(extack, "No redirect to a port");
	return 0;
}

static int ft_actions(const struct hwsim_chip *c, struct hwsim_rule *r,
		      struct netlink_ext_ack *extack)
{
	struct hwsim_actions *a = &r->act;

	if (memchr_inv(a->eth.mask, 0xff, sizeof(a->eth.mask)) ||
	    !is_valid_ether_addr(a->eth.val) || !is_valid_ether_addr(a->eth.val + ETH_ALEN)) {
		NL_SET_ERR_MSG_MOD(extack, "Both Ethernet addresses must be given");
		return -EINVAL;
	}
	if (!c->mode[HWSIM_M_KEEP_TTL])
		a->ttl_dec = 1;
	a->csum = HWSIM_CSUM_IP | HWSIM_CSUM_L4;
	return 0;
}

/**
 * hwsim_rule_parse() - read one rule as this chip does
 * @c:      chip
 * @r:      to be filled; via is given
 * @bits:   which bits of the key count
 * @port:   where the callback was bound
 * @cls:    command with the flow_rule
 * @extack: why not
 *
 * Return: 0, -EOPNOTSUPP, -EINVAL.
 */
int hwsim_rule_parse(struct hwsim_chip *c, struct hwsim_rule *r, struct hwsim_key *bits,
		     struct hwsim_port *port, struct flow_cls_offload *cls,
		     struct netlink_ext_ack *extack)
{
	const struct flow_rule *rule = flow_cls_offload_flow_rule(cls);
	u32 *key = (u32 *)&r->key, *mask = (u32 *)bits;
	int i, err;

	if ((u64)rule->match.dissector->used_keys & ~KNOWN_KEYS)
		return refuse(extack, "Unknown match key");

	err = match_port(r, bits, port, rule, extack) ?:
	      match_l2(c, r, bits, rule, extack) ?:
	      match_l3(c, r, bits, rule, extack) ?:
	      match_l4(c, r, bits, rule, extack) ?:
	      match_complete(r, bits, extack) ?:
	      parse_actions(c, r, bits, &rule->action, extack);
	if (!err && r->via == HWSIM_FT)
		err = ft_actions(c, r, extack);

	/* What nobody looks at must not count in a comparison. */
	for (i = 0; i < sizeof(*bits) / sizeof(u32); i++)
		key[i] &= mask[i];
	return err;
}
