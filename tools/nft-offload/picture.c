// SPDX-License-Identifier: GPL-2.0
/*
 * The picture: a JSON document that status and metrics show. It says who serves
 * flowtables and what to do about that, what is in them, and why connections were refused.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static int stats_one(const struct nlmsghdr *nlh, void *arg)
{
	json_t *to = arg, *reasons = json_object();
	const struct nlattr *attr;
	struct attrs a, r;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != NFO_STATS_REASON)
			continue;
		attrs_nested(&r, attr);
		json_object_set_new(reasons, attr_str(&r, NFO_REASON_NAME),
				    json_integer(attr_uint(&r, NFO_REASON_COUNT)));
	}
	json_object_set_new(to, "reasons", reasons);
	json_object_set_new(to, "counters", json_pack("{sI sI sI sI sI}",
		"flows", (json_int_t)attr_uint(&a, NFO_STATS_FLOWS),
		"added", (json_int_t)attr_uint(&a, NFO_STATS_ADDED),
		"reverified", (json_int_t)attr_uint(&a, NFO_STATS_REVERIFIED),
		"epoch", (json_int_t)attr_uint(&a, NFO_STATS_EPOCH),
		"recheck_ms", (json_int_t)attr_uint(&a, NFO_STATS_RECHECK_MS)));
	json_object_set_new(to, "memory", json_pack("{sI sI sI}",
		"total", (json_int_t)attr_uint(&a, NFO_STATS_MEMORY),
		"flow_ipv4", (json_int_t)attr_uint(&a, NFO_STATS_FLOW_SIZE),
		"flow_ipv6", (json_int_t)attr_uint(&a, NFO_STATS_FLOW_SIZE6)));
	json_object_set_new(json_object_get(to, "module"), "version",
			    json_string(attr_str(&a, NFO_STATS_VERSION)));
	return 0;
}

/* Add the flows of a table in each state to @states. A state without flows is left out. */
static void add_states(json_t *states, const struct attrs *a)
{
	static const struct {
		int attr;
		enum nfo_flow_state state;
	} counts[] = {
		{ NFO_TABLE_SOFTWARE, NFO_STATE_SOFTWARE },
		{ NFO_TABLE_ONEWAY, NFO_STATE_ONEWAY },
		{ NFO_TABLE_QUEUED, NFO_STATE_QUEUED },
		{ NFO_TABLE_HARDWARE, NFO_STATE_HARDWARE },
		{ NFO_TABLE_HALF, NFO_STATE_HALF },
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		const char *name = state_name(counts[i].state);
		json_int_t n = attr_uint(a, counts[i].attr);

		if (n)
			json_object_set_new(states, name, json_integer(n +
				json_integer_value(json_object_get(states, name))));
	}
}

static int table_one(const struct nlmsghdr *nlh, void *arg)
{
	json_t *to = arg, *states = json_object();
	struct attrs a;
	uint32_t flags;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	add_states(json_object_get(to, "states"), &a);
	add_states(states, &a);
	flags = attr_uint(&a, NFO_TABLE_FLAGS);
	json_array_append_new(json_object_get(to, "flowtables"), json_pack("{ss ss ss sb sb sI sI so sI}",
		"flowtable", utf8(attr_str(&a, NFO_TABLE_FLOWTABLE)),
		"table", utf8(attr_str(&a, NFO_TABLE_TABLE)),
		"family", family_name(attr_uint(&a, NFO_TABLE_FAMILY)),
		"offload", flags & 1, "counter", !!(flags & 2),
		"flows", (json_int_t)attr_uint(&a, NFO_TABLE_FLOWS),
		"devices", (json_int_t)attr_uint(&a, NFO_TABLE_DEVS), "states", states,
		"memory", (json_int_t)attr_uint(&a, NFO_TABLE_MEMORY)));
	return 0;
}

static int dev_one(const struct nlmsghdr *nlh, void *arg)
{
	struct attrs a;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	json_array_append_new(json_object_get(arg, "devices"), json_pack("{ss sI ss ss ss ss ss sI ss}",
		"dev", dev_name(attr_uint(&a, NFO_DEV_IFINDEX)),
		"ifindex", (json_int_t)attr_uint(&a, NFO_DEV_IFINDEX),
		"flowtable", utf8(attr_str(&a, NFO_DEV_FLOWTABLE)),
		"table", utf8(attr_str(&a, NFO_DEV_TABLE)),
		"family", family_name(attr_uint(&a, NFO_DEV_FAMILY)),
		"hw", dev_hw_name(attr_uint(&a, NFO_DEV_HW)),
		"reason", reason_name(attr_uint(&a, NFO_DEV_REASON)),
		"errno", (json_int_t)attr_uint(&a, NFO_DEV_ERRNO),
		"message", utf8(attr_str(&a, NFO_DEV_MESSAGE))));
	return 0;
}

/* Gather what this project's module tells of itself. Return: 0 or -errno. */
static int gather_stats(struct nl *nl, json_t *to)
{
	char buf[MNL_NLMSG_HDRLEN + 64] = {};

	return nl_talk(nl, nfo_msg(nl, buf, NFO_CMD_STATS_GET, NLM_F_ACK), stats_one, to);
}

/* nf_tables lets `counter` be added to a flowtable, or taken away, and the module knows the flag as
 * it was in the beginning: it needs it for nothing else than to tell. So nf_tables' word counts,
 * where it can be read.
 */
static void flags_from_ruleset(json_t *tables)
{
	struct ruleset r;
	char why[256];
	json_t *t;
	size_t i;

	if (flowtables_read(&r, why, sizeof(why)))
		return;
	json_array_foreach(tables, i, t)
		for (const struct ft_info *ft = r.ft; ft; ft = ft->next)
			if (!strcmp(utf8(ft->name), json_str(t, "flowtable")) &&
			    !strcmp(utf8(ft->table), json_str(t, "table")) &&
			    !strcmp(family_name(ft->family), json_str(t, "family")))
				json_object_set_new(t, "counter", json_boolean(ft->flags & 2));
	ruleset_free(&r);
}

/* Gather what this project's module tells of the flowtables. Return: 0 or -errno. */
static int gather_ours(struct nl *nl, json_t *to)
{
	static const struct {
		uint8_t cmd;
		nl_fn fn;
	} parts[] = {
		{ NFO_CMD_TABLE_GET, table_one },
		{ NFO_CMD_DEV_GET, dev_one },
	};
	char buf[MNL_NLMSG_HDRLEN + 64];
	json_t *settings = json_object();
	int rc = 0;

	json_object_set_new(to, "flowtables", json_array());
	json_object_set_new(to, "devices", json_array());
	json_object_set_new(to, "states", json_object());
	for (size_t i = 0; i < ARRAY_SIZE(parts) && !rc; i++) {
		memset(buf, 0, sizeof(buf));
		rc = nl_talk(nl, nfo_msg(nl, buf, parts[i].cmd, NLM_F_DUMP), parts[i].fn, to);
	}
	if (!rc)
		rc = settings_json(nl, settings);
	json_object_set_new(to, "settings", settings);
	if (!rc)
		flags_from_ruleset(json_object_get(to, "flowtables"));

	return rc;
}

/* Gather what nf_tables tells, when another module serves the flowtables. Return: 0, or -errno with
 * the text in @why.
 */
static int gather_ruleset(json_t *to, char *why, size_t len)
{
	json_t *tables = json_array(), *devices = json_array();
	struct ruleset r;
	int rc;

	json_object_set_new(to, "flowtables", tables);
	json_object_set_new(to, "devices", devices);
	json_object_set_new(to, "states", json_object());
	json_object_set_new(to, "settings", json_object());
	json_object_set_new(to, "reasons", json_object());
	rc = flowtables_read(&r, why, len);
	if (rc)
		return rc;
	for (const struct ft_info *ft = r.ft; ft; ft = ft->next) {
		json_array_append_new(tables, json_pack("{ss ss ss sb sb si}",
			"flowtable", utf8(ft->name), "table", utf8(ft->table),
			"family", family_name(ft->family),
			"offload", ft->flags & 1, "counter", !!(ft->flags & 2),
			"devices", ft->ndevs));
		for (int i = 0; i < ft->ndevs; i++)
			json_array_append_new(devices, json_pack("{ss si ss ss ss ss ss}",
				"dev", utf8(ft->dev[i]), "ifindex", (int)if_nametoindex(ft->dev[i]),
				"flowtable", utf8(ft->name), "table", utf8(ft->table),
				"family", family_name(ft->family),
				"hw", "unknown", "reason", "unknown"));
	}
	ruleset_free(&r);

	return 0;
}

static const char *advice(enum provider p, const char *mainline)
{
	static char text[1024];

	switch (p) {
	case PROVIDER_OURS:
		return "";
	case PROVIDER_MAINLINE:
		snprintf(text, sizeof(text),
			 "mainline's modules (%s) hold the flowtables. To change over: remove the flowtables and the `flow add` rules from the ruleset, modprobe -r %s, modprobe nf_flow_offload, load the ruleset again.",
			 mainline, mainline);
		return text;
	case PROVIDER_NONE:
		break;
	}
	if (module_installed("nf_flow_offload"))
		return "the module is installed but not loaded: modprobe nf_flow_offload, or load a ruleset with a flowtable.";
	return "the module is not installed for this kernel: build it with make modules and make install, or install the package; then modprobe nf_flow_offload.";
}

/* Return: 0 with the picture in @to, for json_decref(); or the exit status. */
int picture_gather(json_t **to)
{
	struct nl nl = {};
	char mainline[256], why[256];
	enum provider p;
	json_t *s;
	int rc = nfo_open(&nl);

	if (rc && rc != -ENOENT)
		return refused("cannot ask the kernel: %s", nl.why);

	mainline_loaded(mainline, sizeof(mainline));
	p = provider_now(&nl);
	s = json_pack("{s{sb so} ss ss ss}", "module", "loaded", nl.family != 0,
		      "version", json_null(), "provider", provider_name(p),
		      "mainline_modules", mainline, "advice", advice(p, mainline));
	rc = nl.family ? gather_stats(&nl, s) : 0;
	if (!rc && p == PROVIDER_OURS)
		rc = gather_ours(&nl, s);
	if (rc) {
		rc = refused("nf_flow_offload is loaded; it does not tell more: %s", nl.why);
	/* While nobody serves flowtables there are none to read. */
	} else if (p != PROVIDER_OURS && gather_ruleset(s, why, sizeof(why)) &&
		   p == PROVIDER_MAINLINE) {
		rc = refused("mainline's modules are loaded; the flowtables cannot be read: %s", why);
	}
	if (rc)
		json_decref(s);
	nl_close(&nl);
	*to = s;

	return rc;
}
