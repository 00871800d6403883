// SPDX-License-Identifier: GPL-2.0
/*
 * The test's window: /sys/kernel/debug/nfo_hwsim/
 *
 *   bind           none | ft | block | indirect; EBUSY while something is bound
 *   table_size     rules it holds           used       rules in it, the most ever
 *   rule_delay_us  each command takes that long
 *   fail_add, fail_del, fail_stats
 *                  "ERRNO PERCENT [TEXT]" - commands fail; "0" ends it (fail = fail_add)
 *   fail_port      of this port only; a number that no port has: of all
 *   features/NAME  0 or 1; one_chip: the ports have a switch id, all the same
 *   modes/NAME     0 or 1; how chips and drivers are that are less kind, see hwsim.h
 *   driver         what ethtool -i is told; "nfo_hwsim" at first
 *   indirect       0: the driver of the indirect block is not there; 1: it comes
 *   hold_indirect  1: when that driver goes, the owners of its blocks hear of it when this is 0
 *                  again; 2 when it waits for that
 *   blocks         how many blocks are bound
 *   asked          block requests, and rule commands of blocks without RTNL
 *   port_delay_us/N  a command through port N takes that long besides, and holds up
 *                  nobody at other ports
 *   rules          one line each            calls      commands, and how many failed
 *   last_refusal   errno and text, of the last rule not taken
 *   lro            1: UDP frames come to the host as if LRO had merged them
 *   routed         1: frames come to the host as copies of what the chip has routed
 *   hold           1: commands wait until it is 0 again
 *   span           rules added since it was written to, and the nanoseconds from the
 *                  first to the last of them
 *   watch/0, watch/1
 *                  write an address: how many rules send to it, and the time of the wall,
 *                  in nanoseconds, when that changed last
 *   reset          write anything: the table is empty, no port is deaf, nobody is told
 *   ports          one line each; write "del N" or "add N": a port goes or comes
 */
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include "hwsim.h"

const char *const hwsim_feature_names[] = {
	[HWSIM_F_IPV6] = "ipv6", [HWSIM_F_NAT] = "nat", [HWSIM_F_VLAN] = "vlan",
	[HWSIM_F_QINQ] = "qinq", [HWSIM_F_PPPOE] = "pppoe", [HWSIM_F_TCP] = "tcp",
	[HWSIM_F_UDP] = "udp", [HWSIM_F_TTL] = "ttl", [HWSIM_F_FRAG] = "frag",
	[HWSIM_F_ONE_CHIP] = "one_chip",
};

const char *const hwsim_mode_names[] = {
	[HWSIM_M_LIAR] = "liar", [HWSIM_M_OFF_IS_DEAF] = "off_is_deaf", [HWSIM_M_LATE] = "late",
	[HWSIM_M_BUCKETS] = "buckets", [HWSIM_M_UNCOUNTED] = "uncounted",
	[HWSIM_M_SILENT] = "silent", [HWSIM_M_INVAL] = "inval", [HWSIM_M_NO_MTU] = "no_mtu",
	[HWSIM_M_KEEP_TTL] = "keep_ttl", [HWSIM_M_TTL_ENDS] = "ttl_ends",
	[HWSIM_M_NO_ADD] = "no_add", [HWSIM_M_TC] = "tc", [HWSIM_M_QDISC] = "qdisc",
};

const char *const hwsim_call_names[] = {
	[HWSIM_ADD] = "add", [HWSIM_DEL] = "del", [HWSIM_STATS] = "stats",
};

const char *const hwsim_count_names[] = {
	[HWSIM_HW_IN] = "hw_in", [HWSIM_HW_OUT] = "hw_out", [HWSIM_HW_BYTES] = "hw_out_bytes",
	[HWSIM_HOST_IN] = "host_in", [HWSIM_HOST_OUT] = "host_out", [HWSIM_HOST_L4] = "host_l4",
	[HWSIM_DROPPED] = "dropped",
};

/* Sets @line to what was written, without the newline. */
static int get_line(char *line, size_t size, const char __user *from, size_t count)
{
	if (count >= size)
		return -E2BIG;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = 0;
	strim(line);
	return 0;
}

static int bind_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;

	seq_printf(s, "%s\n", hwsim_bind_names[READ_ONCE(c->bind)]);
	return 0;
}

static ssize_t bind_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct hwsim_chip *c = ((struct seq_file *)file->private_data)->private;
	char line[16];
	int i, err;

	err = get_line(line, sizeof(line), from, count);
	if (err)
		return err;
	i = match_string(hwsim_bind_names, -1, line);
	if (i < 0)
		return i;
	err = hwsim_bind_set(c, i);
	return err ?: count;
}

static int used_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;

	mutex_lock(&c->lock);
	seq_printf(s, "%u %u\n", c->used, c->used_max);
	mutex_unlock(&c->lock);
	return 0;
}

static int calls_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;
	int i;

	mutex_lock(&c->lock);
	for (i = 0; i < HWSIM_CALLS; i++)
		seq_printf(s, "%s %llu failed %llu\n", hwsim_call_names[i], c->calls[i],
			   c->failed[i]);
	seq_printf(s, "injected %llu\n", c->injected);
	mutex_unlock(&c->lock);
	return 0;
}

static int last_refusal_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;

	mutex_lock(&c->lock);
	seq_printf(s, "%d %s\n", -c->last_err, c->last_text);
	mutex_unlock(&c->lock);
	return 0;
}

static int driver_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;

	seq_printf(s, "%s\n", c->driver);
	return 0;
}

static ssize_t driver_write(struct file *file, const char __user *from, size_t count,
			    loff_t *pos)
{
	struct hwsim_chip *c = ((struct seq_file *)file->private_data)->private;
	char line[sizeof(c->driver)];
	int err;

	err = get_line(line, sizeof(line), from, count);
	if (err)
		return err;
	rtnl_lock();
	strscpy(c->driver, line, sizeof(c->driver));
	rtnl_unlock();
	return count;
}

static int indirect_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;

	seq_printf(s, "%d\n", c->indirect);
	return 0;
}

static ssize_t indirect_write(struct file *file, const char __user *from, size_t count,
			      loff_t *pos)
{
	struct hwsim_chip *c = ((struct seq_file *)file->private_data)->private;
	char line[4];
	int err;

	err = get_line(line, sizeof(line), from, count);
	if (err)
		return err;
	err = hwsim_indirect_set(c, line[0] == '1');
	return err ?: count;
}

static int blocks_show(struct seq_file *s, void *unused)
{
	seq_printf(s, "%u\n", hwsim_blocks(s->private));
	return 0;
}

static int asked_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;

	seq_printf(s, "%llu %llu\n", c->any_bind, c->no_rtnl);
	return 0;
}

static int span_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;

	mutex_lock(&c->lock);
	seq_printf(s, "%u %llu\n", c->span_adds, c->span_last - c->span_first);
	mutex_unlock(&c->lock);
	return 0;
}

static ssize_t span_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct hwsim_chip *c = ((struct seq_file *)file->private_data)->private;

	mutex_lock(&c->lock);
	c->span_adds = 0;
	c->span_first = 0;
	c->span_last = 0;
	mutex_unlock(&c->lock);
	return count;
}

static int watch_show(struct seq_file *s, void *unused)
{
	struct hwsim_watch *w = s->private;

	mutex_lock(&hwsim.lock);
	seq_printf(s, "%u %llu\n", w->rules, w->last);
	mutex_unlock(&hwsim.lock);
	return 0;
}

static ssize_t watch_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct hwsim_watch *w = ((struct seq_file *)file->private_data)->private;
	char line[24];
	u8 mac[ETH_ALEN];
	int err;

	err = get_line(line, sizeof(line), from, count);
	if (err)
		return err;
	if (sscanf(line, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != ETH_ALEN)
		return -EINVAL;
	mutex_lock(&hwsim.lock);
	hwsim_watch(&hwsim, w, mac);
	mutex_unlock(&hwsim.lock);
	return count;
}

static int fail_show(struct seq_file *s, void *unused)
{
	struct hwsim_fail *f = s->private;

	seq_printf(s, "%d %u %s\n", -f->err, f->percent, f->text);
	return 0;
}

static ssize_t fail_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct hwsim_fail *f = ((struct seq_file *)file->private_data)->private;
	unsigned int percent = 100;
	char line[HWSIM_TEXT + 32];
	int err, code, end = 0;

	err = get_line(line, sizeof(line), from, count);
	if (err)
		return err;
	if (sscanf(line, "%d%n %u%n", &code, &end, &percent, &end) < 1 || percent > 100)
		return -EINVAL;
	code = -abs(code);
	if (code < -MAX_ERRNO)
		return -EINVAL;

	mutex_lock(&hwsim.lock);
	f->err = code;
	f->percent = percent;
	strscpy(f->text, skip_spaces(line + end), sizeof(f->text));
	mutex_unlock(&hwsim.lock);
	return count;
}

static int ports_show(struct seq_file *s, void *unused)
{
	struct hwsim_chip *c = s->private;
	struct hwsim_port *p;
	int i, n;

	for (i = 0; i < c->ports; i++) {
		p = &c->port[i];
		seq_printf(s, "%d %s", i, rcu_access_pointer(p->host) ? "present" : "absent");
		for (n = 0; n <= HWSIM_DROPPED; n++)
			seq_printf(s, " %s=%lld", hwsim_count_names[n],
				   (long long)atomic64_read(&p->count[n]));
		seq_putc(s, '\n');
	}
	return 0;
}

static ssize_t ports_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct hwsim_chip *c = ((struct seq_file *)file->private_data)->private;
	unsigned int port;
	char line[16], word[4];
	int err;

	err = get_line(line, sizeof(line), from, count);
	if (err)
		return err;
	if (sscanf(line, "%3s %u", word, &port) != 2 || port >= c->ports)
		return -EINVAL;

	rtnl_lock();
	if (!strcmp(word, "add")) {
		err = hwsim_port_add(c, port);
	} else if (!strcmp(word, "del")) {
		err = rcu_access_pointer(c->port[port].host) ? 0 : -ENODEV;
		hwsim_port_del(c, port);
	} else {
		err = -EINVAL;
	}
	rtnl_unlock();
	return err ?: count;
}

static void show_match(struct seq_file *s, const struct hwsim_rule *r)
{
	const struct hwsim_key *k = &r->key, *b = &r->mask->bits;
	int i;

	if (b->n_proto)
		seq_printf(s, " type=%04x", ntohs(k->n_proto));
	if (memchr_inv(b->eth_dst, 0, ETH_ALEN))
		seq_printf(s, " dmac=%pM/%pM", k->eth_dst, b->eth_dst);
	if (memchr_inv(b->eth_src, 0, ETH_ALEN))
		seq_printf(s, " smac=%pM/%pM", k->eth_src, b->eth_src);
	for (i = 0; i < k->tags; i++)
		seq_printf(s, " vlan=%04x/%04x:%04x", ntohs(k->tci[i]), ntohs(b->tci[i]),
			   ntohs(k->tpid[i]));
	if (k->addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS)
		seq_printf(s, " src=%pI4/%pI4 dst=%pI4/%pI4", k->src, b->src, k->dst, b->dst);
	else if (k->addr_type)
		seq_printf(s, " src=%pI6c/%pI6c dst=%pI6c/%pI6c", k->src, b->src, k->dst, b->dst);
	if (b->ip_proto)
		seq_printf(s, " proto=%u", k->ip_proto);
	if (b->sport)
		seq_printf(s, " sport=%u/%04x", ntohs(k->sport), ntohs(b->sport));
	if (b->dport)
		seq_printf(s, " dport=%u/%04x", ntohs(k->dport), ntohs(b->dport));
	if (b->tcp_flags)
		seq_printf(s, " tcp=%03x/%03x", ntohs(k->tcp_flags), ntohs(b->tcp_flags));
	if (b->tos)
		seq_printf(s, " tos=%02x/%02x", k->tos, b->tos);
	if (b->ttl)
		seq_printf(s, " ttl=%u/%02x", k->ttl, b->ttl);
	if (b->frag)
		seq_printf(s, " frag=%u/%u", k->frag, b->frag);
}

static void show_edit(struct seq_file *s, const char *what, const u8 *mask, const u8 *val, int len)
{
	int i;

	if (!memchr_inv(mask, 0, len))
		return;
	seq_printf(s, " %s=", what);
	for (i = 0; i < len; i++) {
		if (mask[i])
			seq_printf(s, "%02x", val[i]);
		else
			seq_putc(s, '.');
	}
}

static void show_actions(struct seq_file *s, const struct hwsim_actions *a)
{
	int i;

	show_edit(s, "eth", a->eth.mask, a->eth.val, sizeof(a->eth.val));
	show_edit(s, "l3", a->l3.mask, a->l3.val, sizeof(a->l3.val));
	show_edit(s, "l4", a->l4.mask, a->l4.val, sizeof(a->l4.val));
	if (a->ttl_dec)
		seq_printf(s, " ttl-%u", a->ttl_dec);
	if (a->pops)
		seq_printf(s, " pop*%u", a->pops);
	for (i = 0; i < a->pushes; i++)
		seq_printf(s, " push=%u:%04x", a->push[i].tci, ntohs(a->push[i].tpid));
	if (a->pppoe)
		seq_printf(s, " pppoe=%u", a->sid);
	if (a->csum)
		seq_printf(s, " csum=%s%s", a->csum & HWSIM_CSUM_IP ? "ip" : "",
			   a->csum & HWSIM_CSUM_L4 ? "+l4" : "");
	seq_printf(s, " out=%u", a->out_port);
}

static void show_rule(struct seq_file *s, struct hwsim_rule *r)
{
	u64 packets, bytes;
	unsigned long used;

	spin_lock_bh(&r->lock);
	packets = r->packets;
	bytes = r->bytes;
	used = r->lastused;
	spin_unlock_bh(&r->lock);

	seq_printf(s, "%lx %s in=%u prio=%u", r->cookie, r->via == HWSIM_FT ? "ft" : "block",
		   r->key.in_port, r->prio);
	if (r->dead)
		seq_puts(s, " dead");
	else
		show_match(s, r);
	seq_puts(s, " :");
	show_actions(s, &r->act);
	seq_printf(s, " packets=%llu bytes=%llu idle_ms=%u\n", packets, bytes,
		   jiffies_to_msecs(jiffies - used));
}

/* All rules are shown under one hold of the lock. A file that is read in pieces would leave out as
 * many rules as were deleted between two pieces, and a test would take them for gone.
 */
static int rules_show(struct seq_file *s, void *unused)
{
	struct hwsim_rule *r;

	mutex_lock(&hwsim.lock);
	list_for_each_entry(r, &hwsim.rules, list) {
		show_rule(s, r);
		if (seq_has_overflowed(s))
			break;
	}
	mutex_unlock(&hwsim.lock);
	return 0;
}

static int reset_show(struct seq_file *s, void *unused)
{
	return 0;
}

static ssize_t reset_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	hwsim_table_flush(((struct seq_file *)file->private_data)->private);
	return count;
}

DEFINE_SHOW_ATTRIBUTE(rules);
DEFINE_SHOW_ATTRIBUTE(used);
DEFINE_SHOW_ATTRIBUTE(blocks);
DEFINE_SHOW_ATTRIBUTE(asked);
DEFINE_SHOW_ATTRIBUTE(calls);
DEFINE_SHOW_ATTRIBUTE(last_refusal);

#define DEFINE_RW(name)							\
static int name##_open(struct inode *inode, struct file *file)		\
{									\
	return single_open(file, name##_show, inode->i_private);	\
}									\
static const struct file_operations name##_fops = {			\
	.owner = THIS_MODULE, .open = name##_open, .read = seq_read,	\
	.write = name##_write, .llseek = seq_lseek, .release = single_release, \
}

DEFINE_RW(bind);
DEFINE_RW(driver);
DEFINE_RW(indirect);
DEFINE_RW(fail);
DEFINE_RW(ports);
DEFINE_RW(reset);
DEFINE_RW(span);
DEFINE_RW(watch);

void hwsim_debugfs_init(struct hwsim_chip *c)
{
	struct dentry *dir;
	char name[16];
	int i;

	c->dir = debugfs_create_dir("nfo_hwsim", NULL);
	debugfs_create_file("bind", 0600, c->dir, c, &bind_fops);
	debugfs_create_u32("table_size", 0600, c->dir, &c->table_size);
	debugfs_create_u32("rule_delay_us", 0600, c->dir, &c->delay_us);
	debugfs_create_u32("fail_port", 0600, c->dir, &c->fail_port);
	debugfs_create_bool("lro", 0600, c->dir, &c->lro);
	debugfs_create_bool("routed", 0600, c->dir, &c->routed);
	debugfs_create_bool("hold", 0600, c->dir, &c->hold);
	debugfs_create_u32("hold_indirect", 0600, c->dir, &c->hold_indirect);
	debugfs_create_file("span", 0600, c->dir, c, &span_fops);
	debugfs_create_file("driver", 0600, c->dir, c, &driver_fops);
	debugfs_create_file("indirect", 0600, c->dir, c, &indirect_fops);
	debugfs_create_file("blocks", 0400, c->dir, c, &blocks_fops);
	debugfs_create_file("asked", 0400, c->dir, c, &asked_fops);
	debugfs_create_file("used", 0400, c->dir, c, &used_fops);
	debugfs_create_file("calls", 0400, c->dir, c, &calls_fops);
	debugfs_create_file("last_refusal", 0400, c->dir, c, &last_refusal_fops);
	debugfs_create_file("rules", 0400, c->dir, c, &rules_fops);
	debugfs_create_file("ports", 0600, c->dir, c, &ports_fops);
	debugfs_create_file("reset", 0200, c->dir, c, &reset_fops);
	debugfs_create_file("fail", 0600, c->dir, &c->fail[HWSIM_ADD], &fail_fops);
	for (i = 0; i < HWSIM_CALLS; i++) {
		snprintf(name, sizeof(name), "fail_%s", hwsim_call_names[i]);
		debugfs_create_file(name, 0600, c->dir, &c->fail[i], &fail_fops);
	}
	dir = debugfs_create_dir("port_delay_us", c->dir);
	for (i = 0; i < c->ports; i++) {
		snprintf(name, sizeof(name), "%d", i);
		debugfs_create_u32(name, 0600, dir, &c->port[i].delay_us);
	}
	dir = debugfs_create_dir("watch", c->dir);
	for (i = 0; i < HWSIM_WATCHED; i++) {
		snprintf(name, sizeof(name), "%d", i);
		debugfs_create_file(name, 0600, dir, &c->watch[i], &watch_fops);
	}
	dir = debugfs_create_dir("features", c->dir);
	for (i = 0; i < HWSIM_FEATURES; i++)
		debugfs_create_bool(hwsim_feature_names[i], 0600, dir, &c->feature[i]);
	dir = debugfs_create_dir("modes", c->dir);
	for (i = 0; i < HWSIM_MODES; i++)
		debugfs_create_bool(hwsim_mode_names[i], 0600, dir, &c->mode[i]);
}

void hwsim_debugfs_exit(struct hwsim_chip *c)
{
	debugfs_remove_recursive(c->dir);
}
