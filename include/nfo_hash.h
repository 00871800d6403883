/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hash table of entries. The functions are inline because the packet path calls them
 * for each packet; the table inserts with the same parameters.
 */
#ifndef _NFO_HASH_H
#define _NFO_HASH_H

#include "nfo_table.h"

extern u32 nfo_hash_seed;
extern const struct rhashtable_params nfo_ct_params;

/**
 * struct nfo_lookup - what identifies the entry that is looked for
 * @key:    complete key; IPv6 addresses folded by nfo_fold6()
 * @saddr6: IPv6 only: the addresses themselves
 * @daddr6: likewise
 */
struct nfo_lookup {
	struct nfo_key		key;
	const struct in6_addr	*saddr6;
	const struct in6_addr	*daddr6;
};

/* Fold an IPv6 address into 32 bits. The seed is random, so that an attacker cannot choose
 * addresses with the same fold.
 */
static inline __be32 nfo_fold6(const struct in6_addr *a)
{
	return (__force __be32)jhash2((__force const u32 *)a->s6_addr32, 4,
				      nfo_hash_seed);
}

static inline u32 nfo_ht_hash(const void *data, u32 len, u32 seed)
{
	const struct nfo_lookup *l = data;

	return jhash2((const u32 *)&l->key, NFO_KEY_WORDS, seed);
}

static inline u32 nfo_ht_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct nfo_entry *e = data;

	return jhash2((const u32 *)&e->key, NFO_KEY_WORDS, seed);
}

static inline int nfo_ht_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct nfo_lookup *l = arg->key;
	const struct nfo_entry *e = obj;
	const u64 *a = (const u64 *)&l->key;
	const u64 *b = (const u64 *)&e->key;

	if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]))
		return 1;
	if (e->key.family != NFPROTO_IPV6)
		return 0;

	return !ipv6_addr_equal(l->saddr6, &nfo_addr6(e)->saddr) ||
	       !ipv6_addr_equal(l->daddr6, &nfo_addr6(e)->daddr);
}

static const struct rhashtable_params nfo_ht_params = {
	.head_offset		= offsetof(struct nfo_entry, node),
	.hashfn			= nfo_ht_hash,
	.obj_hashfn		= nfo_ht_obj_hash,
	.obj_cmpfn		= nfo_ht_cmp,
	.automatic_shrinking	= true,
};

/**
 * nfo_lookup() - find the entry for a packet
 * @t: table
 * @l: its key and addresses
 *
 * Context: rcu_read_lock(). Return: entry or NULL.
 */
static inline struct nfo_entry *nfo_lookup(struct nfo_table *t,
					   const struct nfo_lookup *l)
{
	return rhashtable_lookup(&t->ht, l, nfo_ht_params);
}

/**
 * nfo_walk_start() - begin a walk of a table, or go on after rhashtable_walk_stop()
 * @iter: place in the table
 *
 * If the table was resized in the pause, the walk begins anew. The iterator then still
 * points at the entry where it paused, which may have been freed: the pointer is cleared.
 *
 * Return: true when the walk begins anew.
 */
static inline bool nfo_walk_start(struct rhashtable_iter *iter)
	__acquires(RCU)
{
	if (rhashtable_walk_start_check(iter) != -EAGAIN)
		return false;
	iter->p = NULL;

	return true;
}

#endif /* _NFO_HASH_H */
