// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware: the worker of a queue.
 *
 * Each chip has a queue, and each queue has a worker. Only this worker calls the drivers of the
 * queue about rules, and it calls no driver of another queue.
 */
#include "nfo_ct.h"
#include "nfo_hw.h"
#include "nfo_recheck.h"
#include "nfo_route.h"
#include "nfo_unseen.h"

/* How many rules are added or deleted, or read, before another kind of work gets a turn. */
#define NFO_HW_BATCH		32
/* Nothing announces a commit of the ruleset, so the worker looks for one this often, in jiffies. */
#define NFO_HW_LOOK_IN		(HZ / 20)
/* How many rules are checked in one RCU section after a change. */
#define NFO_HW_CHECKS		32
/* How many rules with nfo_hw_rule::owes may leave in one period: one in NFO_HW_OWING_PART of all
 * rules, and no fewer than NFO_HW_OWING_LEAST. The flow's other rule leaves with each of them.
 */
#define NFO_HW_OWING_PART	32U
#define NFO_HW_OWING_LEAST	16U
/* A flow leaves the hardware when the driver has not said for this long, in jiffies, whether the
 * flow is in use.
 */
#define NFO_HW_BLIND		(10 * HZ)

/* ---- the worker of a queue ---- */

/* The driver says that the device is gone: no rule is added to the device any more, and
 * nfo_hw::gone_work unbinds it. Caller holds nfo_hw::lock.
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

/* Return: what the journal says about a direction, from the epoch of its entry to @epoch. If no
 * change concerns the entry, the entry takes @epoch. Caller holds rcu_read_lock().
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

/* Judge a rule once more before the driver is asked, because much may have changed while the rule
 * waited: once the driver has refused a shape or said that its table is full, the rules that wait
 * behind cost no call. Return: true when the driver may be asked; otherwise @why is set, or the
 * flow has to leave.
 */
static bool nfo_hw_still_meant(struct nfo_flow *f, struct nfo_hw_rule *p,
			       enum nfo_reason *why)
{
	bool going;

	rcu_read_lock();
	spin_lock_bh(&f->table->hw.lock);
	going = nfo_hw_going(f);
	*why = nfo_hw_dev_check(p->dev, f, p->dir) ?:
	       nfo_hw_room_check(p->dev, f, nfo_flow_hw(f)->want);
	spin_unlock_bh(&f->table->hw.lock);
	/* The next packet has to show where packets of a stale direction go now. No packet passes a
	 * bridge port that became blocked, but a rule would let them pass.
	 */
	if (!*why && nfo_hw_news(f, p->dir, nfo_epoch(f->table->nn)))
		*why = NFO_R_HW_STALE;
	rcu_read_unlock();

	return !going && !*why;
}

/* Is a rule in hardware still true, as far as the journal tells? When the ruleset alone has
 * changed, a made packet passes the forward hooks. If they drop it, the rule leaves the hardware at
 * once. If not, the rule stays for now, so that a commit does not empty the chip. It leaves in one
 * of the next periods to learn from a packet of its own, because other hooks and the fields that
 * rules set count too. Caller holds rcu_read_lock() and no lock. Return: true when the rule may
 * stay.
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

/* The driver took a rule. Caller holds nfo_hw::lock and rcu_read_lock(). */
static void nfo_hw_added(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw_queue *q = p->dev->queue;

	set_bit(NFO_F_HARDWARE, &f->state);
	WRITE_ONCE(p->read, nfo_now());
	p->owes = false;
	nfo_hw_queue_live(q, p);
	atomic_inc(&f->table->nn->in_hw);
	nfo_hw_dev_ok(p->dev, f, p->dir);
	/* The rule was in no list while the driver was asked, so neither nfo_hw_pull() nor
	 * nfo_hw_check_some() has found it.
	 */
	if (p->dev->leaving)
		nfo_flow_hw(f)->evict = true;
	if (nfo_hw_news(f, p->dir, READ_ONCE(f->table->nn->epoch))) {
		nfo_entry_make_stale(&f->e[p->dir], READ_ONCE(f->table->nn->epoch));
		nfo_flow_hw(f)->evict = true;
	}
}

/* The driver refused a rule: keep its answer and set @why. Caller holds nfo_hw::lock. */
static void nfo_hw_asked(struct nfo_dev *d, struct nfo_flow *f, enum ip_conntrack_dir dir,
			 int err, const struct netlink_ext_ack *extack,
			 enum nfo_reason *why)
{
	nfo_hw_dev_set_error(d, err, extack);
	*why = nfo_hw_outcome(d, f, dir, err);
	nfo_count_reason(f->table->nn, *why);
}

/* The rule of one direction was not added: the flow's other rule is taken back as well,
 * unless the setting hw_oneway lets one direction be in hardware alone. Caller holds nfo_hw::lock.
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

/* Ask a driver to take a rule in one form. EEXIST means that the driver still has a rule with the
 * same cookie: it did not delete the rule of an earlier flow at the same address. So that rule is
 * deleted first. Return: 0, or the driver's answer.
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

/* Ask a driver to take a rule, in one form after the other. Return: 0, or the driver's last answer.
 */
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

/* Has a flow been retired for so long that no reader uses its nfo_entry::refs any more? The first
 * call after the flow was retired only notes in @h when that was. Caller holds nfo_hw::lock.
 */
static bool nfo_hw_has_ended(const struct nfo_flow *f, struct nfo_hw_flow *h)
{
	int dir;

	/* A rule that a driver is being asked to add names a device, which the flow keeps. */
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (h->rule[dir].state == NFO_RULE_ADDING)
			return false;
	if (!test_bit(NFO_F_DEAD, &f->state))
		return false;
	if (h->has_ended)
		return true;
	WRITE_ONCE(h->has_ended, true);
	h->ended = get_state_synchronize_rcu();

	return false;
}

/* A driver did not delete a rule, so the flow stays in memory. If the flow was retired, drop its
 * references on devices, route and next hop, because those devices could not be unregistered.
 * Context: may sleep; the worker of the rule's queue: while it has the rule, the flow stays.
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
	/* The driver is told once a period, so the grace period has mostly passed by now. */
	cond_synchronize_rcu(ended);
	nfo_flow_drop_refs(f);
}

/* Have a driver delete a rule. A rule that the driver does not delete goes on forwarding. Its flow
 * stays in memory, so that no other rule gets its cookie, and the driver is told again each period
 * until the device leaves.
 */
static void nfo_hw_do_del(struct nfo_flow *f, struct nfo_hw_rule *p)
{
	struct nfo_hw *hw = &f->table->hw;
	struct nfo_dev *d = p->dev;
	enum nfo_hw_use use;
	bool done;

	/* The next packet passes in software, and the direction learns from it. */
	if (p->owes)
		nfo_entry_make_stale(&f->e[p->dir], READ_ONCE(f->table->nn->epoch));
	/* A rule that the driver does not delete is read here alone, and its flow is to age. */
	if (!nfo_hw_rule_stats(d, f, p->dir, &use) && d->counts)
		WRITE_ONCE(p->read, nfo_now());
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

/* Did something change for which rules were not looked at? */
static bool nfo_hw_has_to_look(const struct nfo_hw_queue *q)
{
	return READ_ONCE(q->unchecked) || READ_ONCE(q->unsorted);
}

/* A batch of calls may take long, so it ends early when a change has happened. It goes on while
 * rules leave that are not true any more: they are no less urgent than those that are still to be
 * found. Return: true when the batch is to end because there are rules to be checked.
 */
static bool nfo_hw_interrupted(const struct nfo_hw_queue *q)
{
	return nfo_hw_has_to_look(q) && list_empty(&q->stale);
}

/* A batch that reads counters ends for rules to be checked, for rules that leave because they are
 * not true any more, and for flows that return after they did. Return: true when the batch is to
 * end.
 */
static bool nfo_hw_read_interrupted(const struct nfo_hw_queue *q)
{
	return nfo_hw_has_to_look(q) || !list_empty(&q->stale) || !list_empty(&q->back);
}

/* Delete and add a batch of rules. Return: true when there was a rule to delete or to add. */
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

/* ---- checks of rules, and counters ---- */

/* Is a direction in hardware still true? Software sees none of its packets, so the worker does what
 * a packet would do: it keeps conntrack and the neighbour in use, if @used says that packets came,
 * and looks at the route. Caller holds rcu_read_lock().
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

/* Take a flow with a direction that is not true any more out of hardware: its next packets pass in
 * software and teach the direction again. Caller holds nfo_hw::lock and rcu_read_lock().
 */
static void nfo_hw_learn_anew(struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	nfo_entry_make_stale(&f->e[dir], READ_ONCE(f->table->nn->epoch));
	nfo_hw_expel_stale(f);
}

/* Find the next rules to check. They are in hardware, and only this worker takes them out, so their
 * flows stay. Return: how many rules were put into @rules.
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

/* Is an entry true at a glance? Most changes concern few entries, and a walk through all of them
 * meets the same epoch over and over. If the entry is true, it takes the epoch of the glance.
 * Caller holds rcu_read_lock(). Return: false when the entry has to be looked at.
 */
static bool nfo_hw_glance(const struct nfo_net *nn, struct nfo_glance *g, struct nfo_entry *e)
{
	u32 was = READ_ONCE(e->epoch);

	if (was != g->from)
		nfo_route_glance(nn, g, was);
	if (!nfo_glance_spares(g, e))
		return false;
	if (was != g->to)
		cmpxchg(&e->epoch, was, g->to);

	return true;
}

/* Check some rules against the journal, without a call to a driver. A rule of a flow that has ended
 * is left out when the flow's references are about to be dropped: that is done a grace period after
 * nfo_hw_has_ended() said so. Caller holds rcu_read_lock(). Return: how many of the @n rules are
 * not true any more; these are the first ones of @rules then.
 */
static unsigned int nfo_hw_changed(struct nfo_hw_queue *q, struct nfo_hw_rule **rules,
				   unsigned int n)
{
	u32 epoch = nfo_epoch(q->t->nn);
	struct nfo_glance g = { .from = epoch, .to = epoch };
	unsigned int i, changed = 0;
	struct nfo_flow *f;

	for (i = 0; i < n; i++) {
		f = nfo_hw_rule_flow(rules[i]);
		if (!READ_ONCE(nfo_flow_hw(f)->has_ended) &&
		    !nfo_hw_glance(q->t->nn, &g, &f->e[rules[i]->dir]) &&
		    !nfo_hw_unchanged(f, rules[i], epoch))
			rules[changed++] = rules[i];
	}

	return changed;
}

/* After a change, check some rules. Return: true when there may be more rules to check. */
static bool nfo_hw_check_some(struct nfo_hw_queue *q)
{
	struct nfo_hw_rule *rules[NFO_HW_CHECKS];
	unsigned int i, n, changed;

	rcu_read_lock();
	n = nfo_hw_unchecked(q, rules);
	changed = nfo_hw_changed(q, rules, n);

	spin_lock_bh(&q->hw->lock);
	for (i = 0; i < changed; i++)
		if (rules[i]->state == NFO_RULE_IN)
			nfo_hw_learn_anew(nfo_hw_rule_flow(rules[i]), rules[i]->dir);
	spin_unlock_bh(&q->hw->lock);
	rcu_read_unlock();

	return n == NFO_HW_CHECKS;
}

/* After a change, check some of the rules that wait for their deletion: a slow driver may come to
 * them much later, and they forward until then. Those that are not true any more are deleted before
 * the others. @at: where the walk stands. Return: true when there may be more rules to check.
 */
static bool nfo_hw_sort_some(struct nfo_hw_queue *q, struct list_head **at)
{
	struct nfo_hw_rule *rules[NFO_HW_CHECKS];
	unsigned int i, n, changed;

	rcu_read_lock();
	n = nfo_hw_queue_leaving(q, at, rules, NFO_HW_CHECKS);
	changed = nfo_hw_changed(q, rules, n);

	spin_lock_bh(&q->hw->lock);
	for (i = 0; i < changed; i++)
		nfo_hw_queue_hurry(q, rules[i], at);
	spin_unlock_bh(&q->hw->lock);
	rcu_read_unlock();

	return n;
}

static void nfo_hw_sort(struct nfo_hw_queue *q)
{
	struct list_head *at = &q->del;

	if (!READ_ONCE(q->unsorted))
		return;
	WRITE_ONCE(q->unsorted, false);
	while (nfo_hw_sort_some(q, &at))
		cond_resched();
}

/* After a change, check all rules. Changes during the walk do not begin it anew, because they may
 * come faster than a walk ends. When the walk has ended, the next one begins soon, and drivers are
 * called meanwhile.
 */
static void nfo_hw_check(struct nfo_hw_queue *q)
{
	nfo_hw_sort(q);
	if (!READ_ONCE(q->unchecked))
		return;
	while (nfo_hw_check_some(q))
		cond_resched();
	spin_lock_bh(&q->hw->lock);
	if (q->count && READ_ONCE(q->t->nn->epoch) != q->epoch)
		mod_delayed_work(nfo_hw_wq, &q->sync_work, 0);
	spin_unlock_bh(&q->hw->lock);
}

/* What a driver's answer about a rule's use means for its flow. Caller holds nfo_hw::lock. */
static void nfo_hw_judge(struct nfo_flow *f, struct nfo_hw_rule *p, int err, enum nfo_hw_use use)
{
	/* A chip without packet counters shows no rate: while packets come, the last one holds. */
	if (use != NFO_HW_USED)
		nfo_hw_measure(f);
	/* Asked to take a rule, drivers say ENODEV for less: airoha while its NPU has no firmware,
	 * mtk while the output's WED is away. Of a rule that it took, the driver means the device.
	 */
	if (err == -ENODEV) {
		nfo_hw_dev_set_error(p->dev, err, NULL);
		nfo_hw_driver_gone(p->dev);
	}
	if (!err && p->dev->counts)
		WRITE_ONCE(p->read, nfo_now());
	if (p->state != NFO_RULE_IN)
		return;
	/* The chip has lost the rule, the device leaves, or the driver does not tell whether the
	 * flow is in use, which software can see.
	 */
	if (err == -ENOENT || err == -EINVAL || p->dev->leaving ||
	    nfo_now() - p->read > NFO_HW_BLIND)
		nfo_hw_expel(f);
}

/* Is a rule in hardware not the right one any more? Either a rule cannot do what becomes of the
 * packets, or the rule matches one DSCP and need not, because it is known by now what the ruleset
 * does to the others. Caller holds nfo_hw::lock and rcu_read_lock().
 */
static bool nfo_hw_outgrown(const struct nfo_flow *f, const struct nfo_hw_rule *p)
{
	return nfo_hw_rule_check(p->dev, f, p->dir) ||
	       (p->narrow && nfo_hw_dscp_known(f, p->dir));
}

/* Read the counters of a rule, and check the rule. It is in hardware, and only this worker takes it
 * out, so the flow stays.
 */
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
	else if (nfo_ct_has_fixed_timeout(f->ct))
		nfo_flow_retire(f, NFO_R_FIXED_TIMEOUT);
	/* Another worker may have dropped the references of a flow that was retired meanwhile. */
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

/* Read the counters of a batch of rules. Return: true when there was a rule to read. */
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

/* Return: jiffies until nfo_hw_queue::sync_work is to run. */
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
		nfo_hw_check(q);
		cond_resched();
	} while (nfo_hw_do_some(q) | nfo_hw_read_some(q));

	spin_lock_bh(&q->t->hw.lock);
	if (!nfo_hw_queue_is_idle(q))
		queue_delayed_work(nfo_hw_wq, &q->sync_work, nfo_hw_look_in(q));
	spin_unlock_bh(&q->t->hw.lock);
}

/**
 * nfo_hw_without_hook() - find a device that was deleted from its flowtable
 * @t: flowtable
 *
 * Older kernels do not say when a device is deleted from a flowtable, and its rules would go on
 * forwarding. A device with rules had its hook once. Context: any, nfo_net::lock or
 * rcu_read_lock(). Return: a device that has rules in hardware and no hook any more, or NULL.
 */
struct nfo_dev *nfo_hw_without_hook(const struct nfo_table *t)
{
	struct nfo_dev *d;

	list_for_each_entry_rcu(d, &t->devs.list, list, lockdep_is_held(&t->nn->lock))
		if (READ_ONCE(d->users) && !nfo_dev_has_hook(d, t->ft))
			return d;
	return NULL;
}

static void nfo_hw_sync_worker(struct work_struct *work)
{
	struct nfo_hw_queue *q = container_of(to_delayed_work(work),
					      struct nfo_hw_queue, sync_work);
	unsigned long period = msecs_to_jiffies(READ_ONCE(q->t->nn->settings.hw_sync_ms));
	u32 epoch = nfo_epoch(q->t->nn);

	spin_lock_bh(&q->t->hw.lock);
	/* The setting hw_sync_ms may have become smaller meanwhile. */
	if (time_after(q->read_at, jiffies + period))
		q->read_at = jiffies + period;
	/* While a walk is under way, nfo_hw_check() sees to the next one. */
	if (epoch != q->epoch && !q->unchecked) {
		q->epoch = epoch;
		WRITE_ONCE(q->unchecked, q->count);
		WRITE_ONCE(q->unsorted, !list_empty(&q->del));
		nfo_hw_wake(q);
		/* A commit may have brought a netdev chain, an event an XDP program. */
		nfo_unseen_soon(q->t->nn);
		rcu_read_lock();
		if (nfo_hw_without_hook(q->t))
			queue_work(nfo_hw_wq, &q->t->hw.gone_work);
		rcu_read_unlock();
	}
	if (time_before_eq(q->read_at, jiffies)) {
		q->read_at = jiffies + period;
		/* A slow driver may not be through with the period before. */
		q->unread = q->unread ?: q->count;
		q->owing = max(q->count / NFO_HW_OWING_PART, NFO_HW_OWING_LEAST);
		nfo_hw_queue_unstick(q);
		nfo_hw_wake(q);
	}
	/* nfo_hw_work() ends when it has nothing to do, and a commit must not wait for that. */
	if (!nfo_hw_queue_is_idle(q))
		queue_delayed_work(nfo_hw_wq, &q->sync_work, nfo_hw_look_in(q));
	spin_unlock_bh(&q->t->hw.lock);
}

static void nfo_hw_kick_table(struct nfo_hw *hw)
{
	struct nfo_hw_queue *q;

	spin_lock_bh(&hw->lock);
	list_for_each_entry(q, &hw->queues, list)
		if (!nfo_hw_queue_is_idle(q))
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
 * nfo_hw_kick() - something changed: have all rules in hardware checked soon
 * @nn: namespace; the caller holds a reference, or rcu_read_lock()
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

/* Renew the notes of devices. A note that tells of a new filter or shaper goes into the journal,
 * and then the rules in hardware are checked.
 */
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
 * nfo_hw_queue_open() - make a queue with its worker for a chip
 * @t: table
 *
 * Context: may sleep, nfo_net::lock held. Return: the queue, which counts one device; NULL when
 * there is no memory. nfo_hw_queue_free() undoes it.
 */
struct nfo_hw_queue *nfo_hw_queue_open(struct nfo_table *t)
{
	struct nfo_hw_queue *q = nfo_hw_queue_alloc(&t->hw, nfo_hw_work, nfo_hw_sync_worker);

	if (q)
		q->t = t;
	return q;
}

/**
 * nfo_hw_net_init() - make the work items of a namespace's hardware side
 * @nn: namespace, not published yet
 *
 * Context: may sleep.
 */
void nfo_hw_net_init(struct nfo_net *nn)
{
	INIT_WORK(&nn->kick_work, nfo_hw_kick_work);
	INIT_DELAYED_WORK(&nn->unseen_work, nfo_hw_unseen_work);
}
