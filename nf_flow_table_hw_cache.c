// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware as a cache: which flows are admitted, which flow is evicted for another one,
 * and what a driver's answer means for later flows.
 *
 * Nothing here calls a driver. Functions that other files call say what they need of nfo_hw::lock.
 */
#include <linux/etherdevice.h>
#include <linux/random.h>

#include "nfo_encap.h"
#include "nfo_hw.h"
#include "nfo_unseen.h"

/* A flow must be busier by this many packets per second, on top of the hysteresis, to evict another
 * one. Without this margin two nearly idle flows would evict each other in turn.
 */
#define NFO_HW_MARGIN		16
/* Shortest period over which a rate is measured, in jiffies. */
#define NFO_HW_MEASURE		(HZ / 4)
/* How many rules are compared, at most, to find the least busy flow. */
#define NFO_HW_LOOK		64U

/* How long a device is left alone after a passing failure; doubled with each failure. In jiffies.
 */
#define NFO_HW_BACKOFF_MIN	(HZ)
#define NFO_HW_BACKOFF_MAX	(64 * HZ)
/* After how long a learned size of a chip's table is doubted; doubled each time. In jiffies. */
#define NFO_HW_PROBE_MIN	(HZ / 2)
#define NFO_HW_PROBE_MAX	(30 * HZ)
/* For how long a refusal is believed, in jiffies; doubled when it is repeated. */
#define NFO_HW_REFUSED_MIN	(60 * HZ)
#define NFO_HW_REFUSED_MAX	(3600 * HZ)
/* For how long a doubted size waits for a flow that was not refused in this round, in jiffies. Each
 * flow with packets asks twice a second, so after this time no such flow is left.
 */
#define NFO_HW_PROBE_TURN	(HZ)

/* ---- how busy a flow is ---- */

static u64 nfo_hw_packets(const struct nfo_flow *f)
{
	return nfo_flow_packets(f, IP_CT_DIR_ORIGINAL) + nfo_flow_packets(f, IP_CT_DIR_REPLY);
}

/**
 * nfo_hw_measure() - take a flow's rate anew, in packets per second
 * @f: flow
 *
 * Context: nfo_hw::lock held.
 */
void nfo_hw_measure(struct nfo_flow *f)
{
	struct nfo_hw_flow *h = nfo_flow_hw(f);
	u32 now = nfo_now(), since = now - h->at;
	u64 packets = nfo_hw_packets(f);

	if (since < NFO_HW_MEASURE)
		return;
	/* The sum may go down for a moment: nfo_flow_count() takes packets out of one counter
	 * before it adds them to another.
	 */
	packets = max(packets, h->seen);
	h->rate = min_t(u64, div_u64((packets - h->seen) * HZ, since), U32_MAX);
	h->at = now;
	h->seen = packets;
}

/**
 * nfo_hw_worth() - has a flow had enough packets, or is it busy enough, to ask for a place?
 * @f: flow
 *
 * Context: nfo_hw::lock held. Return: true if so.
 */
bool nfo_hw_worth(const struct nfo_flow *f)
{
	const struct nfo_settings *s = &f->table->nn->settings;
	u32 rate = READ_ONCE(s->hw_rate);

	return nfo_hw_packets(f) >= READ_ONCE(s->hw_after) ||
	       (rate && nfo_flow_hw(f)->rate >= rate);
}

/* ---- admission ---- */

/* Return: the shape of a direction's rule as one of 64 bits. Caller holds rcu_read_lock(). */
static u64 nfo_hw_shape(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	const struct nfo_entry *e = &f->e[dir];
	unsigned int in = nfo_encap_shape(&e->key.encap);
	unsigned int out = nfo_encap_shape(&nfo_flow_refs(f, dir)->out_lower.encap);
	unsigned int encap = max(in & ~NFO_ENCAP_SHAPE_AD, out & ~NFO_ENCAP_SHAPE_AD) |
			     ((in | out) & NFO_ENCAP_SHAPE_AD);

	return BIT_ULL((e->key.family == NFPROTO_IPV6) |
		       (e->key.l4proto == IPPROTO_TCP) << 1 |
		       !!(e->flags & NFO_E_NAT) << 2 |
		       encap << 3);
}

/* Is a refusal still believed? */
static bool nfo_hw_is_believed(const struct nfo_hw_refusal *r)
{
	return nfo_now() - r->at < r->wait;
}

/* Is a refusal one of such a rule? It may be due to the pair of devices or to the shape, so it is
 * remembered for both together.
 */
static bool nfo_hw_is_refusal_of(const struct nfo_hw_refusal *r, const struct nfo_flow *f,
				 enum ip_conntrack_dir dir)
{
	return r->shapes & nfo_hw_shape(f, dir) &&
	       (!r->out || r->out == nfo_flow_refs(f, dir)->out_lower.dev->ifindex);
}

/* Has the driver of @d refused such a rule before? Caller holds nfo_hw::lock. */
static bool nfo_hw_refused(const struct nfo_dev *d, const struct nfo_flow *f,
			   enum ip_conntrack_dir dir)
{
	const struct nfo_hw_refusal *r;

	for (r = d->refused; r < &d->refused[d->refusals]; r++)
		if (nfo_hw_is_refusal_of(r, f, dir) && nfo_hw_is_believed(r))
			return true;
	return false;
}

/* A refusal may also be due to what was so for a moment: of a rule to a Wi-Fi station that has just
 * left, MediaTek's driver says what it says of a device that it cannot send by. So a refusal is
 * believed for a time, and then each shape of the pair is asked for once more. A refusal that is
 * repeated soon after its time is believed for twice as long.
 */
static void nfo_hw_believe(struct nfo_hw_refusal *r)
{
	u32 now = nfo_now(), since = now - r->at;

	if (since < r->wait)
		return;
	r->wait = since < 2 * r->wait ? min_t(u32, 2 * r->wait, NFO_HW_REFUSED_MAX) :
					NFO_HW_REFUSED_MIN;
	r->at = now;
	r->shapes = 0;
}

static void nfo_hw_refuse(struct nfo_dev *d, const struct nfo_flow *f,
			  enum ip_conntrack_dir dir)
{
	int out = nfo_flow_refs(f, dir)->out_lower.dev->ifindex;
	struct nfo_hw_refusal *r = NULL;
	unsigned int i;

	for (i = 0; i < d->refusals && !r; i++)
		if (d->refused[i].out == out)
			r = &d->refused[i];
	if (!r && d->refusals < NFO_HW_REFUSALS) {
		r = &d->refused[d->refusals++];
		*r = (struct nfo_hw_refusal) { .out = out };
	}
	if (!r) {
		/* There is no room for another pair, so the last place counts for any pair. */
		r = &d->refused[NFO_HW_REFUSALS - 1];
		r->out = 0;
	}
	nfo_hw_believe(r);
	r->shapes |= nfo_hw_shape(f, dir);
}

/* A driver took a rule: what it refused of that kind before, it refused for what was so for a
 * moment. The next such refusal is believed no longer than a first one. Caller holds nfo_hw::lock.
 */
static void nfo_hw_disprove(struct nfo_dev *d, const struct nfo_flow *f,
			    enum ip_conntrack_dir dir)
{
	struct nfo_hw_refusal *r;

	for (r = d->refused; r < &d->refused[d->refusals]; r++)
		if (nfo_hw_is_refusal_of(r, f, dir) && !nfo_hw_is_believed(r))
			r->wait = 0;
}

/**
 * nfo_hw_form() - the form in which a driver is to be asked for a direction's rule
 * @d:   device, bound
 * @f:   flow
 * @dir: direction
 *
 * Context: nfo_hw::lock held. Return: the form.
 */
enum nfo_hw_ttl nfo_hw_form(const struct nfo_dev *d, const struct nfo_flow *f,
			    enum ip_conntrack_dir dir)
{
	return d->driver->forms[!!(d->form_failed & nfo_hw_shape(f, dir))];
}

/**
 * nfo_hw_form_refused() - a driver does not take a shape in the form of nfo_hw_form()
 * @d:   device, bound
 * @f:   flow
 * @dir: direction
 *
 * A driver that refused the last form too is asked in the first form next time, because it may have
 * refused the pair of devices and not the form. Context: nfo_hw::lock held. Return: true when there
 * is another form to try.
 */
bool nfo_hw_form_refused(struct nfo_dev *d, const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	u64 shape = nfo_hw_shape(f, dir);

	BUILD_BUG_ON(NFO_HW_FORMS != 2);
	if (d->form_failed & shape || d->driver->forms[1] == NFO_HW_TTL_END) {
		d->form_failed &= ~shape;
		return false;
	}
	d->form_failed |= shape;

	return true;
}

/* Return: the size of the largest packets of a direction that a device may receive. Those of a
 * PPPoE session come with its header.
 */
static unsigned int nfo_hw_largest(const struct nfo_dev *d, const struct nfo_entry *e)
{
	unsigned int mtu = READ_ONCE(d->dev->mtu);

	if (nfo_encap_has_session(&e->key.encap))
		mtu -= min_t(unsigned int, mtu, PPPOE_SES_HLEN);

	return mtu;
}

/* Return: true when packets of a direction may be larger than its egress takes, and the hardware
 * would send them. A chip that compares the size of frames compares it with the MTU of a port. That
 * of the route, or of a VLAN device above the port, may be smaller. Caller holds rcu_read_lock().
 */
static bool nfo_hw_oversize(const struct nfo_dev *d, const struct nfo_flow *f,
			    enum ip_conntrack_dir dir)
{
	const struct nfo_lower *lower = &nfo_flow_refs(f, dir)->out_lower;
	unsigned int comes = nfo_hw_largest(d, &f->e[dir]), port = READ_ONCE(lower->dev->mtu);

	if (READ_ONCE(f->table->nn->settings.hw_oversize))
		return false;
	if (d->driver->mtu == NFO_HW_MTU_CHIP && comes > port)
		return true;
	if (d->driver->mtu != NFO_HW_MTU_NONE)
		comes = min(comes, port - nfo_lower_session_len(lower));

	return comes > READ_ONCE(f->e[dir].mtu);
}

/* Return: true when a rule of a TC block would have to forward to another chip. A chip cannot do
 * that, but some drivers accept the rule.
 */
static bool nfo_hw_leaves_chip(const struct nfo_dev *d, const struct nfo_flow *f,
			       enum ip_conntrack_dir dir)
{
	const struct nfo_dev *out;

	if (d->bound != NFO_DEV_HW_BLOCK)
		return false;
	out = nfo_dev_find(&f->table->devs, nfo_flow_refs(f, dir)->out_lower.dev->ifindex);

	return !out || out->queue != d->queue;
}

/* Return: true when frames of a direction go to the address of no station. Some drivers refuse such
 * a rule by the errno by which they refuse a kind of rules (mtk_ppe_offload.c, airoha_ppe.c), and
 * any host chooses its own address. Caller holds rcu_read_lock().
 */
static bool nfo_hw_to_no_station(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	const u8 *h_dest = nfo_entry_h_dest(&f->e[dir], nfo_flow_refs(f, dir));

	return h_dest && !is_valid_ether_addr(h_dest);
}

/**
 * nfo_hw_rule_check() - can a rule do what becomes of the packets of a direction?
 * @d:   device by which packets of the direction enter, bound
 * @f:   flow
 * @dir: direction, with a device in nfo_route_refs::out_lower
 *
 * No driver is asked for a rule that this refuses. The answer may change while the rule is in
 * hardware, when packets show another field that the ruleset sets, a route gets another MTU, or a
 * device gets a filter. Context: rcu_read_lock(), nfo_hw::lock held. Return: NFO_R_NONE when a rule
 * can, otherwise why it cannot.
 */
enum nfo_reason nfo_hw_rule_check(const struct nfo_dev *d, const struct nfo_flow *f,
				  enum ip_conntrack_dir dir)
{
	if (!nfo_l4_is_main(f->e[dir].key.l4proto))
		return NFO_R_HW_PROTOCOL;
	if (READ_ONCE(f->e[dir].fields) & (NFO_FIELD_DSCP | NFO_FIELD_TTL))
		return NFO_R_HW_FIELDS;
	/* A rule matches neither a flow label nor the ECN. Packets with another label may have
	 * another route, and rules of the ruleset may look at the ECN.
	 */
	if (f->e[dir].flags & NFO_E_LABEL || nfo_flow_refs(f, dir)->given & NFO_BY_ECN)
		return NFO_R_HW_FIELDS;
	/* A rule matches neither the sender's address nor a mark. */
	if (f->e[dir].flags & NFO_E_ORIGIN)
		return NFO_R_HW_ZONE;
	if (nfo_hw_leaves_chip(d, f, dir) || nfo_hw_to_no_station(f, dir))
		return NFO_R_HW_SHAPE;
	if (nfo_hw_oversize(d, f, dir))
		return NFO_R_HW_MTU;

	return nfo_unseen_check(f, dir);
}

/**
 * nfo_hw_need() - how many rules of a flow a device, or a chip, has yet to take
 * @f:    flow
 * @want: directions that are meant to be in hardware, bits by enum ip_conntrack_dir
 * @d:    only rules of this device count; NULL: those of any device
 * @q:    only rules of this chip's devices count
 *
 * A rule that is to be deleted is one that the device still has. Context: rcu_read_lock(),
 * nfo_hw::lock held. Return: the number, 0 to 2.
 */
unsigned int nfo_hw_need(const struct nfo_flow *f, u8 want, const struct nfo_dev *d,
			 const struct nfo_hw_queue *q)
{
	const struct nfo_dev *in;
	unsigned int need = 0;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		in = nfo_hw_dev(f, dir);
		need += want & BIT(dir) && nfo_flow_hw(f)->rule[dir].state < NFO_RULE_IN &&
			in && in->queue == q && (!d || in == d);
	}

	return need;
}

static bool nfo_hw_over_budget(const struct nfo_dev *d, const struct nfo_flow *f, u8 want)
{
	return d->budget && d->rules + nfo_hw_need(f, want, d, d->queue) > d->budget;
}

/**
 * nfo_hw_room_check() - is there room for the rules of a flow?
 * @d:    device for which nfo_hw_dev_check() has nothing against the rule of a direction
 * @f:    flow
 * @want: directions that are meant to be in hardware, bits by enum ip_conntrack_dir
 *
 * Context: rcu_read_lock(), nfo_hw::lock held. Return: NFO_R_NONE; NFO_R_HW_FULL when the device
 * may not have as many rules, or its chip has no place for them.
 */
enum nfo_reason nfo_hw_room_check(const struct nfo_dev *d, const struct nfo_flow *f, u8 want)
{
	const struct nfo_hw_queue *q = d->queue;

	if (nfo_hw_over_budget(d, f, want) ||
	    (q->size && q->rules + nfo_hw_need(f, want, NULL, q) > q->size))
		return NFO_R_HW_FULL;

	return NFO_R_NONE;
}

static bool nfo_hw_is_ipsec(const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	const struct nfo_extra *x = nfo_flow_refs(f, dir)->extra;

	return x && (x->decrypted || x->encrypt);
}

/**
 * nfo_hw_dev_check() - may a direction's rule go to its device now, if there is room?
 * @d:   device by which packets of the direction enter; NULL when it is not listed
 * @f:   flow
 * @dir: direction
 *
 * nfo_hw_room_check() says whether there is room. Context: rcu_read_lock(), nfo_hw::lock held.
 * Return: NFO_R_NONE when it may, otherwise why not.
 */
enum nfo_reason nfo_hw_dev_check(const struct nfo_dev *d, const struct nfo_flow *f,
				 enum ip_conntrack_dir dir)
{
	enum nfo_reason why;

	if (!d || d->bound == NFO_DEV_HW_NONE || d->leaving)
		return NFO_R_HW_DRIVER;
	if (nfo_hw_is_ipsec(f, dir))
		return NFO_R_XFRM;
	/* No rule can name the egress device: packets leave through a bridge, a tunnel, or with
	 * more headers than a rule can push.
	 */
	if (!nfo_flow_refs(f, dir)->out_lower.dev)
		return NFO_R_DEV_STACK;
	why = nfo_hw_rule_check(d, f, dir);
	if (why)
		return why;
	if (nfo_hw_refused(d, f, dir))
		return NFO_R_HW_SHAPE;
	if (d->backoff && time_before(jiffies, d->not_before))
		return NFO_R_HW_BUSY;

	return NFO_R_NONE;
}

/**
 * nfo_hw_never() - does a reason keep a direction out of hardware for good?
 * @why: reason that nfo_hw_dev_check() returned
 *
 * Context: any. Return: false when the reason passes by itself, as that of a full table does.
 */
bool nfo_hw_never(enum nfo_reason why)
{
	return why == NFO_R_HW_DRIVER || why == NFO_R_HW_SHAPE || why == NFO_R_DEV_STACK ||
	       why == NFO_R_HW_FIELDS || why == NFO_R_HW_ZONE || why == NFO_R_XFRM ||
	       why == NFO_R_HW_MTU || why == NFO_R_HW_PROTOCOL || why == NFO_R_HW_FILTER ||
	       why == NFO_R_HW_QDISC;
}

/* Forget a learned size that is old enough, so that the driver is asked again and says anew when
 * its table is full.
 *
 * Flows may ask in the same order each time. If the first flow finds its bucket of the chip's table
 * full, the size is learned again and no other flow is tried. So a flow that was refused in this
 * round does not end the size as long as other flows may ask.
 */
static void nfo_hw_doubt(struct nfo_dev *d, const struct nfo_flow *f)
{
	struct nfo_hw_queue *q = d ? d->queue : NULL;

	if (!q || !q->size || time_before(jiffies, q->probe_at))
		return;
	if (nfo_flow_hw(f)->round == q->round) {
		if (time_before(jiffies, q->probe_at + NFO_HW_PROBE_TURN))
			return;
		/* No other flow has asked, so the next round begins. Round 0 is left out: it means
		 * that a flow was never refused.
		 */
		q->round = q->round % U8_MAX + 1;
	}
	q->size = 0;
}

/* Return: why the rule of a direction, against which nothing else is, is not asked for now: no
 * room, or too many rules wait. Flows that return were in hardware before, so their number is
 * bounded already. @want: directions that are meant to be in hardware.
 */
static enum nfo_reason nfo_hw_place_check(const struct nfo_dev *d, const struct nfo_flow *f,
					  u8 want)
{
	u32 limit = READ_ONCE(f->table->nn->settings.hw_queue);

	if (d->queue->depth >= limit && !nfo_flow_hw(f)->returns)
		return NFO_R_HW_QUEUE;

	return nfo_hw_room_check(d, f, want);
}

/**
 * nfo_hw_admit() - which of a flow's directions are meant to be in hardware?
 * @f:   flow of which both directions are learned
 * @why: set to the reason that keeps these directions out now, or to NFO_R_NONE
 *
 * Both directions are meant; with the setting hw_oneway, those that nothing keeps out for good.
 * Context: rcu_read_lock(), nfo_hw::lock held. Return: the directions, a bit by
 * enum ip_conntrack_dir for each.
 */
u8 nfo_hw_admit(struct nfo_flow *f, enum nfo_reason *why)
{
	enum nfo_reason reason[IP_CT_DIR_MAX] = {};
	u8 in = nfo_flow_hw(f)->want, meant = NFO_HW_BOTH;
	struct nfo_dev *d[IP_CT_DIR_MAX];
	bool crowded = false;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		d[dir] = nfo_hw_dev(f, dir);
		nfo_hw_doubt(d[dir], f);
		crowded |= d[dir] && d[dir]->queue && d[dir]->queue->size;
	}
	nfo_flow_hw(f)->crowded &= crowded;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		if (!(in & BIT(dir)))
			reason[dir] = nfo_hw_dev_check(d[dir], f, dir);
		if (nfo_hw_never(reason[dir]))
			meant &= ~BIT(dir);
	}
	if (!meant || !READ_ONCE(f->table->nn->settings.hw_oneway))
		meant = NFO_HW_BOTH;
	/* A direction that is not meant takes no place. */
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (meant & ~in & BIT(dir) && !reason[dir])
			reason[dir] = nfo_hw_place_check(d[dir], f, meant);

	/* A full chip is a reason only when nothing else is: for that the caller evicts a flow. */
	*why = NFO_R_NONE;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
		if (meant & BIT(dir) && reason[dir] && (!*why || *why == NFO_R_HW_FULL))
			*why = reason[dir];
	if (!*why && nfo_flow_hw(f)->crowded)
		*why = NFO_R_HW_FULL;

	return meant;
}

/* ---- eviction ---- */

/* Return: among the next few flows in hardware the least busy one whose eviction makes room for a
 * device; NULL when there is none. @own: only rules of the device itself make room. The caller may
 * be in softirq and holds nfo_hw::lock, so a call looks at NFO_HW_LOOK rules at most, and the next
 * call goes on behind them.
 */
static struct nfo_flow *nfo_hw_coldest(const struct nfo_dev *d, bool own)
{
	struct nfo_hw_queue *q = d->queue;
	struct nfo_flow *f, *coldest = NULL;
	struct nfo_hw_rule *p;
	unsigned int i;

	for (i = 0; i < min(q->count, NFO_HW_LOOK); i++) {
		p = nfo_hw_queue_step(q, NFO_HW_CURSOR_COLD);
		if (!p)
			break;
		f = nfo_hw_rule_flow(p);
		if ((own && p->dev != d) || nfo_flow_hw(f)->state != NFO_HW_LIVE)
			continue;
		if (!coldest || nfo_flow_hw(f)->rate < nfo_flow_hw(coldest)->rate)
			coldest = f;
	}

	return coldest;
}

/**
 * nfo_hw_colder() - find the flow in hardware that a clearly busier flow may replace
 * @hot:  flow that nfo_hw_admit() refused with NFO_R_HW_FULL
 * @want: what nfo_hw_admit() returned for it
 *
 * Context: rcu_read_lock(), nfo_hw::lock held. Return: the flow to evict, or NULL.
 */
struct nfo_flow *nfo_hw_colder(const struct nfo_flow *hot, u8 want)
{
	u64 percent = 100 + READ_ONCE(hot->table->nn->settings.hw_hysteresis);
	struct nfo_flow *cold;
	struct nfo_dev *d;
	u64 least;
	int dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		d = nfo_hw_dev(hot, dir);
		if (!(want & BIT(dir)) || nfo_hw_dev_check(d, hot, dir) ||
		    !nfo_hw_room_check(d, hot, want))
			continue;
		cold = nfo_hw_coldest(d, nfo_hw_over_budget(d, hot, want));
		if (!cold || cold == hot)
			return NULL;
		least = div_u64(nfo_flow_hw(cold)->rate * percent, 100) + NFO_HW_MARGIN;
		return nfo_flow_hw(hot)->rate >= least ? cold : NULL;
	}

	return NULL;
}

/* ---- what the driver's answer means ---- */

static void nfo_hw_back_off(struct nfo_dev *d)
{
	d->backoff = clamp(2 * d->backoff, (unsigned long)NFO_HW_BACKOFF_MIN,
			   (unsigned long)NFO_HW_BACKOFF_MAX);
	/* A random part keeps devices from being asked in step with each other. */
	d->not_before = jiffies + d->backoff + get_random_u32() % (d->backoff / 4 + 1);
}

/* A driver said that its chip's table is full. The number of our rules in the chip is taken for the
 * table's size, for a short time at first and longer each time, because perhaps only one bucket of
 * a hash table is full. If the chip has had more rules, it is a bucket: no other flow gives way to
 * this one until the size is forgotten. If the chip has no rule of ours, others have filled it, and
 * the device is left alone for a while. Caller holds nfo_hw::lock.
 */
static void nfo_hw_full(struct nfo_dev *d, const struct nfo_flow *f)
{
	struct nfo_hw_queue *q = d->queue;

	nfo_flow_hw(f)->round = q->round;
	if (!q->rules) {
		nfo_hw_back_off(d);
		return;
	}
	nfo_flow_hw(f)->crowded = q->rules < q->size;
	if (nfo_flow_hw(f)->crowded)
		return;
	d->full_wait = clamp(2 * d->full_wait, (unsigned long)NFO_HW_PROBE_MIN,
			     (unsigned long)NFO_HW_PROBE_MAX);
	q->size = q->rules;
	q->probe_at = jiffies + d->full_wait;
}

/**
 * nfo_hw_dev_set_error() - keep a driver's answer for display
 * @d:      device
 * @err:    0 or a negative errno
 * @extack: has the driver's message, which is copied; may be NULL
 *
 * Context: any.
 */
void nfo_hw_dev_set_error(struct nfo_dev *d, int err, const struct netlink_ext_ack *extack)
{
	nfo_dev_set_answer(d, err, extack ? extack->_msg : NULL);
}

/**
 * nfo_hw_dev_ok() - a driver took a rule: forget errors, and a size that the rule has disproved
 * @d:   device
 * @f:   flow
 * @dir: direction of the rule
 *
 * Context: rcu_read_lock(), nfo_hw::lock held.
 */
void nfo_hw_dev_ok(struct nfo_dev *d, const struct nfo_flow *f, enum ip_conntrack_dir dir)
{
	nfo_hw_disprove(d, f, dir);
	nfo_hw_dev_set_error(d, 0, NULL);
	d->backoff = 0;
	if (d->queue->rules > d->queue->size) {
		d->queue->size = 0;
		d->full_wait = 0;
	}
}

/**
 * nfo_hw_outcome() - a driver refused a rule: decide what follows for later rules
 * @d:   device
 * @f:   flow
 * @dir: direction of the rule
 * @err: the driver's answer, a negative errno
 *
 * Context: rcu_read_lock(), nfo_hw::lock held. Return: the reason why the flow is not in hardware.
 */
enum nfo_reason nfo_hw_outcome(struct nfo_dev *d, const struct nfo_flow *f,
			       enum ip_conntrack_dir dir, int err)
{
	if (nfo_hw_means_full(d, err)) {
		nfo_hw_full(d, f);
		return NFO_R_HW_FULL;
	}
	switch (err) {
	case -EOPNOTSUPP:
	case -EINVAL:
		nfo_hw_refuse(d, f, dir);
		return NFO_R_HW_SHAPE;
	default:
		nfo_hw_back_off(d);
		return NFO_R_HW_BUSY;
	}
}

/**
 * nfo_hw_forget_refusals() - a device was perhaps switched: drop what its driver refused
 * @d:   device
 * @out: index of the egress device that was switched; 0: @d itself was
 *
 * The driver is asked once more for each kind of rule. A wait after a passing failure goes on.
 * Context: nfo_hw::lock held.
 */
void nfo_hw_forget_refusals(struct nfo_dev *d, int out)
{
	unsigned int i, left = 0;

	if (!out)
		d->form_failed = 0;
	for (i = 0; i < d->refusals; i++)
		if (out && d->refused[i].out && d->refused[i].out != out)
			d->refused[left++] = d->refused[i];
	d->refusals = left;
}

/**
 * nfo_hw_set_bound() - say how a device is bound
 * @t:   flowtable with hardware
 * @d:   listed device
 * @how: NFO_DEV_HW_*
 *
 * Caller holds nfo_net::lock. Context: may sleep.
 */
void nfo_hw_set_bound(struct nfo_table *t, struct nfo_dev *d, enum nfo_dev_hw how)
{
	spin_lock_bh(&t->hw.lock);
	d->bound = how;
	spin_unlock_bh(&t->hw.lock);
}

/**
 * nfo_hw_forget() - a device is bound anew: drop what was learned of its driver
 * @d: device with a queue
 *
 * Flows that were refused ask again when their next packets pass in software.
 * Context: nfo_hw::lock held.
 */
void nfo_hw_forget(struct nfo_dev *d)
{
	d->leaving = false;
	d->driver_gone = false;
	nfo_hw_forget_refusals(d, 0);
	d->backoff = 0;
	d->full_wait = 0;
	d->queue->size = 0;
}
