// SPDX-License-Identifier: GPL-2.0
/*
 * nfo_inject - sends packets that no honest end would send, one by one or in floods.
 *
 *   nfo_inject DEV MAC       frames leave through DEV towards this Ethernet address
 *
 * It runs below `nfo_peer -n NAMESPACE exec`. Commands come on stdin, one line of
 * answer each goes to stdout; the first line is "ok inject". An end of a connection
 * is written as ADDR PORT, IPv4 or IPv6.
 *
 *   from MAC                           the frames' source address from here on
 *   wrap HEX                           EtherType and headers between Ethernet and IP;
 *                                      "wrap -" goes back to plain IP
 *   udp SRC DST LEN                    one datagram        -> ok udp
 *   tcp SRC DST SEQ ACK FLAGS LEN      one segment; FLAGS are letters of FSRPA
 *   error FROM KIND INFO PROTO SRC DST SEQ
 *                                      an ICMP error about a packet from SRC to DST,
 *                                      sent to SRC; KIND is unreachable, too-big
 *                                      (INFO is the MTU) or redirect (INFO a gateway)
 *   track SRC DST                      forget what has passed, watch this TCP connection
 *   seen                               -> ok seen NEXT-SEQ-OF-SRC NEXT-SEQ-OF-DST
 *   wait MS                            -> ok wait; paces a row of commands
 *   sweep FLAGS SRC DST SEQ STEP ACK LEN COUNT RATE MS
 *                                      segments whose SEQ grows by STEP
 *   flood PROTO DST TUPLES PACKETS RATE MS
 *                                      so many packets from each of so many spoofed
 *                                      sources (10.0.0.0/8, 2001:db8:f::/48), at
 *                                      random; with PROTO chain-udp or chain-tcp such
 *                                      whose words have one sum and one exclusive or
 *
 * RATE is packets a second, MS the time after which sweep and flood stop in any case;
 * they answer "ok NAME PACKETS MS".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAYLOAD	1400
#define MAX_WRAP	32

struct end {
	bool v6;
	uint8_t addr[16];
	uint16_t port;
};

struct segment {
	struct end src, dst;
	uint32_t seq, ack;
	uint8_t flags;
	unsigned int len;
};

struct packet {
	uint8_t bytes[2048];
	unsigned int len;
};

static int tx, rx;
static uint8_t mac_to[ETH_ALEN], mac_from[ETH_ALEN];
static uint8_t wrapping[MAX_WRAP];
static unsigned int wrapping_len;

static struct end tracked[2];
static uint32_t tracked_next[2];
static bool tracked_seen[2];

static void die(const char *what)
{
	printf("error %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* ---- making packets ---- */

static void put(struct packet *p, const void *data, unsigned int len)
{
	memcpy(p->bytes + p->len, data, len);
	p->len += len;
}

static uint32_t sum16(uint32_t sum, const void *data, unsigned int len)
{
	const uint8_t *b = data;

	for (unsigned int i = 0; i + 1 < len; i += 2)
		sum += b[i] << 8 | b[i + 1];
	return len & 1 ? sum + (b[len - 1] << 8) : sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static uint16_t l4_checksum(const struct end *src, const struct end *dst, uint8_t proto,
			    const void *l4, unsigned int len)
{
	unsigned int alen = src->v6 ? 16 : 4;
	uint32_t sum = proto + len;

	sum = sum16(sum, src->addr, alen);
	sum = sum16(sum, dst->addr, alen);
	return sum_end(sum16(sum, l4, len));
}

static void put_ethernet(struct packet *p, bool v6)
{
	uint16_t type = htons(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);

	p->len = 0;
	put(p, mac_to, ETH_ALEN);
	put(p, mac_from, ETH_ALEN);
	if (wrapping_len)
		put(p, wrapping, wrapping_len);
	else
		put(p, &type, sizeof(type));
}

static void put_ip(struct packet *p, const struct end *src, const struct end *dst, uint8_t proto,
		   unsigned int len)
{
	struct iphdr ip4 = {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = proto,
		.tot_len = htons(sizeof(ip4) + len), .frag_off = htons(IP_DF),
	};
	struct ip6_hdr ip6 = {
		.ip6_flow = htonl(6 << 28), .ip6_plen = htons(len), .ip6_nxt = proto, .ip6_hlim = 64,
	};

	if (src->v6) {
		memcpy(&ip6.ip6_src, src->addr, 16);
		memcpy(&ip6.ip6_dst, dst->addr, 16);
		put(p, &ip6, sizeof(ip6));
		return;
	}
	memcpy(&ip4.saddr, src->addr, 4);
	memcpy(&ip4.daddr, dst->addr, 4);
	ip4.check = sum_end(sum16(0, &ip4, sizeof(ip4)));
	put(p, &ip4, sizeof(ip4));
}

static void put_tcp(struct packet *p, const struct segment *s)
{
	struct tcphdr th = {
		.source = htons(s->src.port), .dest = htons(s->dst.port),
		.seq = htonl(s->seq), .ack_seq = htonl(s->ack), .doff = 5, .window = htons(1000),
	};
	uint8_t l4[sizeof(th) + MAX_PAYLOAD];

	th.fin = !!(s->flags & 1);
	th.syn = !!(s->flags & 2);
	th.rst = !!(s->flags & 4);
	th.psh = !!(s->flags & 8);
	th.ack = !!(s->flags & 16);
	memset(l4, 'x', sizeof(l4));
	memcpy(l4, &th, sizeof(th));
	th.check = l4_checksum(&s->src, &s->dst, IPPROTO_TCP, l4, sizeof(th) + s->len);
	memcpy(l4, &th, sizeof(th));
	put_ip(p, &s->src, &s->dst, IPPROTO_TCP, sizeof(th) + s->len);
	put(p, l4, sizeof(th) + s->len);
}

static void put_udp(struct packet *p, const struct segment *s)
{
	struct udphdr uh = {
		.source = htons(s->src.port), .dest = htons(s->dst.port),
		.len = htons(sizeof(uh) + s->len),
	};
	uint8_t l4[sizeof(uh) + MAX_PAYLOAD];

	memset(l4, 'x', sizeof(l4));
	memcpy(l4, &uh, sizeof(uh));
	uh.check = l4_checksum(&s->src, &s->dst, IPPROTO_UDP, l4, sizeof(uh) + s->len) ?: 0xffff;
	memcpy(l4, &uh, sizeof(uh));
	put_ip(p, &s->src, &s->dst, IPPROTO_UDP, sizeof(uh) + s->len);
	put(p, l4, sizeof(uh) + s->len);
}

static void transmit(const struct packet *p)
{
	while (send(tx, p->bytes, p->len, 0) < 0) {
		struct pollfd wait = { .fd = tx, .events = POLLOUT };

		if (errno != ENOBUFS && errno != EAGAIN)
			die("send");
		poll(&wait, 1, 10);
	}
}

static void send_segment(const struct segment *s, uint8_t proto)
{
	struct packet p;

	put_ethernet(&p, s->src.v6);
	if (proto == IPPROTO_TCP)
		put_tcp(&p, s);
	else
		put_udp(&p, s);
	transmit(&p);
}

/* ---- reading commands ---- */

static char *next_word(void)
{
	char *w = strtok(NULL, " \n");

	return w ? w : "";
}

static uint32_t next_number(void)
{
	return strtoul(next_word(), NULL, 0);
}

static bool parse_address(const char *word, struct end *e)
{
	e->v6 = strchr(word, ':');
	return inet_pton(e->v6 ? AF_INET6 : AF_INET, word, e->addr) == 1;
}

static bool next_end(struct end *e)
{
	bool ok = parse_address(next_word(), e);

	e->port = next_number();
	return ok;
}

static uint8_t next_flags(void)
{
	static const char letters[] = "FSRPA";
	uint8_t flags = 0;

	for (const char *w = next_word(); *w; w++)
		if (strchr(letters, *w))
			flags |= 1 << (strchr(letters, *w) - letters);
	return flags;
}

static unsigned int next_length(void)
{
	unsigned int len = next_number();

	return len < MAX_PAYLOAD ? len : MAX_PAYLOAD;
}

static bool parse_mac(const char *word, uint8_t *mac)
{
	return sscanf(word, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		      mac + 4, mac + 5) == 6;
}

/* ---- single packets ---- */

static bool do_wrap(void)
{
	const char *w = next_word();

	wrapping_len = 0;
	if (*w == '-')
		return true;
	for (; w[0] && w[1] && wrapping_len < MAX_WRAP; w += 2)
		if (sscanf(w, "%2hhx", &wrapping[wrapping_len++]) != 1)
			return false;
	return wrapping_len >= 2;
}

static bool do_udp(void)
{
	struct segment s = { 0 };

	if (!next_end(&s.src) || !next_end(&s.dst))
		return false;
	s.len = next_length();
	send_segment(&s, IPPROTO_UDP);
	return true;
}

static bool do_tcp(void)
{
	struct segment s = { 0 };

	if (!next_end(&s.src) || !next_end(&s.dst))
		return false;
	s.seq = next_number();
	s.ack = next_number();
	s.flags = next_flags();
	s.len = next_length();
	send_segment(&s, IPPROTO_TCP);
	return true;
}

/* Type, code and the four bytes after the checksum. */
static bool error_header(const char *kind, const char *info, bool v6, uint8_t *icmp)
{
	uint32_t mtu = htonl(atoi(info));
	struct end gateway;

	if (!strcmp(kind, "unreachable")) {
		icmp[0] = v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
		icmp[1] = v6 ? ICMP6_DST_UNREACH_NOPORT : ICMP_PORT_UNREACH;
	} else if (!strcmp(kind, "too-big")) {
		icmp[0] = v6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH;
		icmp[1] = v6 ? 0 : ICMP_FRAG_NEEDED;
		memcpy(icmp + 4, &mtu, 4);
	} else if (!strcmp(kind, "redirect") && !v6 && parse_address(info, &gateway)) {
		icmp[0] = ICMP_REDIRECT;
		icmp[1] = ICMP_REDIR_HOST;
		memcpy(icmp + 4, gateway.addr, 4);
	} else {
		return false;
	}
	return true;
}

static bool do_error(void)
{
	struct end from = { 0 };
	uint8_t icmp[128] = { 0 };
	struct segment s = { .flags = 16 };
	const char *kind, *info, *proto;
	struct packet quoted = { .len = 0 }, p;
	unsigned int len;
	uint16_t check;

	if (!parse_address(next_word(), &from))
		return false;
	kind = next_word();
	info = next_word();
	proto = next_word();
	if (!next_end(&s.src) || !next_end(&s.dst) || s.src.v6 != from.v6 ||
	    !error_header(kind, info, from.v6, icmp))
		return false;
	s.seq = next_number();
	if (!strcmp(proto, "tcp"))
		put_tcp(&quoted, &s);
	else
		put_udp(&quoted, &s);
	len = 8 + quoted.len;
	memcpy(icmp + 8, quoted.bytes, quoted.len);
	check = from.v6 ? l4_checksum(&from, &s.src, IPPROTO_ICMPV6, icmp, len) :
			  sum_end(sum16(0, icmp, len));
	memcpy(icmp + 2, &check, 2);
	put_ethernet(&p, from.v6);
	put_ip(&p, &from, &s.src, from.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, len);
	put(&p, icmp, len);
	transmit(&p);
	return true;
}

/* ---- watching a connection ---- */

static bool same_end(const struct end *e, const void *addr, uint16_t port)
{
	return !memcmp(e->addr, addr, e->v6 ? 16 : 4) && e->port == ntohs(port);
}

static void track_segment(const uint8_t *ip, unsigned int len, bool v6)
{
	unsigned int hlen = v6 ? sizeof(struct ip6_hdr) : (ip[0] & 15) * 4, total;
	const void *src = ip + (v6 ? 8 : 12), *dst = ip + (v6 ? 24 : 16);
	struct tcphdr th;
	uint32_t next;
	int dir;

	if (v6 != tracked[0].v6 || ip[v6 ? 6 : 9] != IPPROTO_TCP || len < hlen + sizeof(th))
		return;
	memcpy(&th, ip + hlen, sizeof(th));
	for (dir = 0; dir < 2; dir++)
		if (same_end(&tracked[dir], src, th.source) &&
		    same_end(&tracked[!dir], dst, th.dest))
			break;
	if (dir == 2)
		return;
	total = v6 ? hlen + (ip[4] << 8 | ip[5]) : (unsigned int)(ip[2] << 8 | ip[3]);
	next = ntohl(th.seq) + total - hlen - th.doff * 4 + th.syn + th.fin;
	if (!tracked_seen[dir] || (int32_t)(next - tracked_next[dir]) > 0)
		tracked_next[dir] = next;
	tracked_seen[dir] = true;
}

static void track_all(void)
{
	static uint8_t frame[65536 + 64];
	ssize_t n;

	while ((n = recv(rx, frame, sizeof(frame), MSG_DONTWAIT)) > 0) {
		uint16_t type = frame[12] << 8 | frame[13];

		if (n > 54 && (type == ETHERTYPE_IP || type == ETHERTYPE_IPV6))
			track_segment(frame + 14, n - 14, type == ETHERTYPE_IPV6);
	}
}

static bool do_track(void)
{
	memset(tracked, 0, sizeof(tracked));
	track_all();
	memset(tracked_seen, 0, sizeof(tracked_seen));
	return next_end(&tracked[0]) && next_end(&tracked[1]);
}

static bool do_seen(void)
{
	track_all();
	if (!tracked_seen[0] || !tracked_seen[1])
		return false;
	printf("ok seen %u %u\n", tracked_next[0], tracked_next[1]);
	return true;
}

/* ---- floods ---- */

struct pace {
	long long begin, end;
	unsigned int rate, sent;
};

static struct pace pace_start(unsigned int rate, unsigned int ms)
{
	long long now = now_us();

	return (struct pace){ .begin = now, .end = now + ms * 1000LL, .rate = rate ? rate : 1 };
}

/* Wait until the next packet is due. Return: false when the time is up. */
static bool pace_next(struct pace *p)
{
	long long due = p->begin + p->sent * 1000000LL / p->rate, now = now_us();

	if (now >= p->end)
		return false;
	if (due > now + 1000)
		poll(NULL, 0, (due - now) / 1000);
	p->sent++;
	return true;
}

static void pace_say(const char *name, const struct pace *p)
{
	printf("ok %s %u %lld\n", name, p->sent, (now_us() - p->begin) / 1000);
}

static bool do_sweep(void)
{
	struct segment s = { .flags = next_flags() };
	unsigned int step, count, rate;
	struct pace pace;

	if (!next_end(&s.src) || !next_end(&s.dst))
		return false;
	s.seq = next_number();
	step = next_number();
	s.ack = next_number();
	s.len = next_length();
	count = next_number();
	rate = next_number();
	pace = pace_start(rate, next_number());
	while (pace.sent < count && pace_next(&pace)) {
		send_segment(&s, IPPROTO_TCP);
		s.seq += step;
	}
	pace_say("sweep", &pace);
	return true;
}

static uint32_t random32(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

/* Anybody at random. */
static void spoof(struct end *e)
{
	uint32_t r = random32();

	memset(e->addr, 0, sizeof(e->addr));
	if (e->v6) {
		memcpy(e->addr, "\x20\x01\x0d\xb8\x00\x0f", 6);
		memcpy(e->addr + 12, &r, 4);
	} else {
		e->addr[0] = 10;
		memcpy(e->addr + 1, &r, 3);
	}
	e->port = 1024 + random32() % 60000;
}

/* Sources that a hash which only adds or folds would put into one chain. */
static void spoof_alike(struct end *e, uint32_t i)
{
	uint32_t low = htonl(i & 0x7fff), same = low;

	memset(e->addr, 0, sizeof(e->addr));
	e->port = 40000 - (i & 0x7fff);
	if (e->v6) {
		memcpy(e->addr, "\x20\x01\x0d\xb8\x00\x0f", 6);
		memcpy(e->addr + 8, &low, 4);
		memcpy(e->addr + 12, &same, 4);
		e->port = 40000;
	} else {
		memcpy(e->addr, &low, 4);
		e->addr[0] = 10;
	}
}

static bool do_flood(void)
{
	const char *kind = next_word();
	bool alike = !strncmp(kind, "chain-", 6);
	uint8_t proto = strstr(kind, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
	struct segment s = { .flags = 2, .len = proto == IPPROTO_UDP ? 32 : 0 };
	unsigned int tuples, packets, rate;
	struct pace pace;
	bool more = true;

	if (!next_end(&s.dst))
		return false;
	s.src.v6 = s.dst.v6;
	tuples = next_number();
	packets = next_number();
	rate = next_number();
	pace = pace_start(rate, next_number());
	for (unsigned int i = 0; i < tuples && more; i++) {
		if (alike)
			spoof_alike(&s.src, i);
		else
			spoof(&s.src);
		s.seq = random32();
		for (unsigned int j = 0; j < packets && (more = pace_next(&pace)); j++)
			send_segment(&s, proto);
	}
	pace_say("flood", &pace);
	return true;
}

/* ---- */

static void command(char *line)
{
	const char *word = strtok(line, " \n");
	bool ok = false, said = false;

	if (!word)
		return;
	if (!strcmp(word, "from"))
		ok = parse_mac(next_word(), mac_from);
	else if (!strcmp(word, "wrap"))
		ok = do_wrap();
	else if (!strcmp(word, "udp"))
		ok = do_udp();
	else if (!strcmp(word, "tcp"))
		ok = do_tcp();
	else if (!strcmp(word, "error"))
		ok = do_error();
	else if (!strcmp(word, "track"))
		ok = do_track();
	else if (!strcmp(word, "wait"))
		ok = poll(NULL, 0, next_number()) == 0;
	else if (!strcmp(word, "seen"))
		said = ok = do_seen();
	else if (!strcmp(word, "sweep"))
		said = ok = do_sweep();
	else if (!strcmp(word, "flood"))
		said = ok = do_flood();
	if (!ok)
		puts("error command");
	else if (!said)
		printf("ok %s\n", word);
	fflush(stdout);
}

static int packet_socket(const char *dev, int proto)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(proto),
		.sll_ifindex = if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), size = 8 << 20;

	if (fd < 0 || !sll.sll_ifindex || bind(fd, (struct sockaddr *)&sll, sizeof(sll)))
		die(dev);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

int main(int argc, char **argv)
{
	struct ifreq ifr = { 0 };
	char line[512];

	if (argc != 3 || !parse_mac(argv[2], mac_to)) {
		puts("usage: nfo_inject DEV MAC");
		return 2;
	}
	tx = packet_socket(argv[1], 0);
	rx = packet_socket(argv[1], ETH_P_ALL);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argv[1]);
	if (ioctl(tx, SIOCGIFHWADDR, &ifr))
		die("SIOCGIFHWADDR");
	memcpy(mac_from, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	puts("ok inject");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		command(line);
	return 0;
}
