// SPDX-License-Identifier: GPL-2.0
/*
 * Settings: read, explained and set. names_gen.c has their table.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

#include "tool.h"

static int settings_one(const struct nlmsghdr *nlh, void *arg)
{
	struct attrs a;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (attr_has(&a, settings[i].attr))
			json_object_set_new(arg, settings[i].name,
					    json_integer(attr_uint(&a, settings[i].attr)));
	return 0;
}

/* Return: 0, or -errno with the text in nl->why. */
int settings_json(struct nl *nl, json_t *to)
{
	char buf[MNL_NLMSG_HDRLEN + 16] = {};

	return nl_talk(nl, nfo_msg(nl, buf, NFO_CMD_SETTINGS_GET, NLM_F_ACK), settings_one, to);
}

static const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

static const char *setting_range(char *buf, size_t size, const struct setting *s)
{
	const char *blank = *s->unit ? " " : "";

	if (s->max == UINT32_MAX)
		snprintf(buf, size, "%u or more%s%s", s->min, blank, s->unit);
	else
		snprintf(buf, size, "%u to %u%s%s", s->min, s->max, blank, s->unit);
	return buf;
}

/* Print the part of set --help that describes the settings. */
void settings_help(void)
{
	char range[80];

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];

		printf("\n  %s: %s, default %u\n", s->name, setting_range(range, sizeof(range), s),
		       s->def);
		say_wrapped(stdout, "      ", "      ", s->text);
	}
}

int cmd_set(const struct command *cmd, int argc, char **argv)
{
	char buf[MNL_NLMSG_HDRLEN + 64] = {}, range[80];
	const struct setting *s;
	struct nl nl = {};
	struct nlmsghdr *req;
	uint64_t v;
	int rc = opts_parse(cmd, &argc, &argv, NULL, NULL);

	if (rc >= 0)
		return rc;
	if (argc != 2)
		return usage("set: it takes a name and a value: set promote_after 10");
	s = setting_find(argv[0]);
	if (!s)
		return usage("set: unknown setting '%s': " SETTING_LIST, argv[0]);
	if (!parse_u64(argv[1], UINT32_MAX, &v))
		return usage("set: '%s' is no value for %s: a number of 0 to %u", argv[1], s->name,
			     UINT32_MAX);
	rc = nfo_need(&nl);
	if (rc)
		return rc;

	req = nfo_msg(&nl, buf, NFO_CMD_SETTINGS_SET, NLM_F_ACK);
	mnl_attr_put_u32(req, s->attr, v);
	rc = nl_talk(&nl, req, NULL, NULL);
	nl_close(&nl);
	if (rc)
		return refused("cannot set %s to '%s': %s (it takes %s)", s->name, argv[1], nl.why,
			       setting_range(range, sizeof(range), s));
	return STATUS_OK;
}
