// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink: a request and its answers, the kernel's words when it refuses, and the module's
 * generic netlink family.
 */
#include <endian.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

static int nl_fail(struct nl *nl, int err)
{
	snprintf(nl->why, sizeof(nl->why), "%s", strerror(err));
	return -err;
}

int nl_open(struct nl *nl, int bus)
{
	int on = 1;

	nl->s = mnl_socket_open(bus);
	if (!nl->s)
		return nl_fail(nl, errno);
	if (mnl_socket_bind(nl->s, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = errno;

		nl_close(nl);
		return nl_fail(nl, err);
	}
	/* If an option cannot be set, an error may lack its text, which is no reason to fail. */
	mnl_socket_setsockopt(nl->s, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->s, NETLINK_CAP_ACK, &on, sizeof(on));
	nl->seq = time(NULL);
	nl->why[0] = 0;

	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl->s)
		mnl_socket_close(nl->s);
	nl->s = NULL;
}

/* Append the text of an extended ACK to nl->why, which has the error's name. @skip: length of what
 * stands before the attributes.
 */
static void ext_ack(struct nl *nl, const struct nlmsghdr *nlh, size_t skip)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(nlh) < skip)
		return;
	mnl_attr_for_each(attr, nlh, skip) {
		size_t used = strlen(nl->why);

		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(nl->why + used, sizeof(nl->why) - used, ": %.*s",
				 (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
	}
}

int nl_ack(struct nl *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return nl_fail(nl, EBADMSG);
	if (!e->error)
		return 0;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	nl_fail(nl, -e->error);
	ext_ack(nl, nlh, skip);

	return e->error;
}

static int done(struct nl *nl, const struct nlmsghdr *nlh)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (error >= 0)
		return 0;
	nl_fail(nl, -error);
	ext_ack(nl, nlh, sizeof(error));

	return error;
}

/**
 * nl_receive() - read once, and handle the messages
 * @nl: open socket
 * @fn: called for each message that is no control message; may be NULL
 * @arg: argument of @fn; a negative return of @fn ends the call
 *
 * Return: 1 when more messages are to come, 0 at the end; -errno with the text in nl->why, or what
 * @fn returned.
 */
int nl_receive(struct nl *nl, nl_fn fn, void *arg)
{
	const struct nlmsghdr *nlh = (const void *)nl->buf;
	ssize_t got;
	int left, rc;

	do
		got = mnl_socket_recvfrom(nl->s, nl->buf, sizeof(nl->buf));
	while (got < 0 && errno == EINTR && !(nl->stop && *nl->stop));
	if (got < 0)
		return nl_fail(nl, errno);

	left = got;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq && nlh->nlmsg_seq != nl->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			nl->torn = true;
		switch (nlh->nlmsg_type) {
		case NLMSG_NOOP:
			continue;
		case NLMSG_ERROR:
			return nl_ack(nl, nlh);
		case NLMSG_DONE:
			return done(nl, nlh);
		case NLMSG_OVERRUN:
			return nl_fail(nl, ENOBUFS);
		}
		rc = fn ? fn(nlh, arg) : 0;
		if (rc < 0)
			return rc;
	}

	return 1;
}

/**
 * nl_talk() - send a request, hand its answers to a function
 * @nl: open
 * @req: with NLM_F_ACK or NLM_F_DUMP, so that there is an end to wait for
 * @fn: may be NULL
 * @arg: for @fn
 *
 * Return: 0 or -errno with words in @nl->why.
 */
int nl_talk(struct nl *nl, struct nlmsghdr *req, nl_fn fn, void *arg)
{
	int rc;

	req->nlmsg_seq = ++nl->seq;
	nl->torn = false;
	nl->why[0] = 0;
	if (mnl_socket_sendto(nl->s, req, req->nlmsg_len) < 0)
		return nl_fail(nl, errno);
	do
		rc = nl_receive(nl, fn, arg);
	while (rc > 0);

	return rc;
}

/* ---- attributes ---- */

static void attrs_one(struct attrs *t, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type < ARRAY_SIZE(t->a))
		t->a[type] = attr;
}

void attrs_read(struct attrs *t, const struct nlmsghdr *nlh, size_t hdr)
{
	const struct nlattr *attr;

	memset(t, 0, sizeof(*t));
	mnl_attr_for_each(attr, nlh, hdr)
		attrs_one(t, attr);
}

void attrs_nested(struct attrs *t, const struct nlattr *nest)
{
	const struct nlattr *attr;

	memset(t, 0, sizeof(*t));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
		attrs_one(t, attr);
}

bool attr_has(const struct attrs *t, int type)
{
	return t->a[type];
}

/* Return: a number of 1, 2, 4 or 8 bytes; 0 when there is none. */
uint64_t attr_uint(const struct attrs *t, int type)
{
	const void *p = t->a[type] ? mnl_attr_get_payload(t->a[type]) : NULL;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (p ? mnl_attr_get_payload_len(t->a[type]) : 0) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		memcpy(&v16, p, sizeof(v16));
		return v16;
	case 4:
		memcpy(&v32, p, sizeof(v32));
		return v32;
	case 8:
		memcpy(&v64, p, sizeof(v64));
		return v64;
	}
	return 0;
}

/* The same for a number in network byte order. */
uint64_t attr_be(const struct attrs *t, int type)
{
	uint64_t v = attr_uint(t, type);

	switch (t->a[type] ? mnl_attr_get_payload_len(t->a[type]) : 0) {
	case 2:
		return be16toh(v);
	case 4:
		return be32toh(v);
	case 8:
		return be64toh(v);
	}
	return v;
}

const char *attr_str(const struct attrs *t, int type)
{
	if (!t->a[type] || mnl_attr_validate(t->a[type], MNL_TYPE_NUL_STRING) < 0)
		return "";
	return mnl_attr_get_str(t->a[type]);
}

const void *attr_bytes(const struct attrs *t, int type, size_t len)
{
	if (!t->a[type] || mnl_attr_get_payload_len(t->a[type]) < len)
		return NULL;
	return mnl_attr_get_payload(t->a[type]);
}

/* ---- the module's family ---- */

static int family_group(const struct nlattr *groups, const char *name, uint32_t *id)
{
	const struct nlattr *g;
	struct attrs a;

	if (!groups)
		return 0;
	mnl_attr_for_each_nested(g, groups) {
		attrs_nested(&a, g);
		if (!strcmp(attr_str(&a, CTRL_ATTR_MCAST_GRP_NAME), name))
			*id = attr_uint(&a, CTRL_ATTR_MCAST_GRP_ID);
	}
	return 0;
}

static int family_one(const struct nlmsghdr *nlh, void *arg)
{
	struct nl *nl = arg;
	struct attrs a;

	attrs_read(&a, nlh, sizeof(struct genlmsghdr));
	if (attr_uint(&a, CTRL_ATTR_FAMILY_ID) == GENL_ID_CTRL)
		return family_group(a.a[CTRL_ATTR_MCAST_GROUPS], "notify", &nl->families);
	if (strcmp(attr_str(&a, CTRL_ATTR_FAMILY_NAME), NFO_GENL_NAME))
		return 0;
	nl->family = attr_uint(&a, CTRL_ATTR_FAMILY_ID);
	return family_group(a.a[CTRL_ATTR_MCAST_GROUPS], NFO_GENL_GROUP_FLOWS, &nl->group);
}

/* A request for a family by its name would make the kernel load the module. A dump of all
 * families does not.
 */
int nfo_open(struct nl *nl)
{
	char buf[MNL_NLMSG_HDRLEN + 64] = {};
	struct nlmsghdr *req;
	struct genlmsghdr *g;
	int rc;

	nl->family = 0;
	nl->group = 0;
	rc = nl_open(nl, NETLINK_GENERIC);
	if (rc)
		return rc;
	req = mnl_nlmsg_put_header(buf);
	req->nlmsg_type = GENL_ID_CTRL;
	req->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	g = mnl_nlmsg_put_extra_header(req, sizeof(*g));
	g->cmd = CTRL_CMD_GETFAMILY;
	g->version = 1;
	rc = nl_talk(nl, req, family_one, nl);
	if (!rc && !nl->family)
		rc = nl_fail(nl, ENOENT);
	if (rc)
		nl_close(nl);

	return rc;
}

int nfo_need(struct nl *nl)
{
	int rc = nfo_open(nl);

	if (!rc)
		return STATUS_OK;
	if (rc != -ENOENT)
		return refused("cannot ask the kernel: %s", nl->why);
	return refused("the module nf_flow_offload is not loaded (modprobe nf_flow_offload; nft-offload status tells more)");
}

struct nlmsghdr *nfo_msg(struct nl *nl, char *buf, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g;

	nlh->nlmsg_type = nl->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	g->cmd = cmd;
	g->version = NFO_GENL_VERSION;

	return nlh;
}
