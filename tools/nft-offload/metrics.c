// SPDX-License-Identifier: GPL-2.0
/*
 * metrics: counters and gauges in the text format of Prometheus, made from the document
 * that status shows too. The number of series depends on flowtables, devices and reasons,
 * never on flows.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#define PREFIX	"nf_flow_offload_"

static void head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void label_value(FILE *to, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			fputs("\\n", to);
		else if (*s == '"' || *s == '\\')
			fprintf(to, "\\%c", *s);
		else
			fputc(*s, to);
	}
}

/* Print one series. Its labels follow as names and values, up to a NULL name. */
static void sample(FILE *to, const char *name, json_int_t v, ...)
{
	const char *label, *between = "{";
	va_list ap;

	fprintf(to, PREFIX "%s", name);
	va_start(ap, v);
	while ((label = va_arg(ap, const char *))) {
		fprintf(to, "%s%s=\"", between, label);
		label_value(to, va_arg(ap, const char *));
		fputc('"', to);
		between = ",";
	}
	va_end(ap);
	fprintf(to, "%s %" JSON_INTEGER_FORMAT "\n", *between == ',' ? "}" : "", v);
}

static void put_provider(FILE *to, const json_t *s)
{
	static const char * const names[] = { "ours", "mainline", "none" };
	const json_t *module = json_object_get(s, "module");

	head(to, "loaded", "gauge", "Whether the module nf_flow_offload is loaded.");
	sample(to, "loaded", json_is_true(json_object_get(module, "loaded")), NULL);
	head(to, "provider", "gauge", "Who serves flowtables: this module (ours), mainline or none.");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		sample(to, "provider", !strcmp(json_str(s, "provider"), names[i]), "provider", names[i], NULL);
	head(to, "info", "gauge", "Versions of the module and of nft-offload.");
	sample(to, "info", 1, "module_version", json_str(module, "version"), "tool_version", TOOL_VERSION, NULL);
}

static void put_counters(FILE *to, const json_t *counters)
{
	static const struct {
		const char *key, *name, *help;
	} list[] = {
		{ "added", "promotions_total", "Connections that entered the fast path." },
		{ "reverified", "stale_packets_total",
		  "Packets that took the slow path because something their flow rests on had changed." },
		{ "epoch", "changes_total",
		  "Changes of routes, neighbours, devices and the ruleset that flows had to look at." },
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		head(to, list[i].name, "counter", list[i].help);
		sample(to, list[i].name, json_num(counters, list[i].key), NULL);
	}
}

static void put_reasons(FILE *to, const json_t *reasons)
{
	const char *name;
	json_t *v;

	head(to, "slow_path_total", "counter",
	     "Times a packet or connection stayed in the slow path, or went back to it, by reason.");
	json_object_foreach((json_t *)reasons, name, v)
		sample(to, "slow_path_total", json_integer_value(v), "reason", name, NULL);
}

static void put_tables(FILE *to, const json_t *tables)
{
	const json_t *t;
	size_t i;

	head(to, "flows", "gauge", "Flows in a flowtable, by state.");
	json_array_foreach(tables, i, t)
		for (uint8_t state = NFO_STATE_SOFTWARE; state < __NFO_STATE_MAX; state++)
			sample(to, "flows", json_num(json_object_get(t, "states"), state_name(state)),
			       "family", json_str(t, "family"), "table", json_str(t, "table"),
			       "flowtable", json_str(t, "flowtable"), "state", state_name(state), NULL);
	head(to, "memory_bytes", "gauge", "Memory of a flowtable and its flows.");
	json_array_foreach(tables, i, t)
		sample(to, "memory_bytes", json_num(t, "memory"), "family", json_str(t, "family"),
		       "table", json_str(t, "table"), "flowtable", json_str(t, "flowtable"), NULL);
}

static void put_devices(FILE *to, const json_t *devices)
{
	const json_t *d;
	size_t i;

	head(to, "device_hardware", "gauge", "Whether a device of a flowtable takes flows in hardware.");
	json_array_foreach(devices, i, d)
		sample(to, "device_hardware", !!strcmp(json_str(d, "hw"), "none"),
		       "device", json_str(d, "dev"), "family", json_str(d, "family"), "table", json_str(d, "table"),
		       "flowtable", json_str(d, "flowtable"), NULL);
	head(to, "device_info", "gauge", "How a device's driver is asked, and why it is not in hardware.");
	json_array_foreach(devices, i, d)
		sample(to, "device_info", 1,
		       "device", json_str(d, "dev"), "family", json_str(d, "family"), "table", json_str(d, "table"),
		       "flowtable", json_str(d, "flowtable"), "method", json_str(d, "hw"),
		       "reason", json_str(d, "reason"), NULL);
}

/* While the setting is 0, conntrack's limit is that of flows too. */
static json_int_t flows_limit(const json_t *settings)
{
	return json_num(settings, "max_flows") ?: sysctl_get("net/netfilter/nf_conntrack_max");
}

static void put_limits(FILE *to, const json_t *settings)
{
	head(to, "flows_limit", "gauge",
	     "As many flows as there may be: max_flows, or nf_conntrack_max while that is 0; 0 for no limit.");
	sample(to, "flows_limit", flows_limit(settings), NULL);
	head(to, "hardware_rules_limit", "gauge",
	     "Rules that a device's hardware is given; 0 for as many as the driver takes (hw_budget).");
	sample(to, "hardware_rules_limit", json_num(settings, "hw_budget"), NULL);
}

static void put_all(FILE *to, const json_t *s)
{
	put_provider(to, s);
	if (strcmp(json_str(s, "provider"), "ours"))
		return;
	put_counters(to, json_object_get(s, "counters"));
	put_tables(to, json_object_get(s, "flowtables"));
	put_devices(to, json_object_get(s, "devices"));
	put_reasons(to, json_object_get(s, "reasons"));
	put_limits(to, json_object_get(s, "settings"));
}

static int cannot_write(const char *name, int err)
{
	return refused("cannot write '%s': %s", name, strerror(err));
}

/* Is a name taken by something that a new file must not replace? That is a device, a pipe, or a link
 * to one of these, such as /dev/stdout.
 */
static bool is_special(const char *name)
{
	struct stat st;

	return !lstat(name, &st) && !S_ISREG(st.st_mode);
}

static int write_special(const char *name, const json_t *s)
{
	FILE *f = fopen(name, "w");
	bool ok;

	if (!f)
		return cannot_write(name, errno);
	put_all(f, s);
	ok = !fflush(f) && !ferror(f);
	ok = !fclose(f) && ok;
	return ok ? STATUS_OK : cannot_write(name, errno);
}

/* Replace a file in one step, so that a reader finds the old file or the new one, and either whole.
 */
static int write_file(const char *name, const json_t *s)
{
	size_t len = strlen(name) + 8;
	char *temporary = xalloc(len);
	FILE *f = NULL;
	bool ok;
	int fd;

	/* node_exporter reads *.prom only, so it does not read this file */
	snprintf(temporary, len, "%s.XXXXXX", name);
	fd = mkstemp(temporary);
	ok = fd >= 0 && !fchmod(fd, 0644) && (f = fdopen(fd, "w"));
	if (ok) {
		put_all(f, s);
		ok = !fflush(f) && !ferror(f);
	}
	if (f)
		ok = !fclose(f) && ok;
	else if (fd >= 0)
		close(fd);
	ok = ok && !rename(temporary, name);
	if (!ok) {
		int err = errno;

		if (fd >= 0)
			unlink(temporary);
		free(temporary);
		return cannot_write(name, err);
	}
	free(temporary);
	return STATUS_OK;
}

const struct opt metrics_opts[] = {
	{ "output", 'o', "FILE", "write to a file, which is replaced in one step" },
	{ NULL, 0, NULL, NULL }
};

static int metrics_opt(const struct opt *o, const char *value, void *arg)
{
	(void)o;
	if (!*value)
		return usage("metrics: the name of the file is empty");
	*(const char **)arg = value;
	return 0;
}

int cmd_metrics(const struct command *cmd, int argc, char **argv)
{
	const char *file = NULL;
	json_t *s;
	int rc = opts_parse(cmd, &argc, &argv, metrics_opt, &file);

	if (rc >= 0)
		return rc;
	if (argc)
		return usage("metrics: '%s' is not expected", argv[0]);
	rc = picture_gather(&s);
	if (rc)
		return rc;
	if (file)
		rc = is_special(file) ? write_special(file, s) : write_file(file, s);
	else
		put_all(stdout, s);
	json_decref(s);

	return rc;
}
