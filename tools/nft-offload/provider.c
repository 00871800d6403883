// SPDX-License-Identifier: GPL-2.0
/*
 * Who serves flowtables now: this project's module, mainline's, or nobody.
 */
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tool.h"

static const char * const mainline[] = {
	"nft_flow_offload", "nf_flow_table_inet", "nf_flow_table_ipv4", "nf_flow_table_ipv6",
};

const char *provider_name(enum provider p)
{
	switch (p) {
	case PROVIDER_OURS:
		return "ours";
	case PROVIDER_MAINLINE:
		return "mainline";
	case PROVIDER_NONE:
		break;
	}
	return "none";
}

static bool file_has_line(const char *path, const char *start, const char *part)
{
	FILE *f = fopen(path, "r");
	bool found = false;
	char line[1024];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, start, strlen(start)) && strstr(line, part);
	fclose(f);
	return found;
}

uint32_t sysctl_get(const char *name)
{
	unsigned int v = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%u", &v) != 1)
		v = 0;
	fclose(f);

	return v;
}

bool module_loaded(const char *name)
{
	char start[64];

	snprintf(start, sizeof(start), "%s ", name);
	return file_has_line("/proc/modules", start, "");
}

static bool module_in_list(const char *name, const char *list, const char *end)
{
	struct utsname u;
	char path[256], file[96];

	if (uname(&u))
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/%s", u.release, list);
	snprintf(file, sizeof(file), "/%s.ko%s", name, end);
	if (file_has_line(path, "", file))
		return true;
	/* a compressed module has another ending */
	snprintf(file, sizeof(file), "/%s.ko.", name);
	return file_has_line(path, "", file);
}

bool module_builtin(const char *name)
{
	return module_in_list(name, "modules.builtin", "");
}

bool module_installed(const char *name)
{
	return module_in_list(name, "modules.dep", ":");
}

/* Does the module of this name depend on nf_flow_offload? packaging/openwrt makes such a module,
 * which has the name of mainline's.
 */
static bool stands_for_ours(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/nf_flow_offload/holders/%s", name);
	return !access(path, F_OK);
}

bool mainline_loaded(char *buf, size_t len)
{
	bool any = false;

	*buf = 0;
	for (size_t i = 0; i < ARRAY_SIZE(mainline); i++) {
		if (stands_for_ours(mainline[i]))
			continue;
		if (!module_loaded(mainline[i]) && !module_builtin(mainline[i]))
			continue;
		snprintf(buf + strlen(buf), len - strlen(buf), "%s%s", any ? " " : "", mainline[i]);
		any = true;
	}
	return any;
}

static int served_one(const struct nlmsghdr *nlh, void *arg)
{
	struct ruleset *r = arg;
	struct attrs a;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	for (struct ft_info *ft = r->ft; ft; ft = ft->next)
		if (ft->family == attr_uint(&a, NFO_TABLE_FAMILY) &&
		    !strcmp(ft->table, attr_str(&a, NFO_TABLE_TABLE)) &&
		    !strcmp(ft->name, attr_str(&a, NFO_TABLE_FLOWTABLE)))
			ft->served = true;
	return 0;
}

/* Has nf_tables a flowtable that the loaded module does not serve? Whoever may not ask gets no
 * answer, and hears why from what he asks next.
 */
static bool some_not_served(struct nl *ours)
{
	char buf[MNL_NLMSG_HDRLEN + 64] = {}, why[256];
	struct ruleset r;
	bool some = false;

	if (flowtables_read(&r, why, sizeof(why)))
		return false;
	if (!nl_talk(ours, nfo_msg(ours, buf, NFO_CMD_TABLE_GET, NLM_F_DUMP), served_one, &r))
		for (const struct ft_info *ft = r.ft; ft; ft = ft->next)
			some = some || !ft->served;
	ruleset_free(&r);

	return some;
}

/* When both modules are loaded, a flowtable belongs to the one that was there first, whatever was
 * loaded since. A flowtable that is deleted between the two questions seems to be mainline's once,
 * so they are asked again.
 */
enum provider provider_now(struct nl *ours)
{
	char names[128];
	bool mainline = mainline_loaded(names, sizeof(names));

	if (!ours->family)
		return mainline ? PROVIDER_MAINLINE : PROVIDER_NONE;
	return mainline && some_not_served(ours) && some_not_served(ours) ? PROVIDER_MAINLINE :
									   PROVIDER_OURS;
}
