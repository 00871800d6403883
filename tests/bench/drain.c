// SPDX-License-Identifier: GPL-2.0
/*
 * drain - read dumps of flows as fast as the kernel gives them, and measure.
 *
 *   drain [-p PORT] [-u]   one dump: all flows, or those with a port; -u: count
 *                          flows by their original tuple, each once
 *   drain -w MS -n ROUNDS -d DEV
 *                          windows of MS milliseconds: idle, a loop that touches
 *                          no memory, a dump that is read on; then the same in
 *                          the other order. ROUNDS times, and on until a dump was
 *                          whole. What DEV transmitted in each is told
 *
 * Prints for each whole dump, tab-separated: flows, distinct flows (-u), torn
 * (0 or 1), reads, bytes, and in microseconds: wall time, processor time, the
 * longest read, its processor time. With -w the times are those of the windows of
 * the dump; before, for each window: "window", what, packets,
 * microseconds.
 */
#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../lib/genl.h"
#include "../lib/net.h"

#define SLOTS	(1U << 22)		/* of the set of tuples: 4 M, 32 MB */

static volatile sig_atomic_t stop;
static uint64_t *seen;
static struct genl genl;
static char buf[1 << 16];

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
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

static unsigned long distinct;

static void count_distinct(const struct nlmsghdr *nlh)
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
	if (addr && port && distinct < SLOTS / 2)
		distinct += first_time(addr, port);
}

/* ---- a dump, and what is measured of it ---- */

struct run {
	struct genl_dump d;
	unsigned long reads, bytes;
	uint64_t wall, cpu, longest, longest_cpu;
};

static void took(struct run *r, uint64_t wall, uint64_t cpu)
{
	r->wall += wall;
	r->cpu += cpu;
	if (wall > r->longest)
		r->longest = wall;
	if (cpu > r->longest_cpu)
		r->longest_cpu = cpu;
}

static void begin(struct run *r, int port)
{
	struct nlmsghdr *nlh = genl_request(&genl, buf, genl.family, NFO_CMD_FLOW_GET, NLM_F_DUMP);
	uint64_t wall = now_ns(), cpu = cpu_ns();

	*r = (struct run){ .d.each = seen ? count_distinct : NULL };
	if (port) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, NFO_FLOW_FILTER);

		mnl_attr_put_u16(nlh, NFO_FILTER_PORT, htons(port));
		mnl_attr_nest_end(nlh, nest);
	}
	/* Its first message is made while the request is taken. */
	genl_send(&genl, nlh);
	took(r, now_ns() - wall, cpu_ns() - cpu);
}

/* One read. Return: false at the end of the dump. */
static bool go_on(struct run *r)
{
	uint64_t wall = now_ns(), cpu = cpu_ns();
	ssize_t got = mnl_socket_recvfrom(genl.nl, buf, sizeof(buf));
	bool more;

	if (got < 0)
		die("cannot read: %m");
	took(r, now_ns() - wall, cpu_ns() - cpu);
	r->reads++;
	r->bytes += got;
	wall = now_ns();
	cpu = cpu_ns();
	more = genl_dump_take(&r->d, buf, got);
	r->wall += now_ns() - wall;
	r->cpu += cpu_ns() - cpu;

	return more;
}

static void tell(const struct run *r)
{
	printf("%lu\t%lu\t%d\t%lu\t%lu", r->d.flows, distinct, r->d.torn, r->reads, r->bytes);
	printf("\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", r->wall / 1000, r->cpu / 1000,
	       r->longest / 1000, r->longest_cpu / 1000);
	fflush(stdout);
}

/* ---- windows ---- */

static unsigned long transmitted(int fd, const char *dev)
{
	unsigned long packets;
	char text[4096], *at;
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	if (got <= 0)
		die("/proc/net/dev: %m");
	text[got] = '\0';
	at = strstr(text, dev);
	if (!at || sscanf(strchr(at, ':') + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %lu", &packets) != 1)
		die("no such device: %m");
	return packets;
}

/* The loop looks at the clock as the dump does, and at nothing else. */
static void loop_until(long long end)
{
	while (now_ns() < end)
		for (volatile int i = 0; i < 1000; i++)
			;
}

static void idle_until(long long end)
{
	struct timespec t = { end / 1000000000, end % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void dump_until(struct run *r, long long end, unsigned long *whole)
{
	while (now_ns() < end) {
		if (go_on(r))
			continue;
		tell(r);
		++*whole;
		begin(r, 0);
	}
}

static void windows(uint64_t ms, unsigned int rounds, const char *dev)
{
	static const char * const order[] = { "idle", "loop", "dump", "dump", "loop", "idle" };
	unsigned long packets, whole = 0;
	int fd = open("/proc/self/net/dev", O_RDONLY);
	long long start, end;
	struct run r;

	if (fd < 0)
		die("/proc/net/dev: %m");
	begin(&r, 0);
	for (unsigned int i = 0; (i < rounds || !whole) && !stop; i++) {
		for (unsigned int j = 0; j < sizeof(order) / sizeof(order[0]); j++) {
			packets = transmitted(fd, dev);
			start = now_ns();
			end = start + ms * 1000000;
			if (*order[j] == 'i')
				idle_until(end);
			else if (*order[j] == 'l')
				loop_until(end);
			else
				dump_until(&r, end, &whole);
			end = now_ns();
			printf("window\t%s\t%lu\t%lld\n", order[j],
			       transmitted(fd, dev) - packets, (end - start) / 1000);
		}
		fflush(stdout);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	unsigned int rounds = 1;
	const char *dev = NULL;
	int opt, port = 0, ms = 0;
	struct run r;

	while ((opt = getopt(argc, argv, "p:uw:n:d:")) > 0) {
		switch (opt) {
		case 'p':
			port = atoi(optarg);
			break;
		case 'u':
			seen = calloc(SLOTS, sizeof(*seen));
			if (!seen)
				die("no memory: %m");
			break;
		case 'w':
			ms = atoi(optarg);
			break;
		case 'n':
			rounds = atoi(optarg);
			break;
		case 'd':
			dev = optarg;
			break;
		default:
			fputs("usage: drain [-p PORT] [-u] | -w MS -n ROUNDS -d DEV\n", stderr);
			return 2;
		}
	}
	sigaction(SIGTERM, &sa, NULL);

	genl_open(&genl);
	if (ms && dev) {
		windows(ms, rounds, dev);
	} else {
		begin(&r, port);
		while (go_on(&r))
			;
		tell(&r);
	}
	mnl_socket_close(genl.nl);

	return 0;
}
