/* SPDX-License-Identifier: GPL-2.0 */
/* nfo_badnl: what its parts share. */
#ifndef NFO_BADNL_H
#define NFO_BADNL_H

#include "../lib/genl.h"
#include "../lib/net.h"

/* A malformed message. */
struct bad {
	const char *group, *name;
	uint8_t cmd;
	uint16_t flags;
	void (*fill)(struct nlmsghdr *nlh);
	int err;			/* what is expected; 0 is for what netlink takes */
	bool words;			/* ... with a sentence */
};

#define DUMP	NLM_F_DUMP
#define DO	NLM_F_ACK

extern struct genl genl;

/* nfo_badnl_messages.c: the malformed messages, by group; the last one has no name */
extern const struct bad bads[];

/* nfo_badnl_readers.c: those that begin to read and stop */
int hold(int argc, char **argv);
int deaf(const char *bytes);

/* nfo_badnl_rtnl.c: what only the kernel says */
int rtnl(int ifindex);

static inline struct genlmsghdr *genl_header(struct nlmsghdr *nlh)
{
	return mnl_nlmsg_get_payload(nlh);
}

/* Shorten the message by some bytes; what its last attribute says stays. */
static inline void cut(struct nlmsghdr *nlh, unsigned int bytes)
{
	nlh->nlmsg_len -= bytes;
}

#endif
