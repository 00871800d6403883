/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ruleset as check reads it, and what is known of an offloaded packet that
 * meets it. rules.c reads the rules, packet.c evaluates the matches of a rule, and
 * bypass.c follows a packet through the chains.
 */
#ifndef NFT_OFFLOAD_RULES_H
#define NFT_OFFLOAD_RULES_H

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>

#include "tool.h"

/* ---- rules.c ---- */

struct nft_chain {
	uint32_t family, hook;
	int32_t prio;
	bool base, nat;
	const char *table, *name;
	struct nftnl_chain *c;
	struct nftnl_rule **rule;
	size_t n;
};

struct nft_set {
	uint32_t family, flags;
	const char *table, *name;
	struct nftnl_set *s, *elems;
};

struct rules {
	struct nft_chain *chain;
	size_t nchains;
	struct nft_set *set;
	size_t nsets;
	size_t nrules;
	char **dormant;		/* dormant tables, as "FAMILY TABLE" */
	size_t ndormant;
	struct nl nl;
};

/* Return: 0, or -errno with the text in r->nl.why. */
int rules_read(struct rules *r);
void rules_free(struct rules *r);
struct nft_chain *rules_chain(struct rules *r, uint32_t family, const char *table,
			      const char *name);
struct nft_set *rules_set(struct rules *r, uint32_t family, const char *table, const char *name);
/* Read the elements of a set, once. Return: the set with its elements, which @r owns; NULL
 * when they cannot be read.
 */
struct nftnl_set *rules_elems(struct rules *r, struct nft_set *set);
const char *rules_comment(struct nftnl_rule *rule, char *buf, size_t len);

/* ---- packet.c ---- */

/* Does a packet of an offloaded connection match? */
enum answer { NEVER, MAYBE, ALWAYS };

#define REG_BYTES	80

/* What a comparison such as `ct mark 1` says about all packets of a connection. */
struct fact {
	uint8_t kind, key, len;
	int8_t dir;
	bool equal;
	uint8_t mask[16], v[16];
};

/* The packet that is followed: IPv4 or IPv6, TCP or UDP, at a hook. */
struct packet {
	uint8_t l3proto, l4proto;
	uint32_t hook;
	bool any_state;		/* its connection may not be offloaded yet */
	bool untracked;		/* conntrack has not seen it yet at this hook */
	bool raw;		/* it is at a device's ingress */
};

/* nf_tables' registers while a rule is evaluated. */
struct regs {
	uint8_t v[REG_BYTES], known[REG_BYTES];	/* values, and which bits of them are known */
	struct {
		uint8_t kind, key;
		int8_t dir;
		const char *varies;	/* text: what changes from packet to packet; or NULL */
	} from[REG_BYTES / 4];	/* where each word was loaded from */
	const char *varies;	/* the first such text that a match depended on */
	struct fact fact;	/* what the last comparison says, with @has_fact */
	bool has_fact;
};

void regs_clear(struct regs *r);
/* Evaluate an expression. Return: whether the packet matches; ALWAYS for an expression that
 * is no match.
 */
enum answer packet_match(struct regs *r, const struct packet *p, struct nftnl_expr *e,
			 const char *name);
/* Does the register have the key of this element of a set? */
enum answer packet_element(const struct regs *r, uint32_t reg, struct nftnl_set_elem *e);
/* Two of the texts that packet_varies() returns; compare the pointers. */
extern const char per_time[], per_count[];
/* Return: text, what makes the value of a register change from packet to packet; or NULL. */
const char *packet_varies(const struct regs *r, uint32_t reg);
bool facts_contradict(const struct fact *a, const struct fact *b);

/* ---- bypass.c ---- */

struct finding {
	const struct nft_chain *chain;
	uint64_t handle;
	const char *expression, *loses, *remedy;
	char comment[128];
};

struct findings {
	struct finding *f;
	size_t n;
	bool permits;		/* some rule says flow add */
	bool torn;		/* there are too many paths, so not all were followed */
	size_t xtables;		/* how many counters of iptables-nft's own tables were left out */
};

void bypass_find(struct rules *r, const struct ruleset *rs, struct findings *to);
void bypass_free(struct findings *f);

#endif
