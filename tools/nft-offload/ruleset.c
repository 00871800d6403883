// SPDX-License-Identifier: GPL-2.0
/*
 * nf_tables' flowtables, and the rules that add flows to them. nf_tables tells about these
 * with mainline's modules too.
 */
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

bool dev_matches(const char *listed, const char *name)
{
	size_t len = strlen(listed);

	if (len && listed[len - 1] == '*')
		return !strncmp(listed, name, len - 1);
	return !strcmp(listed, name);
}

/* Add a device, or the beginning of names, which has its own attribute (2, NFTA_DEVICE_PREFIX) or,
 * in older kernels, no NUL at its end. A beginning as long as names may be is a name.
 */
static void flowtable_dev(struct ft_info *ft, const struct nlattr *attr)
{
	const char *name = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr), used = strnlen(name, len);
	bool begins = mnl_attr_get_type(attr) == NFTA_DEVICE_NAME + 1 || used == len;

	ft->dev = xrealloc(ft->dev, (ft->ndevs + 1) * sizeof(*ft->dev));
	snprintf(ft->dev[ft->ndevs++], IFNAMSIZ, "%.*s%s", (int)used, name, begins ? "*" : "");
}

/* libnftnl before 1.3 reads no flowtable that lists the beginning of names, so the message is read
 * here.
 */
static int flowtable_one(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct ft_info *ft = xalloc(sizeof(*ft));
	const struct nlattr *attr;
	struct ruleset *r = arg;
	struct attrs a, hook;

	attrs_read(&a, nlh, sizeof(*nfg));
	attrs_nested(&hook, a.a[NFTA_FLOWTABLE_HOOK]);
	ft->family = nfg->nfgen_family;
	snprintf(ft->table, sizeof(ft->table), "%s", attr_str(&a, NFTA_FLOWTABLE_TABLE));
	snprintf(ft->name, sizeof(ft->name), "%s", attr_str(&a, NFTA_FLOWTABLE_NAME));
	ft->flags = attr_be(&a, NFTA_FLOWTABLE_FLAGS);
	ft->prio = (int32_t)attr_be(&hook, NFTA_FLOWTABLE_HOOK_PRIORITY);
	if (attr_has(&hook, NFTA_FLOWTABLE_HOOK_DEVS))
		mnl_attr_for_each_nested(attr, hook.a[NFTA_FLOWTABLE_HOOK_DEVS])
			flowtable_dev(ft, attr);
	ft->next = r->ft;
	r->ft = ft;
	return 0;
}

struct rule_info {
	struct ruleset *r;
	const char *table;
	uint32_t family;
};

static int expr_one(struct nftnl_expr *e, void *arg)
{
	struct rule_info *info = arg;
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	if (!name || strcmp(name, "flow_offload"))
		return 0;
	name = nftnl_expr_get_str(e, NFTNL_EXPR_FLOW_TABLE_NAME);
	for (struct ft_info *ft = info->r->ft; ft && name; ft = ft->next)
		if (ft->family == info->family && !strcmp(ft->table, info->table) &&
		    !strcmp(ft->name, name))
			ft->rules++;
	return 0;
}

static int rule_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct rule_info info = { .r = arg };

	if (!rule)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, rule) >= 0) {
		info.table = nftnl_rule_get_str(rule, NFTNL_RULE_TABLE);
		info.family = nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY);
		if (info.table)
			nftnl_expr_foreach(rule, expr_one, &info);
	}
	nftnl_rule_free(rule);
	return 0;
}

static int chain_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct ruleset *r = arg;

	if (!c)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) >= 0 && nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) &&
	    nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD)
		r->chains++;
	nftnl_chain_free(c);
	return 0;
}

static int read_once(struct ruleset *r, struct nl *nl, bool rules)
{
	static const struct {
		uint16_t type;
		nl_fn fn;
	} parts[] = {
		{ NFT_MSG_GETFLOWTABLE, flowtable_one },
		{ NFT_MSG_GETRULE, rule_one },
		{ NFT_MSG_GETCHAIN, chain_one },
	};
	int rc = 0;

	for (size_t i = 0; i < (rules ? ARRAY_SIZE(parts) : 1) && !rc; i++) {
		char buf[256] = {};

		rc = nl_talk(nl, nftnl_nlmsg_build_hdr(buf, parts[i].type, NFPROTO_UNSPEC,
						       NLM_F_DUMP, 0), parts[i].fn, r);
		if (!rc && nl->torn)
			rc = -EINTR;
	}
	return rc;
}

static int read_parts(struct ruleset *r, bool rules, char *why, size_t len)
{
	int rc, tries = 5;

	do {
		struct nl nl = {};

		memset(r, 0, sizeof(*r));
		rc = nl_open(&nl, NETLINK_NETFILTER);
		if (!rc)
			rc = read_once(r, &nl, rules);
		snprintf(why, len, "%s", rc == -EINTR ? "it changes all the time" : nl.why);
		nl_close(&nl);
		if (rc && rc != -EPERM && !r->ft)
			rc = rc == -EINVAL || rc == -EOPNOTSUPP ? 0 : rc;
		if (rc)
			ruleset_free(r);
	} while (rc == -EINTR && --tries);

	return rc;
}

int ruleset_read(struct ruleset *r, char *why, size_t len)
{
	return read_parts(r, true, why, len);
}

int flowtables_read(struct ruleset *r, char *why, size_t len)
{
	return read_parts(r, false, why, len);
}

void ruleset_free(struct ruleset *r)
{
	while (r->ft) {
		struct ft_info *ft = r->ft;

		r->ft = ft->next;
		free(ft->dev);
		free(ft);
	}
}
