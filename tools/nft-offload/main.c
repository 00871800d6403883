// SPDX-License-Identifier: GPL-2.0
/*
 * nft-offload: see and steer the flows of nf_flow_offload.
 *
 * This file is the table of commands, and what every command shares: options,
 * help, complaints.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

bool opt_json;

static const struct command commands[] = {
	{ "status", "", "who serves flowtables, what is in them, what was refused and why",
	  cmd_status, NULL, true },
	{ "list", "[FILTER]", "the flows in the fast path",
	  cmd_list, list_opts, true },
	{ "explain", "PROTO SRC:PORT DST:PORT", "what carries a connection, or which rung stopped it",
	  cmd_explain, explain_opts, true },
	{ "monitor", "[FILTER]", "flows as they come, change and go",
	  cmd_monitor, monitor_opts, true },
	{ "top", "[FILTER]", "the busiest flows, live",
	  cmd_top, top_opts, true },
	{ "flush", "[FILTER | PROTO SRC:PORT DST:PORT]", "hand flows back to the slow path",
	  cmd_flush, flush_opts, true },
	{ "check", "[DEV...]", "can this machine and these devices do it, and which rules lose packets by it",
	  cmd_check, NULL, true },
	{ "metrics", "", "counters and gauges for Prometheus, in its text format",
	  cmd_metrics, metrics_opts, false },
	{ "enable", "DEV...", "offload what is forwarded between devices, in a table of its own",
	  cmd_enable, enable_opts, false },
	{ "disable", "", "remove what enable made",
	  cmd_disable, NULL, false },
	{ "set", "NAME VALUE", "change a setting:\n      " SETTING_HELP,
	  cmd_set, NULL, false },
};

static const struct opt common_opts[] = {
	{ "json", 'j', NULL, "print JSON" },
	{ "help", 'h', NULL, "print help" },
	{ "version", 'V', NULL, "print the version" },
	{ NULL, 0, NULL, NULL }
};

/* ---- complaints ---- */

static void complain(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("nft-offload: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int refused(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return STATUS_REFUSED;
}

int usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return STATUS_USAGE;
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
}

void *xalloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		exit(refused("out of memory"));
	return p;
}

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		exit(refused("out of memory"));
	return p;
}

bool parse_u64(const char *s, uint64_t max, uint64_t *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoull(s, &end, 10);
	return !errno && !*end && *v <= max;
}

/* ---- help ---- */

static void help_opts(const struct opt *o)
{
	for (; o && o->name; o++) {
		char left[64];

		if (o->letter < 256)
			snprintf(left, sizeof(left), "-%c, --%s%s%s", o->letter, o->name,
				 o->arg ? " " : "", o->arg ? o->arg : "");
		else
			snprintf(left, sizeof(left), "    --%s%s%s", o->name,
				 o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-27s %s\n", left, o->help);
	}
}

static int help_command(const struct command *cmd)
{
	printf("nft-offload %s%s%s%s - %s\n", cmd->name, cmd->opts || cmd->json ? " [OPTION]..." : "",
	       *cmd->args ? " " : "", cmd->args, cmd->help);
	if (cmd->opts) {
		puts("");
		help_opts(cmd->opts);
	}
	puts("");
	for (const struct opt *o = common_opts; o->name; o++)
		if (o->letter != 'V' && (o->letter != 'j' || cmd->json))
			help_opts((struct opt[]){ *o, { NULL, 0, NULL, NULL } });
	if (cmd->run == cmd_set)
		settings_help();
	return STATUS_OK;
}

static int help(void)
{
	puts("usage: nft-offload [COMMAND] [OPTION]... [ARGUMENT]...\n"
	     "\n"
	     "Without a command: status.\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		printf("  %s%s%s\n      %s\n", c->name, *c->args ? " " : "", c->args, c->help);
	}
	puts("");
	help_opts(common_opts);
	puts("\nnft-offload COMMAND --help tells a command's own options; nft-offload(8) the rest.");
	return STATUS_OK;
}

/* ---- options ---- */

#define OPTS_MAX	24

static const struct opt *opts_find(const struct opt *o, int letter)
{
	for (; o && o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

int opts_parse(const struct command *cmd, int *argc, char ***argv, opt_fn fn,
	       void *arg)
{
	const struct opt *lists[] = { cmd->opts, common_opts };
	struct option longs[OPTS_MAX + 1] = {};
	char letters[2 * OPTS_MAX + 2] = ":", *l = letters + 1;
	int n = 0, c, rc;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const struct opt *o = lists[i]; o && o->name && n < OPTS_MAX; o++) {
			if (o->letter == 'j' && !cmd->json)
				continue;
			longs[n++] = (struct option){ o->name, o->arg ? 1 : 0, NULL, o->letter };
			if (o->letter > 255)
				continue;
			*l++ = o->letter;
			if (o->arg)
				*l++ = ':';
		}
	}

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(*argc, *argv, letters, longs, NULL)) != -1) {
		const char *given = (*argv)[optind - 1];

		switch (c) {
		case 'j':
			opt_json = true;
			continue;
		case 'h':
			return help_command(cmd);
		case 'V':
			puts("nft-offload " TOOL_VERSION);
			return STATUS_OK;
		case ':':
			return usage("%s: option '%s' wants a value", cmd->name, given);
		case '?':
			/* The wrong letter may stand in a group such as -xj, which is not read to
			 * its end yet. A letter that is known belongs to an option such as --json=1.
			 */
			if (optopt && optopt < 256 && !strchr(letters, optopt))
				return usage("%s: unknown option '-%c' (see nft-offload %s --help)",
					     cmd->name, optopt, cmd->name);
			return usage("%s: unknown option '%s' (see nft-offload %s --help)",
				     cmd->name, given, cmd->name);
		}
		rc = fn ? fn(opts_find(cmd->opts, c), optarg, arg) : 0;
		if (rc)
			return rc;
	}
	*argv += optind;
	*argc -= optind;

	return -1;
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *cmd = &commands[0];
	int i, rc;

	/* Options may stand before the command: -j status, -j list. */
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
			return help();
		if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version")) {
			puts("nft-offload " TOOL_VERSION);
			return STATUS_OK;
		}
		if (strcmp(argv[i], "-j") && strcmp(argv[i], "--json"))
			return usage("unknown option '%s' (see nft-offload --help)", argv[i]);
		opt_json = true;
	}
	if (i < argc) {
		if (!strcmp(argv[i], "help"))
			return help();
		cmd = command_find(argv[i]);
		if (!cmd)
			return usage("unknown command '%s' (see nft-offload --help)", argv[i]);
	} else {
		i--;
	}
	if (opt_json && !cmd->json)
		return usage("%s: there is no JSON for it", cmd->name);

	rc = cmd->run(cmd, argc - i, argv + i);
	/* when the output could not be written, the command has failed */
	if (fflush(stdout) || ferror(stdout)) {
		if (errno != EPIPE)
			refused("cannot write the answer: %s", strerror(errno));
		return STATUS_REFUSED;
	}
	return rc;
}
