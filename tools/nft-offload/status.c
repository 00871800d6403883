// SPDX-License-Identifier: GPL-2.0
/*
 * status: who serves flowtables and what to do about it, what is in them, why
 * connections were refused. One picture, gathered as JSON, printed as JSON or
 * for people.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* ---- gathering ---- */

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
	json_object_set_new(to, "counters", json_pack("{sI sI sI sI}",
		"flows", (json_int_t)attr_uint(&a, NFO_STATS_FLOWS),
		"added", (json_int_t)attr_uint(&a, NFO_STATS_ADDED),
		"reverified", (json_int_t)attr_uint(&a, NFO_STATS_REVERIFIED),
		"epoch", (json_int_t)attr_uint(&a, NFO_STATS_EPOCH)));
	json_object_set_new(to, "memory", json_pack("{sI sI sI}",
		"total", (json_int_t)attr_uint(&a, NFO_STATS_MEMORY),
		"flow_ipv4", (json_int_t)attr_uint(&a, NFO_STATS_FLOW_SIZE),
		"flow_ipv6", (json_int_t)attr_uint(&a, NFO_STATS_FLOW_SIZE6)));
	json_object_set_new(json_object_get(to, "module"), "version",
			    json_string(attr_str(&a, NFO_STATS_VERSION)));
	return 0;
}

/* Flows of a table, added to those of the others; states without any are left out. */
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
	json_t *to = arg;
	struct attrs a;
	uint32_t flags;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	add_states(json_object_get(to, "states"), &a);
	flags = attr_uint(&a, NFO_TABLE_FLAGS);
	json_array_append_new(json_object_get(to, "flowtables"), json_pack("{ss ss ss sb sb sI sI sI}",
		"flowtable", attr_str(&a, NFO_TABLE_FLOWTABLE),
		"table", attr_str(&a, NFO_TABLE_TABLE),
		"family", family_name(attr_uint(&a, NFO_TABLE_FAMILY)),
		"offload", flags & 1, "counter", !!(flags & 2),
		"flows", (json_int_t)attr_uint(&a, NFO_TABLE_FLOWS),
		"devices", (json_int_t)attr_uint(&a, NFO_TABLE_DEVS),
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
		"flowtable", attr_str(&a, NFO_DEV_FLOWTABLE),
		"table", attr_str(&a, NFO_DEV_TABLE),
		"family", family_name(attr_uint(&a, NFO_DEV_FAMILY)),
		"hw", dev_hw_name(attr_uint(&a, NFO_DEV_HW)),
		"reason", reason_name(attr_uint(&a, NFO_DEV_REASON)),
		"errno", (json_int_t)attr_uint(&a, NFO_DEV_ERRNO),
		"message", attr_str(&a, NFO_DEV_MESSAGE)));
	return 0;
}

/* The parts our module answers for. Return: 0 or -errno. */
static int gather_ours(struct nl *nl, json_t *to)
{
	static const struct {
		uint8_t cmd;
		uint16_t flags;
		nl_fn fn;
	} parts[] = {
		{ NFO_CMD_STATS_GET, NLM_F_ACK, stats_one },
		{ NFO_CMD_TABLE_GET, NLM_F_DUMP, table_one },
		{ NFO_CMD_DEV_GET, NLM_F_DUMP, dev_one },
	};
	char buf[MNL_NLMSG_HDRLEN + 64];
	json_t *settings = json_object();
	int rc = 0;

	json_object_set_new(to, "flowtables", json_array());
	json_object_set_new(to, "devices", json_array());
	json_object_set_new(to, "states", json_object());
	for (size_t i = 0; i < ARRAY_SIZE(parts) && !rc; i++) {
		memset(buf, 0, sizeof(buf));
		rc = nl_talk(nl, nfo_msg(nl, buf, parts[i].cmd, parts[i].flags), parts[i].fn, to);
	}
	if (!rc)
		rc = settings_json(nl, settings);
	json_object_set_new(to, "settings", settings);

	return rc;
}

/* What nf_tables itself can tell, when the flowtables are not ours. */
static void gather_ruleset(json_t *to)
{
	json_t *tables = json_array(), *devices = json_array();
	struct ruleset r;
	char why[256];

	json_object_set_new(to, "flowtables", tables);
	json_object_set_new(to, "devices", devices);
	json_object_set_new(to, "states", json_object());
	json_object_set_new(to, "settings", json_object());
	json_object_set_new(to, "reasons", json_object());
	if (ruleset_read(&r, why, sizeof(why)))
		return;
	for (const struct ft_info *ft = r.ft; ft; ft = ft->next) {
		json_array_append_new(tables, json_pack("{ss ss ss sb sb si}",
			"flowtable", ft->name, "table", ft->table,
			"family", family_name(ft->family),
			"offload", ft->flags & 1, "counter", !!(ft->flags & 2),
			"devices", ft->ndevs));
		for (int i = 0; i < ft->ndevs; i++)
			json_array_append_new(devices, json_pack("{ss si ss ss ss ss ss}",
				"dev", ft->dev[i], "ifindex", (int)if_nametoindex(ft->dev[i]),
				"flowtable", ft->name, "table", ft->table,
				"family", family_name(ft->family),
				"hw", "unknown", "reason", "unknown"));
	}
	ruleset_free(&r);
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

/* ---- for people ---- */

static const char *str(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static uint64_t num(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static bool flag(const json_t *j, const char *name)
{
	return json_is_true(json_object_get(j, name));
}

static void print_tables(const json_t *tables)
{
	static const struct column columns[] = {
		{ "FLOWTABLE", 0, false, false }, { "TABLE", 0, false, false },
		{ "FLOWS", 0, true, false }, { "DEVICES", 1, true, false },
		{ "FLAGS", 2, false, false },
	};
	struct grid g;
	const json_t *t;
	size_t i;

	grid_begin(&g, columns, ARRAY_SIZE(columns), "  ");
	json_array_foreach(tables, i, t) {
		char table[300], flows[FIG] = "", devs[FIG];

		snprintf(table, sizeof(table), "%s %s", str(t, "family"), str(t, "table"));
		if (json_object_get(t, "flows"))
			fig_count(flows, num(t, "flows"));
		grid_row(&g, (const char *[]){ str(t, "flowtable"), table, flows,
			 fig_count(devs, num(t, "devices")),
			 flag(t, "offload") ? flag(t, "counter") ? "offload counter" : "offload" :
			 flag(t, "counter") ? "counter" : "" });
	}
	grid_end(&g);
}

static uint32_t reason_by_name(const char *name)
{
	uint32_t r;

	for (r = 0; r <= NFO_R_MAX; r++)
		if (!strcmp(reason_name(r), name))
			break;
	return r;
}

static void print_devices(const json_t *devices)
{
	static const struct column columns[] = {
		{ "DEVICE", 0, false, false }, { "FLOWTABLE", 1, false, false },
		{ "HARDWARE", 0, false, false }, { "WHY NOT", 0, false, false },
	};
	json_t *seen = json_object(), *v;
	const char *name;
	char first[64];
	struct grid g;
	const json_t *d;
	size_t i;

	grid_begin(&g, columns, ARRAY_SIZE(columns), "  ");
	json_array_foreach(devices, i, d) {
		char why[512];
		bool none = !strcmp(str(d, "reason"), "none") || !strcmp(str(d, "reason"), "unknown");

		snprintf(why, sizeof(why), "%s%s%s", none ? "" : str(d, "reason"),
			 *str(d, "message") ? ": " : "", str(d, "message"));
		if (num(d, "errno"))
			snprintf(why + strlen(why), sizeof(why) - strlen(why), " (%s)",
				 strerror(num(d, "errno")));
		grid_row(&g, (const char *[]){ str(d, "dev"), str(d, "flowtable"), str(d, "hw"), why });
		if (!none)
			json_object_set_new(seen, str(d, "reason"), json_true());
	}
	grid_end(&g);
	json_object_foreach(seen, name, v) {
		uint32_t reason = reason_by_name(name);
		char text[1024];

		snprintf(first, sizeof(first), "  %s: ", name);
		snprintf(text, sizeof(text), "%s; %s", reason_text(reason), reason_remedy(reason));
		say_wrapped(stdout, first, "    ", text);
	}
	json_decref(seen);
}

static int by_count(const void *a, const void *b)
{
	uint64_t x = json_integer_value(json_object_iter_value(*(void **)a));
	uint64_t y = json_integer_value(json_object_iter_value(*(void **)b));

	return x < y ? 1 : x > y ? -1 : 0;
}

static void print_reasons(json_t *reasons)
{
	size_t n = 0, size = json_object_size(reasons);
	void *it, **order = xalloc((size + 1) * sizeof(*order));

	for (it = json_object_iter(reasons); it; it = json_object_iter_next(reasons, it))
		if (json_integer_value(json_object_iter_value(it)))
			order[n++] = it;
	qsort(order, n, sizeof(*order), by_count);
	if (n)
		say_wrapped(stdout, "\n", "", "Why packets or connections stayed in the slow path, or went back to it");
	for (size_t i = 0; i < n; i++) {
		const char *name = json_object_iter_key(order[i]);
		char left[96], count[FIG];

		snprintf(left, sizeof(left), "  %7s  %-17s ",
			 fig_count(count, json_integer_value(json_object_iter_value(order[i]))), name);
		say_wrapped(stdout, left, "                             ",
			    reason_text(reason_by_name(name)));
	}
	free(order);
}

/* After a label of 12 columns; lines that follow are indented as far. */
static void print_counts(const json_t *counts, const char *between)
{
	const int indent = 12, width = term_width();
	int col = indent;
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)counts, name, v) {
		char fig[FIG], item[96];
		int len;

		len = snprintf(item, sizeof(item), "%s%s%s", name, between,
			       fig_count(fig, json_integer_value(v)));
		if (col > indent && width && col + 2 + len >= width) {
			printf(",\n%*s", indent, "");
			col = indent;
		} else if (col > indent) {
			col += printf(", ");
		}
		col += printf("%s", item);
	}
	puts(col > indent ? "" : "none");
}

static void print_memory(const json_t *memory)
{
	char total[FIG], v4[FIG], v6[FIG], text[256];

	fig_bytes(total, num(memory, "total"));
	fig_bytes(v4, num(memory, "flow_ipv4"));
	fig_bytes(v6, num(memory, "flow_ipv6"));
	snprintf(text, sizeof(text), "%s, of which %s for each IPv4 flow and %s for each IPv6 flow",
		 total, v4, v6);
	say_wrapped(stdout, "Memory      ", "            ", text);
}

static void print_status(const json_t *s)
{
	const json_t *module = json_object_get(s, "module");
	const char *provider = str(s, "provider"), *todo = str(s, "advice");

	if (flag(module, "loaded"))
		printf("Module      nf_flow_offload %s\n", str(module, "version"));
	else
		puts("Module      nf_flow_offload is not loaded");
	say_wrapped(stdout, "Flowtables  ", "            ",
		    !strcmp(provider, "ours") ? "served by nf_flow_offload" :
		    !strcmp(provider, "mainline") ? "served by mainline's modules" : "served by nobody");
	if (*todo)
		say_wrapped(stdout, "What to do  ", "            ", todo);
	if (!flag(module, "loaded") && !json_array_size(json_object_get(s, "flowtables")))
		return;
	if (flag(module, "loaded")) {
		printf("Flows       ");
		print_counts(json_object_get(s, "states"), " ");
		print_memory(json_object_get(s, "memory"));
		printf("Settings    ");
		print_counts(json_object_get(s, "settings"), " ");
	}
	puts("");
	if (!json_array_size(json_object_get(s, "flowtables"))) {
		say_wrapped(stdout, "", "", "No flowtable in this network namespace: a ruleset makes one, or nft-offload enable DEV...");
	} else {
		print_tables(json_object_get(s, "flowtables"));
		puts("");
		print_devices(json_object_get(s, "devices"));
	}
	print_reasons(json_object_get(s, "reasons"));
}

int cmd_status(const struct command *cmd, int argc, char **argv)
{
	struct nl nl = {};
	char mainline[256];
	enum provider p;
	json_t *s;
	int rc = opts_parse(cmd, &argc, &argv, NULL, NULL);

	if (rc >= 0)
		return rc;
	if (argc)
		return usage("status: '%s' is not expected", argv[0]);
	rc = nfo_open(&nl);
	if (rc && rc != -ENOENT)
		return refused("cannot ask the kernel: %s", nl.why);

	mainline_loaded(mainline, sizeof(mainline));
	p = provider_now(&nl);
	s = json_pack("{s{sb so} ss ss ss}", "module", "loaded", p == PROVIDER_OURS,
		      "version", json_null(), "provider", provider_name(p),
		      "mainline_modules", mainline, "advice", advice(p, mainline));
	if (p == PROVIDER_OURS) {
		rc = gather_ours(&nl, s);
	} else {
		gather_ruleset(s);
		rc = 0;
	}
	if (rc) {
		json_decref(s);
		rc = refused("nf_flow_offload is loaded; it does not tell more: %s", nl.why);
	} else if (opt_json) {
		json_out(s);
	} else {
		print_status(s);
		json_decref(s);
	}
	nl_close(&nl);

	return rc;
}
