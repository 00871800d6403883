// SPDX-License-Identifier: GPL-2.0
/*
 * Which rules would do something with packets that pass them by once their connection is
 * offloaded? A packet of each kind of connection is followed through the chains, twice. The first
 * walk finds the rules that say flow add. The second walk follows a packet of an offloaded
 * connection and finds the rules that would have done something with every packet.
 */
#include <netinet/in.h>
#include <linux/netfilter_ipv4.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define STEPS_MAX	1000000		/* rules evaluated, all paths together */
#define FACTS_MAX	32
#define DEPTH_MAX	32
#define ALIKE_MAX	256		/* among how many permits an equal one is looked for */

/* ---- what a rule loses by offload ---- */

#define KEEP_OUT \
	"keep these connections out of the fast path: `ct mark set 1` for them, `ct mark 1` in this rule, `ct mark != 1` in the rule that says flow add"

struct effect {
	const char *name, *loses, *remedy;
};

static const struct effect effects[] = {
	{ "limit", "limits the packets of the slow path only",
	  "limit with a tc qdisc or policer, which sees every packet; or " KEEP_OUT },
	{ "quota", "adds up the packets of the slow path only", KEEP_OUT },
	{ "log", "logs the packets of the slow path only",
	  "add `ct state new` to log connections; nft-offload monitor shows what is offloaded; or " KEEP_OUT },
	{ "counter", "counts the packets of the slow path only",
	  "set net.netfilter.nf_conntrack_acct to 1 and read conntrack -L, which has the figures of connections that begin after that (mainline's modules need the flowtable's flag `counter` besides); or read nft-offload list, or the devices' counters; add `ct state new` to count connections" },
	{ "queue", "queues the packets of the slow path only",
	  "nft-offload set promote_after N lets the program see the first N packets; or " KEEP_OUT },
	{ "dup", "copies the packets of the slow path only",
	  "mirror with tc (matchall, mirred egress mirror), which sees every packet; or " KEEP_OUT },
	{ "fwd", "redirects the packets of the slow path only",
	  "give the chain a priority below the flowtable's" },
	{ "dynset", "updates its set for the packets of the slow path only, of a live connection one each recheck_ms",
	  "add `ct state new` to count connections, let elements live for longer than recheck_ms; or " KEEP_OUT },
	{ "connlimit", "looks at packets of the slow path only", "add `ct state new`: connections are counted when they begin" },
	{ "last", "notes the packets of the slow path only", "add `ct state new` to note connections; or " KEEP_OUT },
	{ "trace", "traces the packets of the slow path only",
	  "nft-offload flush with the connection's addresses, and trace the packets that follow; or " KEEP_OUT },
};

/* iptables' extensions, and the effect of the same kind. */
static const struct {
	const char *xt, *name;
} xt_effects[] = {
	{ "limit", "limit" }, { "hashlimit", "limit" }, { "quota", "quota" }, { "recent", "dynset" },
	{ "connlimit", "connlimit" }, { "LOG", "log" }, { "NFLOG", "log" }, { "NFQUEUE", "queue" },
	{ "TEE", "dup" }, { "TRACE", "trace" }, { "SET", "dynset" }, { "RATEEST", "counter" },
};

static const struct effect *effect_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
		if (!strcmp(effects[i].name, name))
			return &effects[i];
	return NULL;
}

static const char *xt_effect(const char *xt)
{
	for (size_t i = 0; i < ARRAY_SIZE(xt_effects) && xt; i++)
		if (!strcmp(xt_effects[i].xt, xt))
			return xt_effects[i].name;
	return NULL;
}

static const char *object_effect(uint32_t type)
{
	switch (type) {
	case NFT_OBJECT_COUNTER:
		return "counter";
	case NFT_OBJECT_QUOTA:
		return "quota";
	case NFT_OBJECT_LIMIT:
		return "limit";
	case NFT_OBJECT_CONNLIMIT:
		return "connlimit";
	}
	return NULL;
}

/* ---- the walk ---- */

/* A path to a rule that says flow add: which connections come to the rule. */
struct permit {
	uint8_t l3proto, l4proto;
	size_t n;
	struct fact fact[FACTS_MAX];
};

struct walk {
	struct rules *r;
	struct packet p;
	bool permits;			/* the first walk, which looks for flow add */
	long steps;			/* how many rules may still be evaluated */
	struct fact fact[FACTS_MAX];	/* true for every packet that comes to this rule */
	size_t nfacts;
	struct permit *permit;
	size_t npermits;
	struct findings *to;
};

/* The evaluation of one rule. */
struct step {
	struct walk *w;
	const struct nft_chain *chain;
	struct nftnl_rule *rule;
	struct regs regs;
	int depth;
	int unsure;		/* how many matches may match or not */
	bool never;		/* the packet does not match */
	bool ends;		/* a packet that matches does not come to the next rule */
	bool through;		/* a packet that matches may return to the calling chain */
	struct fact only;	/* what the last such match says, with @has_only */
	bool has_only;
};

static bool walk_chain(struct walk *w, const struct nft_chain *c, int depth);

static bool fact_add(struct walk *w, const struct fact *f, bool negated)
{
	if (w->nfacts == FACTS_MAX)
		return false;
	w->fact[w->nfacts] = *f;
	if (negated)
		w->fact[w->nfacts].equal = !f->equal;
	w->nfacts++;
	return true;
}

static bool permitted_by(const struct walk *w, const struct permit *p)
{
	if (p->l3proto != w->p.l3proto || p->l4proto != w->p.l4proto)
		return false;
	for (size_t i = 0; i < w->nfacts; i++)
		for (size_t k = 0; k < p->n; k++)
			if (facts_contradict(&w->fact[i], &p->fact[k]))
				return false;
	return true;
}

/* Can a packet that comes to this rule belong to a connection that is offloaded? */
static bool may_be_offloaded(const struct walk *w)
{
	for (size_t i = 0; i < w->npermits; i++)
		if (permitted_by(w, &w->permit[i]))
			return true;
	return false;
}

static bool says_flow_add(struct nftnl_rule *rule)
{
	struct nftnl_expr_iter *it = nftnl_expr_iter_create(rule);
	struct nftnl_expr *e;
	bool found = false;

	while (it && !found && (e = nftnl_expr_iter_next(it)))
		found = !strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "flow_offload");
	if (it)
		nftnl_expr_iter_destroy(it);
	return found;
}

/* Is a chain in a table of iptables-nft, which puts a counter into every rule? */
static bool made_by_iptables(struct walk *w, const struct nft_chain *c)
{
	static const char * const tables[] = { "filter", "nat", "mangle", "raw", "security" };
	static const char * const chains[] = { "PREROUTING", "FORWARD", "POSTROUTING" };
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		known = known || !strcmp(tables[i], c->table);
	if (!known || (c->family != NFPROTO_IPV4 && c->family != NFPROTO_IPV6))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		const struct nft_chain *b = rules_chain(w->r, c->family, c->table, chains[i]);

		if (b && b->base)
			return true;
	}
	return false;
}

static void found(struct step *s, const char *name, const char *loses, const char *remedy)
{
	struct findings *to = s->w->to;
	uint64_t handle = nftnl_rule_get_u64(s->rule, NFTNL_RULE_HANDLE);
	struct finding *f;

	if (s->w->permits || says_flow_add(s->rule) || !may_be_offloaded(s->w))
		return;
	if (!strcmp(name, "counter") && made_by_iptables(s->w, s->chain)) {
		to->xtables++;
		return;
	}
	for (size_t i = 0; i < to->n; i++)
		if (to->f[i].chain == s->chain && to->f[i].handle == handle &&
		    to->f[i].loses == loses)
			return;
	to->f = xrealloc(to->f, (to->n + 1) * sizeof(*to->f));
	f = &to->f[to->n++];
	f->chain = s->chain;
	f->handle = handle;
	f->expression = name;
	f->loses = loses;
	f->remedy = remedy;
	rules_comment(s->rule, f->comment, sizeof(f->comment));
}

static void found_effect(struct step *s, const char *name)
{
	const struct effect *e = name ? effect_find(name) : NULL;

	if (e)
		found(s, e->name, e->loses, e->remedy);
}

/* What a match depends on. The first two differ by their address: a packet matches such an element
 * of a set, or matches unless it is such an element.
 */
static const char times_out[] = "elements that time out";
static const char timed_out[] = "elements that time out";
static const char set_by_rules[] = "a set that rules change";

/* Does the module send packets of live connections past such rules from time to time? */
static bool rechecked(const char *what)
{
	return what == times_out || what == timed_out || what == set_by_rules ||
	       what == per_time || what == per_count;
}

#define ANEW \
	"a commit of the ruleset or nft-offload flush lets live connections pass the rules again; or " KEEP_OUT
#define RECHECK \
	"nft-offload set recheck_ms to what is soon enough; with another module than nf_flow_offload, " ANEW

/* Note a rule that does something or not, depending on @what. */
static void found_varying(struct step *s, const char *what)
{
	static struct { const char *what; char loses[160]; } known[16];

	for (size_t i = 0; i < ARRAY_SIZE(known) && what; i++) {
		if (known[i].what && known[i].what != what)
			continue;
		known[i].what = what;
		snprintf(known[i].loses, sizeof(known[i].loses),
			 "depends on %s; offloaded packets get what the packet got that was learned from%s",
			 what, rechecked(what) ? ", one each recheck_ms" : "");
		found(s, "match", known[i].loses, rechecked(what) ? RECHECK : ANEW);
		return;
	}
}

/* Is such a permit among the latest? Many ways may lead to one rule that says flow add. */
static bool permit_known(const struct walk *w)
{
	for (size_t i = w->npermits; i > 0 && i + ALIKE_MAX > w->npermits; i--) {
		const struct permit *p = &w->permit[i - 1];

		if (p->l3proto == w->p.l3proto && p->l4proto == w->p.l4proto &&
		    p->n == w->nfacts && !memcmp(p->fact, w->fact, p->n * sizeof(*p->fact)))
			return true;
	}
	return false;
}

static void permit_add(struct step *s)
{
	struct walk *w = s->w;
	struct permit *p;

	if (!w->permits || permit_known(w))
		return;
	w->permit = xrealloc(w->permit, (w->npermits + 1) * sizeof(*w->permit));
	p = &w->permit[w->npermits++];
	p->l3proto = w->p.l3proto;
	p->l4proto = w->p.l4proto;
	p->n = w->nfacts;
	memcpy(p->fact, w->fact, sizeof(p->fact));
}

/* Return: what makes a set change without a commit, or NULL. @not: the rule matches packets that
 * are not in the set.
 */
static const char *set_varies(const struct nft_set *set, bool not)
{
	if (set->flags & NFT_SET_EVAL)
		return set_by_rules;
	if (set->flags & NFT_SET_TIMEOUT)
		return not ? timed_out : times_out;
	return NULL;
}

/* ---- verdicts ---- */

/* A packet that matches gets this verdict, for certain or perhaps. Return: true when a packet with
 * the verdict may come to the next rule.
 */
static bool verdict(struct step *s, int v, const char *name)
{
	const struct nft_chain *to;
	size_t facts = s->w->nfacts;
	bool back;

	/* A packet that is dropped because of an element that times out is not offloaded, and once
	 * the element is gone the connection may be: nothing is lost.
	 */
	if (v != NFT_CONTINUE && !(v == NF_DROP && s->regs.varies == times_out))
		found_varying(s, s->regs.varies);
	switch (v) {
	case NFT_CONTINUE:
	case NFT_BREAK:
		return true;
	case NFT_RETURN:
		s->through = true;
		return false;
	case NFT_JUMP:
	case NFT_GOTO:
		to = rules_chain(s->w->r, s->chain->family, s->chain->table, name);
		back = !to || walk_chain(s->w, to, s->depth + 1);
		s->w->nfacts = facts;
		if (v == NFT_JUMP)
			return back;
		s->through = s->through || back;
		return false;
	}
	return false;
}

/* Apply the verdicts that a map gives for the value of a register. */
static void verdict_map(struct step *s, struct nftnl_set *set, uint32_t reg)
{
	struct nftnl_set_elems_iter *it = nftnl_set_elems_iter_create(set);
	struct nftnl_set_elem *e;
	bool on = false, sure = false;

	while (it && !sure && (e = nftnl_set_elems_iter_next(it))) {
		enum answer a = packet_element(&s->regs, reg, e);

		if (a == NEVER || !nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_VERDICT))
			continue;
		sure = a == ALWAYS;
		on = verdict(s, nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_VERDICT),
			     nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN)) || on;
	}
	if (it)
		nftnl_set_elems_iter_destroy(it);
	s->ends = sure && !on;
	if (!sure)
		s->unsure += 2;
}

static enum answer in_set(struct step *s, struct nftnl_set *set, uint32_t reg)
{
	struct nftnl_set_elems_iter *it = nftnl_set_elems_iter_create(set);
	struct nftnl_set_elem *e;
	enum answer best = NEVER;

	while (it && best != ALWAYS && (e = nftnl_set_elems_iter_next(it))) {
		enum answer a = packet_element(&s->regs, reg, e);

		best = a > best ? a : best;
	}
	if (it)
		nftnl_set_elems_iter_destroy(it);
	return best;
}

static int set_expr(struct nftnl_expr *e, void *arg)
{
	found_effect(arg, nftnl_expr_get_str(e, NFTNL_EXPR_NAME));
	return 0;
}

/* Find the effects of a set that counts or limits each packet which it has an element for. */
static void set_effects(struct step *s, struct nftnl_set *set)
{
	nftnl_set_expr_foreach(set, set_expr, s);
}

/* Is any bit of a register known? If not, the elements of a set need not be read. */
static bool anything_known(const struct regs *r)
{
	for (size_t i = 16; i < REG_BYTES; i++)
		if (r->known[i])
			return true;
	return false;
}

static enum answer lookup(struct step *s, struct nftnl_expr *e)
{
	struct nft_set *set = rules_set(s->w->r, s->chain->family, s->chain->table,
					nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET));
	uint32_t reg = nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_SREG);
	bool not = nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	bool maps = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG), interval;
	struct nftnl_set *elems;
	enum answer a;

	if (!set)
		return MAYBE;
	set_effects(s, set->s);
	interval = set->flags & NFT_SET_INTERVAL;
	maps = maps || set->flags & NFT_SET_MAP;
	if (maps && nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_DREG) == NFT_REG_VERDICT) {
		elems = rules_elems(s->w->r, set);
		if (elems && !interval && !(set->flags & NFT_SET_EVAL))
			verdict_map(s, elems, reg);
		else if (elems)
			/* nothing is known of this register, so any element may be meant */
			verdict_map(s, elems, NFT_REG_VERDICT);
		else
			s->unsure += 2;
		return ALWAYS;
	}
	if (!s->regs.varies)
		s->regs.varies = packet_varies(&s->regs, reg);
	if (!s->regs.varies)
		s->regs.varies = set_varies(set, not);
	if (interval || maps || set->flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT) ||
	    !anything_known(&s->regs))
		return MAYBE;
	elems = rules_elems(s->w->r, set);
	a = elems ? in_set(s, elems, reg) : MAYBE;

	return not ? (a == NEVER ? ALWAYS : a == ALWAYS ? NEVER : MAYBE) : a;
}

/* ---- statements ---- */

static int dynset_expr(struct nftnl_expr *e, void *arg)
{
	(void)e;
	*(bool *)arg = true;
	return 0;
}

/* A rule that only adds an element has done so with the first packet, and the element stays unless
 * it has a timeout. So only a rule that updates an element loses something, or one that adds an
 * element with a timeout or a state.
 */
static void dynset(struct step *s, struct nftnl_expr *e)
{
	struct nft_set *set = rules_set(s->w->r, s->chain->family, s->chain->table,
					nftnl_expr_get_str(e, NFTNL_EXPR_DYNSET_SET_NAME));
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_OP);
	bool state = false;

	nftnl_expr_expr_foreach(e, dynset_expr, &state);
	state = state || nftnl_expr_get_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT) ||
		(set && nftnl_set_get_u64(set->s, NFTNL_SET_TIMEOUT));
	if (op == NFT_DYNSET_OP_UPDATE || (op == NFT_DYNSET_OP_ADD && state))
		found_effect(s, "dynset");
}

/* A mark or a field that a rule sets is learned by the fast path, unless it differs from packet to
 * packet.
 */
static void set_value(struct step *s, const char *name, struct nftnl_expr *e)
{
	uint32_t reg = 0;

	if (!strcmp(name, "meta")) {
		if (nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY) == NFT_META_NFTRACE)
			found_effect(s, "trace");
		reg = nftnl_expr_get_u32(e, NFTNL_EXPR_META_SREG);
	} else if (!strcmp(name, "payload")) {
		reg = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_SREG);
	}
	found_varying(s, s->regs.varies ? s->regs.varies : packet_varies(&s->regs, reg));
}

static bool sets_value(const char *name, struct nftnl_expr *e)
{
	return (!strcmp(name, "meta") && nftnl_expr_is_set(e, NFTNL_EXPR_META_SREG)) ||
	       (!strcmp(name, "payload") && nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_SREG)) ||
	       (!strcmp(name, "ct") && nftnl_expr_is_set(e, NFTNL_EXPR_CT_SREG));
}

static void object(struct step *s, struct nftnl_expr *e)
{
	struct nft_set *set;

	if (nftnl_expr_is_set(e, NFTNL_EXPR_OBJREF_IMM_TYPE)) {
		found_effect(s, object_effect(nftnl_expr_get_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE)));
		return;
	}
	set = rules_set(s->w->r, s->chain->family, s->chain->table,
			nftnl_expr_get_str(e, NFTNL_EXPR_OBJREF_SET_NAME));
	if (set)
		found_effect(s, object_effect(nftnl_set_get_u32(set->s, NFTNL_SET_OBJ_TYPE)));
	s->unsure += 2;
}

/* A target of iptables. A few targets end a packet's way through the chain. */
static void target(struct step *s, struct nftnl_expr *e)
{
	static const char * const last[] = { "REJECT", "NFQUEUE", "SYNPROXY", "TPROXY", "DNAT", "SNAT" };
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);

	found_effect(s, xt_effect(name));
	found_varying(s, s->regs.varies);
	for (size_t i = 0; i < ARRAY_SIZE(last) && name; i++)
		if (!strcmp(name, last[i]))
			s->ends = true;
}

static void statement(struct step *s, const char *name, struct nftnl_expr *e)
{
	if (!strcmp(name, "flow_offload")) {
		permit_add(s);
	} else if (!strcmp(name, "immediate")) {
		if (nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT))
			s->ends = !verdict(s, nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT),
					   nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
	} else if (!strcmp(name, "dynset")) {
		dynset(s, e);
	} else if (!strcmp(name, "objref")) {
		object(s, e);
	} else if (!strcmp(name, "target")) {
		target(s, e);
	} else if (!strcmp(name, "match")) {
		found_effect(s, xt_effect(nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME)));
	} else if (sets_value(name, e)) {
		set_value(s, name, e);
	} else {
		found_effect(s, name);
	}
	if (!strcmp(name, "limit") || !strcmp(name, "quota") || !strcmp(name, "connlimit"))
		s->unsure += 2;
	if (!strcmp(name, "queue") || !strcmp(name, "reject") || !strcmp(name, "tproxy") ||
	    !strcmp(name, "fwd") || !strcmp(name, "synproxy")) {
		found_varying(s, s->regs.varies);
		s->ends = true;
	}
}

/* ---- rules and chains ---- */

static int expression(struct nftnl_expr *e, void *arg)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct step *s = arg;
	enum answer a;

	if (s->never || s->ends || !name)
		return 0;
	a = strcmp(name, "lookup") ? packet_match(&s->regs, &s->w->p, e, name) : lookup(s, e);
	s->never = a == NEVER;
	if (a == MAYBE) {
		s->unsure++;
		s->has_only = strcmp(name, "lookup") && s->regs.has_fact;
		s->only = s->regs.fact;
		if (s->has_only)
			fact_add(s->w, &s->regs.fact, false);
	}
	if (!s->never && (a == ALWAYS || !strcmp(name, "match")))
		statement(s, name, e);
	return 0;
}

/* Return: whether a packet may come to the rule after this one. */
static bool walk_rule(struct walk *w, const struct nft_chain *c, struct nftnl_rule *rule, int depth,
		      bool *through)
{
	struct step s = { .w = w, .chain = c, .rule = rule, .depth = depth };
	size_t facts = w->nfacts;

	regs_clear(&s.regs);
	nftnl_expr_foreach(rule, expression, &s);
	w->nfacts = facts;
	*through = *through || s.through;
	if (!s.ends || s.never)
		return true;
	if (!s.unsure)
		return false;
	/* one comparison decided, so it is false for the packets that go on */
	if (s.unsure == 1 && s.has_only)
		fact_add(w, &s.only, true);
	return true;
}

/* Return: whether a packet may come back to the chain that jumped here. */
static bool walk_chain(struct walk *w, const struct nft_chain *c, int depth)
{
	bool through = false;

	if (depth > DEPTH_MAX)
		return true;
	for (size_t i = 0; i < c->n; i++) {
		if (--w->steps < 0) {
			w->to->torn = true;
			return true;
		}
		if (!walk_rule(w, c, c->rule[i], depth, &through))
			return through;
	}
	return true;
}

/* ---- where walks begin ---- */

static bool listed(const struct ruleset *rs, const char *dev, int32_t prio)
{
	for (const struct ft_info *ft = rs->ft; ft; ft = ft->next)
		for (int i = 0; i < ft->ndevs; i++)
			if (dev && ft->prio <= prio &&
			    (dev_matches(ft->dev[i], dev) || dev_matches(dev, ft->dev[i])))
				return true;
	return false;
}

/* Does a flowtable come before this ingress chain, on one of the chain's devices? */
static bool behind_flowtable(const struct nft_chain *c, const struct ruleset *rs)
{
	const char * const *dev = NULL;

	if (nftnl_chain_is_set(c->c, NFTNL_CHAIN_DEVICES))
		dev = nftnl_chain_get_array(c->c, NFTNL_CHAIN_DEVICES);
	for (; dev && *dev; dev++)
		if (listed(rs, *dev, c->prio))
			return true;
	return listed(rs, nftnl_chain_get_str(c->c, NFTNL_CHAIN_DEV), c->prio);
}

static bool starts(const struct walk *w, const struct nft_chain *c, const struct ruleset *rs)
{
	if (!c->base || c->nat)
		return false;
	switch (c->family) {
	case NFPROTO_NETDEV:
		return !w->permits && c->hook == NF_NETDEV_INGRESS && behind_flowtable(c, rs);
	case NFPROTO_INET:
		if (c->hook == NF_INET_INGRESS)
			return !w->permits && behind_flowtable(c, rs);
		break;
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
		if (c->family != w->p.l3proto)
			return false;
		break;
	default:
		return false;
	}
	if (w->permits)
		return c->hook == NF_INET_FORWARD;
	return c->hook == NF_INET_PRE_ROUTING || c->hook == NF_INET_FORWARD ||
	       c->hook == NF_INET_POST_ROUTING;
}

static void walk_all(struct walk *w, const struct ruleset *rs)
{
	static const uint8_t l3[] = { NFPROTO_IPV4, NFPROTO_IPV6 }, l4[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (size_t i = 0; i < w->r->nchains; i++) {
		const struct nft_chain *c = &w->r->chain[i];

		for (size_t k = 0; k < 4; k++) {
			w->p = (struct packet){ .l3proto = l3[k / 2], .l4proto = l4[k % 2], .hook = c->hook };
			w->p.any_state = w->permits;
			w->p.raw = c->family == NFPROTO_NETDEV || c->hook == NF_INET_INGRESS;
			w->p.untracked = w->p.raw || (c->hook == NF_INET_PRE_ROUTING &&
						      c->prio < NF_IP_PRI_CONNTRACK);
			w->nfacts = 0;
			if (starts(w, c, rs))
				walk_chain(w, c, 0);
		}
	}
}

static int in_order(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return x->chain != y->chain ? (x->chain < y->chain ? -1 : 1) :
	       x->handle < y->handle ? -1 : x->handle > y->handle;
}

/* There is no rule that says flow add: go on as if one said so for all TCP and UDP. */
static void permit_all(struct walk *w)
{
	static const struct permit all[] = {
		{ NFPROTO_IPV4, IPPROTO_TCP, 0, {} }, { NFPROTO_IPV4, IPPROTO_UDP, 0, {} },
		{ NFPROTO_IPV6, IPPROTO_TCP, 0, {} }, { NFPROTO_IPV6, IPPROTO_UDP, 0, {} },
	};

	w->permit = xrealloc(w->permit, sizeof(all));
	memcpy(w->permit, all, sizeof(all));
	w->npermits = ARRAY_SIZE(all);
}

void bypass_find(struct rules *r, const struct ruleset *rs, struct findings *to)
{
	struct walk w = { .r = r, .permits = true, .steps = STEPS_MAX, .to = to };

	memset(to, 0, sizeof(*to));
	walk_all(&w, rs);
	to->permits = w.npermits;
	if (!w.npermits)
		permit_all(&w);
	w.permits = false;
	w.steps = STEPS_MAX;
	walk_all(&w, rs);
	if (to->n)
		qsort(to->f, to->n, sizeof(*to->f), in_order);
	free(w.permit);
}

void bypass_free(struct findings *f)
{
	free(f->f);
}
