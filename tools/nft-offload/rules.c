// SPDX-License-Identifier: GPL-2.0
/*
 * The chains, rules and sets of nf_tables, as libnftnl reads them.
 */
#include <netinet/in.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

/* Return: an array with room for one element more than @n; the room is doubled when it is full. */
static void *grow(void *array, size_t n, size_t size)
{
	return n & (n - 1) ? array : xrealloc(array, (n ? 2 * n : 1) * size);
}

static int table_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct rules *r = arg;
	char *name;

	if (!t)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(nlh, t) >= 0 &&
	    nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS) & NFT_TABLE_F_DORMANT) {
		name = xalloc(300);
		snprintf(name, 300, "%u %s", nftnl_table_get_u32(t, NFTNL_TABLE_FAMILY),
			 nftnl_table_get_str(t, NFTNL_TABLE_NAME));
		r->dormant = grow(r->dormant, r->ndormant, sizeof(*r->dormant));
		r->dormant[r->ndormant++] = name;
	}
	nftnl_table_free(t);
	return 0;
}

/* Is a table dormant? Then its chains are on no hook. */
static bool dormant(const struct rules *r, uint32_t family, const char *table)
{
	char name[300];

	snprintf(name, sizeof(name), "%u %s", family, table);
	for (size_t i = 0; i < r->ndormant; i++)
		if (!strcmp(r->dormant[i], name))
			return true;
	return false;
}

static int chain_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct rules *r = arg;
	struct nft_chain *n;
	const char *type;

	if (!c)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) < 0) {
		nftnl_chain_free(c);
		return 0;
	}
	r->chain = grow(r->chain, r->nchains, sizeof(*r->chain));
	n = &r->chain[r->nchains++];
	memset(n, 0, sizeof(*n));
	n->c = c;
	n->family = nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY);
	n->table = nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE);
	n->name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME);
	n->base = nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) && !dormant(r, n->family, n->table);
	n->hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
	n->prio = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
	type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
	n->nat = type && !strcmp(type, "nat");

	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct nft_chain *x = a, *y = b;
	int d = x->family != y->family ? (x->family < y->family ? -1 : 1) : strcmp(x->table, y->table);

	return d ? d : strcmp(x->name, y->name);
}

struct nft_chain *rules_chain(struct rules *r, uint32_t family, const char *table,
			      const char *name)
{
	struct nft_chain key = { .family = family, .table = table, .name = name };

	if (!table || !name || !r->nchains)
		return NULL;
	return bsearch(&key, r->chain, r->nchains, sizeof(key), by_name);
}

static int rule_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nft_chain *c = NULL;
	struct rules *r = arg;

	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, rule) >= 0)
		c = rules_chain(r, nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY),
				nftnl_rule_get_str(rule, NFTNL_RULE_TABLE),
				nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN));
	if (!c) {
		nftnl_rule_free(rule);
		return 0;
	}
	c->rule = grow(c->rule, c->n, sizeof(*c->rule));
	c->rule[c->n++] = rule;
	r->nrules++;

	return 0;
}

static int set_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct rules *r = arg;

	if (!s)
		return -ENOMEM;
	if (nftnl_set_nlmsg_parse(nlh, s) < 0) {
		nftnl_set_free(s);
		return 0;
	}
	r->set = grow(r->set, r->nsets, sizeof(*r->set));
	r->set[r->nsets++] = (struct nft_set){
		.family = nftnl_set_get_u32(s, NFTNL_SET_FAMILY),
		.flags = nftnl_set_get_u32(s, NFTNL_SET_FLAGS),
		.table = nftnl_set_get_str(s, NFTNL_SET_TABLE),
		.name = nftnl_set_get_str(s, NFTNL_SET_NAME), .s = s };

	return 0;
}

static int dump(struct rules *r, uint16_t type, nl_fn fn)
{
	char buf[256] = {};
	int rc = nl_talk(&r->nl, nftnl_nlmsg_build_hdr(buf, type, NFPROTO_UNSPEC, NLM_F_DUMP, 0),
			 fn, r);

	return rc ? rc : r->nl.torn ? -EINTR : 0;
}

static int read_once(struct rules *r)
{
	int rc = dump(r, NFT_MSG_GETTABLE, table_one);

	if (!rc)
		rc = dump(r, NFT_MSG_GETCHAIN, chain_one);
	if (!rc && r->nchains)
		qsort(r->chain, r->nchains, sizeof(*r->chain), by_name);
	if (!rc)
		rc = dump(r, NFT_MSG_GETRULE, rule_one);
	return rc ? rc : dump(r, NFT_MSG_GETSET, set_one);
}

/* When a commit comes between the dumps, all are read again. */
int rules_read(struct rules *r)
{
	int rc, tries = 5;

	do {
		memset(r, 0, sizeof(*r));
		rc = nl_open(&r->nl, NETLINK_NETFILTER);
		if (!rc)
			rc = read_once(r);
		if (rc == -EINTR)
			snprintf(r->nl.why, sizeof(r->nl.why), "it changes all the time");
		if (rc)
			rules_free(r);
	} while (rc == -EINTR && --tries);

	return rc;
}

void rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->nchains; i++) {
		for (size_t k = 0; k < r->chain[i].n; k++)
			nftnl_rule_free(r->chain[i].rule[k]);
		free(r->chain[i].rule);
		nftnl_chain_free(r->chain[i].c);
	}
	for (size_t i = 0; i < r->nsets; i++) {
		if (r->set[i].elems)
			nftnl_set_free(r->set[i].elems);
		nftnl_set_free(r->set[i].s);
	}
	for (size_t i = 0; i < r->ndormant; i++)
		free(r->dormant[i]);
	free(r->chain);
	free(r->set);
	free(r->dormant);
	nl_close(&r->nl);
}

struct nft_set *rules_set(struct rules *r, uint32_t family, const char *table, const char *name)
{
	for (size_t i = 0; i < r->nsets && name; i++)
		if (r->set[i].family == family && !strcmp(r->set[i].name, name) &&
		    !strcmp(r->set[i].table, table))
			return &r->set[i];
	return NULL;
}

static int elems_one(const struct nlmsghdr *nlh, void *arg)
{
	nftnl_set_elems_nlmsg_parse(nlh, arg);
	return 0;
}

struct nftnl_set *rules_elems(struct rules *r, struct nft_set *set)
{
	struct nftnl_set *ask;
	struct nlmsghdr *req;
	char buf[4096] = {};
	int rc;

	if (set->elems)
		return set->elems;
	ask = nftnl_set_alloc();
	if (!ask)
		return NULL;
	nftnl_set_set_str(ask, NFTNL_SET_TABLE, set->table);
	nftnl_set_set_str(ask, NFTNL_SET_NAME, set->name);
	req = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, set->family, NLM_F_DUMP, 0);
	nftnl_set_elems_nlmsg_build_payload(req, ask);
	rc = nl_talk(&r->nl, req, elems_one, ask);
	if (rc)
		nftnl_set_free(ask);
	else
		set->elems = ask;

	return set->elems;
}

static int comment_one(const struct nftnl_udata *attr, void *arg)
{
	const char **text = arg;

	if (nftnl_udata_type(attr) == NFTNL_UDATA_RULE_COMMENT && nftnl_udata_len(attr) &&
	    !((char *)nftnl_udata_get(attr))[nftnl_udata_len(attr) - 1])
		*text = nftnl_udata_get(attr);
	return 0;
}

const char *rules_comment(struct nftnl_rule *rule, char *buf, size_t len)
{
	const char *text = "";
	const void *data;
	uint32_t n = 0;

	data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &n);
	if (data)
		nftnl_udata_parse(data, n, comment_one, &text);
	snprintf(buf, len, "%s", text);
	return buf;
}
