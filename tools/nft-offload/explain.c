// SPDX-License-Identifier: GPL-2.0
/*
 * explain: what carries one connection, or what keeps it in the slow path.
 *
 * The steps ask what the module's ladder asks, in the same order, as far as that can
 * be asked from outside; the first one that stops is the answer. What only a packet
 * shows (IP options, a FIN, IPsec on the way in) can't be known afterwards.
 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/genetlink.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <string.h>

#include "tool.h"

#define OPT_ZONE	OPT_LONG(0)

const struct opt explain_opts[] = {
	{ "zone", OPT_ZONE, "N", "conntrack zone, default 0" },
	{ NULL, 0, NULL, NULL }
};

/* The kernel's headers for user space have only the older name of this bit. */
#ifndef IPS_NAT_CLASH
#define IPS_NAT_CLASH	IPS_UNTRACKED
#endif

enum result { STEP_OK, STEP_NOTE, STEP_STOP };

struct explain {
	struct conn asked;
	uint16_t zone;
	struct ct ct;
	struct flow flow;
	bool has_flow;
	enum provider provider;
	uint32_t promote_after, max_flows, icmp_echo, udp_answers, flows;
	struct ruleset rules;
	json_t *steps;
	const char *path, *reason;	/* @reason: NULL while no step has stopped */
	const char *remedy;
	char text[512];
};

static void step(struct explain *e, const char *what, enum result result,
		 const char *reason, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void step(struct explain *e, const char *what, enum result result,
		 const char *reason, const char *fmt, ...)
{
	static const char * const names[] = { "ok", "note", "stop" };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(e->steps, json_pack("{ss ss ss}", "step", what,
						  "result", names[result], "text", utf8(text)));
	if (result == STEP_STOP && !e->reason) {
		e->reason = reason;
		snprintf(e->text, sizeof(e->text), "%s", text);
	}
}

static void stop(struct explain *e, const char *what, enum nfo_reason why, const char *detail)
{
	if (!e->reason)
		e->remedy = reason_remedy(why);
	step(e, what, STEP_STOP, reason_name(why), "%s%s%s", reason_text(why),
	     *detail ? ": " : "", detail);
}

/* ---- conntrack ---- */

/* The user may give the connection as its packets arrive, as the packets of the reply arrive, or as
 * either look after NAT. In each case conntrack finds the entry by the tuple or by its reverse.
 */
static int find_ct(struct explain *e)
{
	struct conn back = conn_reversed(&e->asked);
	int rc;

	/* conntrack finds no entry of another protocol by ports */
	if (!l4proto_offloadable(e->asked.l4proto))
		return 0;
	rc = ct_get(&e->asked, e->zone, &e->ct);

	if (!rc && !e->ct.found)
		rc = ct_get(&back, e->zone, &e->ct);
	return rc;
}

/* Reasons that the protocol gives. */
static void step_protocol(struct explain *e)
{
	uint8_t l4proto = e->ct.dir[0].l4proto;

	if (l4proto == IPPROTO_TCP && e->ct.tcp_state != TCP_CONNTRACK_ESTABLISHED)
		stop(e, "tcp", NFO_R_TCP_STATE, tcp_state_name(e->ct.tcp_state));
	/* What else there is between protocols is this module's own. */
	if (e->provider != PROVIDER_OURS)
		return;
	if ((l4proto == IPPROTO_ICMP || l4proto == IPPROTO_ICMPV6) && !e->icmp_echo)
		stop(e, "settings", NFO_R_ICMP_ECHO, "");
	if (l4proto == IPPROTO_SCTP && e->ct.sctp_state != SCTP_CONNTRACK_ESTABLISHED)
		stop(e, "sctp", NFO_R_SCTP_STATE, sctp_state_name(e->ct.sctp_state));
}

/* The first answers of a UDP connection do not promote it. How many packets there were is known
 * with conntrack's accounting only.
 */
static void step_answers(struct explain *e)
{
	const struct ct *ct = &e->ct;
	char detail[96];

	if (ct->dir[0].l4proto != IPPROTO_UDP || !e->udp_answers ||
	    ct->status & IPS_ASSURED || !(ct->status & IPS_SEEN_REPLY))
		return;
	if (ct->counted && ct->packets[0] == 1 && ct->packets[1] <= e->udp_answers) {
		snprintf(detail, sizeof(detail), "%llu of more than %u",
			 (unsigned long long)ct->packets[1], e->udp_answers);
		stop(e, "settings", NFO_R_UDP_ANSWER, detail);
	} else {
		step(e, "settings", STEP_NOTE, NULL,
		     "conntrack does not call it assured yet: the first %u answers do not promote a UDP connection (setting udp_answers)",
		     e->udp_answers);
	}
}

/* Reasons that the settings give, and conntrack's limit, which is one of them while max_flows is
 * 0.
 */
static void step_settings(struct explain *e)
{
	uint32_t conntrack_max = sysctl_get("net/netfilter/nf_conntrack_max");
	uint32_t count = sysctl_get("net/netfilter/nf_conntrack_count");
	uint32_t max = e->max_flows ? e->max_flows : conntrack_max;
	const struct ct *ct = &e->ct;
	char detail[96];

	if (max && e->flows >= max) {
		snprintf(detail, sizeof(detail), "%u of %u", e->flows, max);
		stop(e, "settings", NFO_R_MAX_FLOWS, detail);
	}
	if (e->promote_after && ct->counted &&
	    ct->packets[0] + ct->packets[1] < e->promote_after) {
		snprintf(detail, sizeof(detail), "%llu of %u",
			 (unsigned long long)(ct->packets[0] + ct->packets[1]), e->promote_after);
		stop(e, "settings", NFO_R_PROMOTE_AFTER, detail);
	}
	step_answers(e);
	if (!(ct->status & IPS_ASSURED) && conntrack_max && count >= conntrack_max / 4 * 3) {
		snprintf(detail, sizeof(detail), "%u of %u", count, conntrack_max);
		stop(e, "conntrack", NFO_R_CONNTRACK_FULL, detail);
	}
}

/* The module's ladder, for a connection that has no flow. */
static void step_ladder(struct explain *e)
{
	static const struct {
		uint32_t bit;
		bool missing;
		enum nfo_reason why;
	} rungs[] = {
		{ IPS_CONFIRMED, true, NFO_R_UNCONFIRMED },
		{ IPS_DYING, false, NFO_R_DYING },
		{ IPS_SEQ_ADJUST, false, NFO_R_SEQ_ADJUST },
		{ IPS_NAT_CLASH, false, NFO_R_NAT_CLASH },
		{ IPS_FIXED_TIMEOUT, false, NFO_R_FIXED_TIMEOUT },
	};
	const struct ct *ct = &e->ct;

	step_protocol(e);
	if (*ct->helper || ct->status & IPS_HELPER)
		stop(e, "helper", NFO_R_HELPER, ct->helper);
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++)
		if (!(ct->status & rungs[i].bit) == rungs[i].missing)
			stop(e, "conntrack", rungs[i].why, "");
	if (e->provider == PROVIDER_OURS)
		step_settings(e);
}

static void step_ct(struct explain *e)
{
	const struct ct *ct = &e->ct;
	char counted[96] = "", name[3 * ENDPOINT_LEN];

	if (!l4proto_offloadable(e->asked.l4proto)) {
		stop(e, "protocol", NFO_R_PROTOCOL, "");
		return;
	}
	if (!ct->found) {
		step(e, "conntrack", STEP_STOP, reason_name(NFO_R_NO_CONNTRACK),
		     "there is no such connection: it has ended, has sent nothing through this network namespace yet, or is not tracked");
		return;
	}
	if (ct->counted)
		snprintf(counted, sizeof(counted), ", %llu packets out and %llu back counted",
			 (unsigned long long)ct->packets[0], (unsigned long long)ct->packets[1]);
	step(e, "conntrack", STEP_OK, NULL, "%s%s%s%s%s%s%s%s",
	     conn_str(name, sizeof(name), &ct->dir[0]),
	     ct->tcp_state >= 0 ? ", " : "", ct->tcp_state >= 0 ? tcp_state_name(ct->tcp_state) : "",
	     ct->status & IPS_SEEN_REPLY ? "" : ", no reply seen",
	     ct->status & IPS_SRC_NAT ? ", source NAT" : "",
	     ct->status & IPS_DST_NAT ? ", destination NAT" : "",
	     ct->status & IPS_HW_OFFLOAD ? ", [HW_OFFLOAD]" :
	     ct->status & IPS_OFFLOAD ? ", [OFFLOAD]" : "", counted);
	if (!e->has_flow && !(ct->status & IPS_OFFLOAD))
		step_ladder(e);
}

/* ---- ruleset ---- */

static void step_ruleset(struct explain *e)
{
	const struct ft_info *ft, *used = NULL;
	bool any = false;

	for (ft = e->rules.ft; ft; ft = ft->next) {
		any = true;
		if (ft->rules)
			used = ft;
	}
	if (!any)
		step(e, "ruleset", STEP_STOP, "no-flowtable",
		     "no ruleset has a flowtable: nft-offload enable DEV... makes one");
	else if (!used)
		step(e, "ruleset", STEP_STOP, "no-rule",
		     "there is a flowtable, but no rule says `flow add @%s`", e->rules.ft->name);
	for (ft = e->rules.ft; ft; ft = ft->next)
		if (ft->rules)
			step(e, "ruleset", STEP_OK, NULL,
			     "flowtable %s of table %s %s has %d rule%s that add%s to it and %d device%s",
			     ft->name, family_name(ft->family), ft->table, ft->rules,
			     ft->rules == 1 ? "" : "s", ft->rules == 1 ? "s" : "", ft->ndevs,
			     ft->ndevs == 1 ? "" : "s");
}

static bool dev_listed(const void *arg, const char *name)
{
	const struct explain *e = arg;

	for (const struct ft_info *ft = e->rules.ft; ft; ft = ft->next)
		for (int i = 0; i < ft->ndevs; i++)
			if (ft->rules && dev_matches(ft->dev[i], name))
				return true;
	return false;
}

/* ---- where packets of the connection go ---- */

static void step_dev(struct explain *e, const char *way, uint32_t ifindex, struct dev *d)
{
	char name[IFNAMSIZ];

	if (!if_indextoname(ifindex, name) || dev_get(name, d))
		return;
	if (!(d->flags & IFF_UP))
		stop(e, way, NFO_R_DEV_DOWN, name);
	if (!dev_listed(e, name)) {
		char detail[160], below[IFNAMSIZ];

		if (dev_covered(d, dev_listed, e, below)) {
			step(e, way, STEP_OK, NULL, "%s is above %s, which is listed", name, below);
			return;
		}

		snprintf(detail, sizeof(detail), "%s%s", name,
			 !strcmp(d->kind, "bridge") ? ", a bridge" : "");
		stop(e, way, NFO_R_DEV_NOT_IN_TABLE, detail);
	}
}

static void step_neigh(struct explain *e, const char *way, const struct route *r,
		       uint8_t l3proto, const union addr *hop, const struct dev *d)
{
	char addr[INET6_ADDRSTRLEN], detail[160];
	uint16_t state;

	/* such a link has no neighbours to resolve */
	if (d->flags & (IFF_NOARP | IFF_POINTOPOINT | IFF_LOOPBACK) || d->type != ARPHRD_ETHER)
		return;
	addr_str(addr, l3proto, hop);
	state = neigh_get(l3proto, hop, r->oif);
	snprintf(detail, sizeof(detail), "%s on %s is %s", addr, d->name, neigh_state_name(state));
	if (state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE))
		step(e, way, STEP_OK, NULL, "next hop %s", detail);
	else
		stop(e, way, NFO_R_NEIGH, detail);
}

/* One direction. @from and @to: the addresses that routing sees; @iif: the device by which packets
 * enter, or 0.
 */
static void step_way(struct explain *e, const char *way, const union addr *from,
		     const union addr *to, uint32_t iif)
{
	uint8_t l3proto = e->ct.dir[0].l3proto;
	char addr[INET6_ADDRSTRLEN], why[256] = "", detail[400], via[INET6_ADDRSTRLEN + 8] = "";
	struct route r;
	struct dev d = {};

	addr_str(addr, l3proto, to);
	if (route_get(l3proto, to, iif ? from : NULL, iif, &r, why, sizeof(why))) {
		snprintf(detail, sizeof(detail), "to %s: %s", addr, why);
		stop(e, way, NFO_R_NO_ROUTE, detail);
		return;
	}
	if (r.type != RTN_UNICAST || r.encap) {
		snprintf(detail, sizeof(detail), "to %s: %s", addr,
			 r.encap ? "encapsulating" : route_type_name(r.type));
		stop(e, way, r.type == RTN_UNREACHABLE || r.type == RTN_PROHIBIT ||
			     r.type == RTN_BLACKHOLE ? NFO_R_NO_ROUTE : NFO_R_ROUTE_TYPE, detail);
		return;
	}
	if (r.has_gw)
		snprintf(via, sizeof(via), " via %s",
			 addr_str(detail, r.gw_family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4, &r.gw));
	step(e, way, STEP_OK, NULL, "%s is reached%s by %s", addr, via, dev_name(r.oif));
	step_dev(e, way, r.oif, &d);
	step_neigh(e, way, &r, r.has_gw && r.gw_family == AF_INET6 ? NFPROTO_IPV6 :
		   r.has_gw ? NFPROTO_IPV4 : l3proto, r.has_gw ? &r.gw : to, &d);
}

static void step_ways(struct explain *e)
{
	const struct conn *o = &e->ct.dir[0], *b = &e->ct.dir[1];
	struct route in = {}, out = {};

	/* It is not known where packets enter, so that is taken to be where the replies leave. */
	route_get(o->l3proto, &o->src, NULL, 0, &in, NULL, 0);
	route_get(o->l3proto, &b->src, NULL, 0, &out, NULL, 0);
	step_way(e, "way out", &o->src, &b->src, in.oif);
	step_way(e, "way back", &b->src, &o->src, out.oif);
}

/* ---- the flow ---- */

static int flow_one(const struct nlmsghdr *nlh, void *arg)
{
	struct explain *e = arg;

	flow_read(&e->flow, nlh);
	e->has_flow = true;
	return 0;
}

static int stats_one(const struct nlmsghdr *nlh, void *arg)
{
	struct explain *e = arg;
	struct attrs a;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	e->flows = attr_uint(&a, NFO_STATS_FLOWS);
	return 0;
}

/* Return: 0, or -errno with the text in nl->why. */
static int ask_settings(struct explain *e, struct nl *nl)
{
	json_t *all = json_object();
	int rc = settings_json(nl, all);

	e->promote_after = json_integer_value(json_object_get(all, "promote_after"));
	e->max_flows = json_integer_value(json_object_get(all, "max_flows"));
	e->icmp_echo = json_integer_value(json_object_get(all, "icmp_echo"));
	e->udp_answers = json_integer_value(json_object_get(all, "udp_answers"));
	json_decref(all);
	return rc;
}

/* Return: 0 or the exit status. */
static int ask_module(struct explain *e)
{
	char buf[512] = {};
	struct nl nl = {};
	struct nlmsghdr *req;
	int rc = nfo_open(&nl);

	e->provider = provider_now(&nl);
	if (rc)
		return rc == -ENOENT ? 0 : refused("cannot ask the kernel: %s", nl.why);
	req = nfo_msg(&nl, buf, NFO_CMD_FLOW_GET, NLM_F_ACK);
	conn_put(e->ct.found ? &e->ct.dir[0] : &e->asked, req);
	mnl_attr_put_u16(req, NFO_FLOW_ZONE, e->ct.zone ? e->ct.zone : e->zone);
	rc = nl_talk(&nl, req, flow_one, e);
	if (rc == -ENOENT)
		rc = 0;
	memset(buf, 0, sizeof(buf));
	if (!rc)
		rc = nl_talk(&nl, nfo_msg(&nl, buf, NFO_CMD_STATS_GET, NLM_F_ACK), stats_one, e);
	if (!rc)
		rc = ask_settings(e, &nl);
	if (rc)
		rc = refused("cannot ask the module: %s", nl.why);
	nl_close(&nl);

	return rc;
}

static void step_provider(struct explain *e)
{
	char names[256];

	switch (e->provider) {
	case PROVIDER_OURS:
		step(e, "module", STEP_OK, NULL, "nf_flow_offload serves the flowtables");
		break;
	case PROVIDER_MAINLINE:
		mainline_loaded(names, sizeof(names));
		step(e, "module", STEP_NOTE, NULL,
		     "mainline's modules serve the flowtables (%s): they tell no more than conntrack's flag",
		     names);
		break;
	case PROVIDER_NONE:
		step(e, "module", STEP_STOP, "no-module",
		     "nobody serves flowtables: modprobe nf_flow_offload");
		break;
	}
}

static void step_flow(struct explain *e)
{
	char src[ENDPOINT_LEN], dst[ENDPOINT_LEN], age[FIG], expires[FIG], as[300] = "";
	char packets[2][FIG], bytes[2][FIG];
	const struct flow *f = &e->flow;

	if (!e->has_flow)
		return;
	if (flow_translated(f))
		snprintf(as, sizeof(as), ", leaves as %s > %s",
			 endpoint(src, f->l3proto, &f->dir[0].new_src, f->dir[0].new_sport),
			 endpoint(dst, f->l3proto, &f->dir[0].new_dst, f->dir[0].new_dport));
	step(e, "flow", STEP_OK, NULL,
	     "%s > %s%s; %s packets (%s bytes) out, %s (%s) back; ends after %s without packets",
	     dev_name(f->dir[0].iif), dev_name(f->dir[0].oif), as,
	     fig_count(packets[0], f->dir[0].packets), fig_bytes(bytes[0], f->dir[0].bytes),
	     fig_count(packets[1], f->dir[1].packets), fig_bytes(bytes[1], f->dir[1].bytes),
	     fig_time(expires, f->expires_ms));
	e->path = state_name(f->state);
	snprintf(e->text, sizeof(e->text),
		 "%s, for %s, flowtable %s of table %s %s",
		 f->state == NFO_STATE_HARDWARE ? "the hardware carries it" :
		 f->state == NFO_STATE_HALF && f->dir[0].hw ?
			"the hardware carries its original direction, the software fast path the reply" :
		 f->state == NFO_STATE_HALF ?
			"the hardware carries its reply direction, the software fast path the original" :
		 f->state == NFO_STATE_ONEWAY ?
			"the software fast path carries one direction; of the other one no packet came that could be learned from" :
		 f->state == NFO_STATE_QUEUED ?
			"the software fast path carries it, and it is on its way into hardware" :
			"the software fast path carries it",
		 fig_time(age, f->age_ms), f->flowtable, family_name(f->family), f->table);
	if (f->reason)
		snprintf(e->text + strlen(e->text), sizeof(e->text) - strlen(e->text), " (%s: %s)",
			 reason_name(f->reason), reason_text(f->reason));
}

static void conclude(struct explain *e)
{
	if (e->has_flow) {
		e->reason = reason_name(e->flow.reason);
		e->remedy = reason_remedy(e->flow.reason);
		return;
	}
	if (e->ct.found && e->ct.status & IPS_OFFLOAD) {
		e->path = e->provider == PROVIDER_OURS ? "slow" : "mainline";
		e->reason = "none";
		snprintf(e->text, sizeof(e->text), "%s",
			 e->provider == PROVIDER_OURS ?
			 "conntrack says it is offloaded, and the module has no such flow: it is just coming or going" :
			 "mainline's flowtable carries it");
		return;
	}
	e->path = e->ct.found ? "slow" : "none";
	if (e->reason)
		return;
	e->reason = "none";
	snprintf(e->text, sizeof(e->text),
		 "the slow path carries it, and nothing stands against promotion: its next packet that reaches a `flow add` rule should bring it in. If it does not, the rule does not match it, or its packets themselves keep it out (IP options, IPsec): see the reasons in nft-offload status");
}

static void print_explain(const struct explain *e)
{
	static const char * const marks[] = { "ok", "note", "stop" };
	char name[3 * ENDPOINT_LEN], first[64];
	size_t i;
	json_t *s;

	puts(conn_str(name, sizeof(name), &e->asked));
	json_array_foreach(e->steps, i, s) {
		const char *result = json_string_value(json_object_get(s, "result"));

		snprintf(first, sizeof(first), "  %-10s %-4s ",
			 json_string_value(json_object_get(s, "step")),
			 !strcmp(result, marks[2]) ? "STOP" : result);
		say_wrapped(stdout, first, "                  ",
			    json_string_value(json_object_get(s, "text")));
	}
	snprintf(first, sizeof(first), "%s: ", !strcmp(e->path, "slow") ? "Slow path" :
		 !strcmp(e->path, "none") ? "Not here" : "Fast path");
	say_wrapped(stdout, first, "  ", e->text);
	if (*e->remedy)
		say_wrapped(stdout, "Remedy: ", "  ", e->remedy);
}

static void print_json(struct explain *e)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	const struct conn *c = &e->asked;

	json_out(json_pack("{s{ss ss ss si ss si} ss ss ss ss ss sO so}",
		"connection", "l3proto", l3proto_name(c->l3proto),
		"l4proto", l4proto_name(c->l4proto),
		"src", addr_str(src, c->l3proto, &c->src), "sport", c->sport,
		"dst", addr_str(dst, c->l3proto, &c->dst), "dport", c->dport,
		"provider", provider_name(e->provider), "path", e->path, "reason", e->reason,
		"text", utf8(e->text), "remedy", e->remedy, "steps", e->steps,
		"flow", e->has_flow ? flow_json(&e->flow) : json_null()));
}

static int explain_opt(const struct opt *o, const char *value, void *arg)
{
	struct explain *e = arg;

	(void)o;
	return zone_parse(value, &e->zone);
}

int cmd_explain(const struct command *cmd, int argc, char **argv)
{
	struct explain e = { .path = "none", .remedy = "" };
	char why[256];
	int rc = opts_parse(cmd, &argc, &argv, explain_opt, &e);

	if (rc >= 0)
		return rc;
	if (argc != 3)
		return usage("explain: it takes PROTO SRC:PORT DST:PORT: explain tcp 192.0.2.1:40000 198.51.100.2:443");
	rc = conn_parse(&e.asked, argv);
	if (rc)
		return rc;
	if (find_ct(&e))
		return refused("cannot ask conntrack: %s", e.ct.why);
	rc = ask_module(&e);
	if (rc)
		return rc;
	if (ruleset_read(&e.rules, why, sizeof(why)))
		return refused("cannot read the ruleset: %s", why);

	e.steps = json_array();
	step_provider(&e);
	step_ct(&e);
	step_flow(&e);
	if (!e.has_flow) {
		step_ruleset(&e);
		if (e.ct.found)
			step_ways(&e);
	}
	conclude(&e);
	if (opt_json)
		print_json(&e);
	else
		print_explain(&e);
	json_decref(e.steps);
	ruleset_free(&e.rules);

	return STATUS_OK;
}
