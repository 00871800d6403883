// SPDX-License-Identifier: GPL-2.0
/*
 * enable and disable: offload for people who don't write nft. A table of the tool
 *
 *   table inet nft_offload {
 *       flowtable fast { hook ingress priority 0; devices = { ... }; }
 *       chain forward {
 *           type filter hook forward priority 200; policy accept;
 *           [iifname LAN ct direction original] meta l4proto tcp flow add @fast
 *           ... the same for udp
 *       }
 *   }
 *
 * is made or removed in one transaction. Its chain accepts every packet, and comes after
 * the chains that filter, so a packet that they drop never comes to it. So the table
 * changes no verdict, whatever else is in the ruleset.
 */
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tool.h"

#define OWN_FLOWTABLE	"fast"
#define OWN_CHAIN	"forward"
/* After the priorities filter (0) and security (50), and chains that people put close to these. */
#define OWN_PRIORITY	200
/* A table with this comment was made by the tool, which may replace or remove it. */
#define OWN_COMMENT	"made by nft-offload enable"
#define DEVS_MAX	256

#define OPT_HW		OPT_LONG(0)
#define OPT_COUNTER	OPT_LONG(1)
#define OPT_ONLY_LAN	OPT_LONG(2)

const struct opt enable_opts[] = {
	{ "hw", OPT_HW, NULL, "in hardware where devices can (flags offload)" },
	{ "counter", OPT_COUNTER, NULL, "let conntrack count, if net.netfilter.nf_conntrack_acct is 1" },
	{ "only-lan", OPT_ONLY_LAN, "DEV", "only connections opened from DEV; may be repeated" },
	{ NULL, 0, NULL, NULL }
};

struct config {
	uint32_t flags;
	int ndevs, nlans;
	char dev[DEVS_MAX][IFNAMSIZ], lan[DEVS_MAX][IFNAMSIZ];
};

/* ---- names ---- */

static bool has_name(char (*names)[IFNAMSIZ], int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Add a device by its own name, which the kernel also finds by an alternative one: nf_tables compares
 * own names alone (from 6.16 on), and would list a device that is not there. Return: 0 or the exit
 * status.
 */
static int add_dev(char (*names)[IFNAMSIZ], int *n, const char *name)
{
	char own[IFNAMSIZ];
	unsigned int ifindex;

	if (!*name || strlen(name) >= IFNAMSIZ)
		return usage("'%s' is no device name: it has 1 to %d characters", name, IFNAMSIZ - 1);
	ifindex = if_nametoindex(name);
	if (!ifindex || !if_indextoname(ifindex, own))
		return refused("no such device: '%s'", name);
	if (has_name(names, *n, own))
		return usage("device '%s' is named twice", name);
	if (*n == DEVS_MAX)
		return usage("more than %d devices", DEVS_MAX);
	strcpy(names[(*n)++], own);
	return 0;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void config_sort(struct config *c)
{
	qsort(c->dev, c->ndevs, IFNAMSIZ, name_order);
	qsort(c->lan, c->nlans, IFNAMSIZ, name_order);
}

static bool config_equal(const struct config *a, const struct config *b)
{
	return a->flags == b->flags && a->ndevs == b->ndevs && a->nlans == b->nlans &&
	       !memcmp(a->dev, b->dev, a->ndevs * IFNAMSIZ) &&
	       !memcmp(a->lan, b->lan, a->nlans * IFNAMSIZ);
}

/* ---- the table that exists ---- */

/* Protocols for whose packets a rule says flow add: bits. */
#define ADDS_TCP	1
#define ADDS_UDP	2
#define ADDS_BOTH	(ADDS_TCP | ADDS_UDP)

struct present {
	bool table, ours;	/* there is a table of this name; the tool made it */
	struct config c;
	int adds, lan_adds[DEVS_MAX];	/* ADDS_*: for any device, and for each of c.lan */
};

/* A rule of the table, as it is being read. */
struct rule_read {
	const char *before;	/* what the expression before this one loads: "iifname", "l4proto" */
	char lan[IFNAMSIZ];
	int protos;		/* ADDS_* */
	bool adds;		/* it says flow add */
};

static int comment_one(const struct nftnl_udata *attr, void *arg)
{
	if (nftnl_udata_type(attr) == NFTNL_UDATA_TABLE_COMMENT &&
	    nftnl_udata_len(attr) == sizeof(OWN_COMMENT) &&
	    !memcmp(nftnl_udata_get(attr), OWN_COMMENT, sizeof(OWN_COMMENT)))
		*(bool *)arg = true;
	return 0;
}

static int table_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct present *p = arg;
	const void *data;
	uint32_t len;

	if (!t)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(nlh, t) >= 0) {
		p->table = true;
		data = nftnl_table_get_data(t, NFTNL_TABLE_USERDATA, &len);
		if (data)
			nftnl_udata_parse(data, len, comment_one, &p->ours);
	}
	nftnl_table_free(t);
	return 0;
}

/* Return: what an expression loads, of what the tool's rules compare; NULL for anything else. */
static const char *loads(const struct nftnl_expr *e, const char *name)
{
	if (strcmp(name, "meta"))
		return NULL;
	switch (nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY)) {
	case NFT_META_IIFNAME:
		return "iifname";
	case NFT_META_L4PROTO:
		return "l4proto";
	default:
		return NULL;
	}
}

/* Somebody may have added comparisons of the same size with something else, an IPv6 address for
 * example, so it counts what was loaded before.
 */
static void cmp_read(const struct nftnl_expr *e, struct rule_read *r)
{
	const uint8_t *data;
	uint32_t len;

	if (!r->before)
		return;
	data = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);
	if (!data)
		return;
	if (!strcmp(r->before, "iifname") && len == IFNAMSIZ && memchr(data, 0, len))
		memcpy(r->lan, data, IFNAMSIZ);
	else if (!strcmp(r->before, "l4proto") && len == sizeof(*data))
		r->protos = *data == IPPROTO_TCP ? ADDS_TCP : *data == IPPROTO_UDP ? ADDS_UDP : 0;
}

static int expr_one(struct nftnl_expr *e, void *arg)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct rule_read *r = arg;

	if (!name)
		return 0;
	if (!strcmp(name, "cmp"))
		cmp_read(e, r);
	else if (!strcmp(name, "flow_offload"))
		r->adds = true;
	r->before = loads(e, name);
	return 0;
}

/* A rule that says flow add: find the device of --only-lan, and the protocols. */
static void rule_counts(struct present *p, const struct rule_read *r)
{
	struct config *c = &p->c;
	int i;

	if (!*r->lan) {
		p->adds |= r->protos;
		return;
	}
	for (i = 0; i < c->nlans && strcmp(c->lan[i], r->lan); i++)
		;
	if (i == DEVS_MAX)
		return;
	if (i == c->nlans)
		strcpy(c->lan[c->nlans++], r->lan);
	p->lan_adds[i] |= r->protos;
}

static int rule_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct rule_read read = { .protos = ADDS_BOTH };
	const char *table;

	if (!r)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, r) >= 0) {
		table = nftnl_rule_get_str(r, NFTNL_RULE_TABLE);
		if (table && !strcmp(table, OWN_TABLE))
			nftnl_expr_foreach(r, expr_one, &read);
		if (read.adds)
			rule_counts(arg, &read);
	}
	nftnl_rule_free(r);
	return 0;
}

/* Are all the rules there that the tool makes? Somebody may have emptied the chain. */
static bool present_whole(const struct present *p)
{
	for (int i = 0; i < p->c.nlans; i++)
		if (p->lan_adds[i] != ADDS_BOTH)
			return false;
	return p->c.nlans || p->adds == ADDS_BOTH;
}

/* Read the table that exists. Return: 0, or -errno with the text in nl->why. */
static int present_read(struct nl *nl, struct present *p)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct ruleset all;
	struct nlmsghdr *req;
	char buf[1024] = {};
	int rc;

	memset(p, 0, sizeof(*p));
	if (!t)
		return -ENOMEM;
	req = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_ACK, 0);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, OWN_TABLE);
	nftnl_table_nlmsg_build_payload(req, t);
	nftnl_table_free(t);
	rc = nl_talk(nl, req, table_one, p);
	if (rc)
		return rc == -ENOENT ? 0 : rc;

	rc = flowtables_read(&all, nl->why, sizeof(nl->why));
	if (rc)
		return rc;
	for (const struct ft_info *ft = all.ft; ft; ft = ft->next) {
		if (ft->family != NFPROTO_INET || strcmp(ft->table, OWN_TABLE))
			continue;
		p->c.flags = ft->flags;
		for (int i = 0; i < ft->ndevs && p->c.ndevs < DEVS_MAX; i++)
			strcpy(p->c.dev[p->c.ndevs++], ft->dev[i]);
	}
	ruleset_free(&all);
	memset(buf, 0, sizeof(buf));
	rc = nl_talk(nl, nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, 0),
		     rule_one, p);
	config_sort(&p->c);

	return rc;
}

/* ---- the transaction ---- */

struct batch {
	char *buf;
	size_t len, room;
	uint32_t seq, first;
	const char **what;		/* what a message is about, by sequence number */
	size_t whats;
};

/* The next message is about @what. */
static void batch_about(struct batch *b, const char *what)
{
	size_t at = b->seq - b->first;

	if (at >= b->whats) {
		b->whats = at + 64;
		b->what = xrealloc(b->what, b->whats * sizeof(*b->what));
	}
	b->what[at] = what;
}

static struct nlmsghdr *batch_next(struct batch *b, uint16_t type, uint16_t flags, const char *what)
{
	batch_about(b, what);
	/* without NLM_F_ACK, because the socket has no room for hundreds of acknowledgments */
	return nftnl_nlmsg_build_hdr(b->buf + b->len, type, NFPROTO_INET, flags, b->seq++);
}

static void batch_done(struct batch *b, const struct nlmsghdr *nlh)
{
	b->len += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void batch_mark(struct batch *b, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->buf + b->len);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	batch_about(b, "the transaction");
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = b->seq++;
	nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
	batch_done(b, nlh);
}

static void put_table(struct batch *b, bool add)
{
	struct nftnl_udata_buf *ud = nftnl_udata_buf_alloc(128);
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh;

	nlh = add ? batch_next(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, "table inet " OWN_TABLE)
		  : batch_next(b, NFT_MSG_DELTABLE, 0, "table inet " OWN_TABLE);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, OWN_TABLE);
	if (add) {
		nftnl_udata_put_strz(ud, NFTNL_UDATA_TABLE_COMMENT, OWN_COMMENT);
		nftnl_table_set_data(t, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(ud),
				     nftnl_udata_buf_len(ud));
	}
	nftnl_table_nlmsg_build_payload(nlh, t);
	nftnl_table_free(t);
	nftnl_udata_buf_free(ud);
	batch_done(b, nlh);
}

static void put_flowtable(struct batch *b, const struct config *c)
{
	struct nftnl_flowtable *t = nftnl_flowtable_alloc();
	const char *devs[DEVS_MAX + 1] = {};
	struct nlmsghdr *nlh = batch_next(b, NFT_MSG_NEWFLOWTABLE, NLM_F_CREATE, "the flowtable");

	for (int i = 0; i < c->ndevs; i++)
		devs[i] = c->dev[i];
	nftnl_flowtable_set_str(t, NFTNL_FLOWTABLE_TABLE, OWN_TABLE);
	nftnl_flowtable_set_str(t, NFTNL_FLOWTABLE_NAME, OWN_FLOWTABLE);
	nftnl_flowtable_set_u32(t, NFTNL_FLOWTABLE_HOOKNUM, NF_NETDEV_INGRESS);
	nftnl_flowtable_set_u32(t, NFTNL_FLOWTABLE_PRIO, 0);
	nftnl_flowtable_set_u32(t, NFTNL_FLOWTABLE_FLAGS, c->flags);
	nftnl_flowtable_set_array(t, NFTNL_FLOWTABLE_DEVICES, devs);
	nftnl_flowtable_nlmsg_build_payload(nlh, t);
	nftnl_flowtable_free(t);
	batch_done(b, nlh);
}

static void put_chain(struct batch *b)
{
	struct nftnl_chain *ch = nftnl_chain_alloc();
	struct nlmsghdr *nlh = batch_next(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, "the forward chain");

	nftnl_chain_set_str(ch, NFTNL_CHAIN_TABLE, OWN_TABLE);
	nftnl_chain_set_str(ch, NFTNL_CHAIN_NAME, OWN_CHAIN);
	nftnl_chain_set_str(ch, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(ch, NFTNL_CHAIN_HOOKNUM, NF_INET_FORWARD);
	nftnl_chain_set_s32(ch, NFTNL_CHAIN_PRIO, OWN_PRIORITY);
	nftnl_chain_set_u32(ch, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(nlh, ch);
	nftnl_chain_free(ch);
	batch_done(b, nlh);
}

/* Add a match to a rule: load a key into register 1, and compare the register. */
static void rule_match(struct nftnl_rule *r, const char *expr, int key_attr, uint32_t key,
		       int reg_attr, const void *data, size_t len)
{
	struct nftnl_expr *e = nftnl_expr_alloc(expr);

	nftnl_expr_set_u32(e, key_attr, key);
	nftnl_expr_set_u32(e, reg_attr, NFT_REG_1);
	nftnl_rule_add_expr(r, e);
	e = nftnl_expr_alloc("cmp");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
	nftnl_rule_add_expr(r, e);
}

static void put_rule(struct batch *b, const char *lan, uint8_t l4proto)
{
	static const uint8_t original = IP_CT_DIR_ORIGINAL;
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nftnl_expr *e;
	struct nlmsghdr *nlh = batch_next(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
					  "the rule that adds flows");

	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, OWN_TABLE);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, OWN_CHAIN);
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
	if (lan) {
		rule_match(r, "meta", NFTNL_EXPR_META_KEY, NFT_META_IIFNAME,
			   NFTNL_EXPR_META_DREG, lan, IFNAMSIZ);
		rule_match(r, "ct", NFTNL_EXPR_CT_KEY, NFT_CT_DIRECTION,
			   NFTNL_EXPR_CT_DREG, &original, sizeof(original));
	}
	rule_match(r, "meta", NFTNL_EXPR_META_KEY, NFT_META_L4PROTO,
		   NFTNL_EXPR_META_DREG, &l4proto, sizeof(l4proto));
	e = nftnl_expr_alloc("flow_offload");
	nftnl_expr_set_str(e, NFTNL_EXPR_FLOW_TABLE_NAME, OWN_FLOWTABLE);
	nftnl_rule_add_expr(r, e);
	nftnl_rule_nlmsg_build_payload(nlh, r);
	nftnl_rule_free(r);
	batch_done(b, nlh);
}

/* Send the batch. nf_tables answers each message that it refuses before the send returns; the first
 * refusal is reported. Return: 0, or -errno with the text in nl->why.
 */
static int batch_send(struct nl *nl, struct batch *b)
{
	char why[sizeof(nl->why)] = "";
	const char *what = NULL;
	int rc = 0, lost = 0, err;
	uint32_t at;

	if (mnl_socket_sendto(nl->s, b->buf, b->len) < 0) {
		err = errno;
		snprintf(nl->why, sizeof(nl->why), "nothing was changed: %s", strerror(err));
		return -err;
	}
	for (;;) {
		const struct nlmsghdr *nlh;
		ssize_t got = recv(mnl_socket_get_fd(nl->s), nl->buf, sizeof(nl->buf), MSG_DONTWAIT);
		int left = got;

		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (got < 0) {
			/* After a loss or a signal there may be more to read, with a refusal in it. */
			if (errno != EINTR)
				lost = errno;
			if (errno != EINTR && errno != ENOBUFS)
				break;
			continue;
		}
		for (nlh = (const void *)nl->buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			err = nl_ack(nl, nlh);
			if (!err || rc)
				continue;
			rc = err;
			at = nlh->nlmsg_seq - b->first;
			what = at < b->seq - b->first ? b->what[at] : NULL;
			snprintf(why, sizeof(why), "%s", nl->why);
		}
	}
	if (rc) {
		snprintf(nl->why, sizeof(nl->why), "nothing was changed: %s: %.400s",
			 what ? what : "the ruleset", why);
	} else if (lost) {
		rc = -lost;
		snprintf(nl->why, sizeof(nl->why),
			 "the kernel's answer was lost (%s); nft list table inet " OWN_TABLE " tells what is there",
			 strerror(lost));
	}
	return rc;
}

static int apply(struct nl *nl, bool remove, const struct config *c)
{
	/* a rule takes less than 600 bytes, a device's name less than 32 */
	size_t room = 4096 + DEVS_MAX * 32 + (c ? 2 * (c->nlans + 1) * 1024 : 0);
	struct batch b = { .buf = xalloc(room), .room = room, .seq = nl->seq, .first = nl->seq };
	int rc;

	batch_mark(&b, NFNL_MSG_BATCH_BEGIN);
	if (remove)
		put_table(&b, false);
	if (c) {
		put_table(&b, true);
		put_flowtable(&b, c);
		put_chain(&b);
		for (int i = 0; i < (c->nlans ? c->nlans : 1); i++) {
			put_rule(&b, c->nlans ? c->lan[i] : NULL, IPPROTO_TCP);
			put_rule(&b, c->nlans ? c->lan[i] : NULL, IPPROTO_UDP);
		}
	}
	batch_mark(&b, NFNL_MSG_BATCH_END);
	rc = batch_send(nl, &b);
	free(b.what);
	free(b.buf);

	return rc;
}

/* ---- the commands ---- */

static int enable_opt(const struct opt *o, const char *value, void *arg)
{
	struct config *c = arg;

	switch (o->letter) {
	case OPT_HW:
		c->flags |= NFT_FLOWTABLE_HW_OFFLOAD;
		return 0;
	case OPT_COUNTER:
		c->flags |= NFT_FLOWTABLE_COUNTER;
		return 0;
	}
	return add_dev(c->lan, &c->nlans, value);
}

static int present_open(struct nl *nl, struct present *p)
{
	int rc = nl_open(nl, NETLINK_NETFILTER);

	if (!rc)
		rc = present_read(nl, p);
	if (rc)
		return refused("cannot read the ruleset: %s", nl->why);
	if (p->table && !p->ours)
		return refused("table inet %s is there and not of our making: it is left alone",
			       OWN_TABLE);
	return STATUS_OK;
}

int cmd_enable(const struct command *cmd, int argc, char **argv)
{
	static struct config c;
	static struct present p;
	struct nl nl = {};
	bool same;
	int rc = opts_parse(cmd, &argc, &argv, enable_opt, &c);

	if (rc >= 0)
		return rc;
	if (!argc)
		return usage("enable: which devices? enable DEV DEV...");
	for (int i = 0; i < argc; i++) {
		rc = add_dev(c.dev, &c.ndevs, argv[i]);
		if (rc)
			return rc;
	}
	for (int i = 0; i < c.nlans; i++)
		if (!has_name(c.dev, c.ndevs, c.lan[i]))
			return usage("enable: --only-lan %s: it is none of the devices", c.lan[i]);
	config_sort(&c);

	rc = present_open(&nl, &p);
	if (rc)
		goto out;
	same = p.table && config_equal(&c, &p.c);
	if (same && present_whole(&p)) {
		printf("enabled already, just so (table inet %s)\n", OWN_TABLE);
		goto out;
	}
	rc = apply(&nl, p.table, &c);
	if (rc) {
		rc = refused("cannot enable: %s", nl.why);
		goto out;
	}
	printf("%s: table inet %s offloads TCP and UDP between %d device%s\n",
	       same ? "repaired, rules were missing" : p.table ? "changed" : "enabled", OWN_TABLE,
	       c.ndevs, c.ndevs == 1 ? "" : "s");
out:
	nl_close(&nl);
	return rc;
}

int cmd_disable(const struct command *cmd, int argc, char **argv)
{
	static struct present p;
	struct nl nl = {};
	int rc = opts_parse(cmd, &argc, &argv, NULL, NULL);

	if (rc >= 0)
		return rc;
	if (argc)
		return usage("disable: '%s' is not expected: it removes all that enable made", argv[0]);
	rc = present_open(&nl, &p);
	if (rc)
		goto out;
	if (!p.table) {
		printf("not enabled: there is no table inet %s\n", OWN_TABLE);
		goto out;
	}
	rc = apply(&nl, true, NULL);
	if (rc)
		rc = refused("cannot disable: %s", nl.why);
	else
		puts("disabled: connections go on in the slow path");
out:
	nl_close(&nl);
	return rc;
}
