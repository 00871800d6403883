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

/* One read: the kernel makes the next message when there is room, and as long as what is read at
 * once, or 8 KiB.
 */
static size_t at_once = sizeof(in);

static bool read_on(struct genl_dump *d)
{
	ssize_t got = mnl_socket_recvfrom(genl.nl, in, at_once);

	if (got <= 0)
		die("dump: %m");
	return genl_dump_take(d, in, got);
}

static void finish_dump(struct genl_dump *d)
{
	while (read_on(d))
		;
	say("ok finish %lu %d", d->flows, d->torn);
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

static int commands(struct genl_dump *dump)
{
	char line[64];

	say("ok %lu", dump ? dump->flows : 0);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "queue", 5))
			say_queue();
		else if (strncmp(line, "finish", 6))
			say("error what?");
		else if (dump)
			finish_dump(dump);
		else
			finish_events();
	}

	return 0;
}

int hold(int argc, char **argv)
{
	bool devs = argc && !strcmp(argv[0], "-d");
	bool move = argc && !strcmp(argv[0], "-m");
	struct genl_dump dump = { 0 };

	if (devs)
		at_once = 8192;
	if (argc > (move || devs))
		rcvbuf(argv[move || devs]);
	genl_send(&genl, genl_request(&genl, in, genl.family,
				      devs ? NFO_CMD_DEV_GET : NFO_CMD_FLOW_GET, NLM_F_DUMP));
	if (!read_on(&dump))
		die("the dump has one message only");
	if (move && netns_enter("/proc/1/ns/net"))
		die("namespace of process 1: %m");

	return commands(&dump);
}

int deaf(const char *bytes)
{
	rcvbuf(bytes);
	if (mnl_socket_setsockopt(genl.nl, NETLINK_ADD_MEMBERSHIP, &genl.group,
				  sizeof(genl.group)) < 0)
		die("membership: %m");
	return commands(NULL);
}
