// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the journal. Which changes concern an entry, and how long they are remembered.
 */
#include <linux/inetdevice.h>
#include <linux/workqueue.h>

#include "nfo_kunit_chip.h"

/* The rooms of the hardware side call the one in nfo_kunit_chip.c. */
#define nfo_route_refresh	nfo_route_refresh_of_packets
#include "../../nf_flow_offload_neigh.c"
#include "../../nf_flow_offload_route.c"
#undef nfo_route_refresh

#define ORIGINAL	IP_CT_DIR_ORIGINAL
#define REPLY		IP_CT_DIR_REPLY

/* Device stacks are not here: each device is its own lowest one. */
struct net_device *nfo_lower_send_by(const struct nfo_table *t, struct net_device *out,
				     const struct nfo_lower *lower)
{
	return out;
}

bool nfo_lower_shows_ct(struct nfo_net *nn, const struct net_device *dev)
{
	return false;
}

enum nfo_reason nfo_lower_check(const struct nfo_table *t, int iif, struct net_device *dev)
{
	return iif == dev->ifindex ? NFO_R_NONE : NFO_R_DEV_STACK;
}

bool nfo_lower_covers(const struct nfo_table *t, const struct net_device *dev)
{
	return true;
}

void nfo_lower_find(const struct nfo_table *t, const struct net_device *dev, const u8 *h_dest,
		    struct nfo_lower *lower)
{
	*lower = (struct nfo_lower) { .dev = (struct net_device *)dev };
}

/* The device that is between listed ones and those that routing knows. */
static int nfo_between;

bool nfo_lower_passes(const struct nfo_table *t, int iif, struct net_device *dev, int ifindex)
{
	return nfo_between && ifindex == nfo_between;
}

/* Does a change make an entry that was true before it stale? */
static bool nfo_concerns(struct nfo_fake *fake, const struct nfo_entry *e,
			 const struct nfo_change *c)
{
	u32 before = nfo_epoch(&fake->nn);

	nfo_change_add(&fake->nn, c);
	KUNIT_EXPECT_EQ(fake->test, nfo_epoch(&fake->nn), before + 1);

	return nfo_route_changed(&fake->nn, e, before, before + 1);
}

/* ---- which changes concern which entry ---- */

/* 192.168.1.2 -> 203.0.113.9, which is 10.0.0.5 in fact. */
struct nfo_entry *nfo_entry4(struct nfo_fake *fake)
{
	struct nfo_entry *e = &nfo_fake_flow(fake, 0, 1)->f.e[ORIGINAL];

	e->key.saddr = htonl(0xc0a80102);
	e->key.daddr = htonl(0xcb007109);
	e->saddr = htonl(0xc6336407);
	e->daddr = htonl(0x0a000005);

	return e;
}

static void nfo_test_prefix4(struct kunit *test)
{
	static const struct {
		u32 prefix;
		u8 plen;
		bool concerns;
	} cases[] = {
		{ 0, 0, true },			/* the default route */
		{ 0x0a000000, 8, true },	/* where packets go to */
		{ 0x0a000004, 31, true },
		{ 0x0a000005, 32, true },
		{ 0x0a000004, 32, false },
		{ 0x0a000006, 31, false },
		{ 0x0b000000, 8, false },
		{ 0xc0a80100, 24, true },	/* the way back to the source */
		{ 0xc0a80200, 24, false },
		{ 0xcb007100, 24, false },	/* the address before NAT is not routed */
		{ 0xc6336400, 24, false },
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nfo_change c = {
			.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4,
			.plen = cases[i].plen, .prefix.ip = htonl(cases[i].prefix),
		};

		KUNIT_EXPECT_EQ_MSG(test, nfo_concerns(fake, e, &c), cases[i].concerns,
				    "%08x/%u", cases[i].prefix, c.plen);
		c.family = NFPROTO_IPV6;
		KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	}
}

static void nfo_test_prefix6(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_change c = { .what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6 };
	int dir, plen;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct nfo_addr6 *a6 = &ff->f.a6[dir];
		struct nfo_entry *e = &ff->f.e[dir];

		e->key.family = NFPROTO_IPV6;
		set_bit(NFO_F_V6, &nfo_flow(e)->state);
		memset(&a6->saddr, 0xc4 + dir, 16);
		memset(&a6->daddr, 0x22 + dir, 16);
		memset(&a6->new_saddr, 0x33 + dir, 16);
		memset(&a6->new_daddr, 0x44 + dir, 16);
		for (plen = 1; plen <= 128; plen++) {
			c.plen = plen;
			c.prefix.in6 = a6->new_daddr;
			KUNIT_EXPECT_TRUE_MSG(test, nfo_concerns(fake, e, &c), "/%d", plen);
			/* The last bit that counts differs; the first bit is the source's then. */
			c.prefix.in6.s6_addr[(plen - 1) / 8] ^= 0x80 >> (plen - 1) % 8;
			KUNIT_EXPECT_EQ_MSG(test, nfo_concerns(fake, e, &c), plen == 1,
					    "/%d", plen);
			c.prefix.in6 = a6->saddr;
			KUNIT_EXPECT_TRUE_MSG(test, nfo_concerns(fake, e, &c), "/%d", plen);
		}
		c.prefix.in6 = a6->daddr;
		KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
		c.prefix.in6 = a6->new_saddr;
		KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
		c.plen = 0;
		KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	}
}

static void nfo_test_family(struct kunit *test)
{
	static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change c = { .what = NFO_CHANGE_FAMILY };
	int mine, other;

	for (mine = 0; mine < 2; mine++)
		for (other = 0; other < 2; other++) {
			e->key.family = families[mine];
			c.family = families[other];
			KUNIT_EXPECT_EQ(test, nfo_concerns(fake, e, &c), mine == other);
		}
	c = (struct nfo_change) { .what = NFO_CHANGE_ALL };
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
}

static void nfo_test_neighbour(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	static struct neighbour mine, others;
	struct nfo_neigh watch = { .n = &mine };
	struct nfo_change c = { .what = NFO_CHANGE_NEIGH, .neigh = &mine };

	/* A device without a link layer has none. */
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));
	ff->route[ORIGINAL].neigh = &watch;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[REPLY], &c));
	c.neigh = &others;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));

	/* A direction without a neighbour leaves by the neighbour's device. */
	c.ifindex = ff->route[ORIGINAL].out->ifindex;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, &ff->f.e[REPLY], &c));
	ff->route[ORIGINAL].neigh = NULL;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, &ff->f.e[ORIGINAL], &c));
}

static void nfo_test_device(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	struct nfo_change c = { .what = NFO_CHANGE_DEV };
	int port;

	for (port = 0; port < NFO_FAKE_PORTS; port++) {
		c.ifindex = fake->port[port].netdev->ifindex;
		KUNIT_EXPECT_EQ_MSG(test, nfo_concerns(fake, e, &c), port < 2, "port %d", port);
	}
	/* Where packets come in, as routing sees it. */
	ff->route[ORIGINAL].in = fake->port[2].netdev;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	ff->route[ORIGINAL].in = fake->port[0].netdev;
	/* The device below the one that routing sends to. */
	ff->route[ORIGINAL].out_lower.dev = fake->port[2].netdev;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	ff->route[ORIGINAL].out_lower.dev = NULL;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	/* A device between the listed one and routing's. */
	nfo_between = c.ifindex;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	e->flags |= NFO_E_LOWER;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	nfo_between = 0;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	e->flags &= ~NFO_E_LOWER;
	/* On the way out as well. */
	ff->route[ORIGINAL].out_lower.dev = fake->port[1].netdev;
	ff->route[ORIGINAL].out = fake->port[0].netdev;
	nfo_between = c.ifindex;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	ff->route[ORIGINAL].out = fake->port[1].netdev;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	nfo_between = 0;
	/* What the other direction rests on is none of this one's. */
	ff->route[REPLY].in = fake->port[2].netdev;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
}

/* ---- how long changes are remembered ---- */

/* A change that concerns no entry here. */
static void nfo_add_others(struct nfo_fake *fake, unsigned int n)
{
	static const struct nfo_change c = { .what = NFO_CHANGE_DEV, .ifindex = 1000 };

	while (n--)
		nfo_change_add(&fake->nn, &c);
}

/* From epochs before, at, and after the wrap-around of the 32 bits. */
static const u32 nfo_starts[] = {
	0, 1, NFO_JOURNAL - 1, NFO_JOURNAL, 0x7ffffff0, U32_MAX - NFO_JOURNAL, U32_MAX - 100,
	U32_MAX - 1, U32_MAX,
};

static void nfo_start_name(const u32 *start, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "from epoch %u", *start);
}

KUNIT_ARRAY_PARAM(nfo_start, nfo_starts, nfo_start_name);

/* The one change that concerns the entry is found wherever it is, and only there. */
static void nfo_test_found_anywhere(struct kunit *test)
{
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change mine = { .what = NFO_CHANGE_DEV, .ifindex = e->key.iif };
	u32 from, at, last = NFO_JOURNAL - 1;

	for (at = 0; at < last; at += 11) {
		fake->nn.epoch = *start;
		nfo_add_others(fake, at);
		nfo_change_add(&fake->nn, &mine);
		nfo_add_others(fake, last - at - 1);
		KUNIT_ASSERT_EQ(test, nfo_epoch(&fake->nn), *start + last);
		for (from = 0; from < last; from++)
			KUNIT_EXPECT_EQ_MSG(test, nfo_route_changed(&fake->nn, e, *start + from,
								    *start + last),
					    from <= at ? NFO_NEWS_ROUTE : NFO_NEWS_NONE,
					    "change %u, from %u", at, from);
	}
}

/* A changed ruleset is told apart as long as nothing else concerns the entry. */
static void nfo_test_ruleset_alone(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change ruleset = { .what = NFO_CHANGE_RULESET };
	struct nfo_change mine = { .what = NFO_CHANGE_DEV, .ifindex = e->key.iif };
	u32 start = nfo_epoch(&fake->nn);

	nfo_add_others(fake, 3);
	nfo_change_add(&fake->nn, &ruleset);
	nfo_add_others(fake, 3);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start, nfo_epoch(&fake->nn)),
			NFO_NEWS_RULESET);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start + 4, nfo_epoch(&fake->nn)),
			NFO_NEWS_NONE);
	nfo_change_add(&fake->nn, &mine);
	nfo_change_add(&fake->nn, &ruleset);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start, nfo_epoch(&fake->nn)),
			NFO_NEWS_ROUTE);
	KUNIT_EXPECT_EQ(test, nfo_route_changed(&fake->nn, e, start + 8, nfo_epoch(&fake->nn)),
			NFO_NEWS_RULESET);
}

/* 255 changes other than of prefixes are remembered, of more than that nothing is known. */
static void nfo_test_overflow(struct kunit *test)
{
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);

	fake->nn.epoch = *start;
	nfo_add_others(fake, NFO_JOURNAL - 1);
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, *start, fake->nn.epoch));
	nfo_add_others(fake, 1);
	KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, *start, fake->nn.epoch));
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, *start + 1, fake->nn.epoch));
	/* While it was read, the journal went round. */
	KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, *start, *start + 1));
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, fake->nn.epoch,
						   fake->nn.epoch));
}

/* @n prefixes below 11.0.0.0/8 and 2001:db8:ff00::/40, which concern no entry of these tests. */
static void nfo_add_prefixes(struct nfo_fake *fake, u8 family, unsigned int n)
{
	struct nfo_change c = { .what = NFO_CHANGE_PREFIX, .family = family };
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (family == NFPROTO_IPV4) {
			c.plen = 30;
			c.prefix.ip = htonl(0x0b000000 + 4 * i);
		} else {
			c.plen = 64;
			c.prefix.ip6[0] = htonl(0x20010db8);
			c.prefix.ip6[1] = htonl(0xff000000 + i);
		}
		nfo_change_add(&fake->nn, &c);
	}
}

static enum nfo_news nfo_news_since(struct nfo_fake *fake, const struct nfo_entry *e, u32 before)
{
	return nfo_route_changed(&fake->nn, e, before, nfo_epoch(&fake->nn));
}

/* A table of routes is loaded: it is known of each whether it concerns an entry. */
static void nfo_test_reload(struct kunit *test)
{
	static const struct {
		u32 prefix;
		u8 plen;
		bool concerns;
	} cases[] = {
		{ 0x0a000005, 32, true },
		{ 0x0a000000, 24, true },
		{ 0x0a000000, 15, true },
		{ 0x0a000000, 8, true },
		{ 0x08000000, 6, true },
		{ 0, 0, true },
		{ 0xc0a80100, 24, true },
		{ 0x0a010000, 16, false },
		{ 0x0a800000, 9, false },
	};
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change c = { .what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4 };
	u32 before;
	int i;

	fake->nn.epoch = *start;
	/* What is older than half the range of an epoch may count as news. */
	memset32(&fake->nn.journal->prefixes[0][0], *start, 2 << NFO_PREFIX_BITS);
	fake->nn.journal->all[0] = *start;
	fake->nn.journal->other = *start;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		before = nfo_epoch(&fake->nn);
		nfo_add_prefixes(fake, NFPROTO_IPV6, NFO_JOURNAL);
		KUNIT_EXPECT_FALSE(test, nfo_news_since(fake, e, before));
		c.prefix.ip = htonl(cases[i].prefix);
		c.plen = cases[i].plen;
		nfo_change_add(&fake->nn, &c);
		nfo_add_prefixes(fake, NFPROTO_IPV4, 2 * NFO_JOURNAL);
		KUNIT_EXPECT_EQ_MSG(test, !!nfo_news_since(fake, e, before), cases[i].concerns,
				    "case %d", i);
	}
	/* Something else among them, which the journal has forgotten. */
	before = nfo_epoch(&fake->nn);
	nfo_add_others(fake, 1);
	nfo_add_prefixes(fake, NFPROTO_IPV4, NFO_JOURNAL);
	KUNIT_EXPECT_TRUE(test, nfo_news_since(fake, e, before));
}

/* IPv6 prefixes are told apart by 32 bits. */
static void nfo_test_reload6(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_change c = { .what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6 };
	struct nfo_entry *e = &ff->f.e[ORIGINAL];
	u32 before = nfo_epoch(&fake->nn);
	int plen;

	nfo_add_prefixes(fake, NFPROTO_IPV6, NFO_JOURNAL);
	e->key.family = NFPROTO_IPV6;
	set_bit(NFO_F_V6, &nfo_flow(e)->state);
	memset(&ff->f.a6[ORIGINAL].saddr, 0x24, 16);
	memset(&ff->f.a6[ORIGINAL].new_daddr, 0x2a, 16);
	c.prefix.in6 = ff->f.a6[ORIGINAL].new_daddr;
	KUNIT_EXPECT_FALSE(test, nfo_news_since(fake, e, before));
	for (plen = 0; plen <= 128; plen++) {
		before = nfo_epoch(&fake->nn);
		c.plen = plen;
		nfo_change_add(&fake->nn, &c);
		nfo_add_prefixes(fake, NFPROTO_IPV6, NFO_JOURNAL);
		KUNIT_EXPECT_EQ_MSG(test, nfo_news_since(fake, e, before),
				    NFO_NEWS_ROUTE, "/%d", plen);
	}
}

/* ---- whom changes concern ---- */

static struct nfo_change nfo_prefix4(u32 prefix, u8 plen)
{
	return (struct nfo_change) {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4,
		.plen = plen, .prefix.ip = htonl(prefix),
	};
}

/* An entry that was learned needs a look at the journal after changes that may concern it. */
static void nfo_test_watched(struct kunit *test)
{
	static const struct {
		u32 prefix;
		u8 plen;
		bool watched;
	} cases[] = {
		{ 0x0a000005, 32, true },
		{ 0x0a00ff00, 24, true },	/* the first 16 bits are looked at */
		{ 0x0a000000, 9, true },
		{ 0, 0, true },			/* too many groups of prefixes */
		{ 0xc0a80100, 24, true },
		{ 0x0b000000, 30, false },
		{ 0x0a010000, 16, false },
	};
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change c;
	int i;

	nn->epoch = *start;
	nn->concerned = *start;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		e->epoch = nn->epoch;
		nfo_route_learned(nn, e);
		KUNIT_EXPECT_TRUE(test, nfo_entry_is_current(nn, e));
		c = nfo_prefix4(cases[i].prefix, cases[i].plen);
		nfo_change_add(nn, &c);
		KUNIT_EXPECT_EQ_MSG(test, !nfo_entry_is_current(nn, e), cases[i].watched,
				    "%08x/%u", cases[i].prefix, c.plen);
	}
	nfo_add_others(fake, 1);
	KUNIT_EXPECT_FALSE(test, nfo_entry_is_current(nn, e));
	e->epoch = nn->epoch;
	KUNIT_EXPECT_TRUE(test, nfo_entry_is_current(nn, e));
	nfo_entry_make_stale(e, nn->epoch);
	KUNIT_EXPECT_FALSE(test, nfo_entry_is_current(nn, e));
}

/* A route changes between the arrival of the packet that teaches an entry and the end of the
 * lesson: nobody watched the prefix then.
 */
static void nfo_test_watched_late(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change mine = nfo_prefix4(0x0a000000, 24), other = nfo_prefix4(0x0b000000, 24);

	e->epoch = nn->epoch;
	nfo_change_add(nn, &other);
	KUNIT_EXPECT_TRUE(test, nfo_entry_is_current(nn, e));
	nfo_route_learned(nn, e);
	KUNIT_EXPECT_TRUE(test, nfo_entry_is_current(nn, e));

	memset(nn->journal->watched, 0, sizeof(nn->journal->watched));
	e->epoch = nn->epoch;
	nfo_change_add(nn, &mine);
	KUNIT_EXPECT_TRUE(test, nfo_entry_is_current(nn, e));
	nfo_route_learned(nn, e);
	KUNIT_EXPECT_FALSE(test, nfo_entry_is_current(nn, e));
}

/* What is not watched anew is forgotten, after a generation that it is kept for. */
static void nfo_test_watched_turns(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_change mine = nfo_prefix4(0x0a000000, 24), other = nfo_prefix4(0x0b000000, 24);
	int turn;

	nfo_change_add(nn, &other);
	nfo_entry_watch(nn, e);
	for (turn = 0; turn < 2; turn++) {
		nn->journal->turned_at = nfo_now() - 10 * HZ;
		nfo_change_add(nn, &other);
		e->epoch = nn->epoch;
		nfo_change_add(nn, &mine);
		KUNIT_EXPECT_EQ_MSG(test, nfo_entry_is_current(nn, e), turn == 1, "turn %d", turn);
	}
	nfo_entry_watch(nn, e);
	nfo_change_add(nn, &mine);
	KUNIT_EXPECT_FALSE(test, nfo_entry_is_current(nn, e));
}

/* Changes that concern nobody are counted for so long, so that the epochs do not drift apart. */
static void nfo_test_unconcerned(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_net *nn = &fake->nn;
	struct nfo_change other = nfo_prefix4(0x0b000000, 24);

	nn->epoch = nn->concerned + NFO_UNCONCERNED / 2 - 2;
	nfo_change_add(nn, &other);
	KUNIT_EXPECT_EQ(test, nn->epoch - nn->concerned, NFO_UNCONCERNED / 2 - 1);
	nfo_change_add(nn, &other);
	KUNIT_EXPECT_EQ(test, nn->epoch, nn->concerned);
}

/* A bridge sends to an address by another port: flows follow that send to the address. */
static void nfo_test_port(struct kunit *test)
{
	static const u8 next[ETH_ALEN] = { 2, 0, 0, 0, 0, 5 };
	struct nfo_fake *fake = test->priv;
	struct nfo_fake_flow *ff = nfo_fake_flow(fake, 0, 1);
	struct nfo_change c = { .what = NFO_CHANGE_STATION };
	struct nfo_entry *e = &ff->f.e[ORIGINAL];

	ether_addr_copy(c.lladdr, next);
	ether_addr_copy(ff->route[ORIGINAL].hh, next);
	e->flags &= ~NFO_E_HEADER;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
	e->flags |= NFO_E_HEADER;
	KUNIT_EXPECT_TRUE(test, nfo_concerns(fake, e, &c));
	c.lladdr[5]++;
	KUNIT_EXPECT_FALSE(test, nfo_concerns(fake, e, &c));
}

static void nfo_test_made_stale(struct kunit *test)
{
	const u32 *start = test->param_value;
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	int i;

	fake->nn.epoch = *start;
	for (i = 0; i < 2 * NFO_JOURNAL; i++) {
		nfo_entry_make_stale(e, fake->nn.epoch);
		KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, e->epoch,
							  fake->nn.epoch));
		/* The journal does not make it true again. */
		nfo_add_others(fake, 1);
		KUNIT_EXPECT_TRUE(test, nfo_route_changed(&fake->nn, e, e->epoch,
							  fake->nn.epoch));
	}
}

/* A packet shows what the entry knows: it gets the packet's epoch, route and MTU. */
static void nfo_test_renew(struct kunit *test)
{
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_flow *f = nfo_flow(e);
	struct nfo_route_refs old = { .cookie = 6 }, refs = { .cookie = 7 };
	struct nfo_route_refs *both, *now, *reply = f->e[REPLY].refs;
	struct nfo_entry shown = { .mtu = 1400, .ct_mark = 5 };

	both = nfo_route_refs_share(&fake->nn, &old);
	KUNIT_ASSERT_NOT_NULL(test, both);
	f->e[ORIGINAL].refs = both;
	nfo_entry_make_stale(e, fake->nn.epoch);
	nfo_add_others(fake, 3);
	rcu_read_lock();
	shown.epoch = fake->nn.epoch - 1;
	KUNIT_EXPECT_TRUE(test, nfo_route_renew(f, ORIGINAL, &refs, &shown));
	/* Another direction that rests on the same goes on with it, and so does a packet. */
	KUNIT_EXPECT_EQ(test, both->cookie, 6);
	rcu_read_unlock();
	now = f->e[ORIGINAL].refs;
	KUNIT_EXPECT_EQ(test, now->cookie, 7);
	KUNIT_EXPECT_EQ(test, e->ct_mark, 5);
	KUNIT_EXPECT_EQ(test, f->e[REPLY].ct_mark, 0);
	KUNIT_EXPECT_EQ(test, e->mtu, 1400);
	KUNIT_EXPECT_PTR_EQ(test, f->e[REPLY].refs, reply);
	KUNIT_EXPECT_EQ(test, e->epoch, fake->nn.epoch - 1);
	/* Devices of the test, of which there is no reference to drop. */
	now->in = fake->port[0].netdev;
	now->out = fake->port[1].netdev;
	now->send = now->out;
	KUNIT_EXPECT_FALSE(test, nfo_route_changed(&fake->nn, e, e->epoch, fake->nn.epoch));
	now->in = NULL;
	now->out = NULL;
	now->send = NULL;
	nfo_route_refs_put(now);
}

/* ---- changes that are told of before they are made ---- */

/* A route goes: the journal has it, a packet learns that the route is there, then it is gone. */
static void nfo_test_told_before(struct kunit *test)
{
	static const struct nfo_change mine = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 8, .early = true,
		.prefix.ip = cpu_to_be32(0x0a000000),
	}, other = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 8, .early = true,
		.prefix.ip = cpu_to_be32(0x0b000000),
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_net *nn = &fake->nn;
	u32 learned, n;

	for (n = 0; n < 2 * NFO_JOURNAL; n += 7) {
		nfo_change_add(nn, &mine);
		nfo_add_others(fake, n);
		nfo_change_add(nn, &other);
		learned = nfo_epoch(nn);
		rt_genid_bump_ipv4(nn->net);
		KUNIT_EXPECT_TRUE_MSG(test, nfo_news_since(fake, e, learned),
				      "%u changes between", n);
		/* That is over, and others do not bring it back. */
		learned = nfo_epoch(nn);
		nfo_change_add(nn, &other);
		rt_genid_bump_ipv4(nn->net);
		KUNIT_EXPECT_FALSE_MSG(test, nfo_news_since(fake, e, learned),
				       "%u changes between", n);
	}
}

/* Likewise, with more routes between than the journal tells one by one. */
static void nfo_test_many_told_before(struct kunit *test)
{
	struct nfo_change c = { .what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV4, .plen = 24 };
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_net *nn = &fake->nn;
	int mine, after;
	u32 learned;

	for (mine = 0; mine < 2; mine++)
		for (after = 0; after <= NFO_JOURNAL; after += NFO_JOURNAL) {
			c.prefix.ip = htonl(mine ? 0x0a000000 : 0x0c000000);
			nfo_change_add(nn, &c);
			nfo_add_prefixes(fake, NFPROTO_IPV4, 2 * NFO_JOURNAL);
			learned = nfo_epoch(nn);
			rt_genid_bump_ipv4(nn->net);
			nfo_epoch(nn);
			nfo_add_prefixes(fake, NFPROTO_IPV4, after);
			KUNIT_EXPECT_EQ_MSG(test, !!nfo_news_since(fake, e, learned),
					    mine, "%d changes after", after);
		}
}

/* An IPv6 route comes: the journal has it, a packet learns that it is not there, then it is. */
static void nfo_test_told_before6(struct kunit *test)
{
	struct nfo_change mine = {
		.what = NFO_CHANGE_PREFIX, .family = NFPROTO_IPV6, .plen = 32, .early = true,
	}, family4 = {
		.what = NFO_CHANGE_FAMILY, .family = NFPROTO_IPV4,
	};
	struct nfo_fake *fake = test->priv;
	struct nfo_entry *e = nfo_entry4(fake);
	struct nfo_net *nn = &fake->nn;
	u32 learned;

	e->key.family = NFPROTO_IPV6;
	set_bit(NFO_F_V6, &nfo_flow(e)->state);
	memset(nfo_addr6(e), 0x20, sizeof(struct nfo_addr6));
	memset(&mine.prefix, 0x20, 4);
	nfo_change_add(nn, &mine);
	nfo_add_others(fake, 3);
	learned = nfo_epoch(nn);
	/* IPv4's count tells nothing of it. */
	nfo_change_add(nn, &family4);
	rt_genid_bump_ipv4(nn->net);
	KUNIT_EXPECT_FALSE(test, nfo_news_since(fake, e, learned));
	learned = nfo_epoch(nn);
	atomic_inc(&nn->net->ipv6.fib6_sernum);
	nfo_net_notice(nn);
	KUNIT_EXPECT_TRUE(test, nfo_news_since(fake, e, learned));
	/* That is over. */
	learned = nfo_epoch(nn);
	atomic_inc(&nn->net->ipv6.fib6_sernum);
	nfo_net_notice(nn);
	KUNIT_EXPECT_EQ(test, nfo_epoch(nn), learned);
}

static struct kunit_case nfo_journal_cases[] = {
	KUNIT_CASE(nfo_test_prefix4),
	KUNIT_CASE(nfo_test_prefix6),
	KUNIT_CASE(nfo_test_family),
	KUNIT_CASE(nfo_test_neighbour),
	KUNIT_CASE(nfo_test_ruleset_alone),
	KUNIT_CASE(nfo_test_device),
	KUNIT_CASE_PARAM(nfo_test_found_anywhere, nfo_start_gen_params),
	KUNIT_CASE_PARAM(nfo_test_overflow, nfo_start_gen_params),
	KUNIT_CASE_PARAM(nfo_test_reload, nfo_start_gen_params),
	KUNIT_CASE(nfo_test_reload6),
	KUNIT_CASE_PARAM(nfo_test_watched, nfo_start_gen_params),
	KUNIT_CASE(nfo_test_watched_late),
	KUNIT_CASE(nfo_test_watched_turns),
	KUNIT_CASE(nfo_test_unconcerned),
	KUNIT_CASE(nfo_test_port),
	KUNIT_CASE_PARAM(nfo_test_made_stale, nfo_start_gen_params),
	KUNIT_CASE(nfo_test_renew),
	KUNIT_CASE(nfo_test_told_before),
	KUNIT_CASE(nfo_test_many_told_before),
	KUNIT_CASE(nfo_test_told_before6),
	{}
};

static struct kunit_suite nfo_journal_suite = {
	.name		= "nf_flow_offload_journal",
	.init		= nfo_journal_init,
	.exit		= nfo_journal_exit,
	.test_cases	= nfo_journal_cases,
};

kunit_test_suite(nfo_journal_suite);
