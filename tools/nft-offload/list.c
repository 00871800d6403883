// SPDX-License-Identifier: GPL-2.0
/*
 * list: the flows; the kernel filters them, and the tool sorts them. Functions that top
 * uses too: the first flows in an order, and rates.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool.h"

/* Over how long a rate is measured, in milliseconds. */
#define RATE_MS	1000

const struct opt list_opts[] = {
	FILTER_OPTS,
	{ "sort", 'S', "KEY", "bytes, packets, rate or age, greatest first" },
	{ "limit", 'n', "N", "no more than N flows" },
	{ NULL, 0, NULL, NULL }
};

/* ---- order ---- */

static const char * const sorts[] = {
	[SORT_BYTES]	= "bytes",
	[SORT_PACKETS]	= "packets",
	[SORT_RATE]	= "rate",
	[SORT_AGE]	= "age",
};

const char *sort_name(enum sort_by by)
{
	return sorts[by];
}

bool sort_parse(const char *s, enum sort_by *by)
{
	for (size_t i = 1; i < ARRAY_SIZE(sorts); i++) {
		if (!strcmp(s, sorts[i])) {
			*by = i;
			return true;
		}
	}
	return false;
}

static uint64_t rank(const struct flow *f, enum sort_by by)
{
	switch (by) {
	case SORT_BYTES:
		return flow_bytes(f);
	case SORT_PACKETS:
		return flow_packets(f);
	case SORT_RATE:
		return f->rate_bytes;
	case SORT_AGE:
		return f->age_ms;
	case SORT_NONE:
		break;
	}
	return 0;
}

/* A choice with a limit is a heap with its smallest flow on top, so only the flows that are kept
 * need memory, not all that are dumped.
 */
static void heap_down(struct choice *c, size_t i)
{
	for (;;) {
		size_t small = i;
		struct flow t;

		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < c->n; k++)
			if (rank(&c->flow[k], c->by) < rank(&c->flow[small], c->by))
				small = k;
		if (small == i)
			return;
		t = c->flow[i];
		c->flow[i] = c->flow[small];
		c->flow[small] = t;
		i = small;
	}
}

void choice_add(struct choice *c, const struct flow *f)
{
	if (c->limit && c->n == c->limit) {
		if (rank(f, c->by) <= rank(&c->flow[0], c->by))
			return;
		c->flow[0] = *f;
		heap_down(c, 0);
		return;
	}
	if (c->n == c->room) {
		c->room = c->room ? c->room * 2 : 64;
		c->flow = xrealloc(c->flow, c->room * sizeof(*c->flow));
	}
	c->flow[c->n++] = *f;
	if (c->limit && c->n == c->limit)
		for (size_t i = c->n; i-- > 0; )
			heap_down(c, i);
}

static enum sort_by comparing;

static int compare(const void *a, const void *b)
{
	uint64_t x = rank(a, comparing), y = rank(b, comparing);

	return x < y ? 1 : x > y ? -1 : 0;
}

void choice_sort(struct choice *c)
{
	comparing = c->by;
	if (c->n)
		qsort(c->flow, c->n, sizeof(*c->flow), compare);
}

void choice_clear(struct choice *c)
{
	free(c->flow);
	c->flow = NULL;
	c->n = 0;
	c->room = 0;
}

/* ---- rates ---- */

uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

void wait_ms(uint64_t ms)
{
	poll(NULL, 0, ms);
}

static struct sample *samples_slot(const struct samples *s, uint64_t key)
{
	size_t i = key & (s->room - 1);

	while (s->s[i].key && s->s[i].key != key)
		i = (i + 1) & (s->room - 1);
	return &s->s[i];
}

static void samples_grow(struct samples *s)
{
	struct samples big = { .room = s->room ? s->room * 2 : 1024, .n = s->n, .at_ms = s->at_ms };

	big.s = xalloc(big.room * sizeof(*big.s));
	for (size_t i = 0; i < s->room; i++)
		if (s->s[i].key)
			*samples_slot(&big, s->s[i].key) = s->s[i];
	free(s->s);
	*s = big;
}

bool samples_add(struct samples *s, const struct flow *f)
{
	struct sample *at;

	if (4 * (s->n + 1) > 3 * s->room)
		samples_grow(s);
	at = samples_slot(s, flow_key(f));
	if (at->key)
		return false;
	s->n++;
	*at = (struct sample){ flow_key(f), flow_bytes(f), flow_packets(f) };
	return true;
}

void samples_clear(struct samples *s)
{
	free(s->s);
	memset(s, 0, sizeof(*s));
}

bool samples_rate(const struct samples *old, struct flow *f, uint64_t at_ms)
{
	uint64_t bytes = 0, packets = 0, ms = at_ms - old->at_ms;
	const struct sample *was = old->room ? samples_slot(old, flow_key(f)) : NULL;
	bool known = was && was->key;

	if (known) {
		bytes = was->bytes;
		packets = was->packets;
	} else if (ms < f->age_ms) {
		/* It is older than the round before, which missed it. */
		ms = f->age_ms;
	}
	ms = ms ? ms : 1;
	f->rate_bytes = flow_bytes(f) > bytes ? (flow_bytes(f) - bytes) * 1000 / ms : 0;
	f->rate_packets = flow_packets(f) > packets ? (flow_packets(f) - packets) * 1000 / ms : 0;

	return known;
}

/* ---- dump ---- */

struct dump {
	flow_fn fn;
	void *arg;
};

static int dump_one(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;
	struct flow f;

	flow_read(&f, nlh);
	d->fn(&f, d->arg);
	return 0;
}

int flows_dump(struct nl *nl, const struct filter *filter, flow_fn fn, void *arg)
{
	char buf[4096] = {};
	struct nlmsghdr *req = nfo_msg(nl, buf, NFO_CMD_FLOW_GET, NLM_F_DUMP);
	struct dump d = { fn, arg };

	if (filter && (filter->any || filter->has_zone || filter->l3proto))
		filter_put(filter, req);
	return nl_talk(nl, req, dump_one, &d);
}

/* ---- the command ---- */

struct listing {
	struct filter filter;
	struct choice choice;
	struct samples before;
	struct grid grid;
	uint64_t now_ms;
	size_t shown;
};

static const struct column columns[] = {
	{ "PROTO", 0, false, false },
	{ "SOURCE", 0, false, true },
	{ "DESTINATION", 0, false, true },
	{ "STATE", 0, false, false },
	{ "PACKETS", 4, true, false },
	{ "OUT", 1, true, false },
	{ "BACK", 1, true, false },
	{ "RATE/s", 1, true, false },
	{ "AGE", 2, true, false },
	{ "DEVICES", 5, false, false },
	{ "LEAVES AS", 6, false, false },
	{ "EXPIRES", 8, true, false },
	{ "FLOWTABLE", 7, false, false },
};

static void print_row(struct listing *l, const struct flow *f)
{
	char src[ENDPOINT_LEN], dst[ENDPOINT_LEN], as[2 * ENDPOINT_LEN + 4] = "";
	char packets[FIG], out[FIG], back[FIG], rate[FIG] = "", age[FIG], expires[FIG];
	char devs[2 * IFNAMSIZ + 2], table[1100], new_src[ENDPOINT_LEN], new_dst[ENDPOINT_LEN];
	const struct flow_dir *d = &f->dir[0];
	const char *cells[] = {
		l4proto_name(f->l4proto),
		endpoint(src, f->l3proto, &d->src, d->sport),
		endpoint(dst, f->l3proto, &d->dst, d->dport),
		f->state != NFO_STATE_HALF ? state_name(f->state) :
			d->hw ? "half, out" : "half, back",
		fig_count(packets, flow_packets(f)),
		fig_bytes(out, d->bytes), fig_bytes(back, f->dir[1].bytes),
		rate, fig_time(age, f->age_ms), devs, as,
		fig_time(expires, f->expires_ms), table,
	};

	if (l->choice.by == SORT_RATE)
		fig_bytes(rate, f->rate_bytes);
	if (flow_translated(f))
		snprintf(as, sizeof(as), "%s>%s",
			 endpoint(new_src, f->l3proto, &d->new_src, d->new_sport),
			 endpoint(new_dst, f->l3proto, &d->new_dst, d->new_dport));
	snprintf(devs, sizeof(devs), "%s>%s", dev_name(d->iif), dev_name(d->oif));
	snprintf(table, sizeof(table), "%s %s %s", family_name(f->family), f->table, f->flowtable);
	grid_row(&l->grid, cells);
}

static void show(struct listing *l, const struct flow *f)
{
	json_t *j;

	l->shown++;
	if (!opt_json) {
		print_row(l, f);
		return;
	}
	j = flow_json(f);
	if (j && l->choice.by == SORT_RATE) {
		json_object_set_new(j, "bytes_per_second", json_integer(f->rate_bytes));
		json_object_set_new(j, "packets_per_second", json_integer(f->rate_packets));
	}
	json_list_item(j);
}

static void take(struct flow *f, void *arg)
{
	struct listing *l = arg;

	if (l->choice.by == SORT_NONE) {
		if (!l->choice.limit || l->shown < l->choice.limit)
			show(l, f);
		return;
	}
	if (l->choice.by == SORT_RATE)
		samples_rate(&l->before, f, l->now_ms);
	choice_add(&l->choice, f);
}

static void measure(struct flow *f, void *arg)
{
	samples_add(arg, f);
}

static int list_opt(const struct opt *o, const char *value, void *arg)
{
	struct listing *l = arg;
	uint64_t v;

	switch (o->letter) {
	case 'S':
		if (!sort_parse(value, &l->choice.by))
			return usage("'%s' is no order: bytes, packets, rate or age", value);
		return 0;
	case 'n':
		if (!parse_u64(value, 100000000, &v) || !v)
			return usage("'%s' is no number of flows", value);
		l->choice.limit = v;
		return 0;
	}
	return filter_opt(&l->filter, o, value);
}

static int list_run(struct nl *nl, struct listing *l)
{
	int rc;

	if (l->choice.by == SORT_RATE) {
		l->before.at_ms = clock_ms();
		rc = flows_dump(nl, &l->filter, measure, &l->before);
		if (rc)
			return rc;
		wait_ms(RATE_MS);
	}
	l->now_ms = clock_ms();
	rc = flows_dump(nl, &l->filter, take, l);
	if (l->choice.by != SORT_NONE && !rc) {
		choice_sort(&l->choice);
		for (size_t i = 0; i < l->choice.n; i++)
			show(l, &l->choice.flow[i]);
	}
	return rc;
}

int cmd_list(const struct command *cmd, int argc, char **argv)
{
	struct listing l = {};
	struct nl nl = {};
	int rc = opts_parse(cmd, &argc, &argv, list_opt, &l);

	if (rc >= 0)
		return rc;
	if (argc)
		return usage("list: '%s' is not expected (filters are options: nft-offload list --help)",
			     argv[0]);
	rc = filter_done(&l.filter);
	if (rc)
		return rc;
	rc = nfo_need(&nl);
	if (rc)
		return rc;

	if (opt_json)
		json_list_begin("flows");
	else
		grid_begin(&l.grid, columns, ARRAY_SIZE(columns), "");
	rc = list_run(&nl, &l);
	if (opt_json)
		json_list_end("complete", json_boolean(!rc && !nl.torn), NULL);
	else
		grid_end(&l.grid);
	if (!rc && nl.torn)
		warn("list: the flows moved meanwhile: some may be missing or there twice");
	rc = rc ? refused("cannot list flows: %s", nl.why) : STATUS_OK;
	if (!rc && !opt_json && !l.shown)
		puts("no flows");
	nl_close(&nl);
	choice_clear(&l.choice);
	samples_clear(&l.before);

	return rc;
}
