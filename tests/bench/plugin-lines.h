/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lines of memory that a plugin has seen, by physical address. A plugin says what it knows of
 * each before it includes this: struct line, of which here are
 *	uint64_t line	physical address >> LINE_SHIFT, + 1; 0: free
 *	uint64_t virt	virtual address
 */
#ifndef PLUGIN_LINES_H
#define PLUGIN_LINES_H

#include "plugin.h"

static struct line *lines;
static uint64_t lines_size, lines_count;

static struct line *line_slot(uint64_t line)
{
	uint64_t i = line * 0x9e3779b97f4a7c15ull >> 20 & (lines_size - 1);

	while (lines[i].line && lines[i].line != line + 1)
		i = (i + 1) & (lines_size - 1);
	return &lines[i];
}

static void lines_grow(void)
{
	struct line *old = lines;
	uint64_t i, size = lines_size;

	lines_size = size ? size * 2 : 1 << 16;
	lines = zeroed(lines_size, sizeof(*lines));
	for (i = 0; i < size; i++)
		if (old[i].line)
			*line_slot(old[i].line - 1) = old[i];
	free(old);
}

static struct line *line_get(uint64_t line, uint64_t virt)
{
	struct line *l;

	if (lines_count * 2 >= lines_size)
		lines_grow();
	l = line_slot(line);
	if (!l->line) {
		lines_count++;
		l->line = line + 1;
		l->virt = virt;
	}
	return l;
}

static void lines_free(void)
{
	free(lines);
	lines = NULL;
	lines_size = lines_count = 0;
}

#endif /* PLUGIN_LINES_H */
