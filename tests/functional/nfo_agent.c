// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_agent - answers the questions a test asks hundreds of times.
 *
 * Starting nft or conntrack costs a third of a second in a debug kernel under
 * User Mode Linux; this process stays, and asks the kernel itself. Commands come
 * on stdin, one line of answer each goes to stdout:
 *
 *   counter NS FAMILY TABLE NAME   -> ok PACKETS BYTES
 *   flush NS                       -> ok            (every nf_tables table)
 *   ct NS 4|6 PROTO SPORT          -> ok none | ok status=... (see ct_answer)
 *   ctdel NS 4|6 PROTO SPORT       -> ok
 *   ctmark NS 4|6 PROTO SPORT MARK -> ok            (as conntrack -U --mark)
 *   ctlabel NS 4|6 PROTO SPORT BIT -> ok            (its labels become this one)
 *   ctstatus NS 4|6 PROTO SPORT BITS -> ok
 *   ctflush NS                     -> ok
 *   sysctl NS NAME [VALUE]         -> ok VALUE
 *   epoch NS                       -> ok NUMBER     (how many changes the module noticed)
 *
 * It enters a namespace for one command and leaves it again, so that it never
 * keeps one alive.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "../lib/net.h"

static char buf[65536];
static unsigned int seq;
static int home;

struct want {
	uint8_t proto;
	uint16_t sport;
	bool found;
	char answer[512];
	/* the original tuple as the kernel sent it, to delete just this entry */
	char tuple[256];
	size_t tuple_len;
	uint16_t zone;
	bool has_zone;
};

struct objdata {
	uint64_t packets, bytes;
	bool found;
};

static struct nlmsghdr *head(void *where, int subsys, int msg, int flags, int family, int res)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(where);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = subsys << 8 | msg;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res);
	return nlh;
}

/* Send what lies at @nlh, hand each answer to @cb until the last one. */
static int talk(const void *data, size_t len, unsigned int wait_seq, mnl_cb_t cb, void *arg)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	int n, r = MNL_CB_ERROR, err;

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	    mnl_socket_sendto(nl, data, len) >= 0) {
		unsigned int port = mnl_socket_get_portid(nl);

		do {
			n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
			if (n < 0)
				break;
			r = mnl_cb_run(buf, n, wait_seq, port, cb, arg);
		} while (r > MNL_CB_STOP);
		if (n < 0)
			r = MNL_CB_ERROR;
	}
	err = r < 0 ? -errno : 0;
	mnl_socket_close(nl);
	return err;
}

static int counter_cb(const struct nlmsghdr *nlh, void *data)
{
	struct objdata *o = data;
	struct nlattr *attr, *in;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) != NFTA_OBJ_DATA)
			continue;
		mnl_attr_for_each_nested(in, attr) {
			if (mnl_attr_get_type(in) == NFTA_COUNTER_PACKETS)
				o->packets = be64toh(mnl_attr_get_u64(in));
			if (mnl_attr_get_type(in) == NFTA_COUNTER_BYTES)
				o->bytes = be64toh(mnl_attr_get_u64(in));
		}
		o->found = true;
	}
	return MNL_CB_OK;
}

static int family_of(const char *name)
{
	static const struct { const char *name; int family; } names[] = {
		{ "ip", NFPROTO_IPV4 }, { "ip6", NFPROTO_IPV6 }, { "inet", NFPROTO_INET },
		{ "netdev", NFPROTO_NETDEV }, { "bridge", NFPROTO_BRIDGE },
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i].name))
			return names[i].family;
	return NFPROTO_UNSPEC;
}

static int counter(const char *family, const char *table, const char *name, struct objdata *o)
{
	char msg[512];
	struct nlmsghdr *nlh = head(msg, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETOBJ, NLM_F_ACK,
				    family_of(family), 0);

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return talk(msg, nlh->nlmsg_len, seq, counter_cb, o);
}

static int flush_ruleset(void)
{
	char msg[512];
	struct nlmsghdr *nlh;
	size_t len = 0;
	unsigned int wait_seq;

	/* inside a batch, nfgenmsg's res_id names the subsystem the batch is for */
	nlh = head(msg, 0, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nlh->nlmsg_type = NFNL_MSG_BATCH_BEGIN;
	len += nlh->nlmsg_len;
	nlh = head(msg + len, NFNL_SUBSYS_NFTABLES, NFT_MSG_DELTABLE, NLM_F_ACK, AF_UNSPEC, 0);
	wait_seq = seq;
	len += nlh->nlmsg_len;
	nlh = head(msg + len, 0, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nlh->nlmsg_type = NFNL_MSG_BATCH_END;
	len += nlh->nlmsg_len;
	return talk(msg, len, wait_seq, NULL, NULL);
}

static bool tuple_matches(const struct nlattr *tuple, const struct want *w)
{
	struct nlattr *attr, *in;
	bool proto = false, port = false;

	mnl_attr_for_each_nested(attr, tuple) {
		if (mnl_attr_get_type(attr) != CTA_TUPLE_PROTO)
			continue;
		mnl_attr_for_each_nested(in, attr) {
			if (mnl_attr_get_type(in) == CTA_PROTO_NUM)
				proto = mnl_attr_get_u8(in) == w->proto;
			if (mnl_attr_get_type(in) == CTA_PROTO_SRC_PORT)
				port = ntohs(mnl_attr_get_u16(in)) == w->sport;
		}
	}
	return proto && (port || !w->sport);
}

static void counters_of(const struct nlattr *attr, uint64_t *packets, uint64_t *bytes)
{
	struct nlattr *in;

	mnl_attr_for_each_nested(in, attr) {
		if (mnl_attr_get_type(in) == CTA_COUNTERS_PACKETS)
			*packets = be64toh(mnl_attr_get_u64(in));
		if (mnl_attr_get_type(in) == CTA_COUNTERS_BYTES)
			*bytes = be64toh(mnl_attr_get_u64(in));
	}
}

static int tcp_state(const struct nlattr *attr)
{
	struct nlattr *in, *tcp;

	mnl_attr_for_each_nested(in, attr) {
		if (mnl_attr_get_type(in) != CTA_PROTOINFO_TCP)
			continue;
		mnl_attr_for_each_nested(tcp, in)
			if (mnl_attr_get_type(tcp) == CTA_PROTOINFO_TCP_STATE)
				return mnl_attr_get_u8(tcp);
	}
	return -1;
}

/* offload, hw, seen, assured: 0 or 1. timeout: seconds, -1 while not told. */
static int ct_cb(const struct nlmsghdr *nlh, void *data)
{
	static const char *const states[] = {
		"none", "syn_sent", "syn_recv", "established", "fin_wait", "close_wait",
		"last_ack", "time_wait", "close", "syn_sent2",
	};
	struct nlattr *attr, *tb[CTA_MAX + 1] = { 0 };
	uint64_t op = 0, ob = 0, rp = 0, rb = 0;
	struct want *w = data;
	uint32_t status = 0, mark = 0;
	long timeout = -1;
	int state = -1;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) <= CTA_MAX)
			tb[mnl_attr_get_type(attr)] = attr;
	if (w->found || !tb[CTA_TUPLE_ORIG] || !tuple_matches(tb[CTA_TUPLE_ORIG], w))
		return MNL_CB_OK;
	if (tb[CTA_STATUS])
		status = ntohl(mnl_attr_get_u32(tb[CTA_STATUS]));
	if (tb[CTA_TIMEOUT])
		timeout = ntohl(mnl_attr_get_u32(tb[CTA_TIMEOUT]));
	if (tb[CTA_MARK])
		mark = ntohl(mnl_attr_get_u32(tb[CTA_MARK]));
	if (tb[CTA_PROTOINFO])
		state = tcp_state(tb[CTA_PROTOINFO]);
	if (tb[CTA_COUNTERS_ORIG])
		counters_of(tb[CTA_COUNTERS_ORIG], &op, &ob);
	if (tb[CTA_COUNTERS_REPLY])
		counters_of(tb[CTA_COUNTERS_REPLY], &rp, &rb);
	if (tb[CTA_ZONE]) {
		w->has_zone = true;
		w->zone = mnl_attr_get_u16(tb[CTA_ZONE]);
	}
	w->found = true;
	w->tuple_len = mnl_attr_get_payload_len(tb[CTA_TUPLE_ORIG]);
	if (w->tuple_len <= sizeof(w->tuple))
		memcpy(w->tuple, mnl_attr_get_payload(tb[CTA_TUPLE_ORIG]), w->tuple_len);
	snprintf(w->answer, sizeof(w->answer),
		 "status=%x offload=%d hw=%d seen=%d assured=%d timeout=%ld state=%s mark=%u acct=%llu,%llu,%llu,%llu",
		 status, !!(status & IPS_OFFLOAD), !!(status & IPS_HW_OFFLOAD),
		 !!(status & IPS_SEEN_REPLY), !!(status & IPS_ASSURED), timeout,
		 state >= 0 && state < 10 ? states[state] : "-", mark,
		 (unsigned long long)op, (unsigned long long)ob,
		 (unsigned long long)rp, (unsigned long long)rb);
	return MNL_CB_OK;
}

static int ct_find(int family, struct want *w)
{
	char msg[512];
	struct nlmsghdr *nlh = head(msg, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP,
				    family, 0);

	return talk(msg, nlh->nlmsg_len, seq, ct_cb, w);
}

static int ct_delete(int family, const struct want *w)
{
	char msg[1024];
	struct nlmsghdr *nlh = head(msg, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
				    family, 0);

	if (w)
		mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, w->tuple_len, w->tuple);
	if (w && w->has_zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, w->zone);
	return talk(msg, nlh->nlmsg_len, seq, NULL, NULL);
}

static int ct_mark(int family, const struct want *w, uint32_t mark)
{
	char msg[1024];
	struct nlmsghdr *nlh = head(msg, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, NLM_F_ACK,
				    family, 0);

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, w->tuple_len, w->tuple);
	if (w->has_zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, w->zone);
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	return talk(msg, nlh->nlmsg_len, seq, NULL, NULL);
}

static int ct_status(int family, const struct want *w, uint32_t status)
{
	char msg[1024];
	struct nlmsghdr *nlh = head(msg, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, NLM_F_ACK,
				    family, 0);

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, w->tuple_len, w->tuple);
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(status));
	return talk(msg, nlh->nlmsg_len, seq, NULL, NULL);
}

static int ct_label(int family, const struct want *w, unsigned int bit)
{
	struct nlmsghdr *nlh;
	uint32_t labels[4] = { 0 };
	char msg[1024];

	if (bit >= 128)
		return -EINVAL;
	labels[bit / 32] = 1U << bit % 32;
	nlh = head(msg, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, NLM_F_ACK, family, 0);
	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, w->tuple_len, w->tuple);
	mnl_attr_put(nlh, CTA_LABELS, sizeof(labels), labels);
	return talk(msg, nlh->nlmsg_len, seq, NULL, NULL);
}

static int sysctl(const char *name, const char *value, char *answer, size_t size)
{
	char path[256];
	int fd, n;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, *value ? O_WRONLY : O_RDONLY);
	if (fd < 0)
		return -errno;
	if (*value)
		n = write(fd, value, strlen(value));
	else
		n = read(fd, answer, size - 1);
	if (n < 0)
		n = -errno;
	else if (!*value)
		answer[n > 0 && answer[n - 1] == '\n' ? n - 1 : n] = 0;
	close(fd);
	return n < 0 ? n : 0;
}

static int changes(char *answer, size_t size)
{
	FILE *f = fopen("/proc/net/nf_flow_offload", "r");
	unsigned int n = 0;
	char line[128];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f) && sscanf(line, "topology-epoch %u", &n) != 1)
		;
	fclose(f);
	snprintf(answer, size, "%u", n);
	return 0;
}

static void command(char *line)
{
	char cmd[32], ns[128], a[256] = "", b[128] = "", c[128] = "", d[32] = "", answer[512] = "";
	int n = sscanf(line, "%31s %127s %255s %127s %127s %31s", cmd, ns, a, b, c, d), err = 0;
	struct want w = { 0 };
	struct objdata o = { 0 };
	int family = *a == '6' ? AF_INET6 : AF_INET;

	if (n < 2)
		err = -EINVAL;
	else
		err = netns_enter_name(ns) ? -errno : 0;
	if (err)
		goto out;
	if (!strcmp(cmd, "counter") && n == 5) {
		err = counter(a, b, c, &o);
		snprintf(answer, sizeof(answer), "%llu %llu", (unsigned long long)o.packets,
			 (unsigned long long)o.bytes);
	} else if (!strcmp(cmd, "flush")) {
		err = flush_ruleset();
	} else if ((!strcmp(cmd, "ct") || !strcmp(cmd, "ctdel")) && n == 5) {
		w.proto = atoi(b);
		w.sport = atoi(c);
		err = ct_find(family, &w);
		strcpy(answer, w.found ? w.answer : "none");
		if (!err && !strcmp(cmd, "ctdel"))
			err = w.found ? ct_delete(family, &w) : -ENOENT;
	} else if ((!strcmp(cmd, "ctmark") || !strcmp(cmd, "ctlabel") || !strcmp(cmd, "ctstatus")) &&
		   n == 6) {
		w.proto = atoi(b);
		w.sport = atoi(c);
		err = ct_find(family, &w);
		if (!err && !w.found)
			err = -ENOENT;
		if (!err && !strcmp(cmd, "ctmark"))
			err = ct_mark(family, &w, strtoul(d, NULL, 0));
		else if (!err && !strcmp(cmd, "ctlabel"))
			err = ct_label(family, &w, strtoul(d, NULL, 0));
		else if (!err)
			err = ct_status(family, &w, strtoul(d, NULL, 0));
	} else if (!strcmp(cmd, "ctflush")) {
		err = ct_delete(AF_UNSPEC, NULL);
	} else if (!strcmp(cmd, "sysctl") && n >= 3) {
		err = sysctl(a, b, answer, sizeof(answer));
	} else if (!strcmp(cmd, "epoch")) {
		err = changes(answer, sizeof(answer));
	} else {
		err = -EINVAL;
	}
	if (setns(home, CLONE_NEWNET))
		exit(1);
out:
	errno = -err;
	if (err)
		say_errno(cmd);
	else
		say("ok %s", answer);
}

int main(void)
{
	char line[1024];

	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return 1;
	say("ok agent");
	while (fgets(line, sizeof(line), stdin))
		command(line);
	return 0;
}
