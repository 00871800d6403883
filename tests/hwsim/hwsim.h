/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nfo_hwsim - a switch chip with ports, simulated.
 *
 * Port N has two network devices: hwpN is what the host's driver shows, wireN
 * is the far end of the cable. What is sent on wireN enters the chip; a rule that
 * hits rewrites the frame and it leaves on another wire, the host sees nothing.
 * A frame without a hit is received by hwpN. What is sent on hwpN leaves on wireN.
 *
 * The chip knows only the flow_rules its driver was given and reads them by
 * itself, in one of two ways:
 *
 *   FT     A routing engine (as mtk_ppe): the match needs the ingress device,
 *          addresses, TCP or UDP and its ports; TTL is decremented and checksums
 *          are corrected unasked; VLAN tags are pushed as listed, the outermost
 *          first, a PPPoE header goes inside them and is taken off unasked.
 *   BLOCK  A classifier (as tc has it): any combination of keys, nothing happens
 *          unasked, actions work one after another, so the last tag pushed is the
 *          outermost.
 *
 * Under both, frames that an engine can't judge go to the host: IPv4 options,
 * bad lengths or header checksums, a TTL that would end, more than the MTU.
 * A rule's bytes are those of the frames as they came in, Ethernet header included.
 */
#ifndef _HWSIM_H
#define _HWSIM_H

#include <linux/debugfs.h>
#include <linux/etherdevice.h>
#include <linux/hashtable.h>
#include <linux/if_vlan.h>
#include <linux/ipv6.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>
#include <net/flow_offload.h>

#define HWSIM_PORTS_MAX		32
#define HWSIM_TAGS		2
#define HWSIM_HASH_BITS		14
#define HWSIM_WATCHED		2
#define HWSIM_TEXT		128

/* What of a frame can be matched. Padding is zero, the whole is compared. */
struct hwsim_key {
	__be32	src[4];			/* IPv4 in the first word */
	__be32	dst[4];
	__be16	sport;
	__be16	dport;
	__be16	tcp_flags;
	__be16	n_proto;		/* below VLAN tags and PPPoE */
	__be16	tpid[HWSIM_TAGS];	/* outer, inner */
	__be16	tci[HWSIM_TAGS];
	__be16	next[HWSIM_TAGS];	/* the type that follows the tag */
	u8	eth_dst[ETH_ALEN];
	u8	eth_src[ETH_ALEN];
	u8	ip_proto;
	u8	tos;
	u8	ttl;
	u8	frag;			/* HWSIM_FRAG_* */
	u8	in_port;
	u8	tags;
	u8	pppoe;
	u8	addr_type;		/* enum flow_dissector_key_id */
} __aligned(4);

#define HWSIM_FRAG_ANY		1
#define HWSIM_FRAG_FIRST	2

/* What is replaced: new = (old & ~mask) | val. */
#define HWSIM_EDIT(_name, _len)	struct { u8 mask[_len], val[_len]; } _name

#define HWSIM_CSUM_IP		1
#define HWSIM_CSUM_L4		2

struct hwsim_actions {
	HWSIM_EDIT(eth, 2 * ETH_ALEN);
	HWSIM_EDIT(l3, sizeof(struct ipv6hdr));
	HWSIM_EDIT(l4, 4);
	struct {
		__be16	tpid;
		u16	tci;
	} push[HWSIM_TAGS];		/* outer, inner */
	u8	pushes;
	u8	pops;
	u8	ttl_dec;
	u8	csum;			/* HWSIM_CSUM_* */
	u8	out_port;
	bool	pppoe;
	u16	sid;
};

/* One tuple space: the rules that match on the same bits. */
struct hwsim_mask {
	struct list_head	list;
	struct hwsim_key	bits;
	u32			seed;
	u32			rules;
	struct rcu_head		rcu;
};

enum hwsim_via { HWSIM_FT, HWSIM_BLOCK, HWSIM_VIA_MAX };

struct hwsim_rule {
	struct hlist_node	node;		/* chip->match, RCU */
	struct list_head	list;		/* chip->rules */
	struct hlist_node	cookie_node;	/* chip->cookies */
	unsigned long		cookie;
	enum hwsim_via		via;
	u8			owner;		/* port; BLOCK rules are per port */
	bool			dead;		/* its port is gone */
	u32			prio;
	struct hwsim_mask	*mask;
	struct hwsim_key	key;
	struct hwsim_actions	act;
	spinlock_t		lock;		/* the counters below */
	u64			packets, bytes;
	u64			read_packets, read_bytes;
	unsigned long		lastused;
	unsigned long		from;		/* it works from this time on */
	struct rcu_head		rcu;
};

struct hwsim_chip;

/* What a block callback is bound to. */
struct hwsim_slot {
	struct hwsim_port	*port;
	enum hwsim_via		via;
};

enum hwsim_count {
	HWSIM_HW_IN,		/* entered by this wire, forwarded by the chip */
	HWSIM_HW_OUT,		/* left by this wire, forwarded by the chip */
	HWSIM_HW_BYTES,		/* of HW_OUT, as they left */
	HWSIM_HOST_IN,		/* entered by this wire, given to the host */
	HWSIM_HOST_OUT,		/* left by this wire, sent by the host */
	HWSIM_HOST_L4,		/* of HOST_IN, those of TCP and UDP */
	HWSIM_DROPPED,		/* lost: port down, no memory, no room */
	HWSIM_HOST_IN_BYTES,
	HWSIM_HOST_OUT_BYTES,
	HWSIM_WIRE_IN_BYTES,
	HWSIM_COUNTS,
};

struct hwsim_port {
	struct hwsim_chip	*chip;
	u8			index;
	struct net_device __rcu	*host;
	struct net_device __rcu	*wire;
	struct hwsim_slot	slot[HWSIM_VIA_MAX];
	u32			delay_us;	/* of commands through this port */
	bool			deaf;
	atomic64_t		count[HWSIM_COUNTS];
};

enum hwsim_bind {
	HWSIM_BIND_NONE, HWSIM_BIND_FT, HWSIM_BIND_BLOCK, HWSIM_BIND_INDIRECT,
};

enum hwsim_feature {
	HWSIM_F_IPV6, HWSIM_F_NAT, HWSIM_F_VLAN, HWSIM_F_QINQ, HWSIM_F_PPPOE,
	HWSIM_F_TCP, HWSIM_F_UDP, HWSIM_F_TTL, HWSIM_F_FRAG, HWSIM_F_ONE_CHIP,
	HWSIM_FEATURES,
};

/* How chips and drivers are that are less kind; all off at first. */
enum hwsim_mode {
	HWSIM_M_LIAR,		/* yes to every rule; the port loses what comes in from then on */
	HWSIM_M_OFF_IS_DEAF,	/* no command is heard while hw-tc-offload is off */
	HWSIM_M_LATE,		/* a rule works a while after the yes */
	HWSIM_M_BUCKETS,	/* the table has buckets, and one of them may be full */
	HWSIM_M_UNCOUNTED,	/* no counters, the time of the last packet alone */
	HWSIM_M_SILENT,		/* not even that */
	HWSIM_M_INVAL,		/* a cookie that is not known is EINVAL, not ENOENT */
	HWSIM_M_NO_MTU,		/* it sends what is too large for the egress port */
	HWSIM_M_KEEP_TTL,	/* the routing engine leaves the TTL alone unless told */
	HWSIM_M_TTL_ENDS,	/* it sends packets whose TTL has ended */
	HWSIM_M_NO_ADD,		/* nothing can be added to, a TTL can be set */
	HWSIM_M_TC,		/* bound as ft, it takes filters of tc as well */
	HWSIM_M_QDISC,		/* it has tbf and htb itself */
	HWSIM_MODES,
};

#define HWSIM_HOLD_ON	1		/* wait */
#define HWSIM_HOLD_WAITS	2	/* it does */

#define HWSIM_LATE	(HZ / 5)
#define HWSIM_BUCKET	4

enum hwsim_call { HWSIM_ADD, HWSIM_DEL, HWSIM_STATS, HWSIM_CALLS };

/* A call that is to fail. */
struct hwsim_fail {
	int	err;			/* negative */
	u32	percent;
	char	text[HWSIM_TEXT];	/* static: an extended ACK points to it */
};

/* How many rules send to an address, and when, by the clock of the wall, that changed last. */
struct hwsim_watch {
	u8	mac[ETH_ALEN];
	u32	rules;
	u64	last;
};

struct hwsim_chip {
	unsigned int		ports;
	struct hwsim_port	port[HWSIM_PORTS_MAX];

	struct net_device	*conduit;	/* below the ports, or NULL */

	struct mutex		bind_lock;	/* bind, direct_blocks */
	enum hwsim_bind		bind;
	struct list_head	direct_blocks;
	struct list_head	indirect_blocks; /* under the core's own lock */

	struct mutex		lock;		/* rules and all below: one command at a time */
	DECLARE_HASHTABLE(match, HWSIM_HASH_BITS);	/* readers: RCU */
	DECLARE_HASHTABLE(cookies, HWSIM_HASH_BITS);
	struct list_head	masks;		/* readers: RCU */
	struct list_head	rules;
	u32			used;
	u32			used_max;
	u32			seed;
	u32			table_size;
	u32			delay_us;
	bool			feature[HWSIM_FEATURES];
	bool			mode[HWSIM_MODES];
	char			driver[32];	/* what ethtool is told */
	bool			indirect;	/* its indirect block is registered */
	u32			hold_indirect;	/* HWSIM_HOLD_*: before a block's owner hears */
	void			(*cleanup)(struct flow_block_cb *cb);	/* of the owner */
	u64			no_rtnl;	/* calls of block callbacks without RTNL */
	u64			any_bind;	/* blocks it was asked for */
	struct hwsim_fail	fail[HWSIM_CALLS];
	bool			lro;		/* the host gets frames as merged ones */
	bool			routed;		/* the host gets copies of routed frames */
	bool			hold;		/* commands wait until it is off */
	u32			span_adds;	/* rules added, and from when to when */
	u64			span_first, span_last;
	struct hwsim_watch	watch[HWSIM_WATCHED];
	u32			fail_port;	/* whose calls fail; no port's number: all */
	u64			calls[HWSIM_CALLS];
	u64			failed[HWSIM_CALLS];
	u64			injected;
	int			last_err;
	char			last_text[HWSIM_TEXT];
	struct dentry		*dir;
};

extern struct hwsim_chip hwsim;
extern const char *const hwsim_bind_names[];
extern const char *const hwsim_feature_names[];
extern const char *const hwsim_mode_names[];
extern const char *const hwsim_call_names[];
extern const char *const hwsim_count_names[];

static inline void hwsim_count(struct hwsim_port *p, enum hwsim_count what, u64 n)
{
	atomic64_add(n, &p->count[what]);
}

/* main */
int hwsim_port_add(struct hwsim_chip *c, unsigned int index);
void hwsim_port_del(struct hwsim_chip *c, unsigned int index);
int hwsim_port_index(const struct hwsim_chip *c, const struct net_device *dev);
int hwsim_port_by_ifindex(const struct hwsim_port *p, int ifindex);
void hwsim_set_ops(struct hwsim_chip *c, bool indirect);

/* bind */
int hwsim_setup_tc(struct net_device *dev, enum tc_setup_type type, void *data);
int hwsim_bind_set(struct hwsim_chip *c, enum hwsim_bind bind);
int hwsim_indirect_set(struct hwsim_chip *c, bool on);
unsigned int hwsim_blocks(struct hwsim_chip *c);
int hwsim_bind_init(struct hwsim_chip *c);
void hwsim_bind_exit(struct hwsim_chip *c);

/* rule: pure */
int hwsim_rule_parse(struct hwsim_chip *c, struct hwsim_rule *r, struct hwsim_key *bits,
		     struct hwsim_port *port, struct flow_cls_offload *cls,
		     struct netlink_ext_ack *extack);

/* table */
int hwsim_command(struct hwsim_slot *slot, struct flow_cls_offload *cls);
struct hwsim_rule *hwsim_lookup(struct hwsim_chip *c, const struct hwsim_key *key);
void hwsim_port_flush(struct hwsim_chip *c, unsigned int index);
void hwsim_table_flush(struct hwsim_chip *c);
void hwsim_watch(struct hwsim_chip *c, struct hwsim_watch *w, const u8 *mac);

/* path */
void hwsim_from_wire(struct hwsim_port *p, struct sk_buff *skb);
void hwsim_from_host(struct hwsim_port *p, struct sk_buff *skb);

/* debugfs */
void hwsim_debugfs_init(struct hwsim_chip *c);
void hwsim_debugfs_exit(struct hwsim_chip *c);

#endif /* _HWSIM_H */
