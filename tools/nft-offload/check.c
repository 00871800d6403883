// SPDX-License-Identifier: GPL-2.0
/*
 * check: can this machine and these devices offload, and which rules would miss
 * packets? Each thing that was looked at has a line, with a remedy where something
 * is wrong.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "rules.h"

enum result { CHECK_OK, CHECK_WARNING, CHECK_PROBLEM };

static json_t *lines;
static bool problem;

static void line(enum result result, const char *subject, const char *remedy,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void line(enum result result, const char *subject, const char *remedy,
		 const char *fmt, ...)
{
	static const char * const names[] = { "ok", "warning", "problem" };
	char text[512], first[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem = problem || result == CHECK_PROBLEM;
	if (opt_json) {
		json_array_append_new(lines, json_pack("{ss ss ss ss}", "result", names[result],
						       "subject", utf8(subject), "text", utf8(text),
						       "remedy", utf8(remedy)));
		return;
	}
	snprintf(first, sizeof(first), "%-8s %s: ", names[result], utf8(subject));
	say_wrapped(stdout, first, "           ", utf8(text));
	if (*remedy)
		say_wrapped(stdout, "         > ", "           ", utf8(remedy));
}

/* ---- the machine ---- */

/* @why: why the ruleset could not be read; NULL when it was read. */
static void check_kernel(const char *why)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	if (sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 10)))
		line(CHECK_PROBLEM, "kernel", "use 5.10 or newer", "%s is too old", u.release);
	else
		line(CHECK_OK, "kernel", "", "%s", u.release);
	if (why)
		line(CHECK_PROBLEM, "nf_tables", "be root; modprobe nf_tables",
		     "the ruleset can't be read: %s", why);
	else
		line(CHECK_OK, "nf_tables", "", "there");
}

/* Mainline's modules are loaded. Those that serve flowtables do so for each one that is made while
 * they were there first, so `modprobe nf_flow_offload` alone changes nothing, and a ruleset that
 * replaces one with flowtables would be refused. nft_flow_offload alone stands in nobody's way.
 */
static void check_mainline(const char *names, bool ours, enum provider p, bool flowtables)
{
	bool serves = p == PROVIDER_MAINLINE && flowtables;
	bool offers = strstr(names, "nf_flow_table_");
	char remedy[512];

	if (module_builtin("nft_flow_offload")) {
		line(CHECK_PROBLEM, "mainline", "use a kernel that has it as a module",
		     "this kernel has mainline's flowtable built in: it can't be replaced");
		return;
	}
	snprintf(remedy, sizeof(remedy), "%smodprobe -r %s%s%s",
		 flowtables ? "nft list ruleset >FILE, nft flush ruleset, " : "", names,
		 ours ? "" : ", modprobe nf_flow_offload", flowtables ? ", nft -f FILE" : "");
	line(!ours || offers || serves ? CHECK_PROBLEM : CHECK_WARNING, "mainline", remedy,
	     "mainline's modules are loaded (%s)%s", names,
	     serves && ours ? " and serve the flowtables; nf_flow_offload came too late" :
	     serves ? " and serve the flowtables" :
	     !ours ? " and hold what nf_flow_offload must register" :
	     offers ? " beside nf_flow_offload: what was loaded first serves the next ruleset" : "");
}

static void check_modules(const struct ruleset *rs)
{
	struct nl nl = {};
	char names[256];
	bool ours = !nfo_open(&nl), mainline = mainline_loaded(names, sizeof(names));
	enum provider p = provider_now(&nl);

	nl_close(&nl);
	if (ours)
		line(CHECK_OK, "module", "", "nf_flow_offload is loaded");
	else if (module_installed("nf_flow_offload"))
		line(mainline ? CHECK_OK : CHECK_WARNING, "module",
		     mainline ? "" : "modprobe nf_flow_offload",
		     "nf_flow_offload is installed, not loaded");
	else
		line(CHECK_PROBLEM, "module", "make modules, make install; or install the package",
		     "nf_flow_offload is not installed for this kernel");
	if (mainline)
		check_mainline(names, ours, p, rs->ft);
}

static void check_forwarding(void)
{
	if (sysctl_get("net/ipv4/ip_forward"))
		line(CHECK_OK, "IPv4", "", "forwarding is on");
	else
		line(CHECK_WARNING, "IPv4", "sysctl -w net.ipv4.ip_forward=1",
		     "forwarding is off: nothing is routed, so nothing is offloaded");
	if (access("/proc/sys/net/ipv6", F_OK))
		return;
	if (sysctl_get("net/ipv6/conf/all/forwarding"))
		line(CHECK_OK, "IPv6", "", "forwarding is on");
	else
		line(CHECK_WARNING, "IPv6", "sysctl -w net.ipv6.conf.all.forwarding=1",
		     "forwarding is off: nothing is routed, so nothing is offloaded");
}

/* ---- hardware ---- */

static int ethtool(const char *dev, void *data)
{
	struct ifreq ifr = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), rc;

	strncpy(ifr.ifr_name, dev, IFNAMSIZ - 1);
	ifr.ifr_data = data;
	rc = fd < 0 ? -1 : ioctl(fd, SIOCETHTOOL, &ifr);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Return: the index of a feature among the features of a device; -1 when it does not have the
 * feature. @count is set to the number of features.
 */
static int feature_index(const char *dev, const char *name, uint32_t *count)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t count;
	} sset = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	struct ethtool_gstrings *strings;
	int found = -1;

	if (ethtool(dev, &sset) || !sset.info.sset_mask || sset.count > 4096)
		return -1;
	*count = sset.count;
	strings = xalloc(sizeof(*strings) + sset.count * ETH_GSTRING_LEN);
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = sset.count;
	if (!ethtool(dev, strings))
		for (uint32_t i = 0; i < sset.count && found < 0; i++)
			if (!strncmp((char *)strings->data + i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN))
				found = i;
	free(strings);

	return found;
}

static bool feature_get(const char *dev, const char *name, bool *on, bool *fixed)
{
	struct ethtool_gfeatures *f;
	uint32_t count, blocks;
	int i = feature_index(dev, name, &count);
	bool ok;

	if (i < 0)
		return false;
	blocks = (count + 31) / 32;
	f = xalloc(sizeof(*f) + blocks * sizeof(f->features[0]));
	f->cmd = ETHTOOL_GFEATURES;
	f->size = blocks;
	ok = !ethtool(dev, f);
	if (ok) {
		const struct ethtool_get_features_block *b = &f->features[i / 32];
		uint32_t bit = 1U << (i % 32);

		*on = b->active & bit;
		*fixed = !(b->available & bit) || b->never_changed & bit;
	}
	free(f);

	return ok;
}

/* Print what the module knows of a driver: a line for each way in which the driver is asked. @can:
 * the device has hw-tc-offload.
 */
static void check_driver(const char *dev, const char *name, bool can)
{
	bool known = false;

	for (const struct driver *d = drivers; d->name; d++) {
		if (strcmp(d->name, name))
			continue;
		known = true;
		if (!strcmp(d->bind, "none"))
			line(CHECK_OK, dev, d->instead,
			     "driver %s (%s) is not asked for hardware: %s. It cannot carry: %s",
			     name, d->title, d->why, d->cannot);
		else
			line(CHECK_OK, dev, d->instead,
			     "driver %s (%s) takes rules by TC_SETUP_%s. It cannot carry: %s",
			     name, d->title, !strcmp(d->bind, "ft") ? "FT" : "BLOCK", d->cannot);
	}
	if (!known && can)
		line(CHECK_OK, dev, "docs/hardware.md names the drivers that are asked",
		     "driver %s is not known to forward routed packets: it is not asked for hardware",
		     name);
}

static void check_hw(const struct dev *d)
{
	struct ethtool_drvinfo drv = { .cmd = ETHTOOL_GDRVINFO };
	char remedy[96];
	bool on, fixed;

	if (ethtool(d->name, &drv))
		strcpy(drv.driver, "unknown");
	if (!feature_get(d->name, "hw-tc-offload", &on, &fixed) || (!on && fixed)) {
		check_driver(d->name, drv.driver, false);
		line(CHECK_OK, d->name, "",
		     "driver %s has no TC offload (hw-tc-offload): software fast path only", drv.driver);
		return;
	}
	check_driver(d->name, drv.driver, true);
	snprintf(remedy, sizeof(remedy), "ethtool -K %s hw-tc-offload on", d->name);
	if (on)
		line(CHECK_OK, d->name, "", "driver %s, hw-tc-offload is on", drv.driver);
	else
		line(CHECK_WARNING, d->name, remedy,
		     "driver %s can offload TC rules, hw-tc-offload is off: software fast path only",
		     drv.driver);
}

/* ---- one device ---- */

static void check_stack(const struct dev *d)
{
	char master[IFNAMSIZ] = "?";

	if (d->master)
		if_indextoname(d->master, master);
	if (!strcmp(d->master_kind, "bridge"))
		line(CHECK_OK, d->name, "",
		     "is a port of the bridge %s: what is routed over the bridge is offloaded here, in hardware as well", master);
	else if (d->master && (!strcmp(d->master_kind, "bond") || !strcmp(d->master_kind, "team")))
		line(CHECK_OK, d->name, "",
		     "belongs to %s: what is routed over %s is offloaded here, in software", master, master);
	else if (!strcmp(d->kind, "bridge"))
		line(CHECK_OK, d->name, "",
		     "is a bridge: what is routed over it is offloaded here, in software; list its ports for hardware");
	else if (!strcmp(d->kind, "vlan"))
		line(CHECK_OK, d->name, "",
		     "is a VLAN: its flows are offloaded here or, as hardware needs it, at the device below; list that one");
	else if (d->type == ARPHRD_PPP)
		line(CHECK_OK, d->name, "",
		     "is a PPP link: its flows are offloaded here or, with PPPoE, at the device below; list that one for hardware");
	else if (d->type != ARPHRD_ETHER)
		line(CHECK_WARNING, d->name, "nft-offload explain and status tell whether flows get in",
		     "is no Ethernet device (type %u): its flows may have to stay in the slow path", d->type);
}

static void check_listed(const char *name, const struct ruleset *rs)
{
	int n = 0;

	for (const struct ft_info *ft = rs->ft; ft; ft = ft->next)
		for (int i = 0; i < ft->ndevs; i++)
			if (dev_matches(ft->dev[i], name) && ++n)
				line(CHECK_OK, name, "", "is in flowtable %s of table %s %s", ft->name,
				     family_name(ft->family), ft->table);
	if (n > 1)
		line(CHECK_WARNING, name, "leave it in one of them, unless both are meant",
		     "is in %d flowtables: a flow goes to the one whose rule comes first", n);
}

/* Does a filter or a shaper of a listed device keep its flows out of hardware? */
struct unseen {
	uint32_t ifindex;
	uint32_t reason;
};

static int unseen_one(const struct nlmsghdr *nlh, void *arg)
{
	struct unseen *u = arg;
	uint32_t reason;
	struct attrs a;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	reason = attr_uint(&a, NFO_DEV_REASON);
	if (attr_uint(&a, NFO_DEV_IFINDEX) == u->ifindex &&
	    (reason == NFO_R_HW_FILTER || reason == NFO_R_HW_QDISC))
		u->reason = reason;
	return 0;
}

/* The module tells only about devices in a flowtable with `flags offload`. */
static void check_unseen(const char *name)
{
	struct unseen u = { .ifindex = if_nametoindex(name) };
	char buf[MNL_NLMSG_HDRLEN + 64] = {};
	struct nl nl = {};

	if (!nfo_open(&nl) &&
	    !nl_talk(&nl, nfo_msg(&nl, buf, NFO_CMD_DEV_GET, NLM_F_DUMP), unseen_one, &u) && u.reason)
		line(CHECK_WARNING, name, reason_remedy(u.reason),
		     "its flows stay in software, because %s", reason_text(u.reason));
	nl_close(&nl);
}

static bool check_dev(const char *name, const struct ruleset *rs, struct dev *d)
{
	char remedy[96];

	if (dev_get(name, d)) {
		line(CHECK_PROBLEM, name, "ip link shows the devices there are", "no such device");
		return false;
	}
	/* An alternative name is none that a flowtable lists. */
	name = d->name;
	snprintf(remedy, sizeof(remedy), "ip link set %s up", name);
	if (d->flags & IFF_LOOPBACK) {
		line(CHECK_PROBLEM, name, "", "is the loopback device: nothing is routed over it");
		return false;
	}
	if (!(d->flags & IFF_UP))
		line(CHECK_WARNING, name, remedy, "is down");
	else if (!(d->flags & IFF_RUNNING))
		line(CHECK_WARNING, name, "look at the cable, or the other end", "has no carrier");
	else
		line(CHECK_OK, name, "", "is up, MTU %u", d->mtu);
	check_stack(d);
	check_hw(d);
	check_listed(name, rs);
	check_unseen(name);

	return true;
}

/* ---- rules ---- */

static void rule_line(const struct finding *f)
{
	const struct nft_chain *c = f->chain;
	const char *comment = utf8(f->comment);
	bool named = *comment;
	json_t *last;

	line(CHECK_WARNING, "rule", f->remedy, "table %s %s, chain %s, handle %llu%s%s%s: %s: %s",
	     family_name(c->family), c->table, c->name, (unsigned long long)f->handle,
	     named ? " (" : "", comment, named ? ")" : "", f->expression, f->loses);
	last = json_array_get(lines, json_array_size(lines) - 1);
	if (last)
		json_object_set_new(last, "rule", json_pack("{ss ss ss sI ss ss}",
			"family", family_name(c->family), "table", utf8(c->table), "chain", utf8(c->name),
			"handle", (json_int_t)f->handle, "expression", f->expression,
			"comment", comment));
}

/* nf_tables does not know the rules of iptables-legacy. */
static void check_legacy(void)
{
	static const char * const files[] = { "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *f = fopen(files[i], "r");
		bool some = f && fgetc(f) != EOF;

		if (f)
			fclose(f);
		if (some)
			line(CHECK_WARNING, "rules", "use iptables-nft, or look through them by hand",
			     "%s has tables of iptables-legacy, whose rules are not looked at", files[i]);
	}
}

/* Print the rules that miss packets by offload; the same with mainline's modules. */
static void check_rules(const struct ruleset *rs)
{
	struct findings found;
	struct rules r;

	if (rules_read(&r)) {
		line(CHECK_WARNING, "rules", "be root in this network namespace",
		     "the rules cannot be read, so none was looked at: %s", r.nl.why);
		return;
	}
	bypass_find(&r, rs, &found);
	if (!found.permits)
		line(CHECK_OK, "rules", "", "no rule says flow add: they are looked at as if all TCP and UDP were offloaded");
	for (size_t i = 0; i < found.n; i++)
		rule_line(&found.f[i]);
	if (found.xtables)
		line(CHECK_WARNING, "rules", "read conntrack -L, with net.netfilter.nf_conntrack_acct set to 1, or the devices' counters instead",
		     "the counters of iptables' rules count the packets of the slow path only");
	if (found.torn)
		line(CHECK_WARNING, "rules", "jump to fewer chains from fewer rules",
		     "there are too many ways through the rules, so not all were followed");
	if (!found.n && !found.xtables && !found.torn)
		line(CHECK_OK, "rules", "", "%zu read, and offload takes no packet from one that would do something with it",
		     r.nrules);
	bypass_free(&found);
	rules_free(&r);
	check_legacy();
}

/* ---- the command ---- */

static void add_name(const char ***names, int *n, const char *name)
{
	for (int k = 0; k < *n; k++)
		if (!strcmp((*names)[k], name))
			return;
	*names = xrealloc(*names, (*n + 1) * sizeof(**names));
	(*names)[(*n)++] = name;
}

/* List the devices of all flowtables, each once. Return: how many; @names is for free(). */
static int listed_devs(const struct ruleset *rs, const char ***names)
{
	struct dev *devs;
	size_t ndevs;
	int n = 0;

	*names = NULL;
	devs_get(&devs, &ndevs);
	for (const struct ft_info *ft = rs->ft; ft; ft = ft->next)
		for (int i = 0; i < ft->ndevs; i++) {
			if (!strchr(ft->dev[i], '*')) {
				add_name(names, &n, ft->dev[i]);
				continue;
			}
			for (size_t k = 0; k < ndevs; k++)
				if (dev_matches(ft->dev[i], devs[k].name))
					add_name(names, &n, intern(devs[k].name));
		}
	free(devs);
	return n;
}

static void check_devs(const char * const *names, int count, const struct ruleset *rs)
{
	struct dev *devs = xalloc(count * sizeof(*devs));
	int n = 0;

	for (int i = 0; i < count; i++)
		n += check_dev(names[i], rs, &devs[n]);
	for (int i = 1; i < n; i++)
		if (devs[i].mtu != devs[0].mtu)
			line(CHECK_WARNING, devs[i].name, "give both the same MTU if the links allow it",
			     "MTU %u, %s has %u: packets too big for the smaller take the slow path",
			     devs[i].mtu, devs[0].name, devs[0].mtu);
	free(devs);
}

int cmd_check(const struct command *cmd, int argc, char **argv)
{
	int rc = opts_parse(cmd, &argc, &argv, NULL, NULL), n;
	const char **listed;
	struct ruleset rs;
	char why[256];

	if (rc >= 0)
		return rc;
	for (int i = 0; i < argc; i++)
		if (!*argv[i] || strlen(argv[i]) >= IFNAMSIZ)
			return usage("'%s' is no device name: it has 1 to %d characters", argv[i],
				     IFNAMSIZ - 1);
	lines = json_array();
	rc = ruleset_read(&rs, why, sizeof(why));
	check_kernel(rc ? why : NULL);
	check_modules(&rs);
	check_forwarding();
	n = listed_devs(&rs, &listed);
	if (argc)
		check_devs((const char * const *)argv, argc, &rs);
	else if (n)
		check_devs(listed, n, &rs);
	else
		line(CHECK_WARNING, "devices", "nft-offload check DEV... looks at these",
		     "no flowtable lists a device");
	if (!rc)
		check_rules(&rs);
	free(listed);
	ruleset_free(&rs);
	if (opt_json)
		json_out(json_pack("{so sb}", "checks", lines, "ok", !problem));

	return problem ? STATUS_REFUSED : STATUS_OK;
}
