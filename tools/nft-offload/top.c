// SPDX-License-Identifier: GPL-2.0
/*
 * top: the busiest flows, live. Each round is one dump. It compares each flow with the
 * round before, and keeps as many flows as the screen shows.
 */
#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

const struct opt top_opts[] = {
	FILTER_OPTS,
	{ "sort", 'S', "KEY", "rate, bytes, packets or age, greatest first" },
	{ "delay", 'D', "MS", "milliseconds between rounds, default 1000" },
	{ "limit", 'n', "N", "with -j: no more than N flows, default 20" },
	{ NULL, 0, NULL, NULL }
};

struct top {
	struct filter filter;
	struct choice best;
	struct samples before, now;
	struct nl nl;
	uint64_t delay, limit;
	size_t flows, states[NFO_STATE_MAX + 1];
	uint64_t bytes, packets;	/* per second, of all that match */
	bool paused;
	bool measured;			/* there is a round to compare with */
};

static void take(struct flow *f, void *arg)
{
	struct top *t = arg;

	/* A dump that was torn may have a flow twice. */
	if (!samples_add(&t->now, f))
		return;
	if (!samples_rate(&t->before, f, t->now.at_ms) && !t->measured)
		f->rate_bytes = f->rate_packets = 0;
	t->flows++;
	t->states[f->state <= NFO_STATE_MAX ? f->state : 0]++;
	t->bytes += f->rate_bytes;
	t->packets += f->rate_packets;
	if (t->best.limit)
		choice_add(&t->best, f);
}

static int round_of(struct top *t, size_t limit)
{
	int rc;

	t->best.n = 0;
	t->best.limit = limit;
	t->flows = 0;
	t->bytes = t->packets = 0;
	memset(t->states, 0, sizeof(t->states));
	t->now.at_ms = clock_ms();
	rc = flows_dump(&t->nl, &t->filter, take, t);
	choice_sort(&t->best);
	samples_clear(&t->before);
	t->before = t->now;
	memset(&t->now, 0, sizeof(t->now));
	t->measured = true;

	return rc;
}

/* ---- the screen ---- */

/* Columns that the fields other than the two addresses take, with the gaps. */
#define FIXED	(5 + 1 + 1 + 1 + 6 + 1 + 6 + 1 + 6 + 1 + 8)
#define AGE	7

static void put_clipped(char *buf, const char *text, int width)
{
	int len = strlen(text), tail = (width - 1) / 2;

	/* the port at the end matters more than the middle of the address */
	if (len <= width)
		sprintf(buf, "%-*s", width, text);
	else
		sprintf(buf, "%.*s~%s", width - 1 - tail, text, text + len - tail);
}

static void draw_flow(int y, const struct flow *f, int width, bool age)
{
	char src[ENDPOINT_LEN], dst[ENDPOINT_LEN], s[ENDPOINT_LEN + 2], d[ENDPOINT_LEN + 2];
	char rate[FIG], packets[FIG], bytes[FIG], time[FIG];

	put_clipped(s, endpoint(src, f->l3proto, &f->dir[0].src, f->dir[0].sport), width);
	put_clipped(d, endpoint(dst, f->l3proto, &f->dir[0].dst, f->dir[0].dport), width);
	mvprintw(y, 0, "%-5s %s %s %6s %6s %6s %-8s", l4proto_name(f->l4proto), s, d,
		 fig_bytes(rate, f->rate_bytes), fig_count(packets, f->rate_packets),
		 fig_bytes(bytes, flow_bytes(f)), state_name(f->state));
	if (age)
		printw(" %6s", fig_time(time, f->age_ms));
}

static void draw_head(const struct top *t)
{
	char clock[16], bytes[FIG], packets[FIG];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	mvprintw(0, 0, "nft-offload top  %s  %zu flows  %s bytes/s  %s packets/s%s%s", clock, t->flows,
		 fig_bytes(bytes, t->bytes), fig_count(packets, t->packets),
		 t->nl.torn ? "  INCOMPLETE" : "", t->paused ? "  PAUSED" : "");
	move(1, 0);
	for (int i = 1; i <= NFO_STATE_MAX; i++)
		printw("%s%s %zu", i > 1 ? "   " : "", state_name(i), t->states[i]);
}

static void draw(const struct top *t)
{
	int width = (COLS - FIXED) / 2, rows = LINES - 5;
	bool age = false;

	erase();
	if (COLS < 60 || LINES < 8) {
		mvprintw(0, 0, "too small");
		refresh();
		return;
	}
	if (width > ENDPOINT_LEN - 1)
		width = ENDPOINT_LEN - 1;
	if (COLS - FIXED - 2 * width < AGE && width > 25)
		width -= 4;
	age = COLS - FIXED - 2 * width >= AGE;
	draw_head(t);
	attron(A_REVERSE);
	mvprintw(3, 0, "%-5s %-*s %-*s %6s %6s %6s %-8s", "PROTO", width, "SOURCE", width,
		 "DESTINATION", "BYTE/s", "PKT/s", "BYTES", "STATE");
	if (age)
		printw(" %6s", "AGE");
	for (int x = getcurx(stdscr); x > 0 && x < COLS && getcury(stdscr) == 3; x++)
		addch(' ');
	attroff(A_REVERSE);
	for (int i = 0; i < rows && i < (int)t->best.n; i++)
		draw_flow(4 + i, &t->best.flow[i], width, age);
	mvprintw(LINES - 1, 0, "q quit   s sort by: %s   p pause", sort_name(t->best.by));
	refresh();
}

static void next_sort(struct top *t)
{
	static const enum sort_by order[] = { SORT_RATE, SORT_BYTES, SORT_PACKETS, SORT_AGE };
	size_t i = 0;

	while (i < ARRAY_SIZE(order) && order[i] != t->best.by)
		i++;
	t->best.by = order[(i + 1) % ARRAY_SIZE(order)];
}

/* Handle keys until the next round. Return: false when the user quits or the terminal is gone. */
static bool keys(struct top *t, bool *again)
{
	uint64_t end = clock_ms() + t->delay, now;

	while ((now = clock_ms()) < end) {
		timeout(end - now);
		switch (getch()) {
		case 'q':
		case 'Q':
		case 3:
			return false;
		case 's':
			next_sort(t);
			*again = true;
			return true;
		case 'p':
			t->paused = !t->paused;
			draw(t);
			break;
		case ' ':
			*again = true;
			return true;
		case KEY_RESIZE:
			draw(t);
			break;
		case ERR:
			/* when the terminal is gone, getch() fails at once each time */
			if (clock_ms() < end && !isatty(STDIN_FILENO))
				return false;
			break;
		}
	}
	return true;
}

static int top_screen(struct top *t)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);
	bool again = false;
	int rc;

	if (!screen)
		return refused("top: the terminal type '%s' is unknown (TERM)",
			       getenv("TERM") ? getenv("TERM") : "");
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	do {
		rc = 0;
		if (!t->paused || again)
			rc = round_of(t, LINES > 5 ? LINES - 5 : 1);
		again = false;
		if (rc)
			break;
		draw(t);
	} while (keys(t, &again));
	endwin();
	delscreen(screen);

	return rc ? refused("cannot list flows: %s", t->nl.why) : STATUS_OK;
}

static int top_json(struct top *t)
{
	int rc = round_of(t, 0);

	if (!rc) {
		wait_ms(t->delay);
		rc = round_of(t, t->limit);
	}
	if (rc)
		return refused("cannot list flows: %s", t->nl.why);
	json_list_begin("flows");
	for (size_t i = 0; i < t->best.n; i++) {
		json_t *j = flow_json(&t->best.flow[i]);

		json_object_set_new(j, "bytes_per_second", json_integer(t->best.flow[i].rate_bytes));
		json_object_set_new(j, "packets_per_second",
				    json_integer(t->best.flow[i].rate_packets));
		json_list_item(j);
	}
	json_list_end("total", json_pack("{sI sI sI}", "flows", (json_int_t)t->flows,
					 "bytes_per_second", (json_int_t)t->bytes,
					 "packets_per_second", (json_int_t)t->packets),
		      "complete", json_boolean(!t->nl.torn), NULL);
	return STATUS_OK;
}

static int top_opt(const struct opt *o, const char *value, void *arg)
{
	struct top *t = arg;

	switch (o->letter) {
	case 'S':
		if (!sort_parse(value, &t->best.by))
			return usage("'%s' is no order: bytes, packets, rate or age", value);
		return 0;
	case 'D':
		if (!parse_u64(value, 3600000, &t->delay) || t->delay < 100)
			return usage("'%s' is no delay of 100 to 3600000 milliseconds", value);
		return 0;
	case 'n':
		if (!parse_u64(value, 100000000, &t->limit) || !t->limit)
			return usage("'%s' is no number of flows", value);
		return 0;
	}
	return filter_opt(&t->filter, o, value);
}

int cmd_top(const struct command *cmd, int argc, char **argv)
{
	static struct top t = { .delay = 1000, .limit = 20, .best.by = SORT_RATE };
	int rc = opts_parse(cmd, &argc, &argv, top_opt, &t);

	if (rc >= 0)
		return rc;
	if (argc)
		return usage("top: '%s' is not expected (filters are options)", argv[0]);
	rc = filter_done(&t.filter);
	if (rc)
		return rc;
	rc = nfo_need(&t.nl);
	if (rc)
		return rc;
	if (opt_json)
		rc = top_json(&t);
	else if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		rc = refused("top needs a terminal; without one: nft-offload list --sort rate");
	else
		rc = top_screen(&t);
	nl_close(&t.nl);
	choice_clear(&t.best);
	samples_clear(&t.before);

	return rc;
}
