/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ruleset as check reads it, and what is known of an offloaded packet that
 * meets it. rules.c reads, packet.c evaluates matches, bypass.c walks.
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
	char **dormant;		/* "FAMILY TABLE" */
	size_t ndormant;
	struct nl nl;
};

/* Return: 0 or -errno with the words in @r->nl.why. */
int rules_read(struct rules *r);
void rules_free(struct rules *r);
struct nft_chain *rules_chain(struct rules *r, uint32_t family, const char *table,
			      const char *name);
struct nft_set *rules_set(struct rules *r, uint32_t family, const char *table, const char *name);
/* The set with its elements. Return: NULL when they cannot be read. */
struct nftnl_set *rules_elems(struct rules *r, struct nft_set *set);
const char *rules_comment(struct nftnl_rule *rule, char *buf, size_t len);

/* ---- packet.c ---- */

/* Does a packet of an offloaded connection match? */
enum answer { NEVER, MAYBE, ALWAYS };

#define REG_BYTES	80

/* What a comparison says about a whole connection: `ct mark 1`. */
struct fact {
	uint8_t kind, key, len;
	int8_t dir;
	bool equal;
	uint8_t mask[16], v[16];
};

/* Which packets: the four kinds of connections that flowtables take. */
struct packet {
	uint8_t l3proto, l4proto;
	uint32_t hook;
	bool any_state;		/* of a connection that may not be offloaded yet */
	bool untracked;		/* conntrack has not seen it where it is now */
	bool raw;		/* at a device's ingress */
};

/* Registers, bit by bit, while a rule is evaluated. */
struct regs {
	uint8_t v[REG_BYTES], known[REG_BYTES];
	struct {
		uint8_t kind, key;
		int8_t dir;
		const char *varies;	/* what changes from packet to packet, or NULL */
	} from[REG_BYTES / 4];
	const char *varies;	/* the first such thing that a match depended on */
	struct fact fact;	/* of the last comparison, if it is one */
	bool has_fact;
};

void regs_clear(struct regs *r);
/* Return: ALWAYS for what is no match. */
enum answer packet_match(struct regs *r, const struct packet *p, struct nftnl_expr *e,
			 const char *name);
/* Is this element the one that the register holds? */
enum answer packet_element(const struct regs *r, uint32_t reg, struct nftnl_set_elem *e);
/* What packet_varies() may say. */
extern const char per_time[], per_count[];
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
	bool torn;		/* too many paths: not all were followed */
	size_t xtables;		/* counters of iptables-nft's own tables */
};

void bypass_find(struct rules *r, const struct ruleset *rs, struct findings *to);
void bypass_free(struct findings *f);

#endif
