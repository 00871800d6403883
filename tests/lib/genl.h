/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink to the family of nf_flow_offload, for the tests' programs. */
#ifndef NFO_TESTS_GENL_H
#define NFO_TESTS_GENL_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/nf_flow_offload.h>
#include <stdbool.h>
#include <stdint.h>

struct genl {
	struct mnl_socket *nl;
	uint16_t family;
	uint32_t group;			/* of the events */
	uint32_t seq;			/* of the last request */
};

/* A socket and the family's numbers; ends the program if there is none. */
void genl_open(struct genl *g);

/* A message for @type without attributes, in @buf. */
struct nlmsghdr *genl_request(struct genl *g, void *buf, uint16_t type, uint8_t cmd,
			      uint16_t flags);

/* Send @nlh; ends the program if that fails. */
void genl_send(const struct genl *g, const struct nlmsghdr *nlh);

/* What has been read of a dump of flows. */
struct genl_dump {
	unsigned long flows;
	bool torn;
	void (*each)(const struct nlmsghdr *flow);	/* or NULL */
};

/* Take what one read returned; an error ends the program. Return: more is to come. */
bool genl_dump_take(struct genl_dump *d, const void *buf, int len);

#endif
