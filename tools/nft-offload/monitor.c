// SPDX-License-Identifier: GPL-2.0
/*
 * monitor: print the events of flows as they come.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

/* Size of the socket's buffer, which must take a burst of events while some are printed. */
#define RCVBUF	(8 * 1024 * 1024)

const struct opt monitor_opts[] = {
	FILTER_OPTS,
	{ "count", 'n', "N", "end after N events" },
	{ NULL, 0, NULL, NULL }
};

struct monitor {
	struct filter filter;
	uint64_t limit, seen;
	uint16_t family;
	bool unloaded;
};

static volatile sig_atomic_t stop;

static bool to_pipe;

/* The reader of a pipe may have stopped reading, and a blocked write would keep the tool from
 * ending.
 */
static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
	if (to_pipe)
		fcntl(STDOUT_FILENO, F_SETFL, O_WRONLY | O_NONBLOCK);
}

static void clock_text(char *buf, size_t len, const struct timespec *ts)
{
	struct tm tm;

	localtime_r(&ts->tv_sec, &tm);
	strftime(buf, len, "%H:%M:%S", &tm);
	snprintf(buf + strlen(buf), len - strlen(buf), ".%03ld", ts->tv_nsec / 1000000);
}

static void print_human(const struct flow *f, const struct timespec *ts)
{
	char when[32], src[ENDPOINT_LEN], dst[ENDPOINT_LEN], packets[FIG], bytes[FIG];
	const struct flow_dir *d = &f->dir[0];

	clock_text(when, sizeof(when), ts);
	printf("%s %-8s %s %s > %s", when, event_name(f->event), l4proto_name(f->l4proto),
	       endpoint(src, f->l3proto, &d->src, d->sport),
	       endpoint(dst, f->l3proto, &d->dst, d->dport));
	if (f->event != NFO_EVENT_NEW)
		printf(" %s packets %s bytes", fig_count(packets, flow_packets(f)),
		       fig_bytes(bytes, flow_bytes(f)));
	if (f->reason)
		printf(" (%s)", reason_name(f->reason));
	putchar('\n');
	fflush(stdout);
}

/* Without the module there are no more events, and after it is loaded again its group may have
 * another number.
 */
static int family_event(struct monitor *m, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(nlh);
	struct attrs a;

	attrs_read(&a, nlh, sizeof(*g));
	if (g->cmd != CTRL_CMD_DELFAMILY || attr_uint(&a, CTRL_ATTR_FAMILY_ID) != m->family)
		return 0;
	m->unloaded = true;
	return -ECANCELED;
}

static bool module_gone(void)
{
	struct nl nl = {};
	bool gone = nfo_open(&nl) == -ENOENT;

	nl_close(&nl);
	return gone;
}

static int event(const struct nlmsghdr *nlh, void *arg)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(nlh);
	struct monitor *m = arg;
	struct timespec ts;
	struct flow f;
	json_t *j;

	if (nlh->nlmsg_type == GENL_ID_CTRL)
		return family_event(m, nlh);
	if (g->cmd != NFO_CMD_FLOW_EVENT)
		return 0;
	flow_read(&f, nlh);
	if (!filter_match(&m->filter, &f))
		return 0;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (opt_json) {
		j = flow_json(&f);
		if (j) {
			json_object_set_new(j, "event", json_string(event_name(f.event)));
			json_object_set_new(j, "time", json_real(ts.tv_sec + ts.tv_nsec / 1e9));
		}
		json_line(j);
	} else {
		print_human(&f, &ts);
	}
	if (m->limit && ++m->seen >= m->limit)
		stop = 1;

	return stop ? -ECANCELED : 0;
}

static int monitor_opt(const struct opt *o, const char *value, void *arg)
{
	struct monitor *m = arg;

	if (o->letter == 'n') {
		if (!parse_u64(value, UINT32_MAX, &m->limit) || !m->limit)
			return usage("'%s' is no number of events", value);
		return 0;
	}
	return filter_opt(&m->filter, o, value);
}

static void lost(struct monitor *m)
{
	/* the end of the module may be among what was lost */
	m->unloaded = module_gone();
	if (opt_json)
		json_line(json_pack("{ss}", "event", "lost"));
	else
		warn("monitor: too many events at once, some were lost");
}

static bool listen_to(const struct nl *nl, int group)
{
	return mnl_socket_setsockopt(nl->s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) >= 0;
}

int cmd_monitor(const struct command *cmd, int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct monitor m = {};
	struct stat st;
	struct nl nl = {};
	int rc = opts_parse(cmd, &argc, &argv, monitor_opt, &m), size = RCVBUF;

	if (rc >= 0)
		return rc;
	if (argc)
		return usage("monitor: '%s' is not expected (filters are options)", argv[0]);
	rc = filter_done(&m.filter);
	if (rc)
		return rc;
	rc = nfo_need(&nl);
	if (rc)
		return rc;

	if (setsockopt(mnl_socket_get_fd(nl.s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(mnl_socket_get_fd(nl.s), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!listen_to(&nl, nl.group) || !listen_to(&nl, nl.families)) {
		rc = refused("cannot listen to events: %s", strerror(errno));
		nl_close(&nl);
		return rc;
	}
	to_pipe = !fstat(STDOUT_FILENO, &st) && S_ISFIFO(st.st_mode);
	/* without SA_RESTART, so that a signal also ends a read that waits */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	nl.stop = &stop;
	m.family = nl.family;
	/* events from now on are seen, which a script may wait for before it makes traffic */
	if (!opt_json) {
		puts("listening");
		fflush(stdout);
	} else {
		json_line(json_pack("{ss}", "event", "listening"));
	}

	while (!stop && !m.unloaded && !ferror(stdout)) {
		rc = nl_receive(&nl, event, &m);
		if (rc == -ENOBUFS)
			lost(&m);
		else if (rc < 0 && !stop && !m.unloaded)
			break;
		rc = 0;
	}
	nl_close(&nl);
	if (m.unloaded)
		return refused("monitor: the module was unloaded");
	if (rc)
		return refused("cannot go on listening: %s", nl.why);
	return STATUS_OK;
}
