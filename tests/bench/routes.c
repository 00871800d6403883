// SPDX-License-Identifier: GPL-2.0
/*
 * routes - add N routes and delete them again, over and over, as a routing daemon would.
 *
 *   routes GATEWAY N [MS]
 *
 * The routes are 11.0.0.0/30, 11.0.0.4/30, ... of the main table, and go by way of GATEWAY.
 * They are asked for in batches, one acknowledgement for each, so that the time is the
 * kernel's and not that of the requests; MS milliseconds pass after each batch. SIGTERM
 * ends it after the batch; the routes that are there are deleted first. Prints how many were
 * added or deleted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH	256
#define MSG	64		/* a request is shorter */

static volatile sig_atomic_t stop;
static struct mnl_socket *nl;
static struct in_addr gateway;
static struct timespec pause_after;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "routes: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put(struct nlmsghdr *nlh, bool add, uint32_t i, bool last)
{
	struct rtmsg *rtm;

	nlh->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | (last ? NLM_F_ACK : 0) | (add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	nlh->nlmsg_seq = i + 1;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 30;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(nlh, RTA_DST, htonl(0x0b000000 + i * 4));
	mnl_attr_put_u32(nlh, RTA_GATEWAY, gateway.s_addr);
}

/* Until the last of a batch is acknowledged; a refusal of any other comes before. */
static void answered(uint32_t seq)
{
	char buf[8192];
	struct nlmsghdr *nlh;
	int len;

	for (;;) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			die("no answer");
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (err->error) {
				errno = -err->error;
				die("a route is refused");
			}
			if (nlh->nlmsg_seq == seq)
				return;
		}
	}
}

/* Return: how many there were time for, of [0, @n); all of them when it deletes. */
static uint32_t change(bool add, uint32_t n)
{
	static char buf[BATCH * MSG];
	uint32_t i = 0, end;
	size_t len;

	while (i < n && !(add && stop)) {
		end = n - i > BATCH ? i + BATCH : n;
		for (len = 0; i < end; i++) {
			struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf + len);

			put(nlh, add, i, i + 1 == end);
			len += NLMSG_ALIGN(nlh->nlmsg_len);
		}
		if (mnl_socket_sendto(nl, buf, len) < 0)
			die("cannot send");
		answered(end);
		nanosleep(&pause_after, NULL);
	}

	return i;
}

int main(int argc, char **argv)
{
	unsigned long long changes = 0;
	uint32_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, added;
	unsigned long ms = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	if (argc > 4 || !n || n > 1U << 22 || inet_pton(AF_INET, argv[1], &gateway) != 1) {
		fprintf(stderr, "usage: routes GATEWAY N [MS]\n");
		return 2;
	}
	pause_after = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	nl = mnl_socket_open(NETLINK_ROUTE);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("no rtnetlink");
	signal(SIGTERM, on_term);
	while (!stop) {
		added = change(true, n);
		change(false, added);
		changes += 2ull * added;
	}
	printf("%llu\n", changes);

	return 0;
}
