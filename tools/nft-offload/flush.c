// SPDX-License-Identifier: GPL-2.0
/*
 * flush: hand flows back to the slow path: one named by its ends, those that pass a
 * filter, or all. The connections go on, and are promoted again when a packet matches
 * `flow add`.
 */
#include <errno.h>
#include <linux/genetlink.h>

#include "tool.h"

const struct opt flush_opts[] = {
	FILTER_OPTS,
	{ NULL, 0, NULL, NULL }
};

static int flush_opt(const struct opt *o, const char *value, void *arg)
{
	return filter_opt(arg, o, value);
}

static int read_count(const struct nlmsghdr *nlh, void *arg)
{
	struct attrs a;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	*(uint64_t *)arg = attr_uint(&a, NFO_FLOW_COUNT);
	return 0;
}

int cmd_flush(const struct command *cmd, int argc, char **argv)
{
	char buf[4096] = {}, name[3 * ENDPOINT_LEN];
	struct filter f = {};
	struct nl nl = {};
	struct nlmsghdr *req;
	struct conn c;
	uint64_t count = 0;
	int rc = opts_parse(cmd, &argc, &argv, flush_opt, &f);

	if (rc >= 0)
		return rc;
	rc = filter_done(&f);
	if (rc)
		return rc;
	if (argc && argc != 3)
		return usage("flush: one flow is PROTO SRC:PORT DST:PORT, more are a filter ('%s')",
			     argv[0]);
	if (argc && f.any)
		return usage("flush: one flow or a filter, not both");
	if (argc && (rc = conn_parse(&c, argv)))
		return rc;
	rc = nfo_need(&nl);
	if (rc)
		return rc;

	req = nfo_msg(&nl, buf, NFO_CMD_FLOW_DEL, NLM_F_ACK);
	if (argc) {
		conn_put(&c, req);
		if (f.has_zone)
			mnl_attr_put_u16(req, NFO_FLOW_ZONE, f.zone);
	} else {
		filter_put(&f, req);
	}
	rc = nl_talk(&nl, req, read_count, &count);
	nl_close(&nl);
	if (rc && argc)
		return refused("cannot flush %s: %s", conn_str(name, sizeof(name), &c), nl.why);
	if (rc)
		return refused("cannot flush: %s", nl.why);
	if (opt_json)
		json_out(json_pack("{sI}", "flushed", (json_int_t)count));
	else
		printf("%llu flow%s handed back to the slow path\n", (unsigned long long)count,
		       count == 1 ? "" : "s");

	return STATUS_OK;
}
