/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit: a flowtable with three ports whose driver is a fake, and flows between them.
 *
 * The fake driver answers as it was told, keeps the rules it has, and calls the test
 * back in the middle of a call. No thread but the test's own runs the workers, so each
 * state of a flow can be stopped at; nfo_hw_pull() alone, which waits, has a thread.
 */
#ifndef _NFO_KUNIT_CHIP_H
#define _NFO_KUNIT_CHIP_H

#include <kunit/test.h>
#include <linux/completion.h>

#include "nfo_hw.h"
#include "nfo_kunit_works.h"

#define NFO_FAKE_PORTS	3
#define NFO_FAKE_WORKS	8
#define NFO_FAKE_CALLS	512
/* Index of the first port; the others follow. */
#define NFO_FAKE_IFINDEX 10

struct nfo_fake;
struct nfo_fake_flow;

/**
 * struct nfo_fake_port - a port and its fake driver
 * @fake:      the table
 * @netdev:    device
 * @d:         its place in the table
 * @cb:        the driver's callback
 * @mac:       its address
 * @add_err:   what the driver answers to a rule; 0: it takes the rule
 * @del_err:   what it answers to a deletion, @del_fails times
 * @del_fails: how often it does; U32_MAX: always
 * @stats_err: what it answers to a question for counters
 * @exists:    it answers EEXIST when it has a rule of the cookie
 * @text:      its extended ACK when it refuses a rule
 * @stats:     counters of each rule, read once
 * @adds:      calls
 * @dels:      calls
 * @reads:     calls
 */
struct nfo_fake_port {
	struct nfo_fake		*fake;
	struct net_device	*netdev;
	struct nfo_dev		*d;
	struct flow_block_cb	cb;
	u8			mac[ETH_ALEN];
	int			add_err;
	int			del_err;
	u32			del_fails;
	int			stats_err;
	bool			exists;
	const char		*text;
	struct flow_stats	stats;
	unsigned int		adds;
	unsigned int		dels;
	unsigned int		reads;
};

/* One call of a driver. */
struct nfo_fake_call {
	enum flow_cls_command	cmd;
	struct nfo_fake_flow	*ff;
	u8			dir;
};

/**
 * struct nfo_fake - a flowtable
 * @test:     the test
 * @nn:       namespace
 * @t:        flowtable
 * @port:     its ports
 * @chips:    1 or 2; with two, the first port is one chip and the others are another
 * @capacity: rules a chip has room for; 0: any number
 * @call:     calls of drivers, in order
 * @calls:    how many
 * @wrong:    what no driver should see: a rule added twice, or deleted and not there
 * @during:   called once, in the middle of the next call that is @during_cmd for
 *            direction @during_dir
 * @during_cmd: see @during
 * @during_dir: see @during
 * @arg:      for @during
 * @judging: called by each nfo_hw_forwards(), unless it is NULL
 * @refresh_fails: nfo_route_refresh() says that a packet has to show anew
 * @drops: nfo_hw_forwards() says that the ruleset drops packets
 * @looks: calls of nfo_unseen_soon()
 * @recheck: nfo_recheck_due() says that a direction is to pass the ruleset again
 * @gone:     devices whose driver said ENODEV
 * @acct_packets: added to conntrack's counters
 * @acct_bytes: likewise
 * @lock:     protects @todo and @armed
 * @todo:     works queued
 * @armed:    delayed works queued
 * @delay:    of the last one that was armed
 * @ports:    last layer 4 port given to a flow
 * @pulling:  port that nfo_hw_pull() works on
 * @pull_work: the thread it does so in
 * @pulled:   it has returned
 */
struct nfo_fake {
	struct kunit		*test;
	struct nfo_net		nn;
	struct nfo_table	t;
	struct nfo_fake_port	port[NFO_FAKE_PORTS];
	unsigned int		chips;
	unsigned int		capacity;
	struct nfo_fake_call	call[NFO_FAKE_CALLS];
	unsigned int		calls;
	unsigned int		wrong;
	void			(*during)(struct nfo_fake *fake, struct nfo_fake_flow *ff);
	enum flow_cls_command	during_cmd;
	u8			during_dir;
	unsigned long		arg;
	void			(*judging)(struct nfo_fake *fake);
	bool			refresh_fails;
	bool			drops;
	enum nfo_reason		unseen;
	unsigned int		looks;
	bool			recheck;
	unsigned int		gone;
	u64			acct_packets;
	u64			acct_bytes;
	spinlock_t		lock;	/* todo, armed */
	struct work_struct	*todo[NFO_FAKE_WORKS];
	struct delayed_work	*armed[NFO_FAKE_WORKS];
	unsigned long		delay;
	u16			ports;
	struct nfo_fake_port	*pulling;
	struct work_struct	pull_work;
	struct completion	pulled;
};

/**
 * struct nfo_fake_flow - a flow
 * @ct:      its connection
 * @marked:  what nfo_ct_hardware() said last
 * @why:     reason it was retired for
 * @events:  how often the rooms above were told of what
 * @in_chip: by direction: a driver has its rule
 * @refreshed: by direction, calls of nfo_route_refresh()
 * @judged: by direction, calls of nfo_hw_forwards()
 * @ct_refreshed: calls of nfo_ct_refresh()
 * @dropped: calls of nfo_flow_drop_refs()
 * @route:   what its directions rest on
 * @f:       the flow
 */
struct nfo_fake_flow {
	struct nf_conn		ct;
	int			marked;
	enum nfo_reason		why;
	unsigned int		events[NFO_EVENT_MAX + 1];
	bool			in_chip[IP_CT_DIR_MAX];
	unsigned int		refreshed[IP_CT_DIR_MAX];
	unsigned int		judged[IP_CT_DIR_MAX];
	unsigned int		ct_refreshed;
	unsigned int		dropped;
	struct nfo_route_refs	route[IP_CT_DIR_MAX];
	struct nfo_flow		f;
};

struct nfo_fake *nfo_fake_open(struct kunit *test, unsigned int chips);
void nfo_fake_net_init(struct nfo_net *nn);
int nfo_journal_init(struct kunit *test);
void nfo_journal_exit(struct kunit *test);
struct nfo_entry *nfo_entry4(struct nfo_fake *fake);
void nfo_fake_close(struct kunit *test);
void nfo_fake_chips(struct nfo_fake *fake, unsigned int chips);
struct nfo_fake_flow *nfo_fake_flow(struct nfo_fake *fake, unsigned int in, unsigned int out);
void nfo_fake_ask(struct nfo_fake_flow *ff, u64 packets);
struct nfo_fake_flow *nfo_fake_asking(struct nfo_fake *fake);
void nfo_fake_end(struct kunit *test, struct nfo_fake_flow *ff);
void nfo_fake_evict(struct nfo_fake_flow *ff);
void nfo_fake_forget(struct nfo_fake_flow *ff, enum ip_conntrack_dir dir);
bool nfo_fake_teach(struct nfo_fake_flow *ff, enum ip_conntrack_dir dir);
bool nfo_fake_nothing_left(struct nfo_fake *fake, struct nfo_fake_flow *ff,
			   unsigned int refs);
bool nfo_fake_in_whole(struct nfo_fake *fake, struct nfo_fake_flow *ff);
void nfo_fake_run_queue(struct nfo_fake *fake, struct nfo_hw_queue *q);
void nfo_fake_run(struct nfo_fake *fake);
void nfo_fake_look(struct nfo_fake *fake);
void nfo_fake_period(struct nfo_fake *fake);
void nfo_fake_pull_begin(struct nfo_fake *fake, struct nfo_fake_port *port);
bool nfo_fake_pull_end(struct nfo_fake *fake);
unsigned long nfo_fake_reasons(const struct nfo_fake *fake, enum nfo_reason why);

static inline struct nfo_fake_flow *nfo_fake_of(const struct nfo_flow *f)
{
	return container_of(f, struct nfo_fake_flow, f);
}

static inline struct nfo_fake *nfo_fake(const struct nfo_flow *f)
{
	return container_of(f->table, struct nfo_fake, t);
}

#endif /* _NFO_KUNIT_CHIP_H */
