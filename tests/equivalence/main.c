// SPDX-License-Identifier: GPL-2.0
/* Options, the loop over cases, the summary. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "equiv.h"

#define MAX_WHATS	200
#define TAP_PERIOD	64		/* cases, a quarter of them with listeners */

struct tally {
	unsigned long packets, cases, differ, fast, slow, refused;
};

/* Differences of the same sort are counted together. */
static struct what {
	const struct gclass *class;
	char text[96];
	unsigned long n[2][2];		/* [IPv6][TCP] */
	uint64_t first;
} whats[MAX_WHATS];
static int nwhats;

static struct {
	unsigned long packets;
	uint64_t seed;
	const char *class;
	long long only;
	int show;
	bool verbose, expect_slow;
} opts = { .packets = 20000, .seed = 1, .only = -1, .show = 5 };

static unsigned long sent_again;
static struct outs out[NROUTERS];
static struct tally tallies[64];

static void count_what(const struct gcase *gc, const struct verdict *v)
{
	struct what *w;
	int i;

	for (i = 0; i < nwhats; i++)
		if (whats[i].class == gc->class && !strcmp(whats[i].text, v->what))
			break;
	if (i == MAX_WHATS)
		return;
	w = &whats[i];
	if (i == nwhats) {
		nwhats++;
		w->class = gc->class;
		strcpy(w->text, v->what);
		w->first = gc->index;
	}
	w->n[gc->c->v6][gc->c->tcp]++;
}

static bool class_wanted(const struct gclass *cl)
{
	if (!with_others && !(cl->flags & (G_TCP | G_UDP)))
		return false;
	if (cl->flags & G_ROAD && !road_wraps())
		return false;
	return !opts.class || !strcmp(cl->name, opts.class);
}

static const struct gclass *pick_class(struct rng *r)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < nclasses; i++)
		if (class_wanted(&classes[i]))
			sum += classes[i].weight;
	if (!sum)
		fatal("no class '%s'", opts.class);
	at = rnd(r, sum);
	for (i = 0; i < nclasses; i++) {
		if (!class_wanted(&classes[i]))
			continue;
		if (at < classes[i].weight)
			break;
		at -= classes[i].weight;
	}
	return &classes[i];
}

static struct conn *pick_conn(const struct gclass *cl, struct rng *r)
{
	for (;;) {
		struct conn *c = &conns[rnd(r, nconns)];

		if (cl->flags & (c->v6 ? G_V6 : G_V4) && cl->flags & l4_flag(c))
			return c;
	}
}

/* Send a case through both routers, and compare. */
static void play(const struct gcase *gc, struct tally *t, struct verdict *v,
		 unsigned long slow[NROUTERS])
{
	uint64_t before = slow_packets(FAST);

	if (!io_run(gc->f, gc->n, out))
		t->refused++;
	slow[CLASSIC] = 0;
	slow[FAST] = slow_packets(FAST) - before;
	outs_compare(gc->f, gc->n, out, v);
}

static void run_case(uint64_t index)
{
	static struct gcase gc;
	struct rng r = { opts.seed * 0x9e3779b97f4a7c15ull ^ index << 20 };
	struct rng setup = { ~r.s };
	unsigned long slow[NROUTERS];
	struct verdict v;
	struct tally *t;
	int i, k;

	gc.index = index;
	gc.class = pick_class(&r);
	gc.c = pick_conn(gc.class, &r);
	t = &tallies[gc.class - classes];
	if (opts.only >= 0 && (uint64_t)opts.only != index)
		return;
	taps(index / TAP_PERIOD % 4 == 3);
	conn_ready(gc.c, &setup, opts.only >= 0 ? 2000 : opts.expect_slow ? 1 : 8);
	gen_case(&gc, &r);

	play(&gc, t, &v, slow);
	/* A bridge tells of its ports seconds after they came up. Such an event has each flow learn
	 * from one more packet: the same one again says whether the fast path carries it.
	 */
	if (gc.class->flags & G_PLAIN && slow[FAST] && v.equal && !opts.expect_slow) {
		sent_again++;
		play(&gc, t, &v, slow);
	}
	t->cases++;
	t->packets += gc.n;
	for (i = 0, k = 0; i < out[FAST].n; i++)
		k += !is_router_error(gc.f, gc.n, &out[FAST].f[i]);
	if (slow[FAST])
		t->slow += gc.n;
	else if (k)
		t->fast += gc.n;
	if (!v.equal) {
		t->differ++;
		count_what(&gc, &v);
		if (opts.show-- > 0)
			print_difference(stdout, &gc, gc.class->name, opts.seed, out, &v, slow);
	} else if (opts.only >= 0) {
		snprintf(v.what, sizeof(v.what), "none: both outcomes are equal");
		print_difference(stdout, &gc, gc.class->name, opts.seed, out, &v, slow);
	}
	if (gc.retire || !v.equal)
		conn_retire(gc.c);
}

/* Connections that ten seconds of packets did not bring into the fast path. */
static unsigned long never_fast;

static void prime(void)
{
	struct rng r = { opts.seed };
	int64_t end = now_ms() + 10000;
	int i;

	for (i = 0; i < (int)nconns; i++)
		conn_ready(&conns[i], &r, 8);
	/* a datagram flow may have to last a while before it is promoted */
	while (conns_slow && !opts.expect_slow && now_ms() < end) {
		conns_slow = 0;
		for (i = 0; i < (int)nconns; i++)
			conn_ready(&conns[i], &r, 2);
	}
	for (i = 0, conns_slow = 0; i < (int)nconns; i++)
		if (!conns[i].fast && !opts.expect_slow) {
			printf("  never in the fast path: %s %s %s\n",
			       conns[i].v6 ? "IPv6" : "IPv4", proto_name(&conns[i]),
			       kind_names[conns[i].kind]);
			conns_slow++;
			never_fast++;
		}
}

static int summary(void)
{
	struct tally all = { 0 };
	unsigned long plain = 0, plain_fast = 0;
	unsigned int i, used = 0;
	int bad = 0, j;

	for (i = 0; i < nclasses; i++) {
		const struct tally *t = &tallies[i];

		if (!t->cases)
			continue;
		used++;
		all.packets += t->packets;
		all.differ += t->differ;
		all.fast += t->fast;
		if (classes[i].flags & G_PLAIN) {
			plain += t->packets;
			plain_fast += t->fast;
		}
		if (opts.verbose)
			printf("  %-14s %6lu packets %6lu cases %6lu fast %6lu slow %4lu refused "
			       "%5lu differences\n", classes[i].name, t->packets, t->cases,
			       t->fast, t->slow, t->refused, t->differ);
	}
	for (j = 0; j < nwhats; j++) {
		const struct what *w = &whats[j];

		printf("  %-14s TCP4 %lu other4 %lu TCP6 %lu other6 %lu, first case %llu: %s\n",
		       w->class->name, w->n[0][1], w->n[0][0], w->n[1][1], w->n[1][0],
		       (unsigned long long)w->first, w->text);
	}
	printf("equivalence: %lu connections opened with %lu packets, %lu of them not promoted; "
	       "%lu packets sent twice%s\n",
	       conns_opened, setup_frames, conns_slow, sent_again,
	       gso_udp_works ? "" : "; this kernel injects no UDP segmentation");
	if (never_fast || (plain && !opts.expect_slow && plain_fast * 10 <= plain * 9)) {
		printf("equivalence: the fast path did not carry what it must\n");
		bad = 3;
	}
	if (all.differ)
		bad = 1;
	printf("equivalence: %lu packets, %u classes, %lu differences, seed %llu, "
	       "fast path carried %lu of %lu well-formed and %lu of all\n",
	       all.packets, used, all.differ, (unsigned long long)opts.seed,
	       plain_fast, plain, all.fast);
	return bad;
}

static void usage(void)
{
	unsigned int i;

	fprintf(stderr, "usage: equiv [--packets N] [--seed S] [--class NAME] [--only CASE]\n"
		"             [--show N] [--verbose] [--others] [--road NAME]\n"
		"             CLASSIC-NETNS FAST-NETNS\nclasses:");
	for (i = 0; i < nclasses; i++)
		fprintf(stderr, " %s", classes[i].name);
	fputc('\n', stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option o[] = {
		{ "packets", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "class", required_argument, NULL, 'c' },
		{ "only", required_argument, NULL, 'o' },
		{ "show", required_argument, NULL, 'w' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "no-fast-path", no_argument, NULL, 'x' },
		{ "road", required_argument, NULL, 'r' },
		{ "others", no_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	static uint8_t arena[NROUTERS][OUT_ARENA];
	unsigned long total = 0;
	uint64_t index = 0;
	int ch, k;

	while ((ch = getopt_long(argc, argv, "", o, NULL)) != -1) {
		switch (ch) {
		case 'n': opts.packets = strtoul(optarg, NULL, 0); break;
		case 's': opts.seed = strtoull(optarg, NULL, 0); break;
		case 'c': opts.class = optarg; break;
		case 'o': opts.only = strtoll(optarg, NULL, 0); break;
		case 'w': opts.show = strtol(optarg, NULL, 0); break;
		case 'v': opts.verbose = true; break;
		case 'x': opts.expect_slow = true; break;
		case 'r': road_set(optarg); break;
		case 't': with_others = true; break;
		default: usage();
		}
	}
	if (argc - optind != NROUTERS)
		usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (k = 0; k < NROUTERS; k++)
		out[k].arena = arena[k];
	conns_init();
	io_open((const char *const *)argv + optind);
	if (opts.only >= 0) {
		run_case(opts.only);
		return summary();
	}
	prime();
	while (total < opts.packets) {
		unsigned int i;

		run_case(index++);
		for (i = 0, total = 0; i < nclasses; i++)
			total += tallies[i].packets;
	}
	return summary();
}
