// SPDX-License-Identifier: GPL-2.0
/*
 * Fields that a ruleset may set: what the ruleset does to a field, by the packets that passed it.
 *
 * A fixed field leaves with the value that the entry has. Any other field leaves as the packet
 * brought it, the TTL one less. A packet whose field leaves as it came does not show whether the
 * field is fixed, because a rule may have set the value that was there already. Such a field is
 * not settled: the entry holds for packets with the same value only, and the first packet with
 * another value takes the classic path and settles the field. A field that leaves with another
 * value than it came with is fixed and settled at once, except the TTL: one packet cannot tell
 * `ttl set` from `ttl inc`.
 * While rules look at a fixed field, they may set it for packets that come with one value alone.
 * Then the entry holds for packets that come with the value of the packet that taught it. The same
 * is true of the ECN bits while rules look at them or write them: no entry changes them, and a
 * packet of which the ruleset does teaches nothing.
 */
#include <net/inet_ecn.h>

#include "nfo_fields.h"
#include "nfo_flow.h"
#include "nfo_refs.h"

static u8 nfo_dscp(u8 tos)
{
	return tos & ~INET_ECN_MASK;
}

static u8 nfo_fixed_and_settled(u8 field)
{
	return field | field << NFO_FIELD_SETTLED;
}

/**
 * nfo_fields_learn() - learn the fields from the first packet of a direction
 * @e:   entry that is not published; its values and @fields are set
 * @in:  fields of the packet before the ruleset, see nfo_look_before()
 * @out: fields of the packet after the ruleset
 *
 * Context: any.
 */
void nfo_fields_learn(struct nfo_entry *e, const struct nfo_look *in,
		      const struct nfo_look *out)
{
	e->fields = 0;
	e->mark = out->mark;
	e->priority = out->priority;
	e->dscp = nfo_dscp(out->tos);
	e->ttl_in = in->ttl;
	e->ttl_out = out->ttl;

	if (in->mark != out->mark)
		e->fields |= nfo_fixed_and_settled(NFO_FIELD_MARK);
	if (in->priority != out->priority)
		e->fields |= nfo_fixed_and_settled(NFO_FIELD_PRIORITY);
	if (nfo_dscp(in->tos) != nfo_dscp(out->tos))
		e->fields |= nfo_fixed_and_settled(NFO_FIELD_DSCP);
	if (out->ttl != (u8)(in->ttl - 1))
		e->fields |= NFO_FIELD_TTL;
}

/**
 * struct nfo_evidence - what two packets show of one field
 * @field: NFO_FIELD_*
 * @came:  value that the first packet came with; not used when the field is settled
 * @left:  value that the first packet left with
 * @in:    value that the second packet came with
 * @same:  value that the second packet would leave with if the field were not fixed
 * @out:   value that the second packet left with
 */
struct nfo_evidence {
	u8	field;
	u32	came;
	u32	left;
	u32	in;
	u32	same;
	u32	out;
};

/* Return: false when the second packet contradicts the first. */
static bool nfo_field_settle(struct nfo_entry *e, const struct nfo_evidence *v)
{
	u8 fields = e->fields;

	if (fields & v->field << NFO_FIELD_SETTLED)
		return v->out == (fields & v->field ? v->left : v->same);
	if (v->in == v->came)
		return v->out == v->left;
	if (v->out == v->left && (v->out != v->same || fields & v->field))
		fields |= nfo_fixed_and_settled(v->field);
	else if (v->out == v->same && v->out != v->left && !(fields & v->field))
		fields |= v->field << NFO_FIELD_SETTLED;
	WRITE_ONCE(e->fields, fields);

	return true;
}

/**
 * nfo_fields_settle() - learn from one more packet which fields are fixed
 * @e:   entry that is published, with the epoch at which the packet came in
 * @in:  fields of the packet before the ruleset, see nfo_look_before()
 * @out: fields of the packet after the ruleset
 *
 * Context: the caller has NFO_F_LEARNING of the direction. A field that depends on the
 * packet in another way stays unsettled, and packets with another value of the field go on
 * taking the classic path.
 *
 * Return: false when the packet contradicts the entry.
 */
bool nfo_fields_settle(struct nfo_entry *e, const struct nfo_look *in,
		       const struct nfo_look *out)
{
	const struct nfo_evidence evidence[] = {
		{ NFO_FIELD_MARK, e->mark, e->mark, in->mark, in->mark, out->mark },
		{ NFO_FIELD_PRIORITY, e->priority, e->priority, in->priority, in->priority,
		  out->priority },
		{ NFO_FIELD_DSCP, e->dscp, e->dscp, nfo_dscp(in->tos), nfo_dscp(in->tos),
		  nfo_dscp(out->tos) },
		{ NFO_FIELD_TTL, e->ttl_in, e->ttl_out, in->ttl, (u8)(in->ttl - 1), out->ttl },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(evidence); i++) {
		if (!nfo_field_settle(e, &evidence[i]))
			return false;
	}

	return true;
}

/**
 * nfo_fields_renew() - learn the fields anew from a packet that came in at another epoch
 * @e:     entry that is published
 * @fresh: entry of the packet, filled by nfo_fields_learn()
 *
 * Context: the caller has NFO_F_LEARNING of the direction. Earlier packets may have settled
 * fields under other rules, so what they settled is forgotten.
 *
 * Return: false when other fields are fixed now, or with other values.
 */
bool nfo_fields_renew(struct nfo_entry *e, const struct nfo_entry *fresh)
{
	u8 fixed = fresh->fields & NFO_FIELDS;

	if ((e->fields & NFO_FIELDS) != fixed ||
	    (fixed & NFO_FIELD_MARK && e->mark != fresh->mark) ||
	    (fixed & NFO_FIELD_PRIORITY && e->priority != fresh->priority) ||
	    (fixed & NFO_FIELD_DSCP && e->dscp != fresh->dscp) ||
	    (fixed & NFO_FIELD_TTL &&
	     (e->ttl_in != fresh->ttl_in || e->ttl_out != fresh->ttl_out)))
		return false;

	WRITE_ONCE(e->fields, fresh->fields);
	WRITE_ONCE(e->mark, fresh->mark);
	WRITE_ONCE(e->priority, fresh->priority);
	WRITE_ONCE(e->dscp, fresh->dscp);
	WRITE_ONCE(e->ttl_in, fresh->ttl_in);
	WRITE_ONCE(e->ttl_out, fresh->ttl_out);

	return true;
}

/**
 * nfo_fields_came() - remember what a packet came with in fields whose new value may depend on that
 * @refs:  references of the lesson, which nobody else knows yet
 * @in:    fields of the packet before the ruleset, see nfo_look_before()
 * @given: these fields, NFO_FIELD_* and NFO_BY_ECN; the TTL is never among them, because the entry
 *         knows it
 *
 * Context: any.
 */
void nfo_fields_came(struct nfo_route_refs *refs, const struct nfo_look *in, u8 given)
{
	refs->given = given;
	if (given & NFO_FIELD_MARK)
		refs->came.mark = in->mark;
	if (given & NFO_FIELD_PRIORITY)
		refs->came.priority = in->priority;
	if (given & NFO_FIELD_DSCP)
		refs->came.dscp = nfo_dscp(in->tos);
	if (given & NFO_BY_ECN)
		refs->came.ecn = in->tos & INET_ECN_MASK;
}

/* Return: NFO_FIELD_*, those fields of a packet that have other values; the TTL is not compared. */
static u8 nfo_look_differs(const struct nfo_look *in, u32 mark, u32 priority, u8 dscp)
{
	u8 differ = 0;

	if (in->mark != mark)
		differ |= NFO_FIELD_MARK;
	if (in->priority != priority)
		differ |= NFO_FIELD_PRIORITY;
	if (nfo_dscp(in->tos) != dscp)
		differ |= NFO_FIELD_DSCP;

	return differ;
}

/**
 * nfo_fields_unknown() - for which fields of a packet is it not known what the ruleset does?
 * @e:      entry
 * @refs:   route references of its direction
 * @in:     fields of the packet before the ruleset, see nfo_look_before()
 * @fields: the entry's @fields, read once for the packet
 *
 * Context: any. Return: NFO_FIELD_* and NFO_BY_ECN; 0 when the entry holds for the packet.
 */
u8 nfo_fields_unknown(const struct nfo_entry *e, const struct nfo_route_refs *refs,
		      const struct nfo_look *in, u8 fields)
{
	const struct nfo_came *came = &refs->came;
	u8 differ = nfo_look_differs(in, READ_ONCE(e->mark), READ_ONCE(e->priority),
				     READ_ONCE(e->dscp));

	if (in->ttl != READ_ONCE(e->ttl_in))
		differ |= NFO_FIELD_TTL;
	differ &= ~(fields >> NFO_FIELD_SETTLED);
	if (likely(!refs->given))
		return differ;
	differ |= refs->given & nfo_look_differs(in, came->mark, came->priority, came->dscp);
	if (refs->given & NFO_BY_ECN && (in->tos & INET_ECN_MASK) != came->ecn)
		differ |= NFO_BY_ECN;

	return differ;
}
