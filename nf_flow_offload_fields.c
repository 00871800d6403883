// SPDX-License-Identifier: GPL-2.0
/*
 * Fields that a ruleset may set: what it does to a field, by the packets that passed it.
 *
 * A fixed field leaves with a value that the entry has. Any other field leaves as the packet
 * brought it, the TTL one less. A packet whose field left as it came shows neither: a rule
 * may have set what was there already. The entry holds for packets that come with the same
 * value, then, and the first packet that comes with another one takes the classic path and
 * settles the field. A field that leaves as another value than it came with is fixed and
 * settled at once, the TTL aside: of that, one packet cannot tell `ttl set` from `ttl inc`.
 * While rules look at such a field, they may set it for packets that come with one value alone:
 * then the direction holds for packets that come with that value.
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
 * nfo_fields_learn() - what a first packet shows
 * @e:   entry that is not published; its values and @fields are set
 * @in:  packet when it came in
 * @out: packet when the ruleset was done with it
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
 * @came:  what the first packet came with; of a field that is fixed and settled, anything
 * @left:  what it left with
 * @in:    what the second packet came with
 * @same:  what it would leave with if the field were not fixed
 * @out:   what it left with
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
 * nfo_fields_settle() - what one more packet shows
 * @e:   entry that is published and not stale
 * @in:  packet when it came in
 * @out: packet when the ruleset was done with it
 *
 * Context: the caller has NFO_F_LEARNING of the direction. A field that depends on the
 * packet in another way stays unsettled, and packets with another value of the field go on
 * taking the classic path.
 *
 * Return: false when what is known is wrong.
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
 * nfo_fields_renew() - the first packet after a change
 * @e:     entry that is published and stale
 * @fresh: what the packet shows, nfo_fields_learn()
 *
 * Context: the caller has NFO_F_LEARNING of the direction. What earlier packets settled
 * they may have settled by other rules: it is forgotten.
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
 * nfo_fields_came() - a rule sets fields to what may depend on what packets come with
 * @refs:  what the direction rests on, the lesson's own
 * @in:    packet when it came in
 * @given: these fields, NFO_FIELD_*; of the TTL the entry itself knows
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
}

/* Return: fields with which a packet comes otherwise than those that a direction holds for. */
static u8 nfo_fields_came_otherwise(const struct nfo_route_refs *refs, const struct nfo_look *in)
{
	u8 differ = 0;

	if (in->mark != refs->came.mark)
		differ |= NFO_FIELD_MARK;
	if (in->priority != refs->came.priority)
		differ |= NFO_FIELD_PRIORITY;
	if (nfo_dscp(in->tos) != refs->came.dscp)
		differ |= NFO_FIELD_DSCP;

	return differ & refs->given;
}

/**
 * nfo_fields_unknown() - which fields are others than the entry's, and not settled?
 * @e:      entry
 * @refs:   what its direction rests on
 * @in:     packet that came in
 * @fields: the entry's @fields, read once for the packet
 *
 * Context: any. Return: NFO_FIELD_*; 0 when the entry holds for the packet.
 */
u8 nfo_fields_unknown(const struct nfo_entry *e, const struct nfo_route_refs *refs,
		      const struct nfo_look *in, u8 fields)
{
	u8 differ = 0;

	if (in->mark != READ_ONCE(e->mark))
		differ |= NFO_FIELD_MARK;
	if (in->priority != READ_ONCE(e->priority))
		differ |= NFO_FIELD_PRIORITY;
	if (nfo_dscp(in->tos) != READ_ONCE(e->dscp))
		differ |= NFO_FIELD_DSCP;
	if (in->ttl != READ_ONCE(e->ttl_in))
		differ |= NFO_FIELD_TTL;

	differ &= ~(fields >> NFO_FIELD_SETTLED);
	return unlikely(refs->given) ? differ | nfo_fields_came_otherwise(refs, in) : differ;
}
