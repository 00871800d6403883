// SPDX-License-Identifier: GPL-2.0
/*
 * Tables, figures and paragraphs for people, fitted to the width of the terminal.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tool.h"

/* How many first rows decide about the width of the columns. */
#define GRID_LOOK	1000
/* The width that columns of addresses shrink to before a column is left out. */
#define ADDRESS_LEAST	21

int term_width(void)
{
	const char *env = getenv("COLUMNS");
	struct winsize ws;
	uint64_t v;

	if (env && parse_u64(env, 10000, &v) && v)
		return v;
	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws))
		return ws.ws_col;
	return 0;
}

/* ---- tables ---- */

void grid_begin(struct grid *g, const struct column *col, int n, const char *indent)
{
	memset(g, 0, sizeof(*g));
	g->col = col;
	g->n = n;
	g->indent = indent;
}

static int grid_total(const struct grid *g)
{
	int total = strlen(g->indent), shown = 0;

	for (int i = 0; i < g->n; i++) {
		if (!g->width[i])
			continue;
		total += g->width[i];
		shown++;
	}
	return total + (shown ? shown - 1 : 0);
}

static int grid_least_important(const struct grid *g)
{
	int worst = -1;

	for (int i = 0; i < g->n; i++)
		if (g->width[i] && g->col[i].prio &&
		    (worst < 0 || g->col[i].prio >= g->col[worst].prio))
			worst = i;
	return worst;
}

/* Make the columns fit a width. Columns of addresses shrink first, because a long address moves to
 * a line of its own. Then columns are left out, the least important first.
 */
static void grid_fit(struct grid *g, int width)
{
	int i, over;

	while (grid_total(g) > width && (i = grid_least_important(g)) >= 0) {
		over = grid_total(g) - width;
		for (int a = 0; a < g->n && over > 0; a++) {
			int give = g->width[a] - ADDRESS_LEAST;

			if (!g->col[a].address || give <= 0)
				continue;
			/* a column of addresses gives no more than is needed */
			give = give < over ? give : over;
			g->width[a] -= give;
			over -= give;
		}
		if (over > 0)
			g->width[i] = 0;
	}
	/* then the addresses of every row move to lines of their own */
	for (i = 0; i < g->n && grid_total(g) > width; i++)
		if (g->width[i] && g->col[i].address)
			g->width[i] = strlen(g->col[i].head);
	for (i = g->n - 1; i >= 0 && grid_total(g) > width; i--) {
		over = grid_total(g) - width;
		if (g->width[i] > 1)
			g->width[i] = g->width[i] - over > 1 ? g->width[i] - over : 1;
	}
}

static const char *cell_of(char **row, int i)
{
	return row[i] ? row[i] : "";
}

static void grid_layout(struct grid *g)
{
	int width = term_width();

	for (int i = 0; i < g->n; i++) {
		g->width[i] = strlen(g->col[i].head);
		for (size_t r = 0; r < g->nrows; r++) {
			int len = strlen(cell_of(&g->rows[r * g->n], i));

			if (len > g->width[i])
				g->width[i] = len;
		}
		/* a column without any value is left out */
		bool empty = g->nrows;

		for (size_t r = 0; r < g->nrows && empty; r++)
			empty = !*cell_of(&g->rows[r * g->n], i);
		if (empty)
			g->width[i] = 0;
	}
	if (width)
		grid_fit(g, width);
	g->laid_out = true;
}

static void grid_line(const struct grid *g, char **row)
{
	bool limit = term_width(), tall = false;
	int col = 0, last = 0;

	for (int i = 0; i < g->n; i++) {
		if (g->width[i])
			last = i;
		if (g->width[i] && g->col[i].address &&
		    (int)strlen(cell_of(row, i)) > g->width[i])
			tall = true;
	}
	for (int i = 0; i < g->n; i++) {
		const char *text = cell_of(row, i);
		int w = g->width[i], len = strlen(text);

		if (!w)
			continue;
		if (!col)
			fputs(g->indent, stdout);
		else
			putchar(' ');
		/* the addresses of a tall row follow on lines of their own */
		if (tall && g->col[i].address)
			text = "", len = 0;
		if (len > w && limit && !g->col[i].address)
			printf("%.*s~", w - 1, text);
		else if (g->col[i].right)
			printf("%*s", w, text);
		else if (i == last)
			fputs(text, stdout);
		else
			printf("%-*s", w, text);
		col += w + 1;
	}
	putchar('\n');
	if (!tall)
		return;
	for (int i = 0, nth = 0; i < g->n; i++)
		if (g->width[i] && g->col[i].address)
			printf("%s    %s %s\n", g->indent, nth++ ? ">" : " ", cell_of(row, i));
}

static void grid_head(const struct grid *g)
{
	char *row[GRID_COLS];

	for (int i = 0; i < g->n; i++)
		row[i] = (char *)g->col[i].head;
	grid_line(g, row);
}

static void grid_free(struct grid *g)
{
	for (size_t i = 0; i < g->nrows * g->n; i++)
		free(g->rows[i]);
	g->nrows = 0;
}

static void grid_flush(struct grid *g)
{
	if (!g->laid_out) {
		grid_layout(g);
		grid_head(g);
	}
	for (size_t r = 0; r < g->nrows; r++)
		grid_line(g, &g->rows[r * g->n]);
	grid_free(g);
}

void grid_row(struct grid *g, const char *const *cell)
{
	if (!g->rows)
		g->rows = xalloc(GRID_LOOK * g->n * sizeof(*g->rows));
	for (int i = 0; i < g->n; i++)
		g->rows[g->nrows * g->n + i] = cell[i] && *cell[i] ? strdup(cell[i]) : NULL;
	g->used = true;
	if (++g->nrows == GRID_LOOK || g->laid_out)
		grid_flush(g);
}

void grid_end(struct grid *g)
{
	if (g->nrows)
		grid_flush(g);
	free(g->rows);
	g->rows = NULL;
}

/* ---- figures ---- */

static const char *fig_scaled(char *buf, uint64_t v, uint64_t plain)
{
	static const char unit[] = " kMGTPE";
	double d = v;
	int u = 0;

	if (v < plain) {
		snprintf(buf, FIG, "%llu", (unsigned long long)v);
		return buf;
	}
	while (d >= 999.5 && unit[u + 1]) {
		d /= 1000;
		u++;
	}
	snprintf(buf, FIG, d < 9.995 ? "%.2f%c" : d < 99.95 ? "%.1f%c" : "%.0f%c", d, unit[u]);
	return buf;
}

const char *fig_count(char *buf, uint64_t v)
{
	return fig_scaled(buf, v, 100000);
}

const char *fig_bytes(char *buf, uint64_t v)
{
	return fig_scaled(buf, v, 1000);
}

const char *fig_time(char *buf, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (ms < 1000)
		snprintf(buf, FIG, "%llums", (unsigned long long)ms);
	else if (s < 60)
		snprintf(buf, FIG, "%llus", s);
	else if (s < 3600)
		snprintf(buf, FIG, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, FIG, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, FIG, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return buf;
}

/* ---- paragraphs ---- */

void say_wrapped(FILE *to, const char *first, const char *rest, const char *text)
{
	int width = term_width(), col = strlen(first);
	bool start = true;

	fputs(first, to);
	while (*text) {
		int len = strcspn(text, " ");

		if (!start && width && col + 1 + len > width) {
			fprintf(to, "\n%s", rest);
			col = strlen(rest);
			start = true;
		}
		if (!start) {
			fputc(' ', to);
			col++;
		}
		fprintf(to, "%.*s", len, text);
		col += len;
		start = false;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}
