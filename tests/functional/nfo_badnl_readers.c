// SPDX-License-Identifier: GPL-2.0
/* nfo_badnl: readers that begin and stop, and go on when they are told to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nfo_badnl.h"

static char in[1 << 16];

static void rcvbuf(const char *bytes)
{
	int n = atoi(bytes);

	if (setsockopt(mnl_socket_get_fd(genl.nl), SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)))
		die("SO_RCVBUF: %m");
}

/* /proc/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
static void say_queue(void)
{
	unsigned long pid, rmem, drops;
	char line[256];
	unsigned int proto;
	FILE *f = fopen("/proc/self/net/netlink", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %u %lu %*x %lu %*s %*s %*s %lu", &proto, &pid, &rmem, &drops) != 4 ||
		    proto != NETLINK_GENERIC || pid != mnl_socket_get_portid(genl.nl))
			continue;
		say("ok queue %lu %lu", rmem, drops);
		fclose(f);
		return;
	}
	say("error queue: no such socket");
	if (f)
		fclose(f);
}

static void finish_dump(unsigned int flows)
{
	bool torn = false, done = false;
	struct nlmsghdr *nlh;
	ssize_t got;
	int len;

	while (!done) {
		got = mnl_socket_recvfrom(genl.nl, in, sizeof(in));
		if (got <= 0)
			die("finish: %m");
		len = got;
		for (nlh = (void *)in; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				torn = true;
			if (nlh->nlmsg_type == NLMSG_DONE)
				done = true;
			else if (nlh->nlmsg_type == NLMSG_ERROR)
				die("finish: refused");
			else
				flows++;
		}
	}
	say("ok finish %u %d", flows, torn);
}

static void finish_events(void)
{
	unsigned int events = 0, lost = 0;
	ssize_t got;

	for (;;) {
		got = recv(mnl_socket_get_fd(genl.nl), in, sizeof(in), MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			break;
		if (got < 0 && errno != ENOBUFS)
			die("finish: %m");
		if (got < 0)
			lost++;
		else
			events++;
	}
	say("ok finish %u %u", events, lost);
}

static unsigned int begin_dump(void)
{
	struct nlmsghdr *nlh;
	unsigned int flows = 0;
	ssize_t got;
	int len;

	genl_send(&genl, genl_request(&genl, in, genl.family, NFO_CMD_FLOW_GET, NLM_F_DUMP));
	/* one read: the kernel makes the next message when there is room */
	got = mnl_socket_recvfrom(genl.nl, in, sizeof(in));
	if (got <= 0)
		die("begin: %m");
	len = got;
	for (nlh = (void *)in; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type == NLMSG_DONE)
			die("the dump has one message only");
		flows++;
	}

	return flows;
}

static int commands(bool dump, unsigned int flows)
{
	char line[64];

	say("ok %u", flows);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "queue", 5))
			say_queue();
		else if (strncmp(line, "finish", 6))
			say("error what?");
		else if (dump)
			finish_dump(flows);
		else
			finish_events();
	}

	return 0;
}

int hold(int argc, char **argv)
{
	bool move = argc && !strcmp(argv[0], "-m");
	unsigned int flows;

	if (argc > move)
		rcvbuf(argv[move]);
	flows = begin_dump();
	if (move && netns_enter("/proc/1/ns/net"))
		die("namespace of process 1: %m");

	return commands(true, flows);
}

int deaf(const char *bytes)
{
	rcvbuf(bytes);
	if (mnl_socket_setsockopt(genl.nl, NETLINK_ADD_MEMBERSHIP, &genl.group,
				  sizeof(genl.group)) < 0)
		die("membership: %m");
	return commands(false, 0);
}
