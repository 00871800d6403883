// SPDX-License-Identifier: GPL-2.0
/*
 * Packet sockets on the far ends of both routers' links, and the few netlink
 * requests that are made between two packets.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include "equiv.h"

#define RING_FRAME	(128 << 10)
#define RING_FRAMES	16
#define DEADLINE_MS	20000

struct port {
	int rx, tx, ring, ifindex;
	uint8_t *map;
	unsigned int slot;
};

static struct port ports[NROUTERS][NSIDES];
static int nl[NROUTERS], router_ns_fd[NROUTERS], home_ns_fd;
static int tap_fd[NROUTERS][NSIDES];
static bool taps_on;
static uint64_t sentinel_no;
bool gso_udp_works;

static void opt(int fd, int level, int name, int val, const char *what)
{
	if (setsockopt(fd, level, name, &val, sizeof(val)))
		fatal("setsockopt %s: %s", what, strerror(errno));
}

static int packet_socket(int proto, int ifindex)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(proto),
		.sll_ifindex = ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fatal("packet socket: %s", strerror(errno));
	opt(fd, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
	if (proto) {
		opt(fd, SOL_PACKET, PACKET_AUXDATA, 1, "PACKET_AUXDATA");
		opt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
		opt(fd, SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20, "SO_RCVBUFFORCE");
	}
	if (bind(fd, (void *)&sll, sizeof(sll)))
		fatal("bind packet socket: %s", strerror(errno));
	return fd;
}

static void port_open(struct port *p, const char *name)
{
	struct tpacket_req req = {
		.tp_block_size = RING_FRAME,
		.tp_block_nr = RING_FRAMES,
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = RING_FRAMES,
	};

	p->ifindex = if_nametoindex(name);
	if (!p->ifindex)
		fatal("no interface %s", name);
	p->rx = packet_socket(ETH_P_ALL, p->ifindex);
	p->tx = packet_socket(0, p->ifindex);
	opt(p->tx, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20, "SO_SNDBUFFORCE");
	/* A transmit ring is the way to buffers whose headers are in pages. */
	p->ring = packet_socket(0, p->ifindex);
	opt(p->ring, SOL_PACKET, PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
	opt(p->ring, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20, "SO_SNDBUFFORCE");
	if (setsockopt(p->ring, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)))
		fatal("PACKET_TX_RING: %s", strerror(errno));
	p->map = mmap(NULL, RING_FRAME * RING_FRAMES, PROT_READ | PROT_WRITE,
		      MAP_SHARED, p->ring, 0);
	if (p->map == MAP_FAILED)
		fatal("mmap of the ring: %s", strerror(errno));
}

static void enter(int fd)
{
	if (setns(fd, CLONE_NEWNET))
		fatal("setns: %s", strerror(errno));
}

static void flush_input(int fd)
{
	static uint8_t buf[128];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC) >= 0)
		;
}

/* Listeners on the router itself make its buffers clones. */
void taps(bool on)
{
	static const char *const dev[NSIDES] = { "lan0", "wan0" };
	int k, s;

	if (on == taps_on)
		return;
	taps_on = on;
	for (k = 0; k < NROUTERS; k++) {
		enter(router_ns_fd[k]);
		for (s = 0; s < NSIDES; s++) {
			if (on)
				tap_fd[k][s] = packet_socket(ETH_P_ALL, if_nametoindex(dev[s]));
			else
				close(tap_fd[k][s]);
		}
	}
	enter(home_ns_fd);
}

/* UDP segmentation offload came to virtio_net_hdr in 6.2. */
static bool probe_gso_udp(void)
{
	struct virtio_net_hdr vh = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		.gso_size = 100,
		.csum_start = L2_LEN + 20,
		.csum_offset = 6,
		.hdr_len = L2_LEN + 28,
	};
	uint8_t b[sizeof(vh) + L2_LEN + 28 + 200] = { 0 }, *ip = b + sizeof(vh) + L2_LEN;

	memcpy(b, &vh, sizeof(vh));
	memset(b + sizeof(vh), 2, 12);		/* nobody's address */
	wr16(ip - 2, ETH_P_IP);
	ip[0] = 0x45;
	ip[9] = IPPROTO_UDP;
	wr16(ip + 2, 228);
	wr16(ip + 24, 208);
	return send(ports[0][LAN].tx, b, sizeof(b), 0) == sizeof(b);
}

void io_open(const char *const router_ns[NROUTERS])
{
	static const char side_char[NSIDES] = { 'c', 's' };
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	char path[128];
	int k, s;

	home_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (k = 0; k < NROUTERS; k++) {
		snprintf(path, sizeof(path), "/run/netns/%s", router_ns[k]);
		router_ns_fd[k] = open(path, O_RDONLY | O_CLOEXEC);
		if (router_ns_fd[k] < 0)
			fatal("%s: %s", path, strerror(errno));
		enter(router_ns_fd[k]);
		nl[k] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
		if (nl[k] < 0 || bind(nl[k], (void *)&any, sizeof(any)))
			fatal("netlink: %s", strerror(errno));
		enter(home_ns_fd);
		for (s = 0; s < NSIDES; s++) {
			snprintf(path, sizeof(path), "%c%d", side_char[s], k);
			port_open(&ports[k][s], path);
		}
	}
	gso_udp_works = probe_gso_udp();
}

static bool send_ring(struct port *p, const struct frame *f)
{
	uint8_t *slot = p->map + RING_FRAME * p->slot;
	volatile struct tpacket2_hdr *h = (void *)slot;
	uint8_t *data = slot + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll);
	ssize_t n;

	if (h->tp_status != TP_STATUS_AVAILABLE)
		fatal("transmit ring is stuck (status %u)", h->tp_status);
	memcpy(data, &f->vh, sizeof(f->vh));
	memcpy(data + sizeof(f->vh), f->data, f->len);
	h->tp_len = sizeof(f->vh) + f->len;
	__sync_synchronize();
	h->tp_status = TP_STATUS_SEND_REQUEST;
	n = send(p->ring, NULL, 0, MSG_DONTWAIT);
	if (h->tp_status == TP_STATUS_WRONG_FORMAT) {
		/* the kernel did not take the slot: it will look here again */
		h->tp_status = TP_STATUS_AVAILABLE;
		errno = EINVAL;
		return false;
	}
	p->slot = (p->slot + 1) % RING_FRAMES;
	if (n < 0 && errno != ENOBUFS)
		fatal("ring send: %s", strerror(errno));
	return true;
}

static bool send_frame(struct port *p, const struct frame *f)
{
	struct iovec iov[2] = {
		{ (void *)&f->vh, sizeof(f->vh) },
		{ (void *)f->data, f->len },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	if (f->paged)
		return send_ring(p, f);
	if (sendmsg(p->tx, &mh, 0) >= 0)
		return true;
	if (errno == EINVAL || errno == EMSGSIZE)
		return false;
	/* the veth pair drops what is longer than the router's MTU */
	if (errno == ENOBUFS)
		return true;
	fatal("send: %s", strerror(errno));
}

/* A packet that the ruleset keeps away from conntrack and the flowtable. */
static void build_sentinel(struct frame *f, uint64_t no)
{
	uint8_t *ip = f->data + L2_LEN;

	memset(f, 0, offsetof(struct frame, data) + L2_LEN + 44);
	f->side = LAN;
	f->len = L2_LEN + 44;
	f->l4 = L2_LEN + 20;
	memcpy(f->data, mac_router[LAN], 6);
	memcpy(f->data + 6, mac_host[LAN], 6);
	wr16(f->data + 12, ETH_P_IP);
	ip[0] = 0x45;
	wr16(ip + 2, 44);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, "\x0a\x01\x00\x0a", 4);
	memcpy(ip + 16, "\x0a\x02\x00\x0a", 4);
	wr16(ip + 20, 7);
	wr16(ip + 22, 9);
	wr16(ip + 24, 24);
	memcpy(ip + 28, "nfosentl", 8);
	memcpy(ip + 36, &no, 8);
	fix_ip_csum(f);
}

/* Return: the number of a sentinel, 0 for any other frame. */
static uint64_t sentinel_number(const struct out *o)
{
	uint64_t no;

	if (o->len != L2_LEN + 44 || memcmp(o->data + L2_LEN + 28, "nfosentl", 8))
		return 0;
	memcpy(&no, o->data + L2_LEN + 36, 8);
	return no;
}

/* The router's own chatter, which no packet of ours caused. */
static bool is_noise(const struct out *o)
{
	uint16_t type = rd16(o->data + 12);
	const uint8_t *ip = o->data + L2_LEN;

	if (o->len >= L2_LEN && type == ETH_P_ARP)
		return true;
	if (o->len < L2_LEN + 48 || type != ETH_P_IPV6)
		return false;
	/* multicast listener reports wear a hop-by-hop header */
	if (ip[6] == 0 && ip[40] == IPPROTO_ICMPV6 && o->len > L2_LEN + 48 && ip[48] == 143)
		return true;
	return ip[6] == IPPROTO_ICMPV6 && ip[40] >= 130 && ip[40] <= 137 &&
	       ip[24] == 0xff;
}

/* One captured frame; false when there is none. */
static bool take(struct port *p, enum side side, struct outs *outs)
{
	struct out *o = &outs->f[outs->n];
	union {
		struct cmsghdr align;
		char b[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} ctl;
	struct iovec iov[2];
	struct msghdr mh = {
		.msg_iov = iov, .msg_iovlen = 2,
		.msg_control = &ctl, .msg_controllen = sizeof(ctl),
	};
	struct cmsghdr *cm;
	ssize_t n;

	if (outs->n == OUT_FRAMES || outs->used + FRAME_MAX > OUT_ARENA)
		fatal("one case made more frames than can be kept");
	memset(o, 0, sizeof(*o));
	o->side = side;
	o->data = outs->arena + outs->used;
	iov[0].iov_base = &o->vh;
	iov[0].iov_len = sizeof(o->vh);
	iov[1].iov_base = o->data;
	iov[1].iov_len = FRAME_MAX;
	n = recvmsg(p->rx, &mh, MSG_DONTWAIT);
	if (n < 0) {
		if (errno == EAGAIN)
			return false;
		if (errno != EINVAL)
			fatal("capture: %s", strerror(errno));
		/* its segmentation has no virtio name */
		o->uncapturable = true;
		outs->n++;
		return true;
	}
	if (mh.msg_flags & MSG_TRUNC)
		fatal("captured frame of %zd bytes is too long", n);
	o->len = n - sizeof(o->vh);
	for (cm = CMSG_FIRSTHDR(&mh); cm; cm = CMSG_NXTHDR(&mh, cm)) {
		struct tpacket_auxdata aux;

		if (cm->cmsg_level != SOL_PACKET || cm->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(cm), sizeof(aux));
		o->has_vlan = aux.tp_status & TP_STATUS_VLAN_VALID;
		if (o->has_vlan) {
			o->vlan_tci = aux.tp_vlan_tci;
			o->vlan_tpid = aux.tp_vlan_tpid;
		}
	}
	road_unwrap(o);
	if (is_noise(o))
		return true;
	outs->used += (o->len + 15) & ~15u;
	outs->n++;
	return true;
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/*
 * Everything between here and the sentinel's arrival was caused by the case:
 * a router's two links end in one backlog queue, which is served in order.
 */
static void collect(int k, uint64_t no, struct outs *outs)
{
	struct port *lan = &ports[k][LAN], *wan = &ports[k][WAN];
	int64_t end = now_ms() + DEADLINE_MS;

	for (;;) {
		int had = outs->n;
		uint64_t got;

		if (!take(wan, WAN, outs)) {
			struct pollfd pfd = { wan->rx, POLLIN, 0 };

			if (now_ms() > end)
				fatal("router %d no longer forwards the sentinel", k);
			poll(&pfd, 1, 100);
			continue;
		}
		got = outs->n > had ? sentinel_number(&outs->f[had]) : 0;
		if (got)
			outs->n--;
		if (got == no)
			break;
	}
	while (take(lan, LAN, outs))
		;
	if (taps_on) {
		flush_input(tap_fd[k][LAN]);
		flush_input(tap_fd[k][WAN]);
	}
}

bool io_run(const struct frame *f, int n, struct outs out[NROUTERS])
{
	static struct frame sentinel;
	/* A tunnel or a PPP device puts each packet into the backlog queue once more. */
	int sentinels = road_wraps() ? 3 : 1;
	bool ok = true, sent;
	int k, i;

	for (k = 0; k < NROUTERS; k++) {
		out[k].n = 0;
		out[k].used = 0;
		for (i = 0; i < n; i++) {
			sent = send_frame(&ports[k][f[i].side], road_wrap(&f[i]));
			/* what one refuses the other must refuse */
			if (!sent)
				ok = false;
		}
		for (i = 0; i < sentinels; i++) {
			build_sentinel(&sentinel, ++sentinel_no);
			if (!send_frame(&ports[k][LAN], &sentinel))
				fatal("sentinel: %s", strerror(errno));
		}
		collect(k, sentinel_no, &out[k]);
	}
	return ok;
}

static void attr(struct nlmsghdr *nh, int type, const void *data, size_t len)
{
	struct nlattr *a = (void *)((char *)nh + NLMSG_ALIGN(nh->nlmsg_len));

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy((char *)a + NLA_HDRLEN, data, len);
	nh->nlmsg_len = NLMSG_ALIGN(nh->nlmsg_len) + NLA_ALIGN(a->nla_len);
}

static struct nlmsghdr *request(void *buf, int subsys, int type, int family, int flags)
{
	struct nlmsghdr *nh = buf;
	struct nfgenmsg *nf = NLMSG_DATA(nh);

	memset(buf, 0, 512);
	nh->nlmsg_type = subsys << 8 | type;
	nh->nlmsg_flags = NLM_F_REQUEST | flags;
	nh->nlmsg_len = NLMSG_LENGTH(sizeof(*nf));
	nf->nfgen_family = family;
	return nh;
}

static const struct nlattr *find(const void *p, size_t len, int type)
{
	const struct nlattr *a = p;

	while (len >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= len) {
		size_t step = NLA_ALIGN(a->nla_len);

		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if (step >= len)
			break;
		len -= step;
		a = (const void *)((const char *)a + step);
	}
	return NULL;
}

/* How many packets of the stream the forward chain has seen. */
uint64_t slow_packets(int router)
{
	uint32_t type = htonl(NFT_OBJECT_COUNTER);
	uint64_t buf[128];
	struct nlmsghdr *nh = request(buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETOBJ,
				      NFPROTO_INET, 0);
	const struct nlattr *a;
	uint32_t half[2];
	ssize_t n;

	attr(nh, NFTA_OBJ_TABLE, "filter", 7);
	attr(nh, NFTA_OBJ_NAME, "slow", 5);
	attr(nh, NFTA_OBJ_TYPE, &type, 4);
	if (send(nl[router], nh, nh->nlmsg_len, 0) < 0)
		fatal("counter request: %s", strerror(errno));
	n = recv(nl[router], buf, sizeof(buf), 0);
	nh = (void *)buf;
	if (n < (ssize_t)NLMSG_LENGTH(4) || nh->nlmsg_type == NLMSG_ERROR)
		fatal("the counter 'slow' cannot be read");
	a = find((char *)NLMSG_DATA(nh) + 4, nh->nlmsg_len - NLMSG_LENGTH(4), NFTA_OBJ_DATA);
	if (a)
		a = find((char *)a + NLA_HDRLEN, a->nla_len - NLA_HDRLEN, NFTA_COUNTER_PACKETS);
	if (!a)
		fatal("the counter 'slow' has no packets");
	memcpy(half, (char *)a + NLA_HDRLEN, 8);
	return (uint64_t)ntohl(half[0]) << 32 | ntohl(half[1]);
}

void conntrack_flush(int router)
{
	uint64_t buf[128];
	struct nlmsghdr *nh = request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE,
				      AF_UNSPEC, NLM_F_ACK);
	struct nlmsgerr *err;

	if (send(nl[router], nh, nh->nlmsg_len, 0) < 0 ||
	    recv(nl[router], buf, sizeof(buf), 0) < (ssize_t)NLMSG_LENGTH(sizeof(*err)))
		fatal("conntrack flush: %s", strerror(errno));
	nh = (void *)buf;
	err = NLMSG_DATA(nh);
	if (nh->nlmsg_type != NLMSG_ERROR || err->error)
		fatal("conntrack flush refused");
}
