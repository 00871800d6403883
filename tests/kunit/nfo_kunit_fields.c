// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what a ruleset does to mark, priority, DSCP and TTL, by the packets that passed it.
 */
#include <kunit/test.h>

#include "nfo_entry.h"

#include "../../nf_flow_offload_fields.c"

/* A ruleset, as a function of the packet. */
typedef struct nfo_look (*nfo_ruleset)(struct nfo_look in);

static struct nfo_look nfo_rules_none(struct nfo_look in)
{
	in.ttl--;
	return in;
}

static struct nfo_look nfo_rules_set(struct nfo_look in)
{
	in.tos = 0xb8 | (in.tos & 3);
	return (struct nfo_look) { .mark = 7, .priority = 9, .tos = in.tos, .ttl = 64 };
}

static struct nfo_look nfo_rules_inc(struct nfo_look in)
{
	in.ttl += 4;
	return in;
}

/* The mark depends on the mark, in a way that is no constant. */
static struct nfo_look nfo_rules_odd(struct nfo_look in)
{
	in.ttl--;
	if (in.mark)
		in.mark += 100;
	return in;
}

static bool nfo_known(const struct nfo_entry *e, struct nfo_look in)
{
	return !nfo_fields_differ(e, in.mark, in.priority, in.tos, in.ttl) ||
	       !nfo_fields_unknown(e, &nfo_route_refs_none, &in, e->fields);
}

/* What an entry does to a packet it holds for. */
static struct nfo_look nfo_apply(const struct nfo_entry *e, struct nfo_look in)
{
	if (e->fields & NFO_FIELD_MARK)
		in.mark = e->mark;
	if (e->fields & NFO_FIELD_PRIORITY)
		in.priority = e->priority;
	if (e->fields & NFO_FIELD_DSCP)
		in.tos = (in.tos & 3) | e->dscp;
	in.ttl = e->fields & NFO_FIELD_TTL ? e->ttl_out : in.ttl - 1;
	return in;
}

/* A packet that the entry holds for leaves as the ruleset would have it leave; any other one
 * teaches. Return: how many packets took the classic path.
 */
static int nfo_stream(struct kunit *test, nfo_ruleset rules, int packets, u32 values)
{
	struct nfo_entry e = {};
	struct nfo_look in, out, fast;
	int i, slow = 0;

	for (i = 0; i < packets; i++) {
		in = (struct nfo_look) {
			.mark = i * 11 % values * 7, .priority = i * 13 % values * 9,
			.tos = i * 17 % values * 0xb8 | i % 4, .ttl = 64 + i % values,
		};
		out = rules(in);
		if (i && nfo_known(&e, in)) {
			fast = nfo_apply(&e, in);
			KUNIT_EXPECT_EQ_MSG(test, fast.mark, out.mark, "packet %d", i);
			KUNIT_EXPECT_EQ_MSG(test, fast.priority, out.priority, "packet %d", i);
			KUNIT_EXPECT_EQ_MSG(test, fast.tos, out.tos, "packet %d", i);
			KUNIT_EXPECT_EQ_MSG(test, fast.ttl, out.ttl, "packet %d", i);
			continue;
		}
		slow++;
		if (!i || !nfo_fields_settle(&e, &in, &out))
			nfo_fields_learn(&e, &in, &out);
	}

	return slow;
}

static void nfo_test_one_value(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nfo_stream(test, nfo_rules_none, 100, 1), 1);
	KUNIT_EXPECT_EQ(test, nfo_stream(test, nfo_rules_set, 100, 1), 1);
	KUNIT_EXPECT_EQ(test, nfo_stream(test, nfo_rules_inc, 100, 1), 1);
}

static void nfo_test_settles(struct kunit *test)
{
	int values;

	for (values = 2; values < 9; values++) {
		KUNIT_EXPECT_LE(test, nfo_stream(test, nfo_rules_none, 200, values), 6);
		KUNIT_EXPECT_LE(test, nfo_stream(test, nfo_rules_set, 200, values), 6);
	}
}

/* What cannot be told apart stays in the classic path, and what is sent is right. */
static void nfo_test_never_wrong(struct kunit *test)
{
	int values;

	for (values = 2; values < 9; values++) {
		KUNIT_EXPECT_GT(test, nfo_stream(test, nfo_rules_inc, 200, values), 90);
		KUNIT_EXPECT_GT(test, nfo_stream(test, nfo_rules_odd, 200, values), 10);
	}
}

/* A packet with the same values that leaves otherwise: the ruleset is another one. */
static void nfo_test_contradiction(struct kunit *test)
{
	struct nfo_look in = { .mark = 1, .ttl = 64 }, out = nfo_rules_none(in);
	struct nfo_entry e = {};

	nfo_fields_learn(&e, &in, &out);
	KUNIT_EXPECT_TRUE(test, nfo_fields_settle(&e, &in, &out));
	out.mark = 2;
	KUNIT_EXPECT_FALSE(test, nfo_fields_settle(&e, &in, &out));
}

/* After a change of the ruleset what was settled is not known any more. */
static void nfo_test_renew(struct kunit *test)
{
	struct nfo_look a = { .mark = 1, .ttl = 64 }, b = { .mark = 2, .ttl = 64 };
	struct nfo_look left = nfo_rules_none(a), set = { .mark = 9, .ttl = 63 };
	struct nfo_entry e = {}, fresh = {};

	nfo_fields_learn(&e, &a, &left);
	left = nfo_rules_none(b);
	KUNIT_EXPECT_TRUE(test, nfo_fields_settle(&e, &b, &left));
	KUNIT_EXPECT_TRUE(test, nfo_known(&e, (struct nfo_look) { .mark = 5, .ttl = 64 }));

	nfo_fields_learn(&fresh, &b, &left);
	KUNIT_EXPECT_TRUE(test, nfo_fields_renew(&e, &fresh));
	KUNIT_EXPECT_TRUE(test, nfo_known(&e, b));
	KUNIT_EXPECT_FALSE(test, nfo_known(&e, a));

	nfo_fields_learn(&fresh, &b, &set);
	KUNIT_EXPECT_FALSE(test, nfo_fields_renew(&e, &fresh));
}

static struct kunit_case nfo_fields_cases[] = {
	KUNIT_CASE(nfo_test_one_value),
	KUNIT_CASE(nfo_test_settles),
	KUNIT_CASE(nfo_test_never_wrong),
	KUNIT_CASE(nfo_test_contradiction),
	KUNIT_CASE(nfo_test_renew),
	{}
};

static struct kunit_suite nfo_fields_suite = {
	.name		= "nf_flow_offload_fields",
	.test_cases	= nfo_fields_cases,
};

kunit_test_suite(nfo_fields_suite);
