// SPDX-License-Identifier: GPL-2.0
/*
 * Who serves flowtables now: this project's module, mainline's, or nobody.
 */
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

enum provider provider_now(const struct nl *ours)
{
	char names[128];

	if (ours->family)
		return PROVIDER_OURS;
	return mainline_loaded(names, sizeof(names)) ? PROVIDER_MAINLINE : PROVIDER_NONE;
}
