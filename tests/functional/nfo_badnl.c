// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_badnl - netlink as nobody should speak it, to the family of nf_flow_offload.
 *
 *   nfo_badnl groups               names of the groups of malformed messages
 *   nfo_badnl send GROUP           send each: the errno must be the one expected, and
 *                                  where our family refuses, a sentence must come along
 *   nfo_badnl fuzz SEED COUNT      messages at random, from a seed; each is answered
 *   nfo_badnl rtnl IFINDEX         to all groups and sockets of rtnetlink in the namespace:
 *                                  what only the kernel says, of devices up to that one
 *   nfo_badnl hold [-m|-d] [RCVBUF] begin a dump of flows (-d: of devices) and read one message of it;
 *                                  -m: then go back to the namespace of process 1
 *   nfo_badnl deaf RCVBUF          join the multicast group and read nothing
 *
 * hold and deaf then take commands on stdin, one line of answer each:
 *   finish    read all that is to come  -> ok finish FLOWS TORN | ok finish EVENTS LOST
 *   queue     the socket as the kernel sees it   -> ok queue BYTES DROPS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "names_gen.h"
#include "nfo_badnl.h"

struct genl genl;
static char out[1 << 17], in[1 << 16];
static char words[256];

static void ext_ack(const struct nlmsghdr *nlh, size_t skip)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each(attr, nlh, skip)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(words, sizeof(words), "%s", mnl_attr_get_str(attr));
}

/* Read until the answer to the last request has ended. Return: its errno, and the
 * messages in between in @count.
 */
static int answer(unsigned int *count)
{
	const struct nlmsgerr *e;
	struct nlmsghdr *nlh;
	ssize_t got;
	int len, err;

	*count = 0;
	words[0] = 0;
	for (;;) {
		got = mnl_socket_recvfrom(genl.nl, in, sizeof(in));
		if (got < 0)
			die("no answer: %m");
		len = got;
		for (nlh = (void *)in; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != genl.seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE) {
				err = -*(int *)mnl_nlmsg_get_payload(nlh);
				ext_ack(nlh, sizeof(err));
				return err;
			}
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				e = mnl_nlmsg_get_payload(nlh);
				ext_ack(nlh, sizeof(*e));
				return -e->error;
			}
			++*count;
		}
	}
}

static void open_socket(void)
{
	struct timeval patience = { .tv_sec = 30 };
	int one = 1;

	genl_open(&genl);
	mnl_socket_setsockopt(genl.nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(genl.nl, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(mnl_socket_get_fd(genl.nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

/* One message; @err and @need_words are what its answer must have. Return: 0 or 1. */
static int send_one(const char *name, struct nlmsghdr *nlh, int err, bool need_words)
{
	unsigned int count;
	int got;

	genl_send(&genl, nlh);
	got = answer(&count);
	if (got == err && (words[0] || !need_words))
		return 0;
	printf("%s: %s (%s), expected %s%s\n", name, got ? strerrorname_np(got) : "taken",
	       words, err ? strerrorname_np(err) : "to be taken", need_words ? " with words" : "");
	return 1;
}

static int send_setting(const struct setting *s, uint32_t value)
{
	struct nlmsghdr *nlh = genl_request(&genl, out, genl.family, NFO_CMD_SETTINGS_SET, DO);

	mnl_attr_put_u32(nlh, s->attr, value);
	return send_one(s->name, nlh, ERANGE, true);
}

/* What is just outside the limits of each setting that has limits. */
static int send_limits(void)
{
	unsigned int n = 0, failed = 0;

	for (const struct setting *s = settings; s < settings + SETTINGS; s++) {
		if (s->min) {
			failed += send_setting(s, s->min - 1);
			n++;
		}
		if (s->max < UINT32_MAX) {
			failed += send_setting(s, s->max + 1);
			n++;
		}
	}
	printf("%s %u messages, %u not as expected\n", n && !failed ? "ok" : "error", n, failed);

	return !n || failed;
}

static int send_group(const char *name)
{
	unsigned int n = 0, failed = 0;
	struct nlmsghdr *nlh;

	for (const struct bad *b = bads; b->name; b++) {
		if (strcmp(b->group, name))
			continue;
		nlh = genl_request(&genl, out, genl.family, b->cmd, b->flags);
		b->fill(nlh);
		failed += send_one(b->name, nlh, b->err, b->words);
		n++;
	}
	printf("%s %u messages, %u not as expected\n", n && !failed ? "ok" : "error", n, failed);

	return !n || failed;
}

/* ---- at random ---- */

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	return (xorshift(&state) >> 32) % below;
}

/* Lengths, types and contents that are nearly right, more often than not. */
static void random_attrs(struct nlmsghdr *nlh, int depth)
{
	static const unsigned char lens[] = { 0, 1, 1, 2, 2, 4, 4, 4, 8, 16, 16, 17, 64, 255 };
	struct nlattr *a;
	char body[256];

	for (uint32_t n = rnd(6); n && nlh->nlmsg_len < 30000; n--) {
		uint16_t type = rnd(NFO_FLOW_MAX + 6) | (rnd(16) ? 0 : rnd(4) << 14);

		if (depth < 4 && !rnd(3)) {
			a = mnl_attr_nest_start(nlh, rnd(2) ? NFO_FLOW_FILTER : rnd(2) ?
						NFO_FLOW_ORIGINAL : type & 0x3fff);
			random_attrs(nlh, depth + 1);
			mnl_attr_nest_end(nlh, a);
		} else {
			size_t len = lens[rnd(sizeof(lens))];

			for (size_t i = 0; i < len; i++)
				body[i] = rnd(4) ? rnd(20) : rnd(256);
			a = mnl_nlmsg_get_payload_tail(nlh);
			mnl_attr_put(nlh, type, len, body);
		}
		if (!rnd(32))
			a->nla_len = rnd(2) ? rnd(12) : rnd(65536);
	}
}

static int fuzz(uint64_t seed, unsigned int rounds)
{
	unsigned int count, taken = 0;
	struct nlmsghdr *nlh;

	state = seed * 0x9e3779b97f4a7c15ULL | 1;
	for (unsigned int i = 0; i < rounds; i++) {
		nlh = genl_request(&genl, out, genl.family, rnd(12), rnd(3) ? DO : DUMP);
		random_attrs(nlh, 0);
		if (!rnd(16))
			genl_header(nlh)->reserved = rnd(65536);
		/* a message is never shorter than what nlmsghdr and genlmsghdr say */
		if (!rnd(16) && nlh->nlmsg_len > 24)
			cut(nlh, rnd(nlh->nlmsg_len - 20));
		genl_send(&genl, nlh);
		taken += !answer(&count);
	}
	printf("ok %u messages, %u of them taken\n", rounds, taken);

	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "groups")) {
		for (const struct bad *b = bads; b->name; b++)
			if (b == bads || strcmp(b->group, b[-1].group))
				puts(b->group);
		puts("limits");
		return 0;
	}
	if (!strcmp(what, "rtnl") && argc == 3)
		return rtnl(atoi(argv[2]));
	open_socket();
	if (!strcmp(what, "send") && argc == 3)
		return strcmp(argv[2], "limits") ? send_group(argv[2]) : send_limits();
	if (!strcmp(what, "fuzz") && argc == 4)
		return fuzz(strtoull(argv[2], NULL, 0), atoi(argv[3]));
	if (!strcmp(what, "hold"))
		return hold(argc - 2, argv + 2);
	if (!strcmp(what, "deaf") && argc == 3)
		return deaf(argv[2]);
	fputs("usage: nfo_badnl groups | send GROUP | fuzz SEED COUNT | rtnl IFINDEX | hold [-m|-d] [RCVBUF] | deaf RCVBUF\n",
	      stderr);
	return 2;
}
