/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Learning from the slow path: notes of packets that came in, permits of `flow add`, and
 * answers that get none.
 */
#ifndef _NFO_LEARN_H
#define _NFO_LEARN_H

#include "nfo_encap.h"
#include "nfo_fields.h"
#include "nfo_table.h"

/**
 * struct nfo_note - what a packet looked like when it came in
 * @t:     flowtable whose hook saw the packet; compared, never followed; NULL: no note
 * @skb:   the packet; compared, never followed
 * @head:  skb->head of the packet; likewise
 * @key:   what identifies the packets of its direction
 * @epoch: nfo_epoch() when the packet came in
 * @at:    how many notes the CPU had taken by then
 * @when:  jiffies by then
 * @look:  fields that rulesets may set
 * @len:   nfo_skb_len(), big endian
 * @label: nfo_skb_label()
 * @check: nfo_note_check()
 * @tcp:     of TCP: nfo_note_tcp()
 * @body:    nfo_note_body(), with @has_body
 * @id:      of IPv4: identification, big endian
 * @l4:      of other protocols than TCP and UDP: the first bytes of the layer 4 header
 * @in_dest: destination address of the frame, with @has_dest
 * @h_source: source address of the frame, with @has_dest
 * @has_body: @body is valid
 * @mixed: the note that this one replaced was of the same direction, and its packet had other
 *         fields, see nfo_note_differs()
 * @has_dest: @in_dest and @h_source are valid
 * @own_dest: @in_dest is the address of the device whose hook saw the packet
 * @deep:  the key has no room for all of the headers; @tunnel and @outer are valid
 * @tunnel: one of the headers is a tunnel's
 * @decrypted: the packet came out of IPsec
 * @outer: all headers, with @deep
 */
struct nfo_note {
	const struct nfo_table	*t;
	const struct sk_buff	*skb;
	const void		*head;
	struct nfo_key		key;
	u32			epoch;
	u32			at;
	unsigned long		when;
	struct nfo_look		look;
	u32			label;
	__be16			len;
	__sum16			check;
	__sum16			tcp;
	__sum16			body;
	__be16			id;
	u8			l4[8];
	u8			in_dest[ETH_ALEN] __aligned(2);
	u8			h_source[ETH_ALEN] __aligned(2);
	bool			has_body;
	bool			mixed;
	bool			has_dest;
	bool			own_dest;
	bool			deep;
	bool			tunnel;
	bool			decrypted;
	struct nfo_outer	outer;
};

/* IPVS balances the packet. With NAT it changes addresses, which conntrack may know of or not, and
 * in any case it has a timeout and counters of its own for the connection.
 */
static inline bool nfo_skb_is_balanced(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IP_VS)
	return skb->ipvs_property;
#else
	return false;
#endif
}

unsigned int nfo_closing_hook4(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state);
unsigned int nfo_closing_hook6(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state);
int nfo_note_init(void);
void nfo_note_exit(void);
void nfo_note_take(const struct nfo_table *t, const struct sk_buff *skb,
		   const struct nfo_key *key, const struct nfo_encap_popped *popped,
		   unsigned int thoff, u32 epoch);
bool nfo_note_check(const struct sk_buff *skb, unsigned int offset, u8 l4proto, __sum16 *check);
__sum16 nfo_note_tcp(const struct sk_buff *skb, unsigned int offset);
__sum16 nfo_note_body(const struct sk_buff *skb, unsigned int offset, u8 l4proto);
bool nfo_note_find(const struct nfo_table *t, const struct sk_buff *skb,
		   const struct nf_conntrack_tuple *tuple, struct nfo_note *note);
void nfo_permit(struct nfo_table *t, const struct sk_buff *skb, const struct nf_conn *ct);
struct nfo_table *nfo_permitted(const struct nfo_net *nn, const struct sk_buff *skb,
				const struct nf_conn *ct);
unsigned int nfo_note_answer(const struct nf_conn *ct);
int nfo_learn_net_start(struct nfo_net *nn);
void nfo_learn_net_stop(struct nfo_net *nn);

#endif /* _NFO_LEARN_H */
