// SPDX-License-Identifier: GPL-2.0
/*
 * commits - commit to nf_tables over and over: an element of a set comes, and goes with the next
 * commit. nft, which reads the ruleset before each command, takes longer for that than the kernel.
 *
 *   commits TABLE SET MS
 *
 * The set is one of IPv4 addresses in a table of family inet; MS milliseconds pass after each
 * commit. SIGTERM ends it; the element is deleted first. Prints how many commits there were.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t stop;
static struct mnl_socket *nl;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "commits: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct nlmsghdr *put(char *at, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);

	return nlh;
}

static void put_element(struct nlmsghdr *nlh, const char *table, const char *set)
{
	struct nlattr *list, *elem, *key;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put_u32(nlh, NFTA_DATA_VALUE, inet_addr("10.9.9.9"));
	mnl_attr_nest_end(nlh, key);
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
}

/* The answer comes after the commit, or says why there was none. */
static void answered(void)
{
	char buf[8192];
	const struct nlmsgerr *err;
	struct nlmsghdr *nlh = (void *)buf;
	int len;

	do {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	} while (len < 0 && errno == EINTR);
	if (len < 0 || !mnl_nlmsg_ok(nlh, len) || nlh->nlmsg_type != NLMSG_ERROR)
		die("no answer");
	err = mnl_nlmsg_get_payload(nlh);
	errno = -err->error;
	if (err->error)
		die("the element is refused");
}

static void commit(bool add, const char *table, const char *set)
{
	static char buf[4096];
	struct nlmsghdr *nlh;
	size_t len = 0;

	nlh = put(buf, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	len += nlh->nlmsg_len;
	nlh = put(buf + len, NFNL_SUBSYS_NFTABLES << 8 | (add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
		  NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0), NFPROTO_INET, 0);
	put_element(nlh, table, set);
	len += nlh->nlmsg_len;
	nlh = put(buf + len, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	len += nlh->nlmsg_len;
	if (mnl_socket_sendto(nl, buf, len) < 0)
		die("cannot send");
	answered();
}

int main(int argc, char **argv)
{
	unsigned long ms = argc == 4 ? strtoul(argv[3], NULL, 10) : 0, n = 0;
	const struct timespec pause_after = { ms / 1000, ms % 1000 * 1000000 };

	if (!ms) {
		fprintf(stderr, "usage: commits TABLE SET MS\n");
		return 2;
	}
	nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("no nfnetlink");
	signal(SIGTERM, on_term);
	while (!stop || n % 2) {
		commit(n % 2 == 0, argv[1], argv[2]);
		n++;
		if (!stop)
			nanosleep(&pause_after, NULL);
	}
	printf("%lu\n", n);

	return 0;
}
