/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of nft-offload share. Calls go down only: commands call picture,
 * flow, net, ct and ruleset; these call nl and term; no file calls a command.
 */
#ifndef NFT_OFFLOAD_TOOL_H
#define NFT_OFFLOAD_TOOL_H

#include <jansson.h>
#include <libmnl/libmnl.h>
#include <linux/nf_flow_offload.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "names_gen.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit statuses. Scripts rely on them, so they do not change. */
enum {
	STATUS_OK,
	STATUS_REFUSED,		/* the kernel refused, or something is missing */
	STATUS_USAGE,		/* the command line is wrong */
};

/* ---- main.c: commands, options, complaints ---- */

struct opt {
	const char *name;
	int letter;		/* above 255: there is no short form */
	const char *arg;	/* name of its value in the help; NULL: it takes none */
	const char *help;
};

#define OPT_LONG(n) (256 + (n))

struct command {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(const struct command *cmd, int argc, char **argv);
	const struct opt *opts;	/* ends with an element without a name; may be NULL */
	bool json;		/* takes -j */
};

extern bool opt_json;

/* Called for each option in the command's own list. Return: 0 to go on, or the exit
 * status.
 */
typedef int (*opt_fn)(const struct opt *o, const char *value, void *arg);

/* Return: -1, with the operands in argc and argv; or the exit status, when the command
 * is done.
 */
int opts_parse(const struct command *cmd, int *argc, char ***argv, opt_fn fn,
	       void *arg);

/* Print a complaint to stderr. refused() returns STATUS_REFUSED, usage() STATUS_USAGE. */
int refused(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Read a decimal number of 0 to @max. Return: false when @s is something else. */
bool parse_u64(const char *s, uint64_t max, uint64_t *v);

void *xalloc(size_t n);
void *xrealloc(void *p, size_t n);

/* ---- nl.c: netlink ---- */

#define NL_BUF	65536

struct nl {
	struct mnl_socket *s;
	uint16_t family;	/* id of the module's family; 0: it is not loaded */
	uint32_t group;		/* id of the family's multicast group */
	uint32_t families;	/* id of the group that is told of families that go */
	uint32_t seq;
	bool torn;		/* the last dump may have left out or repeated something */
	const volatile sig_atomic_t *stop; /* once it is not 0, waiting ends; may be NULL */
	char why[512];		/* why the last call failed, in the kernel's words */
	char buf[NL_BUF];
};

typedef int (*nl_fn)(const struct nlmsghdr *nlh, void *arg);

/* Return: 0 or -errno, with the text in nl->why. */
int nl_open(struct nl *nl, int bus);
void nl_close(struct nl *nl);
int nl_talk(struct nl *nl, struct nlmsghdr *req, nl_fn fn, void *arg);
int nl_receive(struct nl *nl, nl_fn fn, void *arg);
int nl_ack(struct nl *nl, const struct nlmsghdr *nlh);

/* Open a socket and find the module's family, without loading the module. Return: 0 or
 * -errno; -ENOENT when the module is not loaded.
 */
int nfo_open(struct nl *nl);
/* The same for commands that need the module. Return: 0, or the exit status after a
 * complaint.
 */
int nfo_need(struct nl *nl);
struct nlmsghdr *nfo_msg(struct nl *nl, char *buf, uint8_t cmd, uint16_t flags);

/* Attributes by type, NULL where there is none; types above 63 are left out. They point
 * into the message.
 */
struct attrs {
	const struct nlattr *a[64];
};

void attrs_read(struct attrs *t, const struct nlmsghdr *nlh, size_t hdr);
void attrs_nested(struct attrs *t, const struct nlattr *nest);
bool attr_has(const struct attrs *t, int type);
uint64_t attr_uint(const struct attrs *t, int type);
uint64_t attr_be(const struct attrs *t, int type);
const char *attr_str(const struct attrs *t, int type);
const void *attr_bytes(const struct attrs *t, int type, size_t len);

/* ---- term.c: tables and figures for people ---- */

struct column {
	const char *head;
	int prio;		/* 0: always shown; the highest is left out first */
	bool right;
	bool address;		/* a long one moves to a line of its own */
};

#define GRID_COLS	16

struct grid {
	const struct column *col;
	int n;
	int width[GRID_COLS];	/* 0: left out */
	bool laid_out;
	char **rows;
	size_t nrows;
	const char *indent;
	bool used;
};

int term_width(void);	/* columns of the terminal; 0: lines have no limit */
void grid_begin(struct grid *g, const struct column *col, int n, const char *indent);
void grid_row(struct grid *g, const char *const *cell);
void grid_end(struct grid *g);

#define FIG	24
const char *fig_count(char *buf, uint64_t v);
const char *fig_bytes(char *buf, uint64_t v);
const char *fig_time(char *buf, uint64_t ms);

/* Print a paragraph, broken between words to fit the terminal. @first and @rest begin the
 * first line and the others.
 */
void say_wrapped(FILE *to, const char *first, const char *rest, const char *text);

/* ---- names.c: names of the numbers in messages ---- */

const char *reason_name(uint32_t reason);
const char *reason_text(uint32_t reason);
const char *reason_remedy(uint32_t reason);
const char *state_name(uint8_t state);
bool state_parse(const char *s, uint8_t *state);
const char *event_name(uint8_t event);
const char *dev_hw_name(uint8_t hw);
const char *family_name(uint8_t family);
const char *l3proto_name(uint8_t proto);
const char *l4proto_name(uint8_t proto);
bool l4proto_parse(const char *s, uint8_t *proto);
bool l4proto_offloadable(uint8_t proto);
const char *dev_name(uint32_t ifindex);
const char *intern(const char *s);
/* Return: the text with each byte that is no part of UTF-8 as \xNN; kept for good. */
const char *utf8(const char *s);

/* ---- flow.c: a flow, as the kernel's messages describe it ---- */

union addr {
	struct in_addr v4;
	struct in6_addr v6;
};

struct flow_dir {
	union addr src, dst, new_src, new_dst;
	uint16_t sport, dport, new_sport, new_dport;
	uint32_t iif, oif, mtu;
	uint64_t packets, bytes;
	bool hw;
};

struct flow {
	const char *table, *flowtable;
	uint8_t family, l3proto, l4proto, state, event;
	uint16_t zone;
	uint32_t reason, ct_id, mark, expires_ms;
	uint64_t age_ms;
	uint64_t rate_bytes, rate_packets;	/* per second; 0 when not measured */
	struct flow_dir dir[2];
};

#define ENDPOINT_LEN	(INET6_ADDRSTRLEN + 10)

void flow_read(struct flow *f, const struct nlmsghdr *nlh);
uint64_t flow_key(const struct flow *f);
uint64_t flow_bytes(const struct flow *f);
uint64_t flow_packets(const struct flow *f);
bool flow_translated(const struct flow *f);
const char *addr_str(char *buf, uint8_t l3proto, const union addr *a);
const char *endpoint(char *buf, uint8_t l3proto, const union addr *a, uint16_t port);
json_t *flow_json(const struct flow *f);

/* ---- json.c ---- */

/* Return: a member of an object; "" or 0 when there is none. */
const char *json_str(const json_t *j, const char *name);
json_int_t json_num(const json_t *j, const char *name);
/* Print a document, over several lines or in one, and release it. */
void json_out(json_t *j);
void json_line(json_t *j);

/* A document with one long list: each member is printed and released at once, so the
 * list takes no memory.
 */
void json_list_begin(const char *name);
void json_list_item(json_t *j);
void json_list_end(const char *key, json_t *value, ...);

/* ---- filter.c: which flows ---- */

struct filter {
	uint8_t l3proto, l4proto, state;
	bool has_addr, has_port, has_zone;
	union addr addr;
	uint8_t prefix;
	uint16_t port, zone;
	uint32_t dev;
	const char *table, *flowtable;
	const char *addr_text;	/* as given, for complaints */
	unsigned int given;	/* bits of options that were given, for filter_opt() */
	bool any;		/* an option other than the zone was given */
};

#define FILTER_OPTS \
	{ "ipv4", '4', NULL, "IPv4 only" }, \
	{ "ipv6", '6', NULL, "IPv6 only" }, \
	{ "proto", 'p', "PROTO", "protocol: tcp, udp, sctp, ... or a number" }, \
	{ "addr", 'a', "ADDR[/LEN]", "an address of the connection, or a prefix" }, \
	{ "port", 'P', "PORT", "a port of the connection" }, \
	{ "dev", 'd', "DEV", "a device the connection uses" }, \
	{ "state", 's', "STATE", STATE_LIST }, \
	{ "table", 't', "NAME", "nft table" }, \
	{ "flowtable", 'f', "NAME", "flowtable" }, \
	{ "zone", 'z', "N", "conntrack zone" }

/* Return: -1 when the option is none of FILTER_OPTS, otherwise 0 or the exit status. */
int filter_opt(struct filter *f, const struct opt *o, const char *value);
/* Return: 0 or the exit status. */
int zone_parse(const char *value, uint16_t *zone);
int filter_done(struct filter *f);
void filter_put(const struct filter *f, struct nlmsghdr *nlh);
bool filter_match(const struct filter *f, const struct flow *fl);

/* One connection, named by PROTO SRC:PORT DST:PORT; ports in the byte order of the host. */
struct conn {
	uint8_t l3proto, l4proto;
	union addr src, dst;
	uint16_t sport, dport;
};

/* Return: 0 or the exit status. */
int conn_parse(struct conn *c, char **argv);
void conn_put(const struct conn *c, struct nlmsghdr *nlh);
const char *conn_str(char *buf, size_t len, const struct conn *c);
struct conn conn_reversed(const struct conn *c);

/* ---- list.c: dumping and choosing ---- */

enum sort_by { SORT_NONE, SORT_BYTES, SORT_PACKETS, SORT_RATE, SORT_AGE };

/* The first flows in an order: @limit of them, or all when it is 0. */
struct choice {
	enum sort_by by;
	size_t limit, n, room;
	struct flow *flow;
};

/* What a flow had counted at a time, from which a later count gives its rate. */
struct sample {
	uint64_t key, bytes, packets;
};

struct samples {
	struct sample *s;
	size_t n, room;		/* @room: a power of two, or 0 */
	uint64_t at_ms;
};

const char *sort_name(enum sort_by by);
bool sort_parse(const char *s, enum sort_by *by);
void choice_add(struct choice *c, const struct flow *f);
void choice_sort(struct choice *c);
void choice_clear(struct choice *c);

/* Return: false when the flow is there already, as after a hash table was resized. */
bool samples_add(struct samples *s, const struct flow *f);
void samples_clear(struct samples *s);
/* Set the rates of a flow: from @old to now; or over its whole life, when the flow is older
 * than that and not in @old. Return: is the flow in @old?
 */
bool samples_rate(const struct samples *old, struct flow *f, uint64_t at_ms);
uint64_t clock_ms(void);
void wait_ms(uint64_t ms);

typedef void (*flow_fn)(struct flow *f, void *arg);

/* Return: 0 or -errno. */
int flows_dump(struct nl *nl, const struct filter *filter, flow_fn fn, void *arg);

/* ---- net.c: devices, routes, neighbours ---- */

struct dev {
	uint32_t ifindex, mtu, master, link;
	unsigned int flags;
	uint16_t type;
	char name[IFNAMSIZ];
	char kind[32];		/* "" for plain hardware */
	char master_kind[32];	/* "bridge" for a bridge's port */
	uint8_t remote_l3;	/* NFPROTO_* of @remote; 0: no IP tunnel with a remote address */
	union addr remote;	/* address of the tunnel's other end */
};

struct route {
	uint8_t type;		/* RTN_* */
	uint32_t oif;
	bool has_gw;
	uint8_t gw_family;
	union addr gw;
	bool encap;
};

int dev_get(const char *name, struct dev *d);
/* All devices, for free(). Return: 0 or -errno. */
int devs_get(struct dev **devs, size_t *n);
int route_get(uint8_t l3proto, const union addr *dst, const union addr *src,
	      uint32_t iif, struct route *r, char *why, size_t len);
/* Return: the neighbour's NUD_* state; 0 when there is no entry. */
uint16_t neigh_get(uint8_t l3proto, const union addr *a, uint32_t ifindex);
const char *neigh_state_name(uint16_t state);
const char *route_type_name(uint8_t type);

/* ---- below.c: devices above each other ---- */

bool dev_covered(const struct dev *d, bool (*is_listed)(const void *arg, const char *name),
		 const void *arg, char found[IFNAMSIZ]);

/* ---- ct.c: one conntrack entry ---- */

struct ct {
	bool found;
	struct conn dir[2];	/* original and reply direction, as packets arrive */
	uint32_t status, mark, id, timeout;
	uint16_t zone;
	int tcp_state;		/* -1: not TCP */
	int sctp_state;
	bool counted;		/* conntrack counts its packets: @packets, by direction */
	uint64_t packets[2];
	char helper[32];
	char why[512];
};

int ct_get(const struct conn *c, uint16_t zone, struct ct *ct);
const char *tcp_state_name(int state);
const char *sctp_state_name(int state);

/* ---- ruleset.c: the flowtables of nf_tables ---- */

struct ft_info {
	uint8_t family;
	char table[256], name[256];
	uint32_t flags;
	int32_t prio;
	int rules;		/* how many rules say `flow add` for it */
	bool served;		/* by this project's module; provider.c finds out */
	int ndevs;
	char (*dev)[IFNAMSIZ];	/* for dev_matches() */
	struct ft_info *next;
};

struct ruleset {
	struct ft_info *ft;
	int chains;		/* how many base chains are on the forward hook */
};

/* Return: 0, or -errno with the text in @why. A kernel without nf_tables, or without flowtables,
 * has an empty ruleset. When a commit comes between the dumps, all are read again.
 */
int ruleset_read(struct ruleset *r, char *why, size_t len);
/* Likewise, without the rules, of which there may be many: ft_info::rules and @chains are 0. */
int flowtables_read(struct ruleset *r, char *why, size_t len);
void ruleset_free(struct ruleset *r);
/* Is the device one that a flowtable lists as @listed, a name or its beginning with a `*`? */
bool dev_matches(const char *listed, const char *name);

#define OWN_TABLE	"nft_offload"

/* ---- provider.c: who serves flowtables ---- */

enum provider { PROVIDER_NONE, PROVIDER_OURS, PROVIDER_MAINLINE };

/* @ours: as nfo_open() left it, whether it found the module or not. */
enum provider provider_now(struct nl *ours);
const char *provider_name(enum provider p);
/* Return: the value of /proc/sys/@name; 0 when it cannot be read. */
uint32_t sysctl_get(const char *name);
bool module_loaded(const char *name);
bool module_builtin(const char *name);
bool module_installed(const char *name);
/* Write the names of mainline's modules that are loaded or built in to @buf. Return: true
 * when there is one.
 */
bool mainline_loaded(char *buf, size_t len);

/* ---- drivers_gen.c: the drivers that the module knows ---- */

struct driver {
	const char *name;	/* as ethtool gives it; NULL ends the table */
	const char *title;
	const char *bind;	/* ft, block, or none: it is not asked */
	const char *why;	/* why it is not asked, or what else it needs */
	const char *cannot;	/* what its hardware does not carry */
	const char *instead;	/* what would work */
};

extern const struct driver drivers[];

/* ---- settings.c ---- */

int settings_json(struct nl *nl, json_t *to);
void settings_help(void);

/* ---- picture.c: what status and metrics show ---- */

/* Return: 0 with the document in @to, for json_decref(); or the exit status. */
int picture_gather(json_t **to);

/* ---- the commands ---- */

int cmd_status(const struct command *cmd, int argc, char **argv);
int cmd_list(const struct command *cmd, int argc, char **argv);
int cmd_explain(const struct command *cmd, int argc, char **argv);
int cmd_monitor(const struct command *cmd, int argc, char **argv);
int cmd_top(const struct command *cmd, int argc, char **argv);
int cmd_flush(const struct command *cmd, int argc, char **argv);
int cmd_check(const struct command *cmd, int argc, char **argv);
int cmd_metrics(const struct command *cmd, int argc, char **argv);
int cmd_enable(const struct command *cmd, int argc, char **argv);
int cmd_disable(const struct command *cmd, int argc, char **argv);
int cmd_set(const struct command *cmd, int argc, char **argv);

extern const struct opt list_opts[], monitor_opts[], top_opts[], flush_opts[];
extern const struct opt explain_opts[], enable_opts[], metrics_opts[];

#endif
