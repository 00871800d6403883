// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the fake driver, the fake workqueue, and what the rooms of the hardware side call
 * above and beside them.
 */
#include <linux/etherdevice.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <net/pkt_cls.h>

#include "nfo_ct.h"
#include "nfo_kunit_chip.h"
#include "nfo_recheck.h"
#include "nfo_route.h"
#include "nfo_stack.h"
#include "nfo_tunnel.h"
#include "nfo_unseen.h"

/* KUnit runs one test after the other. */
static struct nfo_fake *nfo_fake_now;

/* ---- works ---- */

static bool nfo_fake_put(void **place, void *what)
{
	int i, free = -1;

	for (i = 0; i < NFO_FAKE_WORKS; i++) {
		if (place[i] == what)
			return false;
		if (!place[i] && free < 0)
			free = i;
	}
	if (WARN_ON(free < 0))
		return false;
	place[free] = what;

	return true;
}

static bool nfo_fake_take(void **place, const void *what)
{
	int i;

	for (i = 0; i < NFO_FAKE_WORKS; i++)
		if (place[i] == what) {
			place[i] = NULL;
			return true;
		}
	return false;
}

/* In place of queue_work(). */
bool nfo_fake_queue(struct workqueue_struct *wq, struct work_struct *work)
{
	struct nfo_fake *fake = nfo_fake_now;
	bool fresh;

	spin_lock_bh(&fake->lock);
	fresh = nfo_fake_put((void **)fake->todo, work);
	spin_unlock_bh(&fake->lock);

	return fresh;
}

/* In place of queue_delayed_work(), and with @anew of mod_delayed_work(). */
bool nfo_fake_arm(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay,
		  bool anew)
{
	struct nfo_fake *fake = nfo_fake_now;
	bool fresh;

	spin_lock_bh(&fake->lock);
	fresh = nfo_fake_put((void **)fake->armed, dwork);
	if (fresh || anew)
		fake->delay = delay;
	spin_unlock_bh(&fake->lock);

	return fresh;
}

/* In place of cancel_work_sync(). */
bool nfo_fake_cancel(struct work_struct *work)
{
	struct nfo_fake *fake = nfo_fake_now;
	bool was;

	spin_lock_bh(&fake->lock);
	was = nfo_fake_take((void **)fake->todo, work);
	spin_unlock_bh(&fake->lock);

	return was;
}

/* In place of cancel_delayed_work_sync(). */
bool nfo_fake_disarm(struct delayed_work *dwork)
{
	struct nfo_fake *fake = nfo_fake_now;
	bool was;

	spin_lock_bh(&fake->lock);
	was = nfo_fake_take((void **)fake->armed, dwork);
	spin_unlock_bh(&fake->lock);

	return was;
}

/* Run the worker of one queue, if it was woken. */
void nfo_fake_run_queue(struct nfo_fake *fake, struct nfo_hw_queue *q)
{
	if (nfo_fake_cancel(&q->work))
		q->work.func(&q->work);
}

static struct work_struct *nfo_fake_next(struct nfo_fake *fake)
{
	struct work_struct *work = NULL;
	int i;

	spin_lock_bh(&fake->lock);
	for (i = 0; i < NFO_FAKE_WORKS && !work; i++) {
		work = fake->todo[i];
		fake->todo[i] = NULL;
	}
	spin_unlock_bh(&fake->lock);

	return work;
}

/* Run all workers until there is nothing to do. */
void nfo_fake_run(struct nfo_fake *fake)
{
	struct work_struct *work;
	int i;

	for (i = 0; i < 1000; i++) {
		work = nfo_fake_next(fake);
		if (!work)
			return;
		work->func(work);
	}
	KUNIT_FAIL(fake->test, "the workers never come to an end");
}

/* Every delayed work that was queued runs, and what it wakes. */
void nfo_fake_look(struct nfo_fake *fake)
{
	int i;

	for (i = 0; i < NFO_FAKE_WORKS; i++) {
		struct delayed_work *dwork = fake->armed[i];

		if (dwork && nfo_fake_disarm(dwork))
			dwork->work.func(&dwork->work);
	}
	nfo_fake_run(fake);
}

/* A period is over: counters are due. */
void nfo_fake_period(struct nfo_fake *fake)
{
	struct nfo_hw_queue *q;

	list_for_each_entry(q, &fake->t.hw.queues, list)
		q->read_at = jiffies;
	nfo_fake_look(fake);
}

/* ---- the driver ---- */

static int nfo_fake_add(struct nfo_fake_port *port, struct nfo_fake_flow *ff, u8 dir,
			struct netlink_ext_ack *extack)
{
	struct nfo_fake *fake = port->fake;

	port->adds++;
	if (port->exists && ff->in_chip[dir])
		return -EEXIST;
	fake->wrong += ff->in_chip[dir];
	if (port->add_err) {
		extack->_msg = port->text;
		return port->add_err;
	}
	if (fake->capacity && port->d->queue->rules >= fake->capacity)
		return -ENOSPC;
	ff->in_chip[dir] = true;

	return 0;
}

static int nfo_fake_del(struct nfo_fake_port *port, struct nfo_fake_flow *ff, u8 dir)
{
	port->dels++;
	port->fake->wrong += !ff->in_chip[dir];
	if (port->del_err && port->del_fails) {
		port->del_fails -= port->del_fails != U32_MAX;
		return port->del_err;
	}
	ff->in_chip[dir] = false;

	return 0;
}

static int nfo_fake_stats(struct nfo_fake_port *port, struct nfo_fake_flow *ff, u8 dir,
			  struct flow_stats *stats)
{
	port->reads++;
	port->fake->wrong += !ff->in_chip[dir];
	if (port->stats_err)
		return port->stats_err;
	*stats = port->stats;

	return 0;
}

static int nfo_fake_cb(enum tc_setup_type type, void *type_data, void *priv)
{
	struct flow_cls_offload *cls = type_data;
	const struct nfo_entry *e = (const void *)cls->cookie;
	struct nfo_fake_flow *ff = nfo_fake_of(nfo_flow(e));
	struct nfo_fake_port *port = priv;
	struct nfo_fake *fake = port->fake;
	void (*during)(struct nfo_fake *fake, struct nfo_fake_flow *ff) = fake->during;
	u8 dir = nfo_dir(e);

	if (fake->calls < NFO_FAKE_CALLS && cls->command != FLOW_CLS_STATS)
		fake->call[fake->calls++] = (struct nfo_fake_call) { cls->command, ff, dir };
	if (during && cls->command == fake->during_cmd && dir == fake->during_dir) {
		fake->during = NULL;
		during(fake, ff);
	}

	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		return nfo_fake_add(port, ff, dir, cls->common.extack);
	case FLOW_CLS_DESTROY:
		return nfo_fake_del(port, ff, dir);
	case FLOW_CLS_STATS:
		return nfo_fake_stats(port, ff, dir, &cls->stats);
	default:
		return -EOPNOTSUPP;
	}
}

/* ---- what the rooms call above and beside them ---- */

void nfo_ct_hardware(struct nf_conn *ct, bool on)
{
	struct nfo_fake_flow *ff = container_of(ct, struct nfo_fake_flow, ct);

	/* Off may be said of half a flow, which was never on. */
	ff->marked = on;
}

void nfo_fake_acct(struct nf_conn *ct, u32 dir, u64 packets, u64 bytes)
{
	nfo_fake_now->acct_packets += packets;
	nfo_fake_now->acct_bytes += bytes;
}

/* Memory is the test's; the last reference goes once. */
void nfo_flow_put(struct nfo_flow *f)
{
	if (!refcount_read(&f->refs))
		nfo_fake(f)->wrong++;
	else if (refcount_dec_and_test(&f->refs))
		nfo_fake(f)->wrong += !test_bit(NFO_F_DEAD, &f->state);
}

/* What directions rest on is the test's as well. */
void nfo_flow_drop_refs(struct nfo_flow *f)
{
	nfo_fake_of(f)->dropped++;
	nfo_fake(f)->wrong += !test_bit(NFO_F_DEAD, &f->state);
}

/* As far as the hardware side goes: dead, told, one reference less. */
void nfo_flow_retire(struct nfo_flow *f, enum nfo_reason why)
{
	if (test_and_set_bit(NFO_F_DEAD, &f->state))
		return;
	nfo_fake_of(f)->why = why;
	nfo_hw_retired(f);
	nfo_flow_put(f);
}

void nfo_ct_refresh(struct nf_conn *ct, u8 l4proto, bool policy)
{
	container_of(ct, struct nfo_fake_flow, ct)->ct_refreshed++;
}

bool nfo_route_refresh(struct nfo_table *t, struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	nfo_fake_of(f)->refreshed[dir]++;
	return !nfo_fake(f)->refresh_fails;
}

bool nfo_hw_forwards(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	nfo_fake_of(f)->judged[dir]++;
	if (nfo_fake(f)->judging)
		nfo_fake(f)->judging(nfo_fake(f));
	return !nfo_fake(f)->drops;
}

/* Filters and shapers are those that the test says. */
enum nfo_reason nfo_unseen_check(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	return nfo_fake(f)->unseen;
}

void nfo_unseen_soon(struct nfo_net *nn)
{
	container_of(nn, struct nfo_fake, nn)->looks++;
}

/* There are no tunnels. */
bool nfo_tunnel_has_header(const struct net_device *dev)
{
	return false;
}

bool nfo_tunnel_encrypts_to(const struct net_device *dev, const u8 *addr)
{
	return false;
}

/* The fake ports are all there is. */
void nfo_lower_count_sent(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
			  u64 bytes)
{
}

void nfo_lower_count(const struct nfo_flow *f, enum ip_conntrack_dir dir, u64 packets,
		     u64 bytes)
{
}

bool nfo_unseen_renew(struct nfo_net *nn)
{
	return true;
}

bool nfo_recheck_due(struct nfo_net *nn, const void *what, u32 since)
{
	return nfo_fake_now->recheck;
}

static void nfo_fake_hardware(struct nfo_flow *f, enum nfo_flow_event event,
			      enum nfo_reason why)
{
	nfo_fake_of(f)->events[event]++;
}

static const struct nfo_table_ops nfo_fake_table_ops = {
	.hardware = nfo_fake_hardware,
};

const struct nfo_table_ops *nfo_table_ops = &nfo_fake_table_ops;

/* Unbinding is hw_bind's business, which is not here. */
static void nfo_fake_gone_work(struct work_struct *work)
{
	container_of(work, struct nfo_fake, t.hw.gone_work)->gone++;
}

/* ---- the table ---- */

static void nfo_fake_port_open(struct nfo_fake *fake, int i)
{
	struct nfo_fake_port *port = &fake->port[i];

	port->fake = fake;
	port->netdev = kunit_kzalloc(fake->test, sizeof(*port->netdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(fake->test, port->netdev);
	port->netdev->ifindex = NFO_FAKE_IFINDEX + i;
	snprintf(port->netdev->name, sizeof(port->netdev->name), "fake%d", i);
	port->mac[5] = i;
	port->netdev->dev_addr = port->mac;
	/* As alloc_netdev() has it: nobody looks at the route of what is sent. */
	port->netdev->priv_flags = IFF_XMIT_DST_RELEASE;
	port->d = nfo_dev_add(&fake->t.devs, port->netdev);
	KUNIT_ASSERT_NOT_NULL(fake->test, port->d);
	port->cb.cb = nfo_fake_cb;
	port->cb.cb_priv = port;
	list_add_tail(&port->cb.list, &port->d->block.cb_list);
	port->d->bound = NFO_DEV_HW_FT;
}

static void nfo_fake_queues_free(struct nfo_fake *fake)
{
	struct nfo_hw_queue *q, *next;

	list_for_each_entry_safe(q, next, &fake->t.hw.queues, list)
		nfo_hw_queue_free(q);
}

/* Make the ports those of one chip or of two. No flow is in hardware. */
void nfo_fake_chips(struct nfo_fake *fake, unsigned int chips)
{
	struct nfo_hw_queue *first, *rest;
	int i;

	nfo_fake_queues_free(fake);
	first = nfo_hw_queue_open(&fake->t);
	rest = chips == 2 ? nfo_hw_queue_open(&fake->t) : first;
	KUNIT_ASSERT_NOT_NULL(fake->test, first);
	KUNIT_ASSERT_NOT_NULL(fake->test, rest);
	for (i = 0; i < NFO_FAKE_PORTS; i++)
		fake->port[i].d->queue = i ? rest : first;
	fake->chips = chips;
}

spinlock_t nfo_flow_locks[1 << NFO_FLOW_LOCKS];

/* A flowtable with flags offload; nfo_fake_close() ends it. */
struct nfo_fake *nfo_fake_open(struct kunit *test, unsigned int chips)
{
	struct nfo_fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->test = test;
	spin_lock_init(&fake->lock);
	fake->nn.net = &init_net;
	fake->nn.ruleset_seq = &fake->nn.ruleset;
	fake->nn.genid = rt_genid_ipv4(&init_net);
	fake->nn.sernum6 = nfo_net_sernum6(&fake->nn);
	fake->nn.journal = kunit_kzalloc(test, sizeof(*fake->nn.journal), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake->nn.journal);
	spin_lock_init(&fake->nn.journal_lock);
	for (i = 0; i < 1 << NFO_FLOW_LOCKS; i++)
		spin_lock_init(&nfo_flow_locks[i]);
	refcount_set(&fake->nn.refs, 1);
	mutex_init(&fake->nn.lock);
	INIT_LIST_HEAD(&fake->nn.tables);
	fake->nn.stats = alloc_percpu(struct nfo_stats);
	KUNIT_ASSERT_TRUE(test, !!fake->nn.stats);
	nfo_settings_init(&fake->nn.settings);
	nfo_fake_net_init(&fake->nn);
	nfo_hw_net_init(&fake->nn);

	fake->t.nn = &fake->nn;
	fake->t.name = "f";
	fake->t.flags = NF_FLOWTABLE_HW_OFFLOAD;
	nfo_devs_init(&fake->t.devs);
	spin_lock_init(&fake->t.hw.lock);
	INIT_LIST_HEAD(&fake->t.hw.queues);
	init_waitqueue_head(&fake->t.hw.wait);
	INIT_WORK(&fake->t.hw.gone_work, nfo_fake_gone_work);
	list_add_tail(&fake->t.list, &fake->nn.tables);

	nfo_fake_now = fake;
	test->priv = fake;
	for (i = 0; i < NFO_FAKE_PORTS; i++)
		nfo_fake_port_open(fake, i);
	nfo_fake_chips(fake, chips);

	return fake;
}

/* Undo nfo_fake_open(). */
void nfo_fake_close(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_dev *d, *next;

	if (!fake)
		return;
	KUNIT_EXPECT_EQ_MSG(test, fake->wrong, 0, "calls or references that do not add up");
	nfo_fake_queues_free(fake);
	/* What directions rested on is counted in the namespace until it is freed. */
	rcu_barrier();
	list_for_each_entry_safe(d, next, &fake->t.devs.list, list)
		nfo_dev_del(&fake->t.devs, d);
	free_percpu(fake->nn.stats);
	nfo_fake_now = NULL;
}

/* By all CPUs. */
unsigned long nfo_fake_reasons(const struct nfo_fake *fake, enum nfo_reason why)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(fake->nn.stats, cpu)->reason[why];
	return sum;
}

/* ---- flows ---- */

static void nfo_fake_direction(struct nfo_fake_flow *ff, int dir, struct nfo_fake_port *in,
			       struct nfo_fake_port *out)
{
	struct nf_conntrack_tuple *t = &ff->ct.tuplehash[dir].tuple;
	struct nfo_entry *e = &ff->f.e[dir];

	t->src.l3num = NFPROTO_IPV4;
	t->src.u3.ip = htonl(dir ? 0xcb007109 : 0xc0a80102);
	t->dst.u3.ip = htonl(dir ? 0xc0a80102 : 0xcb007109);
	t->src.u.all = htons(dir ? 80 : in->fake->ports);
	t->dst.u.all = htons(dir ? in->fake->ports : 80);
	t->dst.protonum = IPPROTO_UDP;
	e->flags = NFO_E_HEADER | (dir ? NFO_E_REPLY : 0);
	e->key.family = NFPROTO_IPV4;
	e->key.l4proto = IPPROTO_UDP;
	e->key.sport = t->src.u.all;
	e->key.dport = t->dst.u.all;
	e->key.iif = in->netdev->ifindex;
	e->sport = e->key.sport;
	e->dport = e->key.dport;
	e->epoch = nfo_epoch(&in->fake->nn);
	e->used = nfo_now();
	e->ct = &ff->ct;
	e->refs = &ff->route[dir];
	/* The next hop is a station. */
	ff->route[dir].hh[0] = 2;
	ff->route[dir].out = out->netdev;
	ff->route[dir].send = out->netdev;
	ff->route[dir].out_lower.dev = out->netdev;
	ff->route[dir].in = in->netdev;
	__set_bit(NFO_F_LEARNED + dir, &ff->f.state);
	INIT_LIST_HEAD(&nfo_flow_hw(&ff->f)->rule[dir].node);
}

/* A flow whose original direction enters by port @in and leaves by port @out. */
struct nfo_fake_flow *nfo_fake_flow(struct nfo_fake *fake, unsigned int in, unsigned int out)
{
	struct nfo_fake_flow *ff;

	/* Of a power of two kmalloc() aligns as struct nfo_flow asks for. */
	ff = kunit_kzalloc(fake->test, roundup_pow_of_two(struct_size(ff, f.a6, IP_CT_DIR_MAX)),
			   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(fake->test, ff);
	fake->ports++;
	ff->f.table = &fake->t;
	ff->f.state = BIT(NFO_F_HAS_HW);
	BUILD_BUG_ON(sizeof(struct nfo_hw_flow) > IP_CT_DIR_MAX * sizeof(struct nfo_addr6));
	nfo_flow_hw(&ff->f)->flow = &ff->f;
	ff->f.added = nfo_now();
	refcount_set(&ff->f.refs, 1);
	nfo_fake_direction(ff, IP_CT_DIR_ORIGINAL, &fake->port[in], &fake->port[out]);
	nfo_fake_direction(ff, IP_CT_DIR_REPLY, &fake->port[out], &fake->port[in]);

	return ff;
}

/* Packets of the flow pass in software, and the half-second look comes. No rate is
 * measured, however slow the machine: rates are what the test says.
 */
void nfo_fake_ask(struct nfo_fake_flow *ff, u64 packets)
{
	nfo_flow_hw(&ff->f)->at = nfo_now() ?: 1;
	atomic64_add(packets * NFO_COUNT_PACKET, &ff->f.e[0].counts);
	rcu_read_lock();
	nfo_hw_active(&ff->f);
	rcu_read_unlock();
}

/* A new flow that is worth a place. */
struct nfo_fake_flow *nfo_fake_asking(struct nfo_fake *fake)
{
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);

	nfo_fake_ask(ff, 100);

	return ff;
}

/* End the flow, and see that nothing is left of it. */
void nfo_fake_end(struct kunit *test, struct nfo_fake_flow *ff)
{
	struct nfo_fake *fake = test->priv;

	nfo_flow_retire(&ff->f, NFO_R_USER);
	nfo_fake_run(fake);
	KUNIT_EXPECT_TRUE(test, nfo_fake_nothing_left(fake, ff, 0));
}

/* What is in hardware is not true any more. */
void nfo_fake_evict(struct nfo_fake_flow *ff)
{
	rcu_read_lock();
	nfo_hw_evict(&ff->f);
	rcu_read_unlock();
}

/* As nfo_flow_forget() does it. */
void nfo_fake_forget(struct nfo_fake_flow *ff, enum ip_conntrack_dir dir)
{
	clear_bit(NFO_F_LEARNED + dir, &ff->f.state);
	nfo_fake_evict(ff);
}

/* As nfo_flow_teach() does it. Return: false when the hardware is not done. */
bool nfo_fake_teach(struct nfo_fake_flow *ff, enum ip_conntrack_dir dir)
{
	if (READ_ONCE(nfo_flow_hw(&ff->f)->state) != NFO_HW_SOFT)
		return false;
	set_bit(NFO_F_LEARNED + dir, &ff->f.state);

	return true;
}

/* Nothing is in hardware, on its way, or counted; and the flow has @refs references. */
bool nfo_fake_nothing_left(struct nfo_fake *fake, struct nfo_fake_flow *ff,
			   unsigned int refs)
{
	const struct nfo_hw *hw = &fake->t.hw;
	struct nfo_hw_queue *q;
	bool left = false;
	int i;

	for (i = 0; i < IP_CT_DIR_MAX; i++)
		left |= ff->in_chip[i] || nfo_flow_hw(&ff->f)->rule[i].dev ||
			nfo_flow_hw(&ff->f)->rule[i].state != NFO_RULE_NONE;
	for (i = 0; i < NFO_FAKE_PORTS; i++)
		left |= fake->port[i].d->users || fake->port[i].d->rules;
	list_for_each_entry(q, &hw->queues, list)
		left |= q->depth || q->count || q->rules || !list_empty(&q->add) ||
			!list_empty(&q->del) || !list_empty(&q->live) ||
			!list_empty(&q->stale) || !list_empty(&q->back) ||
			!list_empty(&q->stuck);

	return !left && !hw->queued && !hw->whole && !hw->half &&
	       !atomic_read(&fake->nn.in_hw) && nfo_flow_hw(&ff->f)->state == NFO_HW_SOFT &&
	       !nfo_flow_hw(&ff->f)->want && !nfo_flow_hw(&ff->f)->evict && !ff->marked &&
	       refcount_read(&ff->f.refs) == refs && !fake->wrong;
}

/* Both directions are in hardware, and everybody knows. */
bool nfo_fake_in_whole(struct nfo_fake *fake, struct nfo_fake_flow *ff)
{
	const struct nfo_hw_flow *hw = nfo_flow_hw(&ff->f);

	return hw->state == NFO_HW_LIVE && hw->want == NFO_HW_BOTH &&
	       ff->in_chip[IP_CT_DIR_ORIGINAL] && ff->in_chip[IP_CT_DIR_REPLY] && ff->marked &&
	       refcount_read(&ff->f.refs) == 2 && !fake->wrong;
}

/* ---- nfo_hw_pull(), which waits ---- */

static void nfo_fake_pull_work(struct work_struct *work)
{
	struct nfo_fake *fake = container_of(work, struct nfo_fake, pull_work);

	nfo_hw_pull(&fake->t, fake->pulling->d);
	complete(&fake->pulled);
}

static bool nfo_fake_pull_waits(struct nfo_fake *fake)
{
	return completion_done(&fake->pulled) || wq_has_sleeper(&fake->t.hw.wait);
}

/* Begin to pull a port, and return once the pull waits for the drivers. */
void nfo_fake_pull_begin(struct nfo_fake *fake, struct nfo_fake_port *port)
{
	unsigned long end = jiffies + 20 * HZ;

	fake->pulling = port;
	init_completion(&fake->pulled);
	INIT_WORK(&fake->pull_work, nfo_fake_pull_work);
	schedule_work(&fake->pull_work);
	while (!nfo_fake_pull_waits(fake) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_TRUE_MSG(fake->test, nfo_fake_pull_waits(fake), "the pull does not begin");
}

static bool nfo_fake_pulled(struct nfo_fake *fake)
{
	unsigned long end = jiffies + 20 * HZ;
	bool done;

	do {
		nfo_fake_run(fake);
		done = wait_for_completion_timeout(&fake->pulled, 1);
	} while (!done && time_before(jiffies, end));

	return done;
}

/* Run the workers until the pull has returned. Return: false when it does not, or not
 * before the period is over.
 */
bool nfo_fake_pull_end(struct nfo_fake *fake)
{
	bool done;

	if (!fake->pulling)
		return true;
	done = nfo_fake_pulled(fake);
	if (!done) {
		nfo_fake_period(fake);
		KUNIT_ASSERT_TRUE(fake->test, nfo_fake_pulled(fake));
	}
	fake->pulling = NULL;

	return done;
}
