// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: the queues to the drivers, the calls, and what comes back.
 *
 * A queue for each chip, a worker for each queue: nobody else talks to its drivers
 * about rules, and it talks to no other.
 */
#include "nfo_ct.h"
#include "nfo_hw.h"
#include "nfo_recheck.h"
#include "nfo_route.h"
#include "nfo_unseen.h"

/* Rules added or deleted, and counters read, before another kind of work gets a turn. */
#define NFO_HW_BATCH		32
/* How soon a change of the ruleset, which nothing announces, is noticed: in jiffies. */
#define NFO_HW_LOOK_IN		(HZ / 20)
/* Rules that are looked at, after a change, before RCU and other work get a turn. */
#define NFO_HW_CHECKS		32
/* Of the rules that owe a packet to a changed ruleset, those that may leave in one period: this
 * part of all rules, and no fewer than that many. The other rule of a flow leaves with it.
 */
#define NFO_HW_OWING_PART	32U
#define NFO_HW_OWING_LEAST	16U
/* For so long, in jiffies, a flow stays in hardware without a word of its use. */
#define NFO_HW_BLIND		(10 * HZ)

/* ---- the worker of a queue ---- */

/* The driver says that there is no such device: no rule is added to the device any more, and a
 * work item, which may sleep, unbinds it.
 */
static void nfo_hw_driver_gone(struct nfo_dev *d)
{
	struct nfo_hw_queue *q = d->queue;

	if (d->leaving)
		return;
	d->leaving = true;
	d->driver_gone = true;
	queue_work(nfo_hw_wq, &q->t->hw.gone_work);
}

/* Rules of the flow that this chip has yet to take. */
static unsigned int nfo_hw_need(const struct nfo_flow *f, const struct nfo_hw_queue *q)
{
	const struct nfo_hw_rule *rule = nfo_flow_hw(f)->rule;
	unsigned int need = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		need += rule[dir].dev && rule[dir].dev->queue == q &&
			rule[dir].state != NFO_RULE_IN;

	return need;
}

/* What has happened since the rule was last known to be true, as far as the journal tells until
 * @epoch?
 */
static enum nfo_news nfo_hw_news(struct nfo_flow *f, enum ip_conntrack_dir dir, u32 epoch)
{
	struct nfo_entry *e = &f->e[dir];
	u32 was = READ_ONCE(e->epoch);
	enum nfo_news news;

	if (was == epoch)
		return NFO_NEWS_NONE;
	news = nfo_route_changed(f->table->nn, e, was, epoch);
	if (!news)
		cmpxchg(&e->epoch, was, epoch);

	return news;
}

/* Things may have changed while it waited: a full table or a refused shape is not
 * asked for again by all who waited behind. Return: may the driver be asked?
 */
static bool nfo_hw_still_meant(struct nfo_flow *f, struct nfo_hw_rule *p,
			       enum nfo_reason *why)
{
	bool going;

	rcu_read_lock();
	spin_lock_bh(&f->table->hw.lock);
	going = nfo_hw_going(f);
	*why = nfo_hw_dev_check(p->dev, f, p->dir, nfo_hw_need(f, p->dev->queue));
	spin_unlock_bh(&f->table->hw.lock);
	/* A packet has still to show where those of the direction go now. A bridge port that became
	 * blocked lets none pass to show it, and a rule would.
	 */
	if (!*why && nfo_hw_news(f, p->dir, nfo_epoch(f->table->nn)))
		*why = NFO_R_HW_STALE;
	rcu_read_unlock();

	return !going && !*why;
}

/* Is a rule that is in still true? When the ruleset alone has changed, a packet of our making
 * passes the forward hooks: what is dropped there leaves the hardware at once. What is not
 * stays, and leaves in one of the next periods to learn from a packet of its own, for other
 * hooks and what rules set count as well. So a table does not become empty with each commit.
 */
static bool nfo_hw_unchanged(struct nfo_flow *f, struct nfo_hw_rule *p, u32 epoch)
{
	u32 was = READ_ONCE(f->e[p->dir].epoch);
	enum nfo_news news;

	news = nfo_hw_news(f, p->dir, epoch);
	if (news != NFO_NEWS_RULESET)
		return !news;
	if (!nfo_hw_forwards(f, p->dir))
		return false;
	p->owes = true;
	cmpxchg(&f->e[p->dir].epoch, was, epoch);

	return true;
}

/* Caller holds rcu_read_lock(). */
static void nfo_hw_added(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw_queue *q = p->dev->queue;

	set_bit(NFO_F_HARDWARE, &f->state);
	WRITE_ONCE(p->read, nfo_now());
	p->owes = false;
	nfo_hw_queue_live(q, p);
	atomic_inc(&f->table->nn->in_hw);
	nfo_hw_dev_ok(p->dev);
	/* While the driver was asked, the rule was in no list: nfo_hw_pull() did not find it, nor
	 * did nfo_hw_check_some().
	 */
	if (p->dev->leaving)
		nfo_flow_hw(f)->evict = true;
	if (nfo_hw_news(f, p->dir, READ_ONCE(f->table->nn->epoch))) {
		nfo_entry_make_stale(&f->e[p->dir], READ_ONCE(f->table->nn->epoch));
		nfo_flow_hw(f)->evict = true;
	}
}

static void nfo_hw_asked(struct nfo_dev *d, struct nfo_flow *f, enum ip_conntrack_dir dir,
			 int err, const struct netlink_ext_ack *extack,
			 enum nfo_reason *why)
{
	nfo_hw_dev_set_error(d, err, extack);
	if (err == -ENODEV) {
		nfo_hw_driver_gone(d);
		*why = NFO_R_HW_DRIVER;
	} else {
		*why = nfo_hw_outcome(d, f, dir, err);
	}
	nfo_count_reason(f->table->nn, *why);
}

/* A driver did not take the rule of one direction: the flow's other rule is taken back as well,
 * unless the setting hw_oneway says that one direction may be in hardware alone.
 */
static void nfo_hw_not_added(struct nfo_flow *f, struct nfo_hw_rule *p, enum nfo_reason why)
{
	nfo_hw_rule_put(f, p);
	if (nfo_hw_going(f))
		return;

	WRITE_ONCE(nfo_flow_hw(f)->reason, why);
	if (why != NFO_R_HW_STALE)
		nfo_flow_hw(f)->returns = false;
	if (READ_ONCE(f->table->nn->settings.hw_oneway) &&
	    (why == NFO_R_HW_SHAPE || why == NFO_R_HW_DRIVER)) {
		nfo_flow_hw(f)->want &= ~BIT(p->dir);
		if (nfo_flow_hw(f)->want)
			return;
	}
	nfo_flow_hw(f)->evict = true;
	if (why == NFO_R_HW_SHAPE)
		nfo_table_ops->hardware(f, NFO_EVENT_FAILED, why);
}

/* Ask in one form. A driver that has a rule of this flow's cookie did not delete the rule of an
 * earlier flow, whose memory this flow got: that rule goes first. Return: 0, or the driver's
 * answer.
 */
static int nfo_hw_ask_form(struct nfo_flow *f, struct nfo_hw_rule *p, enum nfo_hw_ttl form,
			   struct netlink_ext_ack *extack)
{
	int err = nfo_hw_rule_add(p->dev, f, p->dir, form, extack);

	if (err != -EEXIST || !nfo_hw_rule_del(p->dev, f, p->dir))
		return err;
	memset(extack, 0, sizeof(*extack));

	return nfo_hw_rule_add(p->dev, f, p->dir, form, extack);
}

/* Ask in one form after the other. Return: 0, or the driver's last answer. */
static int nfo_hw_ask_forms(struct nfo_flow *f, struct nfo_hw_rule *p,
			    struct netlink_ext_ack *extack)
{
	spinlock_t *lock = &f->table->hw.lock;
	enum nfo_hw_ttl form;
	bool more;
	int err;

	do {
		spin_lock_bh(lock);
		form = nfo_hw_form(p->dev, f, p->dir);
		spin_unlock_bh(lock);
		memset(extack, 0, sizeof(*extack));
		err = nfo_hw_ask_form(f, p, form, extack);
		if (err != -EOPNOTSUPP && err != -EINVAL)
			return err;
		spin_lock_bh(lock);
		more = nfo_hw_form_refused(p->dev, f, p->dir);
		spin_unlock_bh(lock);
	} while (more);

	return err;
}

static void nfo_hw_do_add(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw *hw = &f->table->hw;
	struct netlink_ext_ack extack = {};
	enum nfo_reason why;
	bool asked;
	int err = 0;

	asked = nfo_hw_still_meant(f, p, &why);
	if (asked)
		err = nfo_hw_ask_forms(f, p, &extack);

	rcu_read_lock();
	spin_lock_bh(&hw->lock);
	if (err)
		nfo_hw_asked(p->dev, f, p->dir, err, &extack, &why);
	if (asked && !err)
		nfo_hw_added(f, p);
	else
		nfo_hw_not_added(f, p, why);
	nfo_hw_next(f);
	spin_unlock_bh(&hw->lock);
	rcu_read_unlock();
}

/* Has a flow ended for so long that nobody looks any more at what its directions rest on? The
 * first call for a flow that has ended only begins to count, in @h. Caller holds nfo_hw::lock.
 */
static bool nfo_hw_has_ended(const struct nfo_flow *f, struct nfo_hw_flow *h)
{
	int dir;

	/* A rule that is being added names a device. */
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (h->rule[dir].state == NFO_RULE_ADDING)
			return false;
	if (!test_bit(NFO_F_DEAD, &f->state))
		return false;
	if (h->has_ended)
		return true;
	h->has_ended = true;
	h->ended = get_state_synchronize_rcu();

	return false;
}

/* A driver did not delete a rule of the flow, which stays for that. If the flow has ended, its
 * devices, route and next hop do not: another device could not be unregistered. Context: the worker
 * of the rule's queue, which has the rule in hand, so that the flow stays.
 */
static void nfo_hw_drop_refs(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	unsigned long ended;
	bool drop;

	spin_lock_bh(&f->table->hw.lock);
	drop = nfo_hw_has_ended(f, h);
	ended = h->ended;
	spin_unlock_bh(&f->table->hw.lock);
	if (!drop)
		return;
	/* Since the last time the driver was told: this does not wait, as a rule. */
	cond_synchronize_rcu(ended);
	nfo_flow_drop_refs(f);
}

/* A rule that its driver does not delete goes on forwarding. Its flow stays, so that no other
 * rule gets its cookie, and the driver is told again, until the device leaves.
 */
static void nfo_hw_do_del(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw *hw = &f->table->hw;
	struct nfo_dev *d = p->dev;
	enum nfo_hw_use use;
	bool done;

	/* The next packet is seen by software, and learned from. */
	if (p->owes)
		nfo_entry_make_stale(&f->e[p->dir], READ_ONCE(f->table->nn->epoch));
	nfo_hw_rule_stats(d, f, p->dir, &use);
	done = nfo_hw_rule_del(d, f, p->dir);
	if (!done && READ_ONCE(d->leaving))
		pr_warn_ratelimited("nf_flow_offload: the driver of %s does not delete a rule: error %d\n",
				    netdev_name(d->dev), d->err);

	if (!done)
		nfo_hw_drop_refs(f);

	spin_lock_bh(&hw->lock);
	if (done || d->leaving) {
		d->rules--;
		d->queue->rules--;
		nfo_hw_rule_put(f, p);
		nfo_hw_next(f);
	} else {
		nfo_hw_queue_stuck(d->queue, p);
	}
	spin_unlock_bh(&hw->lock);
}

/* After a change the rules that it concerns come first: a batch of calls, which may take long,
 * ends early. Return: there are rules to be looked at.
 */
static bool nfo_hw_interrupted(const struct nfo_hw_queue *q)
{
	return READ_ONCE(q->unchecked);
}

/* Likewise for a batch that reads counters. Return: there are also rules of flows that something
 * changed for.
 */
static bool nfo_hw_read_interrupted(const struct nfo_hw_queue *q)
{
	return nfo_hw_interrupted(q) || !list_empty(&q->stale) || !list_empty(&q->back);
}

/* Return: did it have something to do? */
static bool nfo_hw_do_some(struct nfo_hw_queue *q)
{
	struct nfo_hw_rule *p;
	int i;

	for (i = 0; i < NFO_HW_BATCH && !(i && nfo_hw_interrupted(q)); i++) {
		p = nfo_hw_queue_take(q);
		if (!p)
			break;
		if (p->state == NFO_RULE_ADDING)
			nfo_hw_do_add(nfo_hw_rule_flow(p), p);
		else
			nfo_hw_do_del(nfo_hw_rule_flow(p), p);
	}

	return i;
}

/* ---- what comes back ---- */

/* The direction's route and neighbour: in use, and still the same? No packet will
 * come to ask.
 */
static bool nfo_hw_still_true(struct nfo_flow *f, struct nfo_hw_rule *p, bool used)
{
	struct nfo_hw_queue *q = p->dev->queue;

	if (!nfo_hw_unchanged(f, p, nfo_epoch(f->table->nn)))
		return false;
	if (nfo_recheck_due(f->table->nn, &f->e[p->dir], p->read) && !nfo_hw_forwards(f, p->dir))
		return false;
	if (p->owes && q->owing) {
		q->owing--;
		return false;
	}
	if (!used)
		return true;
	nfo_ct_refresh(f->ct, nf_ct_protonum(f->ct), true);

	return nfo_route_refresh(f->table, f, p->dir);
}

/* Take a flow whose direction is not true any more out of hardware; its packets show in
 * software where they go now.
 */
static void nfo_hw_learn_anew(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	nfo_entry_make_stale(&f->e[dir], READ_ONCE(f->table->nn->epoch));
	nfo_hw_expel_stale(f);
}

/* The next rules that are to be looked at. They are in, so their flows stay: this worker alone
 * would take them out. Return: how many.
 */
static unsigned int nfo_hw_unchecked(struct nfo_hw_queue *q, struct nfo_hw_rule **rules)
{
	unsigned int n = 0;

	spin_lock_bh(&q->hw->lock);
	while (n < NFO_HW_CHECKS && q->unchecked) {
		WRITE_ONCE(q->unchecked, q->unchecked - 1);
		rules[n] = nfo_hw_queue_step(q, NFO_HW_CURSOR_CHECK);
		if (!rules[n])
			WRITE_ONCE(q->unchecked, 0);
		else
			n++;
	}
	spin_unlock_bh(&q->hw->lock);

	return n;
}

/* Something changed: look which rules it concerns, without asking a driver. Return: there
 * may be more.
 */
static bool nfo_hw_check_some(struct nfo_hw_queue *q)
{
	u32 epoch = nfo_epoch(q->t->nn);
	struct nfo_hw_rule *rules[NFO_HW_CHECKS];
	unsigned int i, n, changed = 0;

	rcu_read_lock();
	n = nfo_hw_unchecked(q, rules);
	for (i = 0; i < n; i++)
		if (!nfo_hw_unchanged(nfo_hw_rule_flow(rules[i]), rules[i], epoch))
			rules[changed++] = rules[i];

	spin_lock_bh(&q->hw->lock);
	for (i = 0; i < changed; i++)
		if (rules[i]->state == NFO_RULE_IN)
			nfo_hw_learn_anew(nfo_hw_rule_flow(rules[i]), rules[i]->dir);
	spin_unlock_bh(&q->hw->lock);
	rcu_read_unlock();

	return n == NFO_HW_CHECKS;
}

/* What a driver's answer about a rule's use means for its flow. Caller holds nfo_hw::lock. */
static void nfo_hw_judge(struct nfo_flow *f, struct nfo_hw_rule *p, int err, enum nfo_hw_use use)
{
	/* Where packets are not counted, the rate stays what it was while there are some. */
	if (use != NFO_HW_USED)
		nfo_hw_measure(f);
	if (err == -ENODEV) {
		nfo_hw_dev_set_error(p->dev, err, NULL);
		nfo_hw_driver_gone(p->dev);
	}
	if (!err && p->dev->counts)
		WRITE_ONCE(p->read, nfo_now());
	if (p->state != NFO_RULE_IN)
		return;
	/* A chip that lost the rule, a device that goes, or a chip that does not tell whether
	 * the flow is in use: software sees that.
	 */
	if (err == -ENOENT || err == -EINVAL || p->dev->leaving ||
	    nfo_now() - p->read > NFO_HW_BLIND)
		nfo_hw_expel(f);
}

/* Has it come to light that the rule does what the ruleset would not, or could do more than it
 * does? Caller holds nfo_hw::lock and rcu_read_lock().
 */
static bool nfo_hw_outgrown(const struct nfo_flow *f, const struct nfo_hw_rule *p)
{
	return nfo_hw_rule_check(p->dev, f, p->dir) ||
	       (p->narrow && nfo_hw_dscp_known(f, p->dir));
}

/* A direction's counters. The rule is in: this worker alone would take it out. */
static void nfo_hw_read(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw *hw = &f->table->hw;
	enum nfo_hw_use use;
	bool stays = true;
	int err;

	err = nfo_hw_rule_stats(p->dev, f, p->dir, &use);

	rcu_read_lock();
	if (nf_ct_is_dying(f->ct))
		nfo_flow_retire(f, NFO_R_CT_GONE);
	/* Of one that ended during the call another worker may have dropped what it rests on. */
	if (!test_bit(NFO_F_DEAD, &f->state))
		stays = nfo_hw_still_true(f, p, use != NFO_HW_UNUSED);

	spin_lock_bh(&hw->lock);
	nfo_hw_judge(f, p, err, use);
	if (!stays && p->state == NFO_RULE_IN)
		nfo_hw_learn_anew(f, p->dir);
	else if (p->state == NFO_RULE_IN && nfo_hw_outgrown(f, p))
		nfo_hw_expel_stale(f);
	spin_unlock_bh(&hw->lock);
	rcu_read_unlock();
}

static bool nfo_hw_read_some(struct nfo_hw_queue *q)
{
	struct nfo_hw_rule *p;
	int i;

	for (i = 0; i < NFO_HW_BATCH && !(i && nfo_hw_read_interrupted(q)); i++) {
		p = nfo_hw_queue_unread(q);
		if (!p)
			break;
		nfo_hw_read(nfo_hw_rule_flow(p), p);
	}

	return i;
}

/* Jiffies until it is to be asked whether something changed, or counters are due. */
static unsigned long nfo_hw_look_in(const struct nfo_hw_queue *q)
{
	unsigned long now = jiffies;

	if (time_before_eq(q->read_at, now))
		return 0;
	return min_t(unsigned long, q->read_at - now, NFO_HW_LOOK_IN);
}

static void nfo_hw_work(struct work_struct *work)
{
	struct nfo_hw_queue *q = container_of(work, struct nfo_hw_queue, work);

	do {
		while (nfo_hw_check_some(q))
			cond_resched();
		cond_resched();
	} while (nfo_hw_do_some(q) | nfo_hw_read_some(q));

	spin_lock_bh(&q->t->hw.lock);
	if (q->count || !list_empty(&q->stuck))
		queue_delayed_work(nfo_hw_wq, &q->sync_work, nfo_hw_look_in(q));
	spin_unlock_bh(&q->t->hw.lock);
}

static void nfo_hw_sync_worker(struct work_struct *work)
{
	struct nfo_hw_queue *q = container_of(to_delayed_work(work),
					      struct nfo_hw_queue, sync_work);
	unsigned long period = msecs_to_jiffies(READ_ONCE(q->t->nn->settings.hw_sync_ms));
	u32 epoch = nfo_epoch(q->t->nn);

	spin_lock_bh(&q->t->hw.lock);
	/* The period may have been set shorter meanwhile. */
	if (time_after(q->read_at, jiffies + period))
		q->read_at = jiffies + period;
	if (epoch != q->epoch) {
		q->epoch = epoch;
		WRITE_ONCE(q->unchecked, q->count);
		nfo_hw_wake(q);
		/* A commit may have brought a netdev chain, an event an XDP program. */
		nfo_unseen_soon(q->t->nn);
	}
	if (time_before_eq(q->read_at, jiffies)) {
		q->read_at = jiffies + period;
		q->unread = q->count;
		q->owing = max(q->count / NFO_HW_OWING_PART, NFO_HW_OWING_LEAST);
		nfo_hw_queue_unstick(q);
		nfo_hw_wake(q);
	} else if (q->count || !list_empty(&q->stuck)) {
		queue_delayed_work(nfo_hw_wq, &q->sync_work, nfo_hw_look_in(q));
	}
	spin_unlock_bh(&q->t->hw.lock);
}

static void nfo_hw_kick_table(struct nfo_hw *hw)
{
	struct nfo_hw_queue *q;

	spin_lock_bh(&hw->lock);
	list_for_each_entry(q, &hw->queues, list)
		if (q->count)
			mod_delayed_work(nfo_hw_wq, &q->sync_work, 0);
	spin_unlock_bh(&hw->lock);
}

static void nfo_hw_kick_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(work, struct nfo_net, kick_work);
	struct nfo_table *t;

	mutex_lock(&nn->lock);
	list_for_each_entry(t, &nn->tables, list)
		nfo_hw_kick_table(&t->hw);
	mutex_unlock(&nn->lock);
	nfo_net_put(nn);
}

/**
 * nfo_hw_kick() - something changed: look at what is in hardware at once
 * @nn: namespace, held by the caller or by RCU
 *
 * Context: any.
 */
void nfo_hw_kick(struct nfo_net *nn)
{
	if (!refcount_inc_not_zero(&nn->refs))
		return;
	if (!queue_work(nfo_hw_wq, &nn->kick_work))
		nfo_net_put(nn);
}

/* Devices have got filters or shapers, or may have. */
static void nfo_hw_unseen_work(struct work_struct *work)
{
	struct nfo_net *nn = container_of(to_delayed_work(work), struct nfo_net, unseen_work);
	u32 epoch = READ_ONCE(nn->epoch);

	if (!nfo_unseen_renew(nn)) {
		if (!queue_delayed_work(nfo_hw_wq, &nn->unseen_work, 1))
			nfo_net_put(nn);
		return;
	}
	if (READ_ONCE(nn->epoch) != epoch)
		nfo_hw_kick(nn);
	nfo_net_put(nn);
}

/* ---- queues ---- */

/**
 * nfo_hw_queue_open() - a queue with a worker for a chip
 * @t: table
 *
 * Context: may sleep, nfo_net::lock held. Return: the queue, with one device, or NULL.
 */
struct nfo_hw_queue *nfo_hw_queue_open(struct nfo_table *t)
{
	struct nfo_hw_queue *q = nfo_hw_queue_alloc(&t->hw, nfo_hw_work, nfo_hw_sync_worker);

	if (q)
		q->t = t;
	return q;
}

/**
 * nfo_hw_net_init() - a namespace's hardware side
 * @nn: namespace
 */
void nfo_hw_net_init(struct nfo_net *nn)
{
	INIT_WORK(&nn->kick_work, nfo_hw_kick_work);
	INIT_DELAYED_WORK(&nn->unseen_work, nfo_hw_unseen_work);
}
