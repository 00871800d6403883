/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Equivalence test: one packet stream, two identical routers. Router 0 has
 * conntrack and NAT only (the classic path); router 1 has the same ruleset
 * and a flowtable. Whatever leaves them must be the same.
 *
 * main.c    options, the loop over cases, the summary
 * gen.c     what a case is made of: classes of packets
 * build.c   headers and checksums of one frame
 * l4.c      protocols other than TCP and UDP: headers, connections, classes
 * conn.c    connections: handshakes, learning the NAT mapping, retirement
 * road.c    PPPoE or a tunnel around the packets of the WAN side
 * io.c      packet sockets, sentinels, the few netlink requests
 * compare.c equality, and printing what is not equal
 */
#ifndef EQUIV_H
#define EQUIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <netinet/in.h>
#include <linux/virtio_net.h>

/* Debian 12's headers are older than this one. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define FRAME_MAX	66560
#define CASE_FRAMES	12
#define OUT_FRAMES	256
#define OUT_ARENA	(6 << 20)

#define L2_LEN		14

enum side { LAN, WAN, NSIDES };
enum { CLASSIC, FAST, NROUTERS };

struct rng {
	uint64_t s;
};

uint64_t rnd64(struct rng *r);
/* A number below n (n > 0). */
uint32_t rnd(struct rng *r, uint32_t n);
/* A number in [lo, hi]. */
uint32_t rnd_in(struct rng *r, uint32_t lo, uint32_t hi);
bool one_in(struct rng *r, uint32_t n);
void rnd_fill(struct rng *r, void *p, size_t len);

/* A frame as it is handed to the kernel. */
struct frame {
	enum side side;			/* where it enters the router */
	bool paged;			/* only vh.hdr_len bytes in the linear part */
	struct virtio_net_hdr vh;
	uint32_t len;
	uint32_t l4;			/* offset of the transport header */
	uint64_t outer;			/* what is wrong with the headers of the road; 0: nothing */
	uint8_t data[FRAME_MAX];
};

/* A frame as it was captured behind a router. */
struct out {
	enum side side;
	bool has_vlan, uncapturable;
	uint16_t vlan_tci, vlan_tpid;
	struct virtio_net_hdr vh;
	uint32_t len;
	uint8_t *data;
	uint32_t outer_len;
	uint8_t outer[44];		/* the headers of the road that were around it */
};

struct outs {
	int n;
	size_t used;
	struct out f[OUT_FRAMES];
	uint8_t *arena;
};

enum kind {
	K_NONE, K_SNAT, K_SNAT_PORT, K_DNAT, K_DNAT_PORT, K_BOTH, K_MASQ,
	K_MASQ_DNAT, K_PORTFWD, K_NONE_IN, K_REDIR, NKINDS
};

extern const char *const kind_names[NKINDS];

/* Source ports tell the ruleset which kind of NAT a connection wants. */
#define KIND_PORT0	10000
#define KIND_PORTS	5000
/* Two slots share a kind; masquerading would make them clash on one port. */
#define SLOT_PORTS	(KIND_PORTS / 2)

struct endpoint {
	uint8_t addr[16];
	uint16_t port;
};

struct conn {
	bool v6, tcp;
	uint8_t proto;			/* IPPROTO_* */
	enum kind kind;
	bool small_mtu;			/* the LAN host's route has an MTU of its own */
	bool up, fast;
	unsigned int serial;
	enum side init;			/* the side that opened it */
	/* As each direction's sender writes it: [dir].src, [dir].dst */
	struct { struct endpoint src, dst; } t[2];
	uint32_t seq[2];
	uint32_t label[2];		/* IPv6 flow label of each direction's sender */
};

/* What build_frame() is told. */
enum csum { C_GOOD, C_WRONG, C_ZERO, C_PARTIAL };

#define TH_FIN	0x01
#define TH_SYN	0x02
#define TH_RST	0x04
#define TH_PSH	0x08
#define TH_ACK	0x10
#define TH_URG	0x20
#define TH_ECE	0x40
#define TH_CWR	0x80

struct pkt {
	struct conn *c;
	int dir;
	uint32_t payload;
	uint8_t tos, ttl;
	uint16_t id, frag;		/* IPv4 identification, flags and offset */
	uint32_t label;
	const uint8_t *l3opt;		/* IPv4 options or IPv6 extension headers */
	uint32_t l3opt_len;
	uint8_t l3opt_next;		/* IPv6: type of the first of them */
	uint16_t flags;
	uint32_t seq, ack;
	uint16_t win, urg;
	const uint8_t *l4opt;
	uint32_t l4opt_len;
	enum csum csum;
	uint64_t cookie;		/* first payload bytes */
	uint8_t chunk;			/* SCTP: type of the first chunk */
};

struct gcase {
	uint64_t index;
	const struct gclass *class;
	struct conn *c;
	bool retire;
	int n;
	struct frame f[CASE_FRAMES];
};

enum {
	G_PLAIN = 1,			/* must be carried by the fast path */
	G_RETIRE = 2,			/* the connection is of no use afterwards */
	G_V4 = 4, G_V6 = 8, G_TCP = 16, G_UDP = 32,
	G_SCTP = 64, G_ICMP = 128, G_PORTLESS = 256,
	G_OTHER = G_V4 | G_V6 | G_SCTP | G_ICMP | G_PORTLESS,
	G_ROAD = 512,			/* only where something is around packets */
	G_ANY = G_V4 | G_V6 | G_TCP | G_UDP,
};

struct gclass {
	const char *name;
	unsigned int weight, flags;
	void (*gen)(struct gcase *gc, struct rng *r);
};

extern const struct gclass classes[];
extern const unsigned int nclasses;

/* build.c */
void pkt_init(struct pkt *p, struct conn *c, int dir, struct rng *r);
void build_frame(struct frame *f, const struct pkt *p, struct rng *r);
void fix_ip_csum(struct frame *f);
void fix_l4_csum(struct frame *f);
uint16_t csum16(const void *p, size_t len, uint32_t sum);
uint32_t pseudo_sum(const uint8_t *l3, bool v6, uint8_t proto, uint32_t l4len);
unsigned int path_mtu(const struct conn *c, int dir);
void wr16(uint8_t *p, uint16_t v);
void wr32(uint8_t *p, uint32_t v);
uint16_t rd16(const uint8_t *p);
uint32_t rd32(const uint8_t *p);
extern const uint8_t mac_router[NSIDES][6], mac_host[NSIDES][6];

/* gen.c */
void gen_case(struct gcase *gc, struct rng *r);

/* l4.c */
extern const struct l4_slot { uint8_t proto; enum kind kind; } l4_slots[];
extern const unsigned int nl4_slots;
extern bool with_others;
unsigned int l4_header_len(const struct conn *c);
unsigned int l4_payload(const struct conn *c, unsigned int payload);
void l4_build(struct frame *f, const struct pkt *p, struct rng *r);
bool l4_fix_csum(struct frame *f, uint8_t proto);
unsigned int l4_flag(const struct conn *c);
const char *proto_name(const struct conn *c);

/* conn.c */
#define NSLOTS	(2 * 2 * NKINDS * 2)
#define NALL	(NSLOTS + 64)
extern struct conn conns[NALL];
extern unsigned int nconns;
extern unsigned long setup_frames, conns_opened, conns_slow;
void conns_init(void);
void conn_ready(struct conn *c, struct rng *r, int rounds);
void conn_retire(struct conn *c);

/* road.c */
void road_set(const char *name);
bool road_wraps(void);
const struct frame *road_wrap(const struct frame *f);
void road_unwrap(struct out *o);

/* io.c */
void io_open(const char *const router_ns[NROUTERS]);
/* false: the kernel refused to inject it (as told by errno). */
bool io_run(const struct frame *f, int n, struct outs out[NROUTERS]);
uint64_t slow_packets(int router);
void conntrack_flush(int router);
void taps(bool on);
extern bool gso_udp_works;
int64_t now_ms(void);

/* compare.c */
struct verdict {
	bool equal;
	char what[96];
};

void outs_compare(const struct frame *f, int n, const struct outs out[NROUTERS],
		  struct verdict *v);
void print_difference(FILE *to, const struct gcase *gc, const char *class,
		      uint64_t seed, const struct outs out[NROUTERS],
		      const struct verdict *v, unsigned long slow[NROUTERS]);
bool is_router_error(const struct frame *f, int n, const struct out *o);

void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
