// SPDX-License-Identifier: GPL-2.0
/*
 * status: print the picture that picture.c gathers, as JSON or for people.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* ---- for people ---- */

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

		snprintf(table, sizeof(table), "%s %s", json_str(t, "family"), json_str(t, "table"));
		if (json_object_get(t, "flows"))
			fig_count(flows, json_num(t, "flows"));
		grid_row(&g, (const char *[]){ json_str(t, "flowtable"), table, flows,
			 fig_count(devs, json_num(t, "devices")),
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
		bool none = !strcmp(json_str(d, "reason"), "none") || !strcmp(json_str(d, "reason"), "unknown");

		snprintf(why, sizeof(why), "%s%s%s", none ? "" : json_str(d, "reason"),
			 *json_str(d, "message") ? ": " : "", json_str(d, "message"));
		if (json_num(d, "errno"))
			snprintf(why + strlen(why), sizeof(why) - strlen(why), " (%s)",
				 strerror(json_num(d, "errno")));
		grid_row(&g, (const char *[]){ json_str(d, "dev"), json_str(d, "flowtable"), json_str(d, "hw"), why });
		if (!none)
			json_object_set_new(seen, json_str(d, "reason"), json_true());
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

/* Print names and numbers behind a label of 12 columns; further lines are indented as far. */
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

	fig_bytes(total, json_num(memory, "total"));
	fig_bytes(v4, json_num(memory, "flow_ipv4"));
	fig_bytes(v6, json_num(memory, "flow_ipv6"));
	snprintf(text, sizeof(text), "%s, of which %s for each IPv4 flow and %s for each IPv6 flow",
		 total, v4, v6);
	say_wrapped(stdout, "Memory      ", "            ", text);
}

static void print_recheck(const json_t *counters)
{
	char ms[FIG], text[160];

	if (!json_num(counters, "recheck_ms"))
		return;
	fig_time(ms, json_num(counters, "recheck_ms"));
	snprintf(text, sizeof(text), "the answer may change without a commit: flows pass them every %s", ms);
	say_wrapped(stdout, "Rules       ", "            ", text);
}

static void print_status(const json_t *s)
{
	const json_t *module = json_object_get(s, "module");
	const char *provider = json_str(s, "provider"), *todo = json_str(s, "advice");
	bool ours = !strcmp(provider, "ours");

	if (flag(module, "loaded"))
		printf("Module      nf_flow_offload %s\n", json_str(module, "version"));
	else
		puts("Module      nf_flow_offload is not loaded");
	say_wrapped(stdout, "Flowtables  ", "            ",
		    ours ? "served by nf_flow_offload" :
		    !strcmp(provider, "mainline") ? "served by mainline's modules" : "served by nobody");
	if (*todo)
		say_wrapped(stdout, "What to do  ", "            ", todo);
	if (!ours && !json_array_size(json_object_get(s, "flowtables")))
		return;
	if (ours) {
		printf("Flows       ");
		print_counts(json_object_get(s, "states"), " ");
		print_memory(json_object_get(s, "memory"));
		print_recheck(json_object_get(s, "counters"));
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
	json_t *s;
	int rc = opts_parse(cmd, &argc, &argv, NULL, NULL);

	if (rc >= 0)
		return rc;
	if (argc)
		return usage("status: '%s' is not expected", argv[0]);
	rc = picture_gather(&s);
	if (rc)
		return rc;
	if (opt_json) {
		json_out(s);
	} else {
		print_status(s);
		json_decref(s);
	}
	return STATUS_OK;
}
