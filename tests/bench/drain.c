// SPDX-License-Identifier: GPL-2.0
/*
 * drain - read dumps of flows as fast as the kernel gives them, and measure.
 *
 *   drain [-p PORT] [-u]   one dump: all flows, or those with a port; -u: count
 *                          flows by their original tuple, each once
 *   drain -r               dump after dump until SIGTERM
 *   drain -s               no dump: compute until SIGTERM, touching no memory
 *
 * Prints for each whole dump, tab-separated: flows, distinct flows (-u), torn
 * (0 or 1), reads, bytes, and in microseconds: wall time, processor time, the
 * longest read, its processor time.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/nf_flow_offload.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLOTS	(1U << 22)		/* of the set of tuples: 4 M, 32 MB */

struct dump {
	unsigned long flows, distinct, reads, bytes;
	bool torn;
};

static volatile sig_atomic_t stop;
static uint64_t *seen;
static uint16_t family;
static char buf[1 << 16];

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "drain: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t))
		fail("clock");
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int family_attr(const struct nlattr *attr, void *arg)
{
	(void)arg;
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int family_msg(const struct nlmsghdr *nlh, void *arg)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), family_attr, arg);
}

static struct nlmsghdr *request(uint16_t type, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = 1;
	g->cmd = cmd;
	g->version = 1;

	return nlh;
}

static void find_family(struct mnl_socket *s)
{
	struct nlmsghdr *nlh = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	ssize_t got;
	int rc;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NFO_GENL_NAME);
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		fail("cannot send");
	do {
		got = mnl_socket_recvfrom(s, buf, sizeof(buf));
		rc = got < 0 ? -1 : mnl_cb_run(buf, got, 0, 0, family_msg, NULL);
	} while (rc > 0);
	if (rc < 0 || !family)
		fail("no family " NFO_GENL_NAME);
}

/* Enter a tuple into the set. Return: it was not there. */
static bool first_time(uint32_t addr, uint16_t port)
{
	uint64_t tuple = (uint64_t)addr << 16 | port;
	uint32_t slot = tuple * 0x9e3779b97f4a7c15ULL >> 42;

	for (; seen[slot]; slot = (slot + 1) % SLOTS)
		if (seen[slot] == tuple)
			return false;
	seen[slot] = tuple;

	return true;
}

static void count_distinct(struct dump *d, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *nest;
	uint32_t addr = 0;
	uint16_t port = 0;

	mnl_attr_for_each(nest, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(nest) != NFO_FLOW_ORIGINAL)
			continue;
		mnl_attr_for_each_nested(attr, nest) {
			if (mnl_attr_get_type(attr) == NFO_DIR_SRC)
				addr = mnl_attr_get_u32(attr);
			else if (mnl_attr_get_type(attr) == NFO_DIR_SPORT)
				port = mnl_attr_get_u16(attr);
		}
	}
	if (addr && port && d->distinct < SLOTS / 2)
		d->distinct += first_time(addr, port);
}

/* libmnl's own loop gives up on a torn dump; here that is a figure.
 * Return: false at the end of the dump.
 */
static bool take(struct dump *d, int len)
{
	const struct nlmsghdr *nlh = (const void *)buf;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			d->torn = true;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return false;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			errno = -((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
			fail("the kernel refused");
		}
		d->flows++;
		if (seen)
			count_distinct(d, nlh);
	}

	return true;
}

/* Return: false when SIGTERM came before its end. */
static bool dump_once(struct mnl_socket *s, int port)
{
	uint64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t t0, t1, c0, c1, longest = 0, longest_cpu = 0;
	struct nlmsghdr *nlh = request(family, NFO_CMD_FLOW_GET, NLM_F_DUMP);
	struct dump d = {};
	bool more;
	ssize_t got;

	if (port) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, NFO_FLOW_FILTER);

		mnl_attr_put_u16(nlh, NFO_FILTER_PORT, htons(port));
		mnl_attr_nest_end(nlh, nest);
	}
	t0 = wall;
	c0 = cpu;
	/* Its first message is made while the request is taken. */
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		fail("cannot send");
	do {
		got = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (got < 0)
			fail("cannot read");
		t1 = now_ns(CLOCK_MONOTONIC);
		c1 = now_ns(CLOCK_THREAD_CPUTIME_ID);
		if (t1 - t0 > longest)
			longest = t1 - t0;
		if (c1 - c0 > longest_cpu)
			longest_cpu = c1 - c0;
		d.reads++;
		d.bytes += got;
		more = take(&d, got);
		t0 = now_ns(CLOCK_MONOTONIC);
		c0 = now_ns(CLOCK_THREAD_CPUTIME_ID);
	} while (more && !stop);
	if (more)
		return false;
	printf("%lu\t%lu\t%d\t%lu\t%lu\t%lu\t%lu\t%lu\t%lu\n", d.flows, d.distinct, d.torn,
	       d.reads, d.bytes, (t0 - wall) / 1000, (c0 - cpu) / 1000,
	       longest / 1000, longest_cpu / 1000);
	fflush(stdout);

	return true;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	bool repeat = false, spin = false;
	struct mnl_socket *s;
	int opt, port = 0;

	while ((opt = getopt(argc, argv, "p:urs")) > 0) {
		switch (opt) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'u':
			seen = calloc(SLOTS, sizeof(*seen));
			if (!seen)
				fail("no memory");
			break;
		case 'r':
			repeat = true;
			break;
		case 's':
			spin = true;
			break;
		default:
			fputs("usage: drain [-p PORT] [-u] | -r | -s\n", stderr);
			return 2;
		}
	}
	sigaction(SIGTERM, &sa, NULL);
	if (spin) {
		while (!stop)
			;
		return 0;
	}

	s = mnl_socket_open(NETLINK_GENERIC);
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		fail("netlink");
	find_family(s);
	while (dump_once(s, port) && repeat && !stop)
		;
	mnl_socket_close(s);

	return 0;
}
