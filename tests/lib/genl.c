// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include "genl.h"
#include "net.h"

struct nlmsghdr *genl_request(struct genl *g, void *buf, uint16_t type, uint8_t cmd,
			      uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *gh = mnl_nlmsg_put_extra_header(nlh, sizeof(*gh));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++g->seq;
	gh->cmd = cmd;
	gh->version = NFO_GENL_VERSION;

	return nlh;
}

void genl_send(const struct genl *g, const struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(g->nl, nlh, nlh->nlmsg_len) < 0)
		die("send: %m");
}

static int group_attr(const struct nlattr *attr, void *arg)
{
	struct genl *g = arg;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
		g->group = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int groups_attr(const struct nlattr *attr, void *arg)
{
	return mnl_attr_parse_nested(attr, group_attr, arg);
}

static int family_attr(const struct nlattr *attr, void *arg)
{
	struct genl *g = arg;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		g->family = mnl_attr_get_u16(attr);
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
		return mnl_attr_parse_nested(attr, groups_attr, arg);
	return MNL_CB_OK;
}

static int family_msg(const struct nlmsghdr *nlh, void *arg)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), family_attr, arg);
}

void genl_open(struct genl *g)
{
	char buf[8192];
	struct nlmsghdr *nlh;
	ssize_t got;

	g->nl = mnl_socket_open(NETLINK_GENERIC);
	if (!g->nl || mnl_socket_bind(g->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink: %m");
	nlh = genl_request(g, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NFO_GENL_NAME);
	genl_send(g, nlh);
	got = mnl_socket_recvfrom(g->nl, buf, sizeof(buf));
	if (got < 0 || mnl_cb_run(buf, got, 0, 0, family_msg, g) < 0 || !g->family || !g->group)
		die("no family " NFO_GENL_NAME ": %m");
}

/* libmnl's own loop gives up on a torn dump; here that is a result. */
bool genl_dump_take(struct genl_dump *d, const void *buf, int len)
{
	const struct nlmsghdr *nlh = buf;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			d->torn = true;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return false;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			errno = -((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
			die("the kernel refused: %m");
		}
		d->flows++;
		if (d->each)
			d->each(nlh);
	}
	return true;
}
