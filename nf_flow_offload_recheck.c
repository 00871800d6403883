// SPDX-License-Identifier: GPL-2.0
/*
 * Rules whose answer changes without a commit: elements of sets time out or are added by packets,
 * a time of day comes, a quota is used up, a connection has had a number of packets. No event
 * announces such a change. While forwarded packets may meet such a rule, each direction of a flow
 * sends one packet the classic way from time to time, and this packet passes the ruleset as it is
 * then. Without such rules no direction does. It does the same while there is a resilient group of
 * next hops: connections there may get another next hop when routing has not seen them for a time.
 *
 * The same scan finds whether a rule of the ruleset or of routing depends on the DSCP, the mark,
 * the priority or the TTL. If one does, what the ruleset did to two values of a direction says
 * nothing about the others.
 *
 * A work item scans the rules after a commit, under RCU, as nf_tables itself does for a dump. It is
 * queued when a flow's packets are next checked, which happens twice a second.
 */
#include <linux/hash.h>
#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_DSCP.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv4/ipt_TTL.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <net/fib_rules.h>
#include <net/inet_ecn.h>
#include <net/netfilter/nf_tables.h>
#include <net/netfilter/nft_meta.h>
#include <net/netlink.h>

#include "nfo_compat.h"
#include "nfo_flow.h"
#include "nfo_pure.h"
#include "nfo_recheck.h"

/* How many flows may pass the ruleset again in a second, for each CPU. With more flows the period
 * is doubled until they are no more than that, at most NFO_RECHECK_DOUBLED times.
 */
#define NFO_RECHECK_RATE	10000
#define NFO_RECHECK_DOUBLED	10

/* Two scans are at least NFO_RECHECK_PAUSE jiffies apart, so that one scan serves many commits.
 * While flows have packets, two scans are at most NFO_RECHECK_HOOKS apart, because rules of
 * iptables' own tables come without a commit.
 */
#define NFO_RECHECK_PAUSE	(HZ / 2)
#define NFO_RECHECK_HOOKS	(10 * HZ)

/**
 * struct nfo_scan - a scan of the rules
 * @dump:   buffer for the dump of an expression, owned by nfo_recheck_work(); the data of most
 *          expressions is private to nf_tables, so their dump is read
 * @varies: a rule was found whose answer changes without a commit
 * @by:     what the answer of a rule depends on, NFO_FIELD_*, NFO_BY_LABEL and NFO_BY_CT_MARK;
 *          NFO_BY_ECN also when a rule writes the ECN bits
 * @family: of the table that is being scanned
 */
struct nfo_scan {
	struct sk_buff	*dump;
	bool		varies;
	u8		by;
	u8		family;
};

/* ---- an expression ---- */

/* Matches of iptables whose answer changes without a commit. */
static const char * const nfo_xt_vary[] = {
	"bpf", "condition", "connbytes", "connlimit", "quota", "quota2", "rateest", "recent",
	"set", "time",
};

/* The target of iptables that adds elements to an ipset or renews their timeout. */
static const char nfo_xt_adds[] = "SET";

/* `TOS --set-tos` without a mask replaces the DSCP whole; with one, and with --or-tos and the like,
 * the rest of the DSCP stays.
 */
static bool nfo_xt_tos_depends(const void *info)
{
	const struct xt_tos_target_info *tos = info;

	return (tos->tos_mask & ~INET_ECN_MASK) != (u8)~INET_ECN_MASK;
}

/* `--set-tos` without a mask sets the ECN bits as well. */
static bool nfo_xt_tos_has_ecn(const void *info)
{
	const struct xt_tos_target_info *tos = info;

	return tos->tos_mask & INET_ECN_MASK;
}

/* The infos of TTL and HL begin with the mode, and the mode to set is the same. */
static bool nfo_xt_ttl_depends(const void *info)
{
	const struct ipt_TTL_info *ttl = info;

	return ttl->mode != IPT_TTL_SET;
}

/* Targets of iptables that give a field a value which may depend on the one that was there, or
 * write the ECN bits.
 * @depends: does it, with what the rule says? NULL: take it that it does.
 */
static const struct {
	const char	*name;
	u8		field;
	bool		(*depends)(const void *info);
} nfo_xt_gives[] = {
	{ "CONNMARK", NFO_FIELD_MARK | NFO_BY_CT_MARK },
	{ "ECN", NFO_BY_ECN },
	{ "HL", NFO_FIELD_TTL, nfo_xt_ttl_depends },
	{ "MARK", NFO_FIELD_MARK },
	{ "TOS", NFO_FIELD_DSCP, nfo_xt_tos_depends },
	{ "TOS", NFO_BY_ECN, nfo_xt_tos_has_ecn },
	{ "TTL", NFO_FIELD_TTL, nfo_xt_ttl_depends },
};

/* Of rules that may look at any field of a packet. */
#define NFO_BY_ALL	(NFO_FIELDS | NFO_BY_ECN | NFO_BY_LABEL | NFO_BY_CT_MARK)

/* Matches of iptables that look at a field. */
static const struct {
	const char	*name;
	u8		field;
} nfo_xt_fields[] = {
	{ "bpf", NFO_BY_ALL }, { "connlabel", NFO_BY_CT_MARK }, { "connmark", NFO_BY_CT_MARK },
	{ "dscp", NFO_FIELD_DSCP }, { "ecn", NFO_BY_ECN }, { "hl", NFO_FIELD_TTL },
	{ "mark", NFO_FIELD_MARK }, { "tos", NFO_FIELD_DSCP | NFO_BY_ECN },
	{ "ttl", NFO_FIELD_TTL }, { "u32", NFO_BY_ALL },
};

static void nfo_scan_xt_match(struct nfo_scan *s, const struct xt_match *match)
{
	int i;

	if (match_string(nfo_xt_vary, ARRAY_SIZE(nfo_xt_vary), match->name) >= 0)
		s->varies = true;
	for (i = 0; i < ARRAY_SIZE(nfo_xt_fields); i++)
		if (!strcmp(match->name, nfo_xt_fields[i].name))
			s->by |= nfo_xt_fields[i].field;
}

static void nfo_scan_xt_target(struct nfo_scan *s, const struct xt_target *target,
			       const void *info)
{
	int i;

	if (!strcmp(target->name, nfo_xt_adds))
		s->varies = true;
	for (i = 0; i < ARRAY_SIZE(nfo_xt_gives); i++)
		if (!strcmp(target->name, nfo_xt_gives[i].name) &&
		    (!nfo_xt_gives[i].depends || nfo_xt_gives[i].depends(info)))
			s->by |= nfo_xt_gives[i].field;
}

/* Dump an expression into s->dump. Return: true when it could be dumped. */
static bool nfo_scan_dump(struct nfo_scan *s, const struct nft_expr *expr)
{
	skb_trim(s->dump, 0);

	return !nfo_expr_dump_to(s->dump, expr);
}

/* Return: the 32-bit attribute @type of the latest dump, CPU byte order; U32_MAX without one. */
static u32 nfo_scan_number(const struct nfo_scan *s, int type)
{
	const struct nlattr *first = (const struct nlattr *)s->dump->data;
	const struct nlattr *nla = nla_find(first, s->dump->len, type);

	return nla && nla_len(nla) == sizeof(__be32) ? ntohl(nla_get_be32(nla)) : U32_MAX;
}

/* Find `meta` expressions that load a field or the time; those that set a field do not count. */
static void nfo_scan_meta(struct nfo_scan *s, const struct nft_expr *expr)
{
	const struct nft_meta *meta = nft_expr_priv(expr);

	switch (meta->key) {
	case NFT_META_TIME_NS:
	case NFT_META_TIME_DAY:
	case NFT_META_TIME_HOUR:
		s->varies = true;
		break;
	case NFT_META_MARK:
	case NFT_META_PRIORITY:
		if (nfo_scan_dump(s, expr) && nfo_scan_number(s, NFTA_META_DREG) != U32_MAX)
			s->by |= meta->key == NFT_META_MARK ? NFO_FIELD_MARK : NFO_FIELD_PRIORITY;
		break;
	default:
		break;
	}
}

/* Find `ct` expressions that read a connection's counters or timeout, or its mark or labels, which
 * packets compare.
 */
static void nfo_scan_ct(struct nfo_scan *s, const struct nft_expr *expr)
{
	u32 key = nfo_scan_dump(s, expr) ? nfo_scan_number(s, NFTA_CT_KEY) : U32_MAX;

	if (key == NFT_CT_BYTES || key == NFT_CT_PKTS || key == NFT_CT_AVGPKT ||
	    key == NFT_CT_EXPIRATION)
		s->varies = true;
	/* A rule that sets the mark loads nothing. */
	if ((key == NFT_CT_MARK || key == NFT_CT_LABELS) &&
	    nfo_scan_number(s, NFTA_CT_DREG) != U32_MAX)
		s->by |= NFO_BY_CT_MARK;
}

/* Return: true for an expression whose answer changes as packets or connections use it up. */
static bool nfo_expr_is_used_up(const struct nft_expr *expr)
{
	return !strcmp(expr->ops->type->name, "quota") ||
	       !strcmp(expr->ops->type->name, "connlimit");
}

static bool nfo_expr_is(const struct nft_rule *rule, const struct nft_expr *expr, const char *name)
{
	return nft_expr_more(rule, expr) && !strcmp(expr->ops->type->name, name);
}

/* Return: byte @at of the value in the attribute @type of the latest dump; @none if it has no such
 * byte.
 */
static u8 nfo_scan_byte(const struct nfo_scan *s, int type, int at, u8 none)
{
	const struct nlattr *first = (const struct nlattr *)s->dump->data;
	const struct nlattr *nla = nla_find(first, s->dump->len, type);

	nla = nla ? nla_find_nested(nla, NFTA_DATA_VALUE) : NULL;

	return nla && nla_len(nla) > at ? ((const u8 *)nla_data(nla))[at] : none;
}

/**
 * struct nfo_bits - what a bitwise expression makes of the first two bytes of an IP header, or of
 *		     the TTL and the byte behind it, as a number with the first byte on top
 * @mask: bits that stay
 * @flip: bits that are turned over then
 */
struct nfo_bits {
	u16	mask;
	u16	flip;
};

/* Read a bitwise expression behind one that loaded bytes from @offset on. @none: the mask of bytes
 * that were not loaded. Return: false for an operation other than with a mask and a value, as newer
 * nft has them for `ip dscp set ip dscp | 1`.
 */
static bool nfo_scan_bitwise(struct nfo_scan *s, const struct nft_expr *expr, u32 offset, u8 none,
			     struct nfo_bits *b)
{
	u8 m0, m1, f0, f1;

	if (!nfo_scan_dump(s, expr) || nfo_scan_number(s, NFTA_BITWISE_OP) != NFT_BITWISE_BOOL)
		return false;
	m0 = nfo_scan_byte(s, NFTA_BITWISE_MASK, 0, none);
	m1 = nfo_scan_byte(s, NFTA_BITWISE_MASK, 1, none);
	f0 = nfo_scan_byte(s, NFTA_BITWISE_XOR, 0, 0);
	f1 = nfo_scan_byte(s, NFTA_BITWISE_XOR, 1, 0);
	/* Only the second byte of the header was loaded, or more from there on. */
	if (offset == 1)
		*b = (struct nfo_bits) { .mask = none << 8 | m0, .flip = f0 };
	else
		*b = (struct nfo_bits) { .mask = m0 << 8 | m1, .flip = f0 << 8 | f1 };

	return true;
}

/* Return: true when a rule writes back what the expression @expr loaded, without comparing it, as
 * `ip dscp set cs1` does.
 */
static bool nfo_scan_is_written_back(struct nfo_scan *s, const struct nft_rule *rule,
				     const struct nft_expr *expr)
{
	do {
		expr = nft_expr_next(expr);
	} while (nfo_expr_is(rule, expr, "bitwise"));

	return nfo_expr_is(rule, expr, "payload") && nfo_scan_dump(s, expr) &&
	       nfo_scan_number(s, NFTA_PAYLOAD_SREG) != U32_MAX;
}

/* Of what a rule loads and writes back: does it make the field @field anything else than a constant
 * or what it was, and does it change the ECN bits? Return: the field, NFO_BY_ECN.
 */
static u8 nfo_scan_written(struct nfo_scan *s, const struct nft_rule *rule,
			   const struct nft_expr *expr, u8 field, u32 offset)
{
	struct nfo_bits b;
	u8 by = 0;

	for (expr = nft_expr_next(expr); nfo_expr_is(rule, expr, "bitwise");
	     expr = nft_expr_next(expr)) {
		if (!nfo_scan_bitwise(s, expr, offset, 0xff, &b))
			return field == NFO_FIELD_DSCP ? field | NFO_BY_ECN : field;
		if (field == NFO_FIELD_TTL) {
			if (!nfo_bits_are_plain(b.mask, b.flip, 0xff00))
				by |= field;
			continue;
		}
		if (!nfo_dscp_is_plain(s->family, b.mask, b.flip))
			by |= field;
		if (nfo_bits_have_ecn(s->family, ~b.mask | b.flip))
			by |= NFO_BY_ECN;
	}

	return by;
}

/* Of what a rule loads and compares: are the ECN bits among it? */
static bool nfo_scan_compares_ecn(struct nfo_scan *s, const struct nft_rule *rule,
				  const struct nft_expr *expr, u32 offset)
{
	struct nfo_bits b;

	expr = nft_expr_next(expr);

	return !nfo_expr_is(rule, expr, "bitwise") ||
	       !nfo_scan_bitwise(s, expr, offset, 0, &b) || nfo_bits_have_ecn(s->family, b.mask);
}

/* Both IP headers have the DSCP in their first two bytes. The hop limit is the eighth byte of one
 * header, and the TTL the ninth of the other one, where IPv6 has its source address: a prefix of an
 * address is longer than the TTL and the protocol behind it.
 */
static u8 nfo_scan_field_at(const struct nfo_scan *s, u32 offset, u32 len)
{
	if (offset <= 1)
		return NFO_FIELD_DSCP;
	if (offset == offsetof(struct ipv6hdr, hop_limit) && s->family != NFPROTO_IPV4)
		return NFO_FIELD_TTL;
	if (offset == offsetof(struct iphdr, ttl) && len <= 2 && s->family != NFPROTO_IPV6)
		return NFO_FIELD_TTL;
	return 0;
}

/* The flow label is in bytes 1 to 3 of the header, and `ip6 flowlabel` loads these. In a table of
 * both families, what begins behind them is the length of IPv4. Return: NFO_BY_LABEL, or 0.
 */
static u8 nfo_scan_has_label(const struct nfo_scan *s, u32 offset, u32 len)
{
	if (s->family == NFPROTO_IPV4 || offset > (s->family == NFPROTO_IPV6 ? 3 : 1))
		return 0;

	return offset + len > 2 ? NFO_BY_LABEL : 0;
}

/* Find expressions that load one of these fields. */
static void nfo_scan_payload(struct nfo_scan *s, const struct nft_rule *rule,
			     const struct nft_expr *expr)
{
	u32 offset, len;
	u8 field, label;

	if (!nfo_scan_dump(s, expr) || nfo_scan_number(s, NFTA_PAYLOAD_DREG) == U32_MAX ||
	    nfo_scan_number(s, NFTA_PAYLOAD_BASE) != NFT_PAYLOAD_NETWORK_HEADER)
		return;
	offset = nfo_scan_number(s, NFTA_PAYLOAD_OFFSET);
	len = nfo_scan_number(s, NFTA_PAYLOAD_LEN);
	field = nfo_scan_field_at(s, offset, len);
	label = nfo_scan_has_label(s, offset, len);
	if (!field && !label)
		return;
	if (nfo_scan_is_written_back(s, rule, expr)) {
		s->by |= field ? nfo_scan_written(s, rule, expr, field, offset) : 0;
		return;
	}
	s->by |= field | label;
	if (field == NFO_FIELD_DSCP && nfo_scan_compares_ecn(s, rule, expr, offset))
		s->by |= NFO_BY_ECN;
}

static void nfo_scan_expr(struct nfo_scan *s, const struct nft_rule *rule,
			  const struct nft_expr *expr)
{
	const char *name = expr->ops->type->name;

	if (!strcmp(name, "payload"))
		nfo_scan_payload(s, rule, expr);
	else if (!strcmp(name, "meta"))
		nfo_scan_meta(s, expr);
	else if (!strcmp(name, "ct"))
		nfo_scan_ct(s, expr);
	else if (!strcmp(name, "match"))
		nfo_scan_xt_match(s, expr->ops->data);
	else if (!strcmp(name, "target"))
		nfo_scan_xt_target(s, expr->ops->data, nft_expr_priv(expr));
	else if (nfo_expr_is_used_up(expr))
		s->varies = true;
}

/* ---- the ruleset ---- */

/* May a forwarded packet come to a chain? A chain that is no base chain counts as reached, because
 * jumps are not followed.
 */
static bool nfo_chain_is_passed(const struct nft_chain *chain)
{
	unsigned int hook;

	if (!nft_is_base_chain(chain))
		return true;
	hook = nft_base_chain(chain)->ops.hooknum;
	switch (chain->table->family) {
	case NFPROTO_INET:
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
		return hook != NF_INET_LOCAL_IN && hook != NF_INET_LOCAL_OUT;
	default:
		return true;
	}
}

/* Return: true for a chain of devices that packets of the fast path pass as well. What it sets
 * before the flowtable is what packets come with, and behind the fast path it looks at each packet.
 */
static bool nfo_chain_sees_all(const struct nft_chain *chain)
{
	const struct nf_hook_ops *ops;

	if (chain->table->family != NFPROTO_NETDEV || !nft_is_base_chain(chain))
		return false;
	ops = &nft_base_chain(chain)->ops;

	return ops->hooknum != NF_NETDEV_INGRESS || ops->priority < 0;
}

static void nfo_scan_chain(struct nfo_scan *s, const struct nft_chain *chain)
{
	const struct nft_expr *expr;
	const struct nft_rule *rule;
	u8 by = s->by;

	if (!nfo_chain_is_passed(chain))
		return;
	list_for_each_entry_rcu(rule, &chain->rules, list)
		for (expr = nft_expr_first(rule); nft_expr_more(rule, expr);
		     expr = nft_expr_next(expr))
			nfo_scan_expr(s, rule, expr);
	if (nfo_chain_sees_all(chain))
		s->by = by;
}

/* Return: true for a set whose elements come and go without a commit, or have a quota each. */
static bool nfo_set_varies(const struct nft_set *set)
{
	const struct nft_expr *expr;
	int i;

	if (set->flags & (NFT_SET_TIMEOUT | NFT_SET_EVAL))
		return true;
	for (i = 0; (expr = nfo_set_expr(set, i)); i++)
		if (nfo_expr_is_used_up(expr))
			return true;

	return false;
}

/* Find a set that varies and is used by a rule that forwarded packets may meet. */
static void nfo_scan_set(struct nfo_scan *s, const struct nft_set *set)
{
	const struct nft_set_binding *b;

	if (!nfo_set_varies(set))
		return;
	list_for_each_entry_rcu(b, &set->bindings, list)
		if (nfo_chain_is_passed(b->chain))
			s->varies = true;
}

static void nfo_scan_object(struct nfo_scan *s, const struct nft_object *obj)
{
	u32 type = obj->ops->type->type;

	if (type == NFT_OBJECT_QUOTA || type == NFT_OBJECT_CONNLIMIT)
		s->varies = true;
}

static void nfo_scan_table(struct nfo_scan *s, const struct nft_table *table)
{
	const struct nft_object *obj;
	const struct nft_chain *chain;
	const struct nft_set *set;

	if (table->flags & NFT_TABLE_F_DORMANT || table->family == NFPROTO_ARP)
		return;
	s->family = table->family;
	list_for_each_entry_rcu(set, &table->sets, list)
		nfo_scan_set(s, set);
	list_for_each_entry_rcu(obj, &table->objects, list)
		nfo_scan_object(s, obj);
	list_for_each_entry_rcu(chain, &table->chains, list)
		nfo_scan_chain(s, chain);
}

/* ---- rules of routing ---- */

static void nfo_scan_routing_rule(struct nfo_scan *s, const struct fib_rules_ops *ops,
				  struct fib_rule *rule)
{
	struct fib_rule_hdr frh = {};

	if (rule->mark_mask)
		s->by |= NFO_FIELD_MARK;
	skb_trim(s->dump, 0);
	if (ops->fill(rule, s->dump, &frh))
		return;
	if (frh.tos || nla_find((const struct nlattr *)s->dump->data, s->dump->len, NFO_FRA_DSCP))
		s->by |= NFO_FIELD_DSCP;
	if (nla_find((const struct nlattr *)s->dump->data, s->dump->len, NFO_FRA_FLOWLABEL))
		s->by |= NFO_BY_LABEL;
}

static void nfo_scan_routing(struct nfo_scan *s, const struct fib_rules_ops *ops)
{
	struct fib_rule *rule;

	if (!ops)
		return;
	list_for_each_entry_rcu(rule, &ops->rules_list, list)
		nfo_scan_routing_rule(s, ops, rule);
}

/* Only IPv4 has routes for packets of one TOS. */
static void nfo_scan_routings(struct nfo_scan *s, const struct nfo_net *nn)
{
	if (READ_ONCE(nn->tos_routes))
		s->by |= NFO_FIELD_DSCP;
#ifdef CONFIG_IP_MULTIPLE_TABLES
	nfo_scan_routing(s, nn->net->ipv4.rules_ops);
#endif
#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	nfo_scan_routing(s, nn->net->ipv6.fib6_rules_ops);
#endif
}

/* ---- hooks that are not nf_tables' ---- */

/* Return: true for a forward hook of iptables' own tables or of a BPF program, whose rules change
 * without an event. Hooks of security modules do not count.
 */
static bool nfo_hook_forwards(const struct nf_hook_ops *ops)
{
	return nfo_hook_is_foreign(ops) && ops->priority != NF_IP_PRI_SELINUX_FIRST &&
	       ops->priority != NF_IP_PRI_SELINUX_LAST;
}

/* Return: true for a hook before or after forwarding that has rules which no event announces. Most
 * of these hooks are the kernel's own and have no private data. NAT's hooks have some, but are
 * asked about the first packet of a connection only.
 */
static bool nfo_hook_has_rules(const struct nf_hook_ops *ops)
{
	return nfo_hook_is_foreign(ops) && ops->priv && ops->priority != NF_IP_PRI_NAT_DST &&
	       ops->priority != NF_IP_PRI_NAT_SRC;
}

static bool nfo_hooks_vary(const struct nf_hook_entries *e,
			   bool (*varies)(const struct nf_hook_ops *ops))
{
	struct nf_hook_ops **ops;
	unsigned int i;

	if (!e)
		return false;
	ops = nf_hook_entries_get_hook_ops(e);
	for (i = 0; i < e->num_hook_entries; i++)
		if (varies(ops[i]))
			return true;

	return false;
}

/* Do the hooks of a family vary? @hooks: by hook number. Caller holds rcu_read_lock(). */
static bool nfo_family_varies(struct nf_hook_entries __rcu * const *hooks)
{
	return nfo_hooks_vary(rcu_dereference(hooks[NF_INET_FORWARD]), nfo_hook_forwards) ||
	       nfo_hooks_vary(rcu_dereference(hooks[NF_INET_PRE_ROUTING]), nfo_hook_has_rules) ||
	       nfo_hooks_vary(rcu_dereference(hooks[NF_INET_POST_ROUTING]), nfo_hook_has_rules);
}

static bool nfo_net_hooks_vary(const struct net *net)
{
	return nfo_family_varies(net->nf.hooks_ipv4) || nfo_family_varies(net->nf.hooks_ipv6);
}

/* ---- the scan ---- */

/* A rule of routing is told of before it is in use: one more look will do for a change of a moment
 * ago.
 */
static void nfo_recheck_done(struct nfo_net *nn, u32 seen)
{
	spin_lock_bh(&nn->journal_lock);
	if (nfo_now() - nn->routing_at >= NFO_RECHECK_PAUSE)
		WRITE_ONCE(nn->rules_seen, seen);
	WRITE_ONCE(nn->hooks_seen, nfo_now());
	spin_unlock_bh(&nn->journal_lock);
}

static void nfo_recheck_scan(struct nfo_net *nn, struct nfo_scan *s)
{
	static const struct nfo_change all = { .what = NFO_CHANGE_RULESET };
	u32 seen = READ_ONCE(nn->ruleset);
	const struct nft_table *table;
	const struct list_head *tables;
	u8 more;

	rcu_read_lock();
	tables = READ_ONCE(nn->nft_tables);
	if (!tables)
		goto unlock;
	s->varies = nfo_net_hooks_vary(nn->net);
	/* Nobody tells what the rules of such hooks look at. */
	if (s->varies)
		s->by = NFO_BY_ALL;
	s->varies |= nn->resilient;
	list_for_each_entry_rcu(table, tables, list)
		nfo_scan_table(s, table);
	nfo_scan_routings(s, nn);
	WRITE_ONCE(nn->rules_vary, s->varies);
	/* Until now directions were taught as if rules looked at NFO_FIELDS and nothing else. */
	more = s->by & ~nn->rules_by & ~NFO_FIELDS;
	WRITE_ONCE(nn->rules_by, s->by);
	if (more)
		nfo_change_add(nn, &all);
	nfo_recheck_done(nn, seen);
unlock:
	rcu_read_unlock();
}

/* Do not wait for RTNL, whose holder may wait for this worker: the next scan is soon enough. */
static void nfo_scan_nexthops(struct nfo_net *nn)
{
	if (READ_ONCE(nn->net->nexthop.seq) == nn->nexthops_seen || !rtnl_trylock())
		return;
	nn->nexthops_seen = nn->net->nexthop.seq;
	nn->resilient = nfo_has_resilient_group(nn->net);
	rtnl_unlock();
}

static void nfo_recheck_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_delayed_work(work), struct nfo_net, recheck_work);
	struct nfo_scan s = { .dump = alloc_skb(NLMSG_GOODSIZE, GFP_KERNEL) };

	nfo_scan_nexthops(nn);
	if (s.dump)
		nfo_recheck_scan(nn, &s);
	kfree_skb(s.dump);
	nfo_net_put(nn);
}

/* Queue a scan, unless the namespace ends. Context: any. */
static void nfo_recheck_look(struct nfo_net *nn)
{
	u32 since = nfo_now() - READ_ONCE(nn->hooks_seen);

	if (!READ_ONCE(nn->nft_tables))
		return;
	spin_lock_bh(&nn->journal_lock);
	if (nn->nft_tables)
		nfo_net_queue(nn, nfo_net_wq, &nn->recheck_work,
			      since < NFO_RECHECK_PAUSE ? NFO_RECHECK_PAUSE - since : 0);
	spin_unlock_bh(&nn->journal_lock);
}

/* ---- how often ---- */

/**
 * nfo_recheck_period() - how often each direction of a flow passes the ruleset again
 * @nn: namespace
 *
 * Context: any. Return: jiffies; 0 for never.
 */
u32 nfo_recheck_period(const struct nfo_net *nn)
{
	u32 ms = READ_ONCE(nn->settings.recheck_ms);

	if (!ms || !READ_ONCE(nn->rules_vary) || READ_ONCE(nn->settings.policy))
		return 0;

	return nfo_spread_period(msecs_to_jiffies(ms), atomic_read(&nn->flows),
				 NFO_RECHECK_RATE * num_online_cpus(), NFO_RECHECK_DOUBLED);
}

/**
 * nfo_recheck_due() - is it the turn of a direction to pass the ruleset again?
 * @nn:    namespace
 * @what:  the direction's entry; its address decides when in the period the turn comes, so that
 *         turns of flows that began together are spread
 * @since: jiffies when the caller last asked
 *
 * Queues a scan when the rules were not scanned since the latest commit. Context: any. Return: true
 * once in a period, for a caller that asks more often.
 */
bool nfo_recheck_due(struct nfo_net *nn, const void *what, u32 since)
{
	bool unseen = READ_ONCE(nn->rules_seen) != READ_ONCE(nn->ruleset);
	u32 period;

	if (unlikely(unseen || nfo_now() - READ_ONCE(nn->hooks_seen) > NFO_RECHECK_HOOKS))
		nfo_recheck_look(nn);
	/* After a commit flows pass the ruleset anyway. */
	if (unseen || likely(!READ_ONCE(nn->rules_vary)))
		return false;
	period = nfo_recheck_period(nn);

	return period && nfo_turn_came(since, nfo_now(), hash_ptr(what, 32), period);
}

/**
 * nfo_recheck_by() - which fields of a packet may the answer of a rule depend on?
 * @nn: namespace
 *
 * Context: any. Return: NFO_FIELD_* and NFO_BY_*; all NFO_FIELD_*, with NFO_BY_UNSEEN, while the
 * rules of the latest commit, or of the latest change of routing rules, were not scanned. Then a
 * scan is queued. If the scan finds that rules are about the ECN bits, the flow label or the
 * connection's mark now, all directions learn again: to take the first for true from the commit on
 * would have each second packet of a TCP connection with ECN go slow.
 */
u8 nfo_recheck_by(struct nfo_net *nn)
{
	if (likely(READ_ONCE(nn->rules_seen) == READ_ONCE(nn->ruleset)))
		return READ_ONCE(nn->rules_by);
	nfo_recheck_look(nn);

	return NFO_FIELDS | NFO_BY_UNSEEN | (READ_ONCE(nn->rules_by) & ~NFO_FIELDS);
}

/**
 * nfo_recheck_routing() - rules of routing have changed, or routes look at the TOS now
 * @nn: namespace
 *
 * Context: any.
 */
void nfo_recheck_routing(struct nfo_net *nn)
{
	spin_lock_bh(&nn->journal_lock);
	nn->routing_at = nfo_now();
	WRITE_ONCE(nn->rules_seen, READ_ONCE(nn->ruleset) - 1);
	spin_unlock_bh(&nn->journal_lock);
}

/**
 * nfo_recheck_route() - a route comes or goes
 * @nn:    namespace
 * @event: FIB_EVENT_*
 * @info:  what the FIB notifier tells
 *
 * After a route for packets of one TOS another packet of a connection may get another route. Routes
 * that exist when the namespace begins to listen count as well. Context: any.
 */
void nfo_recheck_route(struct nfo_net *nn, unsigned long event,
		       const struct fib_notifier_info *info)
{
	static const struct nfo_change all = {
		.what = NFO_CHANGE_FAMILY, .family = NFPROTO_IPV4,
	};
	const struct fib_entry_notifier_info *fen;

	/* FIB_EVENT_ENTRY_APPEND is between the two. */
	if (info->family != AF_INET || event < FIB_EVENT_ENTRY_REPLACE ||
	    event > FIB_EVENT_ENTRY_ADD)
		return;
	fen = container_of(info, struct fib_entry_notifier_info, info);
	if (!nfo_fib_entry_tos(fen) || READ_ONCE(nn->tos_routes))
		return;
	WRITE_ONCE(nn->tos_routes, true);
	nfo_recheck_routing(nn);
	nfo_change_add(nn, &all);
}

/**
 * nfo_recheck_net_init() - make the work item of this room for a new namespace
 * @nn: namespace, not published yet
 *
 * Context: may sleep.
 */
void nfo_recheck_net_init(struct nfo_net *nn)
{
	INIT_DELAYED_WORK(&nn->recheck_work, nfo_recheck_work);
}

/**
 * nfo_recheck_net_exit() - the namespace ends: its rules are not read any more
 * @nn: namespace, whose rules nf_tables has not freed yet
 *
 * Context: may sleep.
 */
void nfo_recheck_net_exit(struct nfo_net *nn)
{
	spin_lock_bh(&nn->journal_lock);
	WRITE_ONCE(nn->nft_tables, NULL);
	spin_unlock_bh(&nn->journal_lock);
	nfo_net_cancel(nn, &nn->recheck_work);
}
