/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hash table of entries. The functions are inline because the packet path calls them
 * for each packet; the table inserts with the same parameters.
 */
#ifndef _NFO_HASH_H
#define _NFO_HASH_H

#include <linux/prefetch.h>

#include "nfo_table.h"

/**
 * struct nfo_hash_secret - random numbers, drawn once when the module is loaded
 * @add: added to the words of what is hashed
 * @mul: factors of the sum; odd
 */
struct nfo_hash_secret {
	u32	add[NFO_KEY_WORDS];
	u64	mul[2];
};

extern struct nfo_hash_secret nfo_hash_secret;
extern const struct rhashtable_params nfo_ct_params;

/**
 * struct nfo_lookup - what identifies the entry that is looked for
 * @sum:    nfo_key_sum() of @key
 * @bkt:    bucket of @sum when nfo_lookup_begin() ran
 * @key:    complete key; IPv6 addresses folded by nfo_fold6()
 * @saddr6: IPv6 only: the source address in full, in the packet or in a flow
 * @daddr6: IPv6 only: the destination address, likewise
 */
struct nfo_lookup {
	u64			sum;
	typeof(rht_bucket(NULL, 0)) bkt;
	struct nfo_key		key;
	const struct in6_addr	*saddr6;
	const struct in6_addr	*daddr6;
};

static inline u64 nfo_hash_pair(const u32 *w, unsigned int i)
{
	const u32 *add = nfo_hash_secret.add;

	return (u64)(w[i] + add[i]) * (w[i + 1] + add[i + 1]);
}

/* Fold a sum into 32 bits. Each step but the last can be undone, so none makes two sums equal. The
 * random odd factors spread the sums, best in the highest bits; with one factor alone, keys that
 * count up fill some buckets of a table and leave others empty. The bytes are swapped because a
 * hash table takes the lowest bits. The table draws another @seed when chains grow long.
 */
static inline u32 nfo_hash_fold(u64 sum, u32 seed)
{
	u64 h = (sum ^ sum >> 32) * (nfo_hash_secret.mul[0] + ((u64)seed << 1));

	return swab32((h ^ h >> 32) * nfo_hash_secret.mul[1] >> 32);
}

/* Fold an IPv6 address into 32 bits. */
static inline __be32 nfo_fold6(const struct in6_addr *a)
{
	const u32 *w = (__force const u32 *)a->s6_addr32;

	return (__force __be32)nfo_hash_fold(nfo_hash_pair(w, 0) + nfo_hash_pair(w, 2), 0);
}

/* The products of pairs of words, each with its secret added: the hash NH of UMAC (RFC 4418).
 * Two different keys have the same sum with a probability of 2^-32 over the secret, whoever
 * chose them.
 */
static inline u64 nfo_key_sum(const struct nfo_key *key)
{
	const u32 *w = (const u32 *)key;

	return nfo_hash_pair(w, 0) + nfo_hash_pair(w, 2) + nfo_hash_pair(w, 4);
}

static inline u32 nfo_ht_hash(const void *data, u32 len, u32 seed)
{
	const struct nfo_lookup *l = data;

	return nfo_hash_fold(l->sum, seed);
}

static inline u32 nfo_ht_obj_hash(const void *data, u32 len, u32 seed)
{
	const struct nfo_entry *e = data;

	return nfo_hash_fold(nfo_key_sum(&e->key), seed);
}

static inline bool nfo_entry_is(const struct nfo_entry *e, const struct nfo_lookup *l)
{
	const u64 *a = (const u64 *)&l->key;
	const u64 *b = (const u64 *)&e->key;

	if ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]))
		return false;
	if (e->key.family != NFPROTO_IPV6)
		return true;

	return ipv6_addr_equal(l->saddr6, &nfo_addr6(e)->saddr) &&
	       ipv6_addr_equal(l->daddr6, &nfo_addr6(e)->daddr);
}

static inline int nfo_ht_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	return !nfo_entry_is(obj, arg->key);
}

static const struct rhashtable_params nfo_ht_params = {
	.head_offset		= offsetof(struct nfo_entry, node),
	.hashfn			= nfo_ht_hash,
	.obj_hashfn		= nfo_ht_obj_hash,
	.obj_cmpfn		= nfo_ht_cmp,
	.automatic_shrinking	= true,
};

/**
 * nfo_lookup_begin() - prefetch the bucket in which nfo_lookup() will look
 * @t: table
 * @l: key and addresses of a packet; @sum and @bkt are filled in
 *
 * Context: rcu_read_lock().
 */
static inline void nfo_lookup_begin(struct nfo_table *t, struct nfo_lookup *l)
{
	const struct bucket_table *tbl = rht_dereference_rcu(t->ht.tbl, &t->ht);

	l->sum = nfo_key_sum(&l->key);
	l->bkt = rht_bucket(tbl, rht_bucket_index(tbl, nfo_ht_hash(l, 0, tbl->hash_rnd)));
	prefetch(l->bkt);
}

/**
 * nfo_lookup() - find the entry for a packet
 * @t: table
 * @l: what nfo_lookup_begin() filled in, in the same RCU section
 *
 * While the table is being resized, an entry may have moved out of this bucket. So an entry that
 * is not found in it is looked for by rhashtable_lookup(). Context: rcu_read_lock().
 * Return: entry or NULL.
 */
static inline struct nfo_entry *nfo_lookup(struct nfo_table *t,
					   const struct nfo_lookup *l)
{
	struct rhash_head *he;
	struct nfo_entry *e;

	rht_for_each_rcu_from(he, rht_ptr_rcu(l->bkt), NULL, 0) {
		e = container_of(he, struct nfo_entry, node);
		/* The packet needs this line next; prefetch it while the first line arrives. */
		prefetch(&e->saddr);
		if (nfo_entry_is(e, l))
			return e;
	}

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
