// SPDX-License-Identifier: GPL-2.0
/* nfo_peer: what its socket is asked and told. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <string.h>
#include <unistd.h>
#include "nfo_peer.h"

void linger(int fd, bool hard)
{
	struct linger l = { .l_onoff = hard };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

void close_hard(int fd)
{
	linger(fd, true);
	close(fd);
}

int open_connected(void)
{
	int fd = socket_connected(&peer.local, &peer.remote, peer.type, peer.proto, peer.wait_ms);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* From linux/in6.h, which does not go together with netinet/in.h. */
struct label_request {
	struct in6_addr	dst;
	uint32_t	label;	/* big endian */
	uint8_t		action;	/* 0: get */
	uint8_t		share;	/* 255: with everybody */
	uint16_t	flags;	/* 1: make it */
	uint16_t	expires;
	uint16_t	linger;
	uint32_t	pad;
};

#define LABEL_MANAGER	32	/* IPV6_FLOWLABEL_MGR */
#define LABEL_SEND	33	/* IPV6_FLOWINFO_SEND */

/* The label is the connected address's, so the socket is connected once more. */
static int set_label(int fd, int value)
{
	struct sockaddr_in6 to;
	socklen_t len = sizeof(to);
	struct label_request r = { .label = htonl(value), .share = 255, .flags = 1 };
	int on = 1;

	if (!peer_is_v6()) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (getpeername(fd, (struct sockaddr *)&to, &len))
		return -1;
	r.dst = to.sin6_addr;
	to.sin6_flowinfo = htonl(value);
	return setsockopt(fd, IPPROTO_IPV6, LABEL_MANAGER, &r, sizeof(r)) ?:
	       setsockopt(fd, IPPROTO_IPV6, LABEL_SEND, &on, sizeof(on)) ?:
	       connect(fd, (struct sockaddr *)&to, sizeof(to));
}

void do_set(int fd, const char *name, int value)
{
	/* record route with room for one hop: harmless, yet an option */
	static const unsigned char rr[8] = { 7, 7, 4, 0, 0, 0, 0, 0 };
	int err = -1, pmtu = value ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;

	if (!strcmp(name, "ttl"))
		err = peer_is_v6() ?
			setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &value, sizeof(value)) :
			setsockopt(fd, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	else if (!strcmp(name, "tos"))
		err = peer_is_v6() ?
			setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value)) :
			setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	else if (!strcmp(name, "label"))
		err = set_label(fd, value);
	else if (!strcmp(name, "df"))
		err = peer_is_v6() ?
			setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &pmtu, sizeof(pmtu)) :
			setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &pmtu, sizeof(pmtu));
	else if (!strcmp(name, "nocheck") && peer_is_v6())
		err = setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &value, sizeof(value)) ?:
		      setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &value, sizeof(value));
	else if (!strcmp(name, "nocheck"))
		err = setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &value, sizeof(value));
	else if (!strcmp(name, "options"))
		err = setsockopt(fd, IPPROTO_IP, IP_OPTIONS, rr, value ? sizeof(rr) : 0);
	else if (!strcmp(name, "mark"))
		err = setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof(value));
	else if (!strcmp(name, "nodelay"))
		err = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
	else
		errno = ENOENT;
	if (err)
		say_errno(name);
	else
		say("ok set %s", name);
}

void do_state(int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		say_errno("state");
	else
		say("ok state %d", ti.tcpi_state);
}

void do_mtu(int fd)
{
	int mtu = 0;
	socklen_t len = sizeof(mtu);

	if (peer_is_v6() ? getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &len) :
			    getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &len))
		say_errno("mtu");
	else
		say("ok mtu %d", mtu);
}
